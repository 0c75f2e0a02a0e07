"""After a correction: the next run draws only what that touches, and says so; everything is one click away."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from window_parts import COUNT, Hands, truth

from core.studio.run_settings import Range

CORRECTED = 6


@pytest.fixture
def corrected(hands: Hands, clip: Path) -> Hands:
    """A ball that was propagated from frames 0 and 12, and corrected on frame 6."""
    hands.open(clip)
    hands.session.add_object("Ball")
    for frame in (12, 0):
        hands.go_to(frame)
        hands.session.replace_mask(truth(frame), "Mask")
    hands.window.view_state.set_follow(False)
    hands.run(interval=2, direction="forward", range=Range.TO_END)
    hands.go_to(CORRECTED)
    hands.session.replace_mask(truth(CORRECTED) & (np.arange(128) < 60), "Mask")
    return hands


def test_only_the_stretch_around_a_correction_is_drawn_and_undo_takes_it_back(corrected: Hands):
    hands, panel = corrected, corrected.window.propagation_panel
    assert hands.runs.next.touched.frames == (CORRECTED,) and hands.runs.next.frames_to_draw() == (1, 11)
    assert "Around frame 6" in panel.frames_label.text() and "at most frames 1 to 11" in panel.frames_label.text()
    assert panel.everything_button.isVisibleTo(panel)
    hands.bot.waitUntil(lambda: "at most" in panel.interval.cost.text(), timeout=5000)
    before = {frame: hands.labels(frame) for frame in range(COUNT)}
    hands.run()
    assert hands.session.undo_stack.undoText() == "Propagate frames 1 to 11"
    (_, info) = hands.session.document.project.runs()[-1]
    assert info.state == "done" and info.settings["around"] == [CORRECTED] and info.frames <= 10
    assert np.array_equal(hands.labels(13), before[13]) and np.array_equal(hands.labels(12), before[12])
    assert any(not np.array_equal(hands.labels(frame), before[frame]) for frame in range(1, 12))
    drawn = [frame for (frame, _), _ in hands.session.document.project.kept_runs.cells(2, 0, COUNT)]
    assert hands.told(f"Done: {info.frames} frames ({min(drawn)} to {max(drawn)}) in")
    assert hands.runs.next.touched is None and not panel.everything_button.isVisibleTo(panel)
    hands.act("undo")
    assert all(np.array_equal(hands.labels(frame), before[frame]) for frame in range(COUNT))


def test_everything_is_one_click_away(corrected: Hands):
    hands, panel = corrected, corrected.window.propagation_panel
    hands.bot.mouseClick(panel.everything_button, Qt.MouseButton.LeftButton)
    hands.bot.waitUntil(lambda: not hands.runs.is_busy, timeout=120_000)
    (_, info) = hands.session.document.project.runs()[-1]
    assert "around" not in info.settings and (info.start, info.end) == (CORRECTED, COUNT - 1)
