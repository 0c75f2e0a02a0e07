"""The way to what deserves a look, through the real window: the list, keys, ticks, and what a run says at its end."""

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from window_parts import COUNT, Hands, make_clip, truth

from core.masks.packed_mask import PackedMask
from core.project.model import Author, Cell, Change
from core.propagation import doubt
from core.propagation.doubt import LOW_CONFIDENCE
from pcvos_gui.panels.review import STRETCH_ROLE


def draw(hands: Hands, confidence: dict[tuple[int, int], float], count: int = COUNT) -> None:
    """As a run draws them: masks of objects on all frames of `count` but the first, sure but where `confidence`, by
    (frame, object), says otherwise."""
    cells = {}
    for frame in range(1, count):
        for obj in hands.session.objects:
            key = frame, obj.id
            cells[key] = (None, Cell(PackedMask.pack(truth(frame)), confidence=confidence.get(key, 0.95)))
    hands.session.document.push_change(Change("drawn", cells, made_by=Author.RUN))


@pytest.fixture
def drawn(hands: Hands, clip: Path) -> Hands:
    """A project of one object, drawn on all frames, with doubt on 3 and 4, and more on 9."""
    hands.open(clip)
    hands.session.add_object("Ball")
    hands.session.replace_mask(truth(0), "Mask")
    draw(hands, {(3, 1): 0.5, (4, 1): 0.45, (9, 1): 0.1})
    hands.go_to(0)
    hands.bot.waitUntil(lambda: len(hands.window.reviewer.stretches) == 2)
    return hands


@pytest.fixture
def two(hands: Hands, clip: Path) -> Hands:
    """Two objects, drawn on all frames: Ball with doubt on 3 to 5, Shadow on 4 and on 9."""
    hands.open(clip)
    for name in ("Ball", "Shadow"):
        hands.session.add_object(name)
        hands.session.replace_mask(truth(0), "Mask")
    draw(hands, {(3, 1): 0.5, (4, 1): 0.5, (5, 1): 0.4, (4, 2): 0.3, (9, 2): 0.1})
    hands.go_to(0)
    hands.bot.waitUntil(lambda: len(hands.window.reviewer.stretches) == 3)
    hands.window.show_dock("review")
    return hands


def chosen(hands: Hands) -> tuple[int, int, int] | None:
    """Object and frames of the row that is highlighted."""
    stretch = hands.window.review_panel.view.currentIndex().data(STRETCH_ROLE)
    return None if stretch is None else (stretch.object, stretch.first, stretch.last)


def place(hands: Hands) -> tuple[int, int]:
    """The frame looked at, and the active object."""
    return hands.session.navigator.frame, hands.session.active


def rows(hands: Hands) -> list:
    model = hands.window.review_panel.model
    return [model.index(row).data(STRETCH_ROLE) for row in range(model.rowCount())]


def test_the_worst_stretch_comes_first_and_a_click_goes_there(drawn: Hands):
    panel = drawn.window.review_panel
    drawn.window.show_dock("review")
    assert [(s.first, s.last) for s in rows(drawn)] == [(9, 9), (3, 4)]
    assert "Ball: Frames 3 to 4" in panel.model.index(1).data(Qt.ItemDataRole.AccessibleTextRole)
    assert not panel.grab().isNull()
    at = panel.view.visualRect(panel.model.index(0)).center()
    QTest.mouseClick(panel.view.viewport(), Qt.MouseButton.LeftButton, pos=at)
    drawn.wait_for_frame()
    assert drawn.session.navigator.frame == 9 and drawn.session.active == 1


def test_keys_go_from_doubt_to_doubt(drawn: Hands):
    drawn.view.setFocus()
    seen = []
    for name in ("next_doubtful", "next_doubtful", "next_doubtful", "previous_doubtful"):
        drawn.act(name)
        drawn.wait_for_frame()
        seen.append(drawn.session.navigator.frame)
    assert seen == [4, 9, 4, 9]
    keys = {name: drawn.window.actions_by_name[name].shortcut().toString() for name in ("next_doubtful",)}
    assert keys == {"next_doubtful": "F8"}


def test_a_key_ticks_off_what_looks_right_and_goes_on(drawn: Hands):
    project, step = drawn.session.document.project.path, drawn.window.canvas.strip.step
    drawn.act("close")
    drawn.open(project)  # nothing has been corrected since it was propagated
    assert step.text().startswith("Next: go through the 2 places in doubt (F9, F8)")
    drawn.act("next_doubtful")
    drawn.wait_for_frame()
    assert step.text().startswith("Ball: may be something else, frames 3 to 4. Fix it, or tick it off (F7)")
    assert step.text().endswith("; 1 more waits (F8)")
    drawn.act("looks_right")
    drawn.wait_for_frame()
    assert drawn.session.navigator.frame == 9 and [s.frame for s in drawn.window.reviewer.waiting] == [9]
    assert step.text().endswith("; no other waits")
    drawn.go_to(12)
    assert step.text().startswith("Next: look at the one place in doubt (F8)")
    drawn.go_to(9)
    drawn.act("looks_right")
    assert not drawn.window.reviewer.waiting and "in doubt" not in step.text()
    drawn.act("looks_right")
    assert drawn.told("Nothing of this object is in doubt here")


def test_its_buttons_are_in_sight_in_a_low_window(drawn: Hands):
    drawn.window.resize(1200, 560)
    drawn.window.show_dock("review")
    panel = drawn.window.review_panel
    for button in (panel.tick_button, panel.next_button):
        drawn.bot.waitUntil(lambda b=button: b.visibleRegion().boundingRect() == b.rect())


def test_what_is_ticked_off_is_passed_over_and_can_be_opened_again(drawn: Hands):
    panel = drawn.window.review_panel
    drawn.window.show_dock("review")
    drawn.go_to(9)
    assert panel.tick_button.text() == "Looks right"
    QTest.mouseClick(panel.tick_button, Qt.MouseButton.LeftButton)
    assert [(s.frame, s.ticked) for s in rows(drawn)] == [(4, False), (9, True)]
    drawn.act("next_doubtful")
    drawn.wait_for_frame()
    assert drawn.session.navigator.frame == 4
    drawn.go_to(9)
    assert panel.tick_button.text() == "Open again"
    QTest.mouseClick(panel.tick_button, Qt.MouseButton.LeftButton)
    assert not any(s.ticked for s in rows(drawn))


def test_a_correction_takes_its_frame_off_the_list(drawn: Hands):
    drawn.go_to(9)
    drawn.act("accept_frame")
    drawn.bot.waitUntil(lambda: [s.frame for s in rows(drawn)] == [4])
    drawn.act("undo")
    drawn.bot.waitUntil(lambda: len(rows(drawn)) == 2)


def test_where_nothing_is_doubtful_the_key_says_so(hands: Hands, clip: Path):
    hands.open(clip)
    hands.act("next_doubtful")
    assert hands.told("Nothing here deserves a look") and not rows(hands)
    assert not hands.window.review_panel.next_button.isEnabled()


def test_where_nothing_is_doubtful_after_a_run_the_list_says_that_this_is_no_proof(hands: Hands, clip: Path):
    hands.open(clip)
    hands.session.add_object("Ball")
    hands.session.replace_mask(truth(0), "Mask")
    hands.window.show_dock("review")
    text = hands.window.review_panel.empty.text
    assert text().startswith("After a propagation")
    cells = {(f, 1): (None, Cell(PackedMask.pack(truth(f)), confidence=0.95)) for f in range(1, COUNT)}
    hands.session.document.push_change(Change("drawn", cells, made_by=Author.RUN))
    assert text().startswith("No frame is in doubt. The network can be sure and wrong")
    project = hands.session.document.project.path
    hands.act("close")
    hands.open(project)  # nothing has been corrected since it was propagated
    assert "if none is, declare it done (Shift+D) or export" in hands.window.canvas.strip.step.text()


def test_a_run_counts_what_deserves_a_look_and_leads_there(hands: Hands, clip: Path, monkeypatch):
    monkeypatch.setattr(doubt, "LOW_CONFIDENCE", 1.01)  # whatever it draws
    hands.open(clip)
    hands.session.add_object("Ball")
    hands.session.replace_mask(truth(0), "Mask")
    hands.run(interval=3, direction="forward")
    assert hands.told("1 place deserves a look")
    message = hands.window.messages.shown
    assert [action.text for action in message.actions] == ["Review"]
    message.actions[0].run()
    hands.wait_for_frame()
    suggested = hands.window.reviewer.suggestion
    assert hands.window.review_panel.isVisible() and hands.session.navigator.frame == suggested.frame > 0


def test_a_read_only_project_is_looked_through_but_not_ticked(drawn: Hands):
    drawn.session.document.project.read_only = True
    stretch = rows(drawn)[0]
    drawn.window.reviewer.tick(replace(stretch))
    drawn.window.reviewer.refresh()
    assert not any(s.ticked for s in rows(drawn))


def test_the_frame_to_correct_next_is_on_top_with_its_reason_and_a_key_goes_there(drawn: Hands):
    card = drawn.window.review_panel.next_card
    drawn.window.show_dock("review")
    suggested = drawn.window.reviewer.suggestion
    assert card.isVisible() and card.title.text() == f"Correct next: frame {suggested.frame}"
    assert card.reason.text() == "Ball: frame 9, may be something else; 9 frames from a correction"
    QTest.mouseClick(card.button, Qt.MouseButton.LeftButton)
    drawn.wait_for_frame()
    assert drawn.session.navigator.frame == suggested.frame == 9
    drawn.go_to(0)
    drawn.act("correct_next")
    drawn.wait_for_frame()
    assert drawn.session.navigator.frame == 9
    assert drawn.window.actions_by_name["correct_next"].shortcut().toString() == "F9"
    for stretch in rows(drawn):
        drawn.window.reviewer.tick(stretch)
    assert not card.isVisible()
    drawn.act("correct_next")
    assert drawn.told("Nothing here deserves a look")


def test_the_frame_to_correct_next_is_one_of_those_that_are_listed(hands: Hands, tmp_path: Path):
    hands.open(make_clip(tmp_path / "long.mp4", 24))
    hands.session.add_object("Ball")
    hands.session.replace_mask(truth(0), "Mask")
    draw(hands, {(1, 1): LOW_CONFIDENCE - 0.1} | {(frame, 1): LOW_CONFIDENCE for frame in range(10, 24)}, 24)
    hands.bot.waitUntil(lambda: hands.window.reviewer.suggestion is not None)
    assert [(s.first, s.last) for s in rows(hands)] == [(1, 1)]
    hands.go_to(20)
    hands.act("correct_next")
    hands.wait_for_frame()
    assert place(hands) == (1, 1) and chosen(hands) == (1, 1, 1)
    hands.act("looks_right")
    assert not hands.window.reviewer.waiting


@pytest.mark.parametrize("way", ["next_doubtful", "previous_doubtful", "correct_next", "row"])
def test_every_way_to_a_stretch_makes_its_object_active_and_highlights_its_row(two: Hands, way: str):
    two.session.set_active(1)
    two.go_to(8 if way == "next_doubtful" else 12)
    assert chosen(two) is None
    if way == "row":
        view = two.window.review_panel.view
        row = [(s.object, s.first) for s in rows(two)].index((2, 9))
        view.scrollTo(view.model().index(row, 0))
        at = view.visualRect(view.model().index(row, 0)).center()
        QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=at)
    else:
        two.act(way)
    two.wait_for_frame()
    assert chosen(two) == (2, 9, 9) and place(two) == (9, 2)


def test_the_highlight_is_the_active_objects_stretch_here_or_none(two: Hands):
    button = two.window.review_panel.tick_button
    two.session.set_active(1)
    seen = []
    for frame, obj in ((4, 1), (4, 2), (5, 2), (5, 1), (6, 1), (9, 1), (9, 2)):
        two.session.set_active(obj)
        two.go_to(frame)
        seen.append(chosen(two))
        assert button.isEnabled() == (chosen(two) is not None) and place(two) == (frame, obj)
    assert seen == [(1, 3, 5), (2, 4, 4), None, (1, 3, 5), None, None, (2, 9, 9)]


@pytest.mark.parametrize("how", ["button", "key"])
@pytest.mark.parametrize(("frame", "obj"), [(4, 1), (4, 2), (5, 2)])
def test_the_button_and_the_key_mean_the_same_stretch(two: Hands, frame: int, obj: int, how: str):
    two.session.set_active(obj)
    two.go_to(frame)
    if how == "button":
        QTest.mouseClick(two.window.review_panel.tick_button, Qt.MouseButton.LeftButton)
    else:
        two.act("looks_right")
    ticked = [(s.object, s.first, s.last) for s in rows(two) if s.ticked]
    assert ticked == {(4, 1): [(1, 3, 5)], (4, 2): [(2, 4, 4)], (5, 2): []}[frame, obj]


def test_the_keys_of_the_list_go_through_the_footage(two: Hands):
    view = two.window.review_panel.view
    view.setFocus()
    listed = [(s.frame, s.object) for s in rows(two)]
    for step, key in ((0, Qt.Key.Key_Down), (1, Qt.Key.Key_Down), (2, Qt.Key.Key_Down), (1, Qt.Key.Key_Up)):
        QTest.keyClick(view, key)
        two.wait_for_frame()
        assert place(two) == listed[step] and view.currentIndex().row() == step


def test_a_frame_that_nothing_was_drawn_on_inside_a_stretch_has_a_row_of_its_own(drawn: Hands):
    project = drawn.session.document.project
    gone = {(frame, 1): (project.cell(frame, 1), None) for frame in (5, 6)}
    low = {(7, 1): (project.cell(7, 1), replace(project.cell(7, 1), confidence=0.3))}
    drawn.session.document.push_change(Change("changed", gone | low, made_by=Author.RUN))
    drawn.bot.waitUntil(lambda: [(s.first, s.last) for s in rows(drawn)] == [(3, 9), (5, 6)])
    seen = []
    for frame in (4, 5, 6, 7):
        drawn.go_to(frame)
        seen.append(chosen(drawn))
    assert seen == [(1, 3, 9), (1, 5, 6), (1, 5, 6), (1, 3, 9)]


def test_a_frame_that_was_just_corrected_is_no_longer_called_doubtful(drawn: Hands):
    step = drawn.window.canvas.strip.step
    drawn.go_to(3)
    assert step.text().startswith("Ball: may be something else, frames 3 to 4.")
    drawn.act("accept_frame")
    drawn.bot.waitUntil(lambda: drawn.window.reviewer.is_settled)
    assert not step.text().startswith("Ball:")


def test_the_reason_is_told_of_the_object_in_hand(two: Hands):
    step = two.window.canvas.strip.step
    two.session.set_active(1)
    two.go_to(4)
    assert step.text().startswith("Ball: may be something else, frames 3 to 5.") and "2 more wait (F8)" in step.text()
    two.session.set_active(2)
    assert step.text().startswith("Shadow:") and "frame 4." in step.text()
