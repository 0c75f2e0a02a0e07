"""Work of a person while a run goes on: undo it, paint, lock, delete, leave."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from window_parts import COUNT, Hands, overlap, truth

from core.masks.packed_mask import PackedMask
from core.project.model import Change
from core.project.project import Project
from core.studio.run_settings import Range
from pcvos_gui.session.runs import RunState


def begin(hands: Hands, clip: Path, clips: int = 2, second: bool = False) -> None:
    """Mark the moving disc on frame 0 (and, as object 2, the one that stands still), and run until clips are there."""
    hands.open(clip)
    hands.session.add_object("Ball")
    hands.session.replace_mask(truth(0), "Mask")
    if second:
        hands.session.add_object("Still")
        hands.paint((110, 16), brush=20)
    hands.window.view_state.set_follow(False)
    hands.begin_run(interval=1, direction="forward", range=Range.TO_END)
    hands.bot.waitUntil(lambda: hands.runs.progress.done > clips, timeout=120_000)
    assert hands.runs.state is RunState.RUNNING


def finish(hands: Hands) -> None:
    hands.bot.waitUntil(lambda: hands.runs.state is RunState.IDLE, timeout=120_000)


def test_undoing_a_run_under_way_stops_it_and_restores_exactly(hands: Hands, clip: Path):
    begin(hands, clip)
    before = hands.labels(0)
    assert hands.labels(1).any()
    action = hands.window.actions_by_name["undo"]
    assert action.text() == f"Undo: Propagate frames 0 to {COUNT - 1}"
    action.trigger()
    assert hands.runs.state is RunState.IDLE
    hands.bot.waitUntil(lambda: not hands.runs.is_stopping, timeout=120_000)
    assert np.array_equal(hands.labels(0), before)
    assert not any(hands.labels(i).any() for i in range(1, COUNT)), "what came later was dropped"
    (_, run), *_ = hands.session.document.project.runs()
    assert run.state == "stopped"
    hands.act("redo")
    assert hands.labels(1).any()
    hands.run(interval=7)
    assert hands.labels(COUNT - 1).any(), "the worker lives"


def test_a_stroke_made_during_a_run_is_undone_before_it_and_kept_by_it(hands: Hands, clip: Path):
    begin(hands, clip)
    hands.go_to(COUNT - 1)
    hands.paint((20, 85), (60, 85), brush=6)
    painted = hands.labels(COUNT - 1)
    finish(hands)
    assert np.array_equal(hands.labels(COUNT - 1), painted), "the run came to a corrected frame"
    drawn = hands.labels(5)
    hands.act("undo")
    assert not hands.labels(COUNT - 1).any() and np.array_equal(hands.labels(5), drawn)
    hands.act("redo")
    assert np.array_equal(hands.labels(COUNT - 1), painted)
    hands.act("undo")
    hands.act("undo")
    assert not any(hands.labels(i).any() for i in range(1, COUNT))
    hands.act("redo")
    hands.act("redo")
    assert np.array_equal(hands.labels(COUNT - 1), painted) and np.array_equal(hands.labels(5), drawn)


def test_an_object_deleted_during_a_run_stays_away_also_if_its_number_is_given_again(hands: Hands, clip: Path):
    begin(hands, clip, second=True)
    before = [hands.labels(i) for i in range(COUNT)]
    hands.session.delete_object(1)
    assert hands.session.add_object("Another") == 1
    hands.go_to(COUNT - 1)
    finish(hands)
    assert hands.runs.progress.done == COUNT - 1
    assert not any((hands.labels(i) == 1).any() for i in range(COUNT)), "the new object is not the old one"
    assert (hands.labels(COUNT - 1) == 2).any(), "the other one is carried on"
    hands.act("undo")
    hands.act("undo")
    assert all(np.array_equal(hands.labels(i) == 1, before[i] == 1) for i in range(2))


def test_an_object_locked_during_a_run_is_left_as_it_is(hands: Hands, clip: Path):
    hands.open(clip)
    hands.session.add_object("Wall")
    wall = np.zeros_like(truth(0))
    wall[:, 70:100] = True
    hands.go_to(COUNT - 1)  # where the ball will be in front of it
    hands.session.replace_mask(wall, "Mask")
    cell = hands.session.document.project.cell(COUNT - 1, 1)
    drawn = replace(cell, corrected=False, in_memory=False)
    hands.session.document.push_change(Change("as a run would have drawn it", {(COUNT - 1, 1): (cell, drawn)}))
    hands.session.add_object("Ball")
    hands.go_to(0)
    hands.session.replace_mask(truth(0), "Mask")
    hands.go_to(0)
    hands.window.view_state.set_follow(False)
    hands.begin_run(interval=1, direction="forward", range=Range.TO_END)
    hands.bot.waitUntil(lambda: hands.runs.progress.done > 2, timeout=120_000)
    hands.session.change_object(replace(hands.session.object(1), locked=True))
    assert hands.window.actions_by_name["undo"].text() == "Undo: Lock Wall"
    finish(hands)
    assert np.array_equal(hands.labels(COUNT - 1) == 1, wall)
    assert (hands.labels(COUNT - 2) == 2).any()


def test_leaving_during_a_run_does_not_wait_for_its_end_and_keeps_what_is_drawn(hands: Hands, clip: Path):
    begin(hands, clip)
    path = hands.session.document.project.path
    hands.session.may_leave = lambda: True
    assert hands.window.close()
    with Project.open(path) as stored:
        assert not stored.read_only
        assert stored.labels(1).any() and not stored.labels(COUNT - 1).any()
        (_, run), *_ = stored.runs()
        assert run.state == "stopped"


def test_esc_stops_a_run_at_once_and_says_what_still_ends(hands: Hands, clip: Path):
    begin(hands, clip, clips=1)
    hands.window.canvas.setFocus()
    hands.bot.keyClick(hands.view, Qt.Key.Key_Escape)
    assert hands.runs.state is RunState.IDLE and hands.runs.is_stopping
    assert hands.window.propagation_panel.status.text() == "Stopping…"
    hands.act("propagate")
    assert "Ending" in hands.window.propagation_panel.status.text() or not hands.runs.is_stopping
    hands.bot.waitUntil(lambda: hands.runs.state is RunState.RUNNING and not hands.runs.is_stopping, timeout=60_000)
    finish(hands)
    assert hands.labels(COUNT - 1).any()


def test_esc_drops_a_scribble_before_it_stops_a_run(hands: Hands, clip: Path):
    begin(hands, clip, clips=1)
    hands.scribble((40, 48), (50, 48))
    hands.bot.keyClick(hands.view, Qt.Key.Key_Escape)
    assert not hands.window.canvas.tool.is_busy and not hands.runs.is_stopping
    finish(hands)  # the mark has not waited for the run


def ready_with_a_scribble(hands: Hands, clip: Path) -> None:
    hands.open(clip)
    hands.scribble((20, 48), (40, 48))
    hands.runs.next.set_settings(
        replace(hands.runs.next.settings, resolution=96, device="cpu", range=Range.TO_END, interval=7)
    )


def by_button(hands: Hands) -> None:
    hands.bot.mouseClick(hands.window.propagation_panel.run_button, Qt.MouseButton.LeftButton)


def by_keys(hands: Hands) -> None:
    hands.window.activateWindow()
    hands.view.setFocus()
    hands.bot.waitUntil(hands.view.hasFocus, timeout=5000)
    hands.bot.keyClick(hands.view, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)


def by_menu(hands: Hands) -> None:
    hands.act("propagate")


@pytest.mark.parametrize("begin_by", [by_button, by_keys, by_menu])
@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_run_accepts_an_open_scribble_however_it_is_begun(hands: Hands, clip: Path, begin_by, elsewhere: bool):
    ready_with_a_scribble(hands, clip)
    if elsewhere:
        hands.go_to(COUNT // 2)
        assert hands.window.canvas.waiting_bar.isVisible() and not hands.labels(0).any()
        hands.runs.next.set_settings(replace(hands.runs.next.settings, direction="both"))
    begin_by(hands)
    assert hands.runs.is_busy and hands.labels(0).any()
    assert not hands.window.canvas.waiting_bar.isVisible() and not hands.window.canvas.tool.is_busy
    finish(hands)
    assert hands.labels(1).any()


def test_a_locked_object_is_drawn_where_it_has_no_mask_and_stays_where_it_has_one(hands: Hands, clip: Path):
    hands.open(clip)
    hands.session.add_object("Ball")
    hands.session.replace_mask(truth(0), "Mask")
    hands.run(interval=5, direction="forward", range=Range.TO_END)
    drawn = [hands.labels(frame) for frame in range(COUNT)]
    hands.session.document.clear(7, COUNT - 1)
    wrong = hands.session.document.project.cell(5, 1)
    hands.session.document.push_change(
        Change("as an earlier run drew it", {(5, 1): (wrong, replace(wrong, mask=still()))})
    )
    hands.act("toggle_locked")
    hands.run(interval=5, direction="both", range=Range.TO_END)
    assert hands.runs.progress.done > 0
    for frame in range(7, COUNT):
        assert overlap(hands.labels(frame) == 1, drawn[frame] == 1) > 0.8
    assert hands.session.document.project.cell(5, 1).mask == still(), "what is there is protected"
    assert all(np.array_equal(hands.labels(frame), drawn[frame]) for frame in (0, 1, 2, 3, 4, 6))
    hands.act("undo")
    assert not hands.labels(COUNT - 1).any() and hands.labels(6).any()


def test_a_run_that_may_draw_nothing_says_that_locks_are_why(hands: Hands, clip: Path):
    hands.open(clip)
    hands.session.add_object("Ball")
    hands.session.replace_mask(truth(0), "Mask")
    hands.run(interval=5, direction="forward", range=Range.TO_END)
    hands.act("toggle_locked")
    hands.act("propagate")
    assert hands.runs.state is RunState.IDLE and hands.told("locked", "unlock")


def still() -> PackedMask:
    mask = np.zeros_like(truth(0))
    mask[6:26, 100:120] = True
    return PackedMask.pack(mask)


def test_a_run_accepts_a_scribble_that_was_left_by_a_crash(hands: Hands, clip: Path, qtbot):
    ready_with_a_scribble(hands, clip)
    hands.session.change_object(replace(hands.session.object(1), name="Ball"))  # so that it stays without a mark
    stored = hands.session.document.project.content.marks
    hands.window.canvas.drop()
    hands.go_to(COUNT - 1)
    hands.session.document.project.keep(marks=stored)  # as a process that was killed leaves it
    hands.act("close")
    hands.open(clip)
    assert hands.window.canvas.waiting_bar.isVisible() and not hands.labels(0).any()
    hands.runs.next.set_settings(replace(hands.runs.next.settings, direction="both"))
    hands.act("propagate")
    assert hands.runs.is_busy and hands.labels(0).any()
    finish(hands)


def test_keys_with_ctrl_are_never_the_scribbles(hands: Hands, clip: Path):
    ready_with_a_scribble(hands, clip)
    hands.window.activateWindow()
    hands.view.setFocus()
    hands.bot.waitUntil(hands.view.hasFocus, timeout=5000)
    hands.bot.keyClick(hands.view, Qt.Key.Key_Backspace, Qt.KeyboardModifier.ControlModifier)
    assert not hands.session.objects, "Ctrl+Backspace deletes the object"


def test_weights_that_are_gone_are_replaced_by_the_shipped_ones_where_asked(hands: Hands, clip: Path, tmp_path: Path):
    hands.open(clip)
    hands.session.add_object("Ball")
    hands.session.replace_mask(truth(0), "Mask")
    hands.run(weights=str(tmp_path / "gone.safetensors"))
    assert hands.told("no weights file", "gone.safetensors") and hands.session.document.project.cell(5, 1) is None
    hands.press("Use the shipped weights")
    hands.bot.waitUntil(lambda: hands.runs.state is RunState.IDLE, timeout=120_000)
    assert hands.session.document.project.cell(5, 1) is not None and hands.runs.next.settings.weights == ""
