"""The picture on the canvas, zoom and pan, keys."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from canvas_parts import CanvasRig
from contrast import contrast
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from core.project.model import ObjectInfo
from pcvos_gui.canvas import stepped_brush, view
from pcvos_gui.canvas.colour_tables import CHROMA_GREEN
from pcvos_gui.session.view_state import Tool, ViewMode

GREEN = (CHROMA_GREEN >> 16 & 255, CHROMA_GREEN >> 8 & 255, CHROMA_GREEN & 255)
FRAME = (40, 90, 200)
NONE, SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier


def flat(height, width, count=1) -> np.ndarray:
    return np.full((count, height, width, 3), FRAME, np.uint8)


@pytest.fixture
def rig(qtbot, tmp_path) -> CanvasRig:
    """A flat frame of 80x60 with object 1 left (columns 10 to 30) and 2 right of it (50 to 70), without a tool."""
    rig = CanvasRig(qtbot, tmp_path, flat(60, 80, 2), objects=2)
    for id, left in ((1, 10), (2, 50)):
        mask = np.zeros((60, 80), bool)
        mask[20:40, left : left + 20] = True
        rig.give_mask(mask, id)
    rig.take(Tool.PAN)
    return rig


def wheel(rig, at: QPoint, notches=0.0, pixels=0, modifiers=NONE):
    point = QPointF(at)
    event = QWheelEvent(
        point,
        rig.viewport.mapToGlobal(point),
        QPoint(0, pixels),
        QPoint(0, round(120 * notches)),
        Qt.MouseButton.NoButton,
        modifiers,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(rig.viewport, event)


def close_to(colour, expected, off=2) -> bool:
    return all(abs(a - b) <= off for a, b in zip(colour, expected, strict=True))


# views


def test_each_view_shows_what_it_says(rig):
    inside, outside, black = (20, 30), (40, 30), (0, 0, 0)
    colour = rig.session.object(1).colour
    mixed = tuple((a + b) / 2 for a, b in zip(colour, FRAME, strict=True))
    expected = {
        ViewMode.OVERLAY: (mixed, FRAME),
        ViewMode.OUTLINE: (FRAME, FRAME),
        ViewMode.MASK: (colour, black),
        ViewMode.MATTE: (FRAME, black),
        ViewMode.GREEN: (FRAME, GREEN),
        ViewMode.ORIGINAL: (FRAME, FRAME),
    }
    for mode, (in_object, beside) in expected.items():
        rig.view_state.set_mode(mode)
        picture = rig.picture()
        assert close_to(rig.seen(*inside, picture), in_object), mode
        assert close_to(rig.seen(*outside, picture), beside), mode
    rig.view_state.set_mode(ViewMode.CHECKERBOARD)
    picture = rig.picture()
    assert close_to(rig.seen(*inside, picture), FRAME)
    squares = {picture.pixel(QPoint(rig.at(2, 5).x() + x, rig.at(2, 5).y())) & 0xFFFFFF for x in range(40)}
    assert squares == {0xCCCCCC, 0x999999}


def test_peeking_shows_the_bare_frame_and_the_view_comes_back(rig):
    rig.view_state.set_mode(ViewMode.MASK)
    before = rig.picture()
    rig.view_state.set_peeking(True)
    assert rig.seen(20, 30) == rig.seen(40, 30) == FRAME
    rig.view_state.set_peeking(False)
    assert rig.picture() == before


@pytest.mark.parametrize("zoom", [0.8, 1.0, 3.0, 10.0])
def test_outlines_are_two_pixels_of_the_screen_wide_at_every_zoom(rig, zoom):
    rig.view_state.set_mode(ViewMode.OUTLINE)
    rig.view.zoom_at(QPointF(rig.at(10, 30)), zoom / rig.view.zoom)
    picture, colour = rig.picture(), rig.session.object(1).colour
    row = rig.at(10, 30).y()
    line = [x for x in range(picture.width()) if picture.pixelColor(x, row).getRgb()[:3] == colour]
    edge = rig.view.to_view(QPointF(10, 30)).x()
    left = [x for x in line if abs(x - edge) < 6]
    assert len(left) == 2
    assert edge + 0.49 <= left[0] <= edge + 1.51, "behind the light line that is just inside the edge"


@pytest.mark.parametrize("mode", [ViewMode.OVERLAY, ViewMode.OUTLINE, ViewMode.MASK])
@pytest.mark.parametrize(
    "colour", [(204, 50, 50), (0, 0, 0), (255, 255, 255), (128, 128, 128), (0, 192, 0), (81, 81, 212), (192, 192, 0)]
)
def test_edges_are_seen_on_footage_of_the_objects_own_colour(qtbot, tmp_path, mode, colour):
    rig = CanvasRig(qtbot, tmp_path, np.full((1, 60, 80, 3), colour, np.uint8), objects=2)
    for id, left in ((1, 10), (2, 40)):  # these two touch
        mask = np.zeros((60, 80), bool)
        mask[20:40, left : left + 30] = True
        rig.give_mask(mask, id)
        rig.session.change_object(replace(rig.session.object(id), colour=colour))
    rig.take(Tool.PAN)
    rig.view_state.set_mode(mode)
    picture = rig.picture()
    for x, y, across in ((10, 30, True), (40, 30, True), (70, 30, True), (25, 20, False), (25, 40, False)):
        at = rig.at(x, y)
        line = [at + (QPoint(off, 0) if across else QPoint(0, off)) for off in range(-3, 4)]
        seen = [picture.pixelColor(point) for point in line]
        assert max(contrast(one, other) for one, other in pairwise(seen)) >= 4.5, (x, y)


@pytest.mark.parametrize("mode", [ViewMode.MASK, ViewMode.MATTE, ViewMode.CHECKERBOARD, ViewMode.GREEN])
@pytest.mark.parametrize("tool", [Tool.MARK, Tool.BRUSH, Tool.ERASER, Tool.POLYGON])
def test_footage_is_seen_while_marking_in_a_view_that_hides_it(rig, mode, tool):
    rig.take(tool, 4)
    rig.view_state.set_mode(mode)
    hidden = rig.seen(40, 10)
    assert hidden != FRAME
    rig.press(20, 30)
    rig.move(22, 30)
    assert rig.seen(40, 10) == FRAME
    rig.release(22, 30)
    if tool in (Tool.MARK, Tool.POLYGON):
        assert rig.seen(40, 10) == FRAME, "there is more to mark"
        rig.key(Qt.Key.Key_Escape)
    assert rig.seen(40, 10) == hidden and rig.view_state.mode is mode


def test_opacity_colours_visibility_and_solo_are_looks_and_touch_no_pixel(rig):
    labels, before = rig.session.labels, rig.session.labels.copy()
    seen = {}
    rig.view_state.set_opacity(1.0)
    seen["opaque"] = rig.seen(20, 30)
    one = rig.session.object(1)
    rig.view_state.set_opacity(0.0)
    seen["clear"] = rig.seen(20, 30)
    rig.view_state.set_opacity(1.0)
    rig.session.set_solo(2)
    seen["solo"] = rig.seen(20, 30)
    assert rig.session.labels is labels
    rig.session.set_solo(0)
    rig.session.change_object(ObjectInfo(1, "one", (1, 2, 3)))
    seen["coloured"] = rig.seen(20, 30)
    rig.session.change_object(ObjectInfo(1, "one", (1, 2, 3), visible=False))
    seen["hidden"] = rig.seen(20, 30)
    assert seen == {"opaque": one.colour, "clear": FRAME, "solo": FRAME, "coloured": (1, 2, 3), "hidden": FRAME}
    assert np.array_equal(rig.session.labels, before)


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (5, 3), (67, 131), (1081, 1921)])
def test_label_maps_of_odd_widths_are_not_skewed(qtbot, tmp_path, size):
    height, width = size
    rig = CanvasRig(qtbot, tmp_path, flat(height, width), objects=1)
    rig.take(Tool.PAN)
    rig.view_state.set_mode(ViewMode.MASK)
    mask = np.zeros(size, bool)
    mask[:, width // 2] = True  # a column stays one only if every row begins where it should
    rig.give_mask(mask)
    rig.view.zoom_at(QPointF(rig.at(width / 2, height / 2)), 8 / rig.view.zoom)
    for y in {0.5, height / 2, height - 0.5}:
        rig.view.centerOn(width // 2 + 0.5, y)
        picture = rig.picture()
        assert rig.seen(width // 2 + 0.5, y, picture) == rig.session.object(1).colour
        for x in {width // 2 - 0.5, width // 2 + 1.5}:
            if 0 < x < width:
                assert rig.seen(x, y, picture) == (0, 0, 0)


def test_254_objects_have_their_colours(qtbot, tmp_path):
    rig = CanvasRig(qtbot, tmp_path, flat(16, 16), objects=254)
    rig.take(Tool.PAN)
    labels = np.arange(256).reshape(16, 16)
    for id in (1, 2, 127, 128, 253, 254):
        rig.give_mask(labels == id, id)
    rig.view_state.set_mode(ViewMode.MASK)
    picture = rig.picture()
    for id in (1, 2, 127, 128, 253, 254):
        assert rig.seen(id % 16 + 0.5, id // 16 + 0.5, picture) == rig.session.object(id).colour
    assert rig.seen(0.5, 0.5, picture) == (0, 0, 0)


def test_another_frame_shows_its_own_pixels_and_masks(qtbot, tmp_path):
    frames = np.stack([np.full((20, 30, 3), value, np.uint8) for value in (50, 200)])
    rig = CanvasRig(qtbot, tmp_path, frames)
    rig.take(Tool.PAN)
    rig.view_state.set_opacity(1.0)
    rig.give_mask(np.ones((20, 30), bool))
    assert rig.seen(15, 10) == rig.session.object(1).colour
    rig.session.navigator.go_to(1)
    assert rig.seen(15, 10) == (200, 200, 200)
    rig.session.close()
    surround = rig.picture().pixelColor(5, 5)
    assert rig.picture().pixelColor(200, 150) == surround
    assert surround.red() == surround.green() == surround.blue()


# zoom and pan


def test_the_wheel_zooms_at_the_cursor(rig, qtbot):
    at = QPoint(130, 90)
    before = rig.view.to_image(QPointF(at))
    with qtbot.waitSignal(rig.canvas.zoom_changed) as caught:
        wheel(rig, at, notches=5)
    assert caught.args[0] == pytest.approx(100 * rig.view.zoom)
    for _ in range(4):
        wheel(rig, at, notches=-1)
        wheel(rig, at, pixels=120)  # a touchpad
    moved = rig.view.to_view(before) - QPointF(at)
    assert abs(moved.x()) <= 4  # whole pixels of the screen, rounded nine times
    assert abs(moved.y()) <= 4
    assert rig.view.zoom > 6


def test_zoom_has_ends_and_named_steps(rig):
    for _ in range(60):
        rig.canvas.zoom_in()
    assert rig.view.zoom == pytest.approx(64)
    for _ in range(80):
        rig.canvas.zoom_out()
    assert rig.view.zoom == pytest.approx(0.01)
    rig.canvas.zoom_to_actual()
    assert rig.view.zoom == pytest.approx(1)
    rig.canvas.fit()
    whole = rig.view.mapFromScene(0, 0, 80, 60).boundingRect()
    assert rig.viewport.rect().contains(whole)
    assert whole.width() > 300


def test_a_fitted_frame_stays_fitted_until_the_person_zooms(rig):
    rig.canvas.resize(800, 620)
    width = rig.view.to_view(QPointF(80, 0)).x() - rig.view.to_view(QPointF(0, 0)).x()
    assert width > 700
    rig.canvas.zoom_in()
    zoom = rig.view.zoom
    middle = rig.view.to_image(QPointF(rig.viewport.rect().center()))
    rig.canvas.resize(500, 400)
    assert rig.view.zoom == pytest.approx(zoom)
    moved = rig.view.to_image(QPointF(rig.viewport.rect().center())) - middle
    assert abs(moved.x()) * zoom <= 2
    assert abs(moved.y()) * zoom <= 2


def test_pixels_are_squares_when_zoomed_in_and_smooth_below(qtbot, tmp_path):
    stripes = np.zeros((1, 60, 80, 3), np.uint8)
    stripes[:, :, ::2] = 255
    rig = CanvasRig(qtbot, tmp_path, stripes, objects=0)
    rig.take(Tool.PAN)
    rig.view.zoom_at(QPointF(200, 150), 4 / rig.view.zoom)
    picture = rig.picture()
    row = {picture.pixelColor(x, 150).red() for x in range(150, 250)}
    assert row == {0, 255}
    rig.view.zoom_at(QPointF(200, 150), 0.25 / 4)
    assert abs(rig.seen(40, 30)[0] - 127) < 30


def test_a_grid_appears_from_1600_percent(qtbot, tmp_path):
    rig = CanvasRig(qtbot, tmp_path, np.full((1, 60, 80, 3), 255, np.uint8), objects=0)
    rig.take(Tool.PAN)
    counts = []
    for zoom in (15, 20):
        rig.view.zoom_at(QPointF(200, 150), zoom / rig.view.zoom)
        picture = rig.picture()
        counts.append(len({picture.pixelColor(x, 151).red() for x in range(150, 250)}))
    assert counts == [1, 2]


@pytest.mark.parametrize("how", ["middle", "tool", "space"])
def test_dragging_pans(rig, how):
    rig.take(Tool.PAN if how == "tool" else Tool.BRUSH)
    rig.view.zoom_at(QPointF(200, 150), 3)
    button = Qt.MouseButton.MiddleButton if how == "middle" else Qt.MouseButton.LeftButton
    before, labels = rig.view.to_view(QPointF(0, 0)), rig.session.labels.copy()
    if how == "space":
        QTest.keyPress(rig.view, Qt.Key.Key_Space)
    QTest.mousePress(rig.viewport, button, NONE, QPoint(200, 150))
    rig.move(*rig.point(*_image(rig, 230, 170)), button)
    QTest.mouseRelease(rig.viewport, button, NONE, QPoint(230, 170))
    if how == "space":
        QTest.keyRelease(rig.view, Qt.Key.Key_Space)
    moved = rig.view.to_view(QPointF(0, 0)) - before
    assert (round(moved.x()), round(moved.y())) == (30, 20)
    assert np.array_equal(rig.session.labels, labels)


def _image(rig, x, y):
    at = rig.view.to_image(QPointF(x, y))
    return at.x(), at.y()


# keys


def test_a_tap_of_space_plays_and_a_held_one_does_not(rig, monkeypatch):
    taps, now = [], [100.0]
    monkeypatch.setattr(view.time, "monotonic", lambda: now[0])
    rig.canvas.space_tapped.connect(lambda: taps.append(1))
    shortcut = QShortcut(QKeySequence(Qt.Key.Key_Space), rig.canvas)  # nobody else's
    QTest.keyClick(rig.view, Qt.Key.Key_Space)
    assert len(taps) == 1
    QTest.keyPress(rig.view, Qt.Key.Key_Space)
    now[0] += 0.25
    repeated = QKeyEvent(QEvent.Type.KeyRelease, Qt.Key.Key_Space, NONE, " ", True)
    QApplication.sendEvent(rig.view, repeated)
    QTest.keyRelease(rig.view, Qt.Key.Key_Space)
    QTest.keyPress(rig.view, Qt.Key.Key_Space)
    QTest.mouseClick(rig.viewport, Qt.MouseButton.LeftButton, NONE, QPoint(200, 150))
    QTest.keyRelease(rig.view, Qt.Key.Key_Space)
    assert len(taps) == 1
    assert shortcut.isEnabled()


def test_keys_go_to_shortcuts_unless_the_tool_needs_them(rig, qtbot):
    rig.canvas.activateWindow()
    rig.view.setFocus()
    qtbot.waitUntil(rig.view.hasFocus)
    fired = []
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Escape, Qt.Key.Key_Return):
        QShortcut(QKeySequence(key), rig.canvas).activated.connect(lambda key=key: fired.append(key))
    rig.take(Tool.POLYGON)
    rig.click(20, 20)
    rig.key(Qt.Key.Key_Right)
    rig.key(Qt.Key.Key_Escape)
    assert fired == [Qt.Key.Key_Right]
    assert not rig.canvas.tool.is_busy
    rig.key(Qt.Key.Key_Escape)
    assert fired == [Qt.Key.Key_Right, Qt.Key.Key_Escape]


def test_shift_and_wheel_change_the_brush(rig):
    rig.take(Tool.BRUSH, 40)
    zoom = rig.view.zoom
    wheel(rig, QPoint(200, 150), 2, modifiers=SHIFT)
    assert rig.view_state.brush == pytest.approx(stepped_brush(40, 2))
    wheel(rig, QPoint(200, 150), -2, modifiers=SHIFT)
    assert rig.view_state.brush == pytest.approx(40)
    assert rig.view.zoom == zoom
    assert stepped_brush(2, 1) == 3
    assert stepped_brush(3, -1) == 2


def test_the_ring_has_the_brushs_size_and_a_tiny_brush_a_crosshair(rig):
    rig.take(Tool.BRUSH, 20)
    rig.move(40, 10, Qt.MouseButton.NoButton)
    picture = rig.viewport.grab().toImage()
    middle, radius = rig.at(40, 10), 10 * rig.view.zoom
    around = [round(middle.x() + radius) + off for off in (-1, 0, 1)]
    line = [picture.pixelColor(x, middle.y()).getRgb()[:3] for x in around]
    assert max(min(colour) for colour in line) > 170
    assert close_to(picture.pixelColor(middle).getRgb()[:3], FRAME)
    rig.view_state.set_brush(1)
    rig.canvas.zoom_to_actual()
    rig.move(40, 10, Qt.MouseButton.NoButton)
    picture, middle = rig.viewport.grab().toImage(), rig.at(40, 10)
    assert min(picture.pixelColor(middle + QPoint(5, 0)).getRgb()[:3]) > 150
    assert rig.viewport.cursor().shape() == Qt.CursorShape.BlankCursor


def test_what_is_dropped_is_the_windows(rig):
    assert not rig.view.acceptDrops()
    assert not rig.viewport.acceptDrops()


def test_nothing_of_a_mask_is_drawn_beside_the_picture(rig):
    """What is beside it is not painted anew when the mask is another."""

    def around() -> np.ndarray:
        image = rig.viewport.grab().toImage()
        pixels = np.array([[image.pixel(x, y) for x in range(image.width())] for y in range(image.height())])
        first, last = rig.at(0, 0), rig.at(80, 60)
        pixels[first.y() - 1 : last.y() + 2, first.x() - 1 : last.x() + 2] = 0
        return pixels

    before = around()
    mask = np.zeros((60, 80), bool)
    mask[:20], mask[20:, :5] = True, True
    rig.give_mask(mask, 1)
    assert (around() == before).all()
