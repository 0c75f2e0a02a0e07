"""Brush, eraser, fill and polygon, with the mouse on the real view."""

import numpy as np
import pytest
from canvas_parts import CanvasRig
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QInputDevice, QMouseEvent, QPointingDevice, QTabletEvent
from PySide6.QtWidgets import QApplication

from core.masks.drawing import paint_line
from core.masks.packed_mask import PackedMask
from core.masks.soft_mask import SoftMask
from core.project.model import Cell, Change, ObjectInfo
from pcvos_gui.session.view_state import Tool, ViewMode

HEIGHT, WIDTH = 60, 81
RIGHT = Qt.MouseButton.RightButton
SHIFT, ALT = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.AltModifier


@pytest.fixture
def rig(qtbot, tmp_path) -> CanvasRig:
    """Three grey frames and two objects; the first is active."""
    rig = CanvasRig(qtbot, tmp_path, np.full((3, HEIGHT, WIDTH, 3), 128, np.uint8), objects=2)
    rig.take(Tool.BRUSH, 9)
    return rig


def box(top, left, bottom, right) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[top:bottom, left:right] = True
    return mask


def stroked(rig, *points, brush=9.0) -> np.ndarray:
    """The pixels a stroke through these points covers."""
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    hits = [rig.point(*p) for p in points]
    for start, end in zip([hits[0], *hits], hits, strict=False):
        paint_line(labels, start, end, brush / 2, 1)
    return labels > 0


def lock(rig, id):
    info = rig.session.object(id)
    rig.session.change_object(ObjectInfo(id, info.name, info.colour, locked=True))


def test_a_stroke_paints_what_lies_under_it_and_is_one_step_of_undo(rig):
    path = ((20, 20), (40, 25), (60, 50))
    steps = rig.session.undo_stack.index()
    rig.drag(*path)
    expected = stroked(rig, *path)
    assert expected.sum() > 300
    assert np.array_equal(rig.session.labels, expected.astype(np.uint8))
    assert np.array_equal(rig.project.labels(0), rig.session.labels)
    assert rig.session.undo_stack.index() == steps + 1
    assert rig.project.cell(0, 1).corrected


def test_undo_and_redo_restore_exactly(rig):
    rig.drag((20, 20), (40, 25))
    once = rig.session.labels.copy()
    rig.drag((40, 25), (60, 50), (10, 50))
    twice = rig.session.labels.copy()
    rig.session.undo_stack.undo()
    assert np.array_equal(rig.session.labels, once)
    rig.session.undo_stack.undo()
    assert not rig.session.labels.any()
    rig.session.undo_stack.redo()
    rig.session.undo_stack.redo()
    assert np.array_equal(rig.session.labels, twice)


def test_the_picture_follows_the_stroke_before_it_ends(rig):
    rig.view_state.set_opacity(1.0)
    rig.press(20, 20)
    rig.move(50, 20)
    assert rig.seen(35, 20) == rig.session.object(1).colour
    assert rig.seen(35, 40) == (128, 128, 128)
    rig.release(50, 20)


def test_a_brush_goes_over_other_objects_but_not_over_locked_ones(rig):
    rig.give_mask(box(0, 30, 60, 40), id=2)
    rig.drag((20, 10), (60, 10))
    assert not (rig.session.labels[8:12, 30:40] == 2).any()
    lock(rig, 2)
    before = rig.session.labels.copy()
    rig.drag((20, 40), (60, 40))
    assert (rig.session.labels[40, 30:40] == 2).all()
    assert rig.session.labels[40, 29] == rig.session.labels[40, 40] == 1
    assert np.array_equal(rig.session.labels == 2, before == 2)


def test_a_locked_object_cannot_be_painted(rig):
    lock(rig, 1)
    rig.drag((20, 10), (60, 10))
    assert not rig.session.labels.any()
    assert any("locked" in m.text for m in rig.messages)


@pytest.mark.parametrize("how", ["eraser", "right", "alt"])
def test_erasing_takes_only_the_active_objects_pixels(rig, how):
    rig.give_mask(box(0, 0, 60, 40), id=1)
    rig.give_mask(box(0, 40, 60, 81), id=2)
    path = ((30, 30), (55, 30))
    if how == "eraser":
        rig.take(Tool.ERASER)
        rig.drag(*path)
    elif how == "right":
        rig.drag(*path, button=RIGHT)
    else:
        rig.drag(*path, modifiers=ALT)
    expected = np.where(stroked(rig, *path) & box(0, 0, 60, 40), 0, np.where(box(0, 0, 60, 40), 1, 2))
    assert np.array_equal(rig.session.labels, expected)


def test_shift_click_draws_a_straight_line_from_where_the_last_stroke_ended(rig):
    rig.drag((10, 10), (20, 10))
    rig.click(60, 45, modifiers=SHIFT)
    expected = stroked(rig, (10, 10), (20, 10)) | stroked(rig, (20, 10), (60, 45))
    assert np.array_equal(rig.session.labels > 0, expected)


def test_esc_cancels_the_stroke_in_the_making(rig):
    rig.drag((10, 10), (20, 10))
    before, steps = rig.session.labels.copy(), rig.session.undo_stack.index()
    rig.press(30, 30)
    rig.move(50, 50)
    rig.key(Qt.Key.Key_Escape)
    rig.move(70, 50)
    rig.release(70, 50)
    assert np.array_equal(rig.session.labels, before)
    assert rig.session.undo_stack.index() == steps
    assert not rig.session.is_editing


@pytest.mark.parametrize("what", ["tool", "object", "close"])
def test_a_stroke_is_kept_when_something_else_comes(rig, what):
    rig.press(20, 20)
    rig.move(50, 20)
    expected = stroked(rig, (20, 20), (50, 20))
    if what == "tool":
        rig.take(Tool.FILL)
    elif what == "object":
        rig.session.set_active(2)
    else:
        kept = []
        rig.session.closing.connect(lambda: kept.append(rig.project.labels(0)))
        rig.session.close()
        assert np.array_equal(kept[0] == 1, expected)
        return
    rig.move(50, 50)
    rig.release(50, 50)
    assert np.array_equal(rig.project.labels(0), expected.astype(np.uint8))


def test_a_cancelled_edit_leaves_no_stroke_behind(rig):
    rig.press(20, 20)
    rig.session.cancel_edit()
    rig.move(60, 50)
    rig.release(60, 50)
    assert not rig.session.labels.any()


def test_a_frame_that_is_not_shown_yet_cannot_be_painted(rig):
    rig.frames.late = True
    rig.session.navigator.go_to(1)
    rig.drag((20, 20), (50, 20))
    assert not rig.session.labels.any()
    assert not rig.session.is_editing


def test_painting_without_an_object_makes_one(qtbot, tmp_path):
    rig = CanvasRig(qtbot, tmp_path, np.zeros((1, HEIGHT, WIDTH, 3), np.uint8), objects=0)
    rig.take(Tool.BRUSH, 9)
    rig.drag((20, 20), (50, 20))
    assert [o.id for o in rig.session.objects] == [1]
    assert (rig.session.labels == 1).any()


def test_strokes_beyond_the_borders_are_cut(rig):
    rig.drag((-30, 5), (WIDTH + 30, 5))
    assert (rig.session.labels[5] == 1).all()
    rig.session.undo_stack.undo()
    rig.click(-20, -20)
    assert not rig.session.labels.any()


def test_pen_pressure_scales_the_brush(rig):
    pen = QPointingDevice(
        "pen",
        7,
        QInputDevice.DeviceType.Stylus,
        QPointingDevice.PointerType.Pen,
        QInputDevice.Capability.Pressure,
        1,
        1,
    )

    def touch(kind, x, y, pressure):
        at = QPointF(rig.at(x, y))
        over = rig.viewport.mapToGlobal(at)
        buttons = Qt.MouseButton.NoButton if kind == QEvent.Type.TabletRelease else Qt.MouseButton.LeftButton
        event = QTabletEvent(
            kind,
            pen,
            at,
            over,
            pressure,
            0,
            0,
            0,
            0,
            0,
            Qt.KeyboardModifier.NoModifier,
            Qt.MouseButton.LeftButton,
            buttons,
        )
        QApplication.sendEvent(rig.viewport, event)
        assert not event.isAccepted()  # Qt makes a mouse event of it

    def mouse(kind, x, y):
        at = QPointF(rig.at(x, y))
        left = Qt.MouseButton.LeftButton
        buttons = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseButtonRelease else left
        QApplication.sendEvent(
            rig.viewport,
            QMouseEvent(kind, at, rig.viewport.mapToGlobal(at), left, buttons, Qt.KeyboardModifier.NoModifier, pen),
        )

    sizes = []
    for pressure in (0.2, 1.0):
        touch(QEvent.Type.TabletPress, 40, 30, pressure)
        mouse(QEvent.Type.MouseButtonPress, 40, 30)
        mouse(QEvent.Type.MouseButtonRelease, 40, 30)
        touch(QEvent.Type.TabletRelease, 40, 30, 0)
        sizes.append(int((rig.session.labels == 1).sum()))
        rig.session.undo_stack.undo()
    full = stroked(rig, (40, 30))
    assert 0 < sizes[0] < sizes[1] / 3
    assert sizes[1] == full.sum()


# fill


def test_fill_fills_what_is_enclosed(rig):
    ring = box(10, 10, 50, 50) & ~box(12, 12, 48, 48)
    rig.give_mask(ring)
    rig.take(Tool.FILL)
    rig.click(30, 30)
    assert np.array_equal(rig.session.labels, box(10, 10, 50, 50).astype(np.uint8))
    rig.session.undo_stack.undo()
    assert np.array_equal(rig.session.labels, ring.astype(np.uint8))


def test_fill_takes_away_only_the_piece_that_is_clicked(rig):
    rig.give_mask(box(10, 10, 20, 20) | box(30, 30, 40, 40))
    rig.take(Tool.FILL)
    rig.click(15, 15, button=RIGHT)
    assert np.array_equal(rig.session.labels, box(30, 30, 40, 40).astype(np.uint8))
    rig.click(60, 5, button=RIGHT)
    assert np.array_equal(rig.session.labels, box(30, 30, 40, 40).astype(np.uint8))


def test_fill_leaves_locked_objects_and_clicks_outside(rig):
    rig.give_mask(box(10, 10, 20, 20), id=2)
    lock(rig, 2)
    rig.take(Tool.FILL)
    rig.click(15, 15)
    rig.click(-3, 15)
    assert np.array_equal(rig.session.labels, 2 * box(10, 10, 20, 20).astype(np.uint8))


@pytest.mark.parametrize("is_wanted", [True, False])
def test_fill_floods_most_of_the_frame_only_when_told_to(rig, is_wanted):
    said = []
    rig.session.messages.said.connect(said.append)
    ring = box(10, 10, 50, 50) & ~box(12, 12, 48, 48)
    ring[30, 10:12] = False  # a gap
    rig.give_mask(ring)
    before = rig.session.labels.copy()
    rig.take(Tool.FILL)
    rig.click(30, 20)
    assert np.array_equal(rig.session.labels, before), "nothing is filled unasked"
    (question,) = said
    assert "% of the frame" in question.text and question.actions[0].text == "Fill it"
    if not is_wanted:
        rig.session.navigator.go_to(1)
    question.actions[0].run()
    assert rig.project.labels(0).all() == is_wanted and not rig.project.labels(1).any()


def test_fill_may_fill_up_to_half_of_the_frame(rig):
    rig.give_mask(box(0, 40, HEIGHT, 42))
    rig.take(Tool.FILL)
    rig.click(10, 10)
    assert (rig.session.labels[:, :42] == 1).all() and not rig.session.labels[:, 42:].any()


# polygon


@pytest.mark.parametrize("end", ["enter", "double", "first"])
def test_a_polygon_is_closed_in_three_ways(rig, end):
    rig.take(Tool.POLYGON)
    for corner in ((10, 10), (60, 10), (60, 40)):
        rig.click(*corner)
    if end == "double":
        rig.double_click(10, 40)
    else:
        rig.click(10, 40)
        assert not rig.session.labels.any()
        rig.key(Qt.Key.Key_Return) if end == "enter" else rig.click(10, 10)
    assert (rig.session.labels[11:39, 11:59] == 1).all()
    assert not rig.session.labels[:9].any()
    assert not rig.session.labels[:, 62:].any()
    assert not rig.canvas.tool.is_busy


def test_backspace_takes_a_corner_back_and_esc_all(rig):
    rig.take(Tool.POLYGON)
    for corner in ((10, 10), (60, 10), (75, 55), (10, 40)):
        rig.click(*corner)
    rig.key(Qt.Key.Key_Backspace)
    rig.key(Qt.Key.Key_Backspace)
    rig.click(60, 40)
    rig.key(Qt.Key.Key_Enter)
    assert not rig.session.labels[:, 62:].any()
    assert rig.session.labels[20, 55] == 1
    rig.click(20, 20)
    rig.key(Qt.Key.Key_Escape)
    assert not rig.canvas.tool.is_busy


def test_corners_can_be_moved(rig):
    rig.take(Tool.POLYGON)
    for corner in ((10, 10), (60, 10), (60, 40), (10, 40)):
        rig.click(*corner)
    rig.drag((60, 40), (70, 48), (75, 55))
    assert rig.canvas.tool.is_busy and not rig.session.labels.any()
    rig.drag((10, 10), (4, 4))  # the first one: a drag moves it, a click closes
    rig.move(60, 10)
    rig.key(Qt.Key.Key_Return)
    assert rig.session.labels[52, 72] == 1 and rig.session.labels[6, 6] == 1
    assert rig.session.labels[8, 58] == 0


def test_moving_a_corner_is_a_step_that_backspace_takes_back(rig):
    rig.take(Tool.POLYGON)
    for corner in ((10, 10), (60, 10), (60, 40), (10, 40)):
        rig.click(*corner)
    rig.drag((60, 40), (75, 55))
    rig.click(60, 10)  # a click on a corner changes nothing
    rig.key(Qt.Key.Key_Backspace)
    rig.key(Qt.Key.Key_Return)
    assert rig.session.labels[38, 58] == 1 and not rig.session.labels[42:].any()


def test_the_pointer_says_that_a_corner_can_be_moved(rig):
    rig.take(Tool.POLYGON)
    rig.click(10, 10)
    rig.click(60, 10)
    for at, shape in (((10, 10), Qt.CursorShape.SizeAllCursor), ((30, 30), Qt.CursorShape.CrossCursor)):
        rig.mouse(QEvent.Type.MouseMove, *at, button=Qt.MouseButton.NoButton)
        assert rig.viewport.cursor().shape() == shape


def test_a_lasso_closes_where_its_drag_ends_and_takes_away_when_inverted(rig):
    rig.take(Tool.POLYGON)
    around = ((10, 10), (35, 10), (60, 10), (60, 40), (35, 40), (10, 40))
    rig.drag(*around)
    assert (rig.session.labels[12:38, 12:58] == 1).all()
    inner = ((20, 15), (30, 15), (30, 30), (20, 30))
    rig.drag(*inner, modifiers=ALT)
    assert not rig.session.labels[17:28, 22:28].any()
    assert rig.session.labels[35, 50] == 1


def test_a_polygon_leaves_locked_objects(rig):
    rig.give_mask(box(15, 15, 30, 30), id=2)
    lock(rig, 2)
    rig.take(Tool.POLYGON)
    rig.drag((10, 10), (60, 10), (60, 40), (10, 40))
    assert np.array_equal(rig.session.labels == 2, box(15, 15, 30, 30))


def test_hints_follow_the_tool(rig, qtbot):
    rig.take(Tool.POLYGON)
    assert "corner" in rig.canvas.hint
    with qtbot.waitSignal(rig.canvas.hint_changed) as caught:
        rig.click(10, 10)
    assert "Enter" in caught.args[0]
    rig.view_state.set_mode(ViewMode.ORIGINAL)
    assert "hidden" in rig.canvas.hint


def test_what_the_network_saw_stays_with_a_corrected_mask(rig):
    soft = SoftMask.pack(np.full((15, 21), 255, np.uint8), (0, 0, HEIGHT, WIDTH))
    cell = Cell(PackedMask.pack(box(5, 5, 30, 40)), confidence=0.5, soft=soft)
    rig.session.document.apply(Change("as a run would", {(0, 1): (None, cell)}))
    rig.drag((20, 20), (60, 50))
    corrected = rig.project.cell(0, 1)
    assert corrected.corrected and corrected.mask != cell.mask and corrected.soft == soft
    rig.session.undo_stack.undo()
    assert rig.project.cell(0, 1) == cell
