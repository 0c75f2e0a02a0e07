"""Hand over, through the real window: a key declares an object or a stretch done; it is kept, counted, undone, told."""

from dataclasses import replace
from pathlib import Path

import pytest
from exchange_parts import choose
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from window_parts import COUNT, Hands, truth

from core.masks.packed_mask import PackedMask
from core.project.model import Author, Cell, Change, DoneStretch
from core.project.project import Project
from pcvos_gui.dialogs.export_dialog import ExportDialog


@pytest.fixture
def drawn(hands: Hands, clip: Path) -> Hands:
    """Two objects, drawn on all frames; the second is the active one."""
    hands.open(clip)
    for id in (1, 2):
        hands.session.add_object(f"Ball {id}")
        cells = {(f, id): (None, Cell(PackedMask.pack(truth(f)), confidence=0.9)) for f in range(COUNT)}
        hands.session.document.push_change(Change("drawn", cells, made_by=Author.RUN))
    hands.go_to(5)
    return hands


class Shows(QObject):
    """Counts how often a widget is shown."""

    def __init__(self, widget: QWidget):
        super().__init__(widget)
        self.count = 0
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.count += event.type() == QEvent.Type.Show
        return False


def test_a_step_shows_nothing_of_the_status_bar_for_a_moment(drawn: Hands):
    """Each time it did, the window was laid out anew, twice a step."""
    shows = [Shows(widget) for widget in drawn.window.status.findChildren(QWidget)]
    for frame in (6, 7):
        drawn.go_to(frame)
    assert sum(each.count for each in shows) == 0


def done(hands: Hands) -> tuple[DoneStretch, ...]:
    return hands.session.document.project.done


def test_a_key_sets_the_object_done_opens_it_again_and_can_be_undone(drawn: Hands):
    assert drawn.window.actions_by_name["toggle_done"].shortcut().toString() == "Shift+D"
    assert not drawn.window.status.done.isVisible(), "nobody hands over"
    drawn.act("toggle_done")
    assert done(drawn) == (DoneStretch(2, 0, COUNT - 1),)
    assert drawn.window.status.done.text() == "done: 50 %, this object 100 % ·"
    drawn.act("toggle_done")
    assert done(drawn) == ()
    drawn.act("undo")
    assert done(drawn) == (DoneStretch(2, 0, COUNT - 1),)
    drawn.act("undo")
    assert done(drawn) == ()


def test_a_stretch_between_in_and_out(drawn: Hands):
    drawn.runs.next.set_in_out(3, 6)
    drawn.act("toggle_done")
    assert done(drawn) == (DoneStretch(2, 3, 6),)
    rows = drawn.window.timeline.rows
    assert "Done: nothing changes it" in rows.text_at(rows.place_of(2).center()) or rows.make_menu(2, 4).actions()
    texts = [action.text() for action in rows.make_menu(1, 4).actions()]
    assert texts[0] == "Ball 1: done on frames 3 to 6"
    rows.make_menu(1, 4).actions()[0].trigger()
    assert DoneStretch(1, 3, 6) in done(drawn)
    drawn.runs.next.set_in_out(None, None)
    drawn.act("toggle_done")
    assert done(drawn) == (DoneStretch(1, 3, 6),), "the stretch that one stands on is opened"


def test_what_is_done_is_not_painted_and_a_message_says_why(drawn: Hands):
    drawn.act("toggle_done")
    before = drawn.session.document.project.cell(5, 2)
    drawn.paint((100, 80), (110, 85))
    assert drawn.told("Ball 2 is done on this frame", "Shift+D")
    drawn.act("clear_here")
    assert drawn.session.document.project.cell(5, 2) == before
    drawn.act("toggle_done")
    assert not drawn.told("is done on this frame"), "it no longer holds"
    drawn.act("clear_here")
    assert drawn.session.document.project.cell(5, 2) is None


def test_merging_into_what_is_done_is_refused_in_one_sentence(drawn: Hands):
    drawn.act("toggle_done")
    drawn.session.merge_objects(1, 2)
    assert drawn.told("Ball 2 is done on frame 0: open it again")
    assert len(drawn.session.objects) == 2


def test_a_run_leaves_what_is_done_and_it_stays_so_when_the_project_is_opened_again(hands: Hands, clip: Path):
    hands.open(clip)
    hands.session.add_object("Ball")
    hands.session.replace_mask(truth(0), "Mask")
    mask = PackedMask.pack(truth(9))
    hands.session.document.push_change(Change("drawn", {(4, 1): (None, Cell(mask, confidence=0.9))}))
    hands.session.document.set_done(1, 4, 5, True)
    hands.run(interval=3, direction="forward")
    project = hands.session.document.project
    assert project.cell(4, 1).mask == mask and project.cell(5, 1) is None and project.cell(6, 1) is not None
    path = project.path
    assert hands.session.close()
    with Project.open(path) as again:
        assert again.done == (DoneStretch(1, 4, 5),)


def test_the_export_dialog_says_what_is_not_done(drawn: Hands, tmp_path: Path):
    drawn.act("toggle_done")
    drawn.act("export")
    dialog = drawn.dialog(ExportDialog)
    choose(drawn, dialog, "png", tmp_path / "out", True)
    assert "Not done yet: Ball 1 on all frames." in dialog.note.text()
    dialog.reject()


def test_all_that_is_done_leads_to_the_export_and_needs_no_review(drawn: Hands):
    project = drawn.session.document.project
    doubtful = {(7, 2): (cell := project.cell(7, 2), replace(cell, confidence=0.1))}
    drawn.session.document.push_change(Change("doubt", doubtful, made_by=Author.RUN))
    drawn.window.reviewer.refresh()
    assert len(drawn.window.reviewer.waiting) == 1
    for id in (1, 2):
        drawn.session.set_active(id)
        QTest.keyClick(drawn.view, Qt.Key.Key_D, Qt.KeyboardModifier.ShiftModifier)
    drawn.window.reviewer.refresh()
    assert not drawn.window.reviewer.stretches and drawn.window.reviewer.suggestion is None
    assert drawn.window.canvas.strip.step.text().startswith("Everything is done")


def test_doubt_that_is_declared_done_is_told_until_it_is_undone(drawn: Hands):
    project = drawn.session.document.project
    doubtful = {(f, 2): (project.cell(f, 2), Cell(PackedMask.pack(truth(f)), confidence=0.2)) for f in (3, 4)}
    gone = {(f, 2): (project.cell(f, 2), None) for f in (9, 10, 11)}
    drawn.session.document.push_change(Change("doubt", doubtful | gone, made_by=Author.RUN))
    drawn.act("toggle_done")
    assert drawn.told("Ball 2 is done", "1 place in doubt and 3 frames never processed")
    drawn.session.undo_stack.undo()
    assert not drawn.told("Ball 2 is done") and not project.done
    drawn.session.set_active(1)
    drawn.act("toggle_done")
    assert not drawn.told("is done"), "nothing of it deserves a look"
