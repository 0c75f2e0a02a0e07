"""Why: pointing at a pixel shows the memory it was read from; parts of the method are left out, and flipped."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication
from window_parts import COUNT, HEIGHT, WIDTH, Hands, picture, truth

from core.media.writer import VideoWriter
from pcvos_gui.canvas.why_overlay import HEAT
from pcvos_gui.session.side_by_side import Seen


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A moving ball, and another one like it that stands still."""
    path = tmp_path / "balls.mp4"
    with VideoWriter(path, (HEIGHT, WIDTH), 25) as video:
        for frame in range(COUNT):
            image = picture(frame)
            cv2.circle(image, (110, 16), 10, (230, 120, 40), -1)
            cv2.circle(image, (106, 12), 4, (250, 240, 90), -1)
            video.write(image)
    return path


@pytest.fixture
def drawn(hands: Hands, clip: Path) -> Hands:
    """A ball that was propagated at L = 5, and frame 8, with the tool in hand."""
    hands.open(clip)
    hands.session.add_object("Ball")
    hands.session.replace_mask(truth(0), "Mask")
    hands.window.view_state.set_follow(False)
    hands.run(interval=5, progressive=2, direction="forward")
    hands.go_to(8)
    hands.act("tool_why")
    return hands


def hover(hands: Hands, x: float, y: float) -> None:
    viewport = hands.view.viewport()
    at = QPointF(hands.view.to_view(QPointF(x, y)).toPoint())
    none = Qt.MouseButton.NoButton
    where = viewport.mapToGlobal(at)
    QApplication.sendEvent(
        viewport, QMouseEvent(QEvent.Type.MouseMove, at, where, none, none, Qt.KeyboardModifier.NoModifier)
    )


def test_pointing_at_a_pixel_shows_what_it_was_read_from(drawn: Hands):
    hands, why, panel = drawn, drawn.window.why, drawn.window.why_panel
    assert panel.isVisible(), "the tool brings it"
    hover(hands, 62.5, 48.5)
    hands.bot.waitUntil(lambda: why.reads is not None, timeout=60_000)
    assert why.point == (62, 48) and hands.window.why_overlay.point.isVisible()
    rows = [panel.list.item(row).text() for row in range(panel.list.count())]
    assert sorted(rows) == ["Frame 0: marked", "Frame 5: propagated", "Frame 7: of this clip"]
    assert "Ball on frame 8, from 3 memory frames (propagation 1, forward)" in panel.words.text()
    on_ball = [read.share for read in why.reads if truth(read.source.frame)[int(read.y), int(read.x)]]
    assert sum(on_ball) > 0.8, "the ball was read from the ball"
    hands.drag((20.5, 20.5))
    hands.bot.waitUntil(lambda: why.reads is not None, timeout=60_000)
    hover(hands, 62.5, 48.5)
    assert why.is_held and why.point == (20, 20), "a click holds it"
    on_ball = [read.share for read in why.reads if truth(read.source.frame)[int(read.y), int(read.x)]]
    assert sum(on_ball) < 0.2, "the ground from the ground"
    panel.list.itemClicked.emit(panel.list.findItems("Frame 0", Qt.MatchFlag.MatchStartsWith)[0])
    hands.wait_for_frame()
    hands.bot.waitUntil(lambda: why.explained is not None, timeout=60_000)
    assert "was marked by hand on frame 0" in panel.words.text() and not panel.list.count()


def test_parts_are_left_out_and_flipped_and_uncertainty_is_seen(drawn: Hands):
    hands, why, panel, sides = drawn, drawn.window.why, drawn.window.why_panel, drawn.window.sides
    hands.bot.waitUntil(lambda: why.can_ablate, timeout=60_000)
    there = {frame: hands.labels(frame) for frame in range(6, 11)}
    hands.bot.mouseClick(panel.button, Qt.MouseButton.LeftButton)
    assert panel.button.text() == "Stop"
    hands.bot.waitUntil(lambda: not why.is_ablating, timeout=120_000)
    texts = [panel.parts.item(row).text() for row in range(panel.parts.count())]
    told, _, agreement = texts[0].rpartition(" ")
    assert told == "As it was, drawn again: agreement" and float(agreement) >= 0.99 and len(texts) == 5
    panel.parts.itemClicked.emit(panel.parts.item(1))
    hands.act("flip_sides")
    assert sides.seen is Seen.OTHER and hands.window.other_side.badge.text() == "Without refinement"
    without = hands.window.other_side.item.labels
    np.testing.assert_array_equal(without == 1, why.ablations["refinement"].cells[8, 1].mask.unpack())
    assert not np.array_equal(without, there[8])
    assert all(np.array_equal(hands.labels(frame), there[frame]) for frame in there), "nothing entered the project"
    hands.act("uncertainty")
    heat = hands.window.why_overlay.heat
    assert heat.isVisible() and heat.levels.max() > 100 and panel.uncertainty.isChecked() and not HEAT[0] >> 24
    assert heat.levels[12, 15] < 40, "sure of the middle of the ball"
    panel.distractors.setChecked(True)
    found = why.ablations[""].distractors[8, 1].unpack()
    assert found[16, 110] and not found[truth(8)].any(), "the other disc is followed apart"
    alike = hands.window.why_overlay.alike
    assert alike.isVisible() and np.array_equal(alike.labels == 1, found)
    hands.run()
    assert not why.ablations and not sides.apart, "the masks are others now"


@pytest.mark.parametrize("size", [(1440, 900), (1280, 720)])
def test_all_parts_are_in_sight_in_windows_of_usual_sizes(drawn: Hands, size):
    hands, why, panel = drawn, drawn.window.why, drawn.window.why_panel
    hands.window.resize(*size)
    hands.bot.waitUntil(lambda: why.can_ablate, timeout=60_000)
    hands.bot.mouseClick(panel.button, Qt.MouseButton.LeftButton)
    hands.bot.waitUntil(lambda: not why.is_ablating and panel.parts.count() == 5, timeout=120_000)
    hands.bot.waitUntil(lambda: panel.parts.visibleRegion().boundingRect() == panel.parts.rect(), timeout=5000)
    last = panel.parts.visualItemRect(panel.parts.item(4))
    assert panel.parts.viewport().rect().contains(last)


def test_an_object_that_is_not_seen_is_told_of(drawn: Hands):
    hands, why, panel = drawn, drawn.window.why, drawn.window.why_panel
    hands.bot.waitUntil(lambda: why.explained is not None, timeout=60_000)
    assert "not seen here" not in panel.words.text() and panel.list.count()
    found = why.explained
    nothing = replace(found.attribution, weights=np.zeros_like(found.attribution.weights))
    why.explained = replace(found, attribution=nothing)
    why.changed.emit()
    assert "It is not seen here, so nothing was read for it" in panel.words.text() and not panel.list.count()
