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


@pytest.fixture
def drawn(hands: Hands, clip: Path) -> Hands:
    """A project of one object, drawn on all frames, with doubt on 3 and 4, and more on 9."""
    hands.open(clip)
    hands.session.add_object("Ball")
    hands.session.replace_mask(truth(0), "Mask")
    cells = {}
    for frame in range(1, COUNT):
        confidence = {3: 0.5, 4: 0.45, 9: 0.1}.get(frame, 0.95)
        cells[frame, 1] = (None, Cell(PackedMask.pack(truth(frame)), confidence=confidence))
    hands.session.document.push_change(Change("drawn", cells, made_by=Author.RUN))
    hands.go_to(0)
    hands.bot.waitUntil(lambda: len(hands.window.reviewer.stretches) == 2)
    return hands


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
    assert step.text().startswith("Next: go through what is doubtful (F9, F8)")
    drawn.act("next_doubtful")
    drawn.wait_for_frame()
    drawn.act("looks_right")
    drawn.wait_for_frame()
    assert drawn.session.navigator.frame == 9 and [s.frame for s in drawn.window.reviewer.waiting] == [9]
    drawn.act("looks_right")
    assert not drawn.window.reviewer.waiting and "go through" not in step.text()
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


def test_a_frame_to_correct_that_is_not_doubtful_itself_is_not_called_so(hands: Hands, tmp_path: Path):
    hands.open(make_clip(tmp_path / "long.mp4", 24))
    hands.session.add_object("Ball")
    hands.session.replace_mask(truth(0), "Mask")
    cells = {}
    for frame in range(1, 24):
        confidence = LOW_CONFIDENCE - 0.1 if frame == 1 else 0.95 if frame < 10 else LOW_CONFIDENCE
        cells[frame, 1] = (None, Cell(PackedMask.pack(truth(frame)), confidence=confidence))
    hands.session.document.push_change(Change("drawn", cells, made_by=Author.RUN))
    hands.bot.waitUntil(lambda: hands.window.reviewer.suggestion is not None)
    frame = hands.window.reviewer.suggestion.frame
    assert [(s.first, s.last) for s in rows(hands)] == [(1, 1)] and frame > 8
    reason = hands.window.review_panel.next_card.reason.text()
    assert reason == f"Ball: the network is least sure around it; {frame} frames from a correction"
