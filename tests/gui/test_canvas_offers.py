"""With a mouse alone: buttons for what is unfinished, below the picture, and the brush's size."""

import numpy as np
import pytest
from canvas_parts import CanvasRig
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel

from pcvos_gui.canvas import BrushSize
from pcvos_gui.session.view_state import LARGEST_BRUSH, SMALLEST_BRUSH, Tool, ViewState

HEIGHT, WIDTH = 60, 80
DISC = np.zeros((HEIGHT, WIDTH), bool)
DISC[15:45, 20:60] = True


@pytest.fixture
def rig(qtbot, tmp_path) -> CanvasRig:
    rig = CanvasRig(qtbot, tmp_path, np.full((4, HEIGHT, WIDTH, 3), 90, np.uint8), objects=2, size=(600, 500))
    rig.take(Tool.MARK, 6)
    rig.bot = qtbot
    return rig


def press(rig, bar, name: str) -> None:
    """Click the button whose accessible name begins so."""
    buttons = bar.findChildren(QAbstractButton)
    button = next(b for b in buttons if b.accessibleName().startswith(name))
    assert button.isVisible() and button.isEnabled() and button.toolTip()
    rig.bot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_a_scribble_is_accepted_with_the_mouse(rig):
    bar = rig.canvas.offer_bar
    assert not bar.isVisible()
    rig.press(30, 30)
    assert not bar.isVisible(), "nothing to accept yet"
    rig.move(50, 30)
    rig.release(50, 30)
    rig.assist.answer(DISC)
    assert bar.isVisible()
    press(rig, bar, "Accept")
    assert np.array_equal(rig.session.labels == 1, DISC)
    assert not bar.isVisible()


def test_strokes_are_taken_back_and_dropped_with_the_mouse(rig):
    bar = rig.canvas.offer_bar
    rig.drag((30, 30), (50, 30))
    rig.drag((30, 40), (50, 40))
    press(rig, bar, "Take")
    assert not rig.assist.jobs[-1].strokes[37:43].any() and rig.assist.jobs[-1].strokes[30, 40] == 1
    press(rig, bar, "Drop")
    assert not rig.canvas.tool.is_busy and not bar.isVisible()


def test_the_keys_stay_with_the_canvas(rig):
    rig.canvas.setFocus()
    rig.drag((30, 30), (50, 30))
    rig.drag((30, 40), (50, 40))
    press(rig, rig.canvas.offer_bar, "Take")
    assert rig.view.hasFocus()


@pytest.mark.parametrize("size", [(600, 500), (440, 300)])
def test_no_spot_of_the_picture_is_covered(rig, size):
    """Wherever one would mark next: buttons are below the picture, and nothing moves when they come and go."""
    rig.canvas.resize(*size)
    QApplication.processEvents()
    room = rig.view.viewport().rect()
    rig.drag((30, 30), (50, 30))
    rig.assist.answer(DISC)
    rig.session.navigator.go_to(2)
    rig.drag((30, 30), (50, 30))
    assert rig.canvas.offer_bar.isVisible() and rig.canvas.waiting_bar.isVisible()
    assert rig.view.viewport().rect() == room
    for x in range(0, room.width(), 20):
        for y in range(0, room.height(), 20):
            at = rig.view.viewport().mapTo(rig.canvas, QPoint(x, y))
            assert rig.canvas.childAt(at) is rig.view.viewport()
    for bar in (rig.canvas.offer_bar, rig.canvas.waiting_bar):
        for button in bar.findChildren(QAbstractButton):
            assert rig.canvas.rect().contains(QRect(button.mapTo(rig.canvas, QPoint()), button.size()))


def test_where_there_is_room_all_is_said_of_what_waits(qtbot, rig):
    rig.canvas.resize(1000, 400)
    rig.drag((30, 30), (50, 30))
    rig.session.navigator.go_to(3)
    (told,) = rig.canvas.waiting_bar.findChildren(QLabel)
    qtbot.waitUntil(lambda: QLabel.text(told) == "Marks of Object 1 wait on frame 0", timeout=5000)  # laid out by then


def test_how_the_tool_is_used_is_told_below_the_picture(rig):
    strip = rig.canvas.strip
    assert strip.words.text() == rig.canvas.hint and strip.words.isVisible()
    rig.take(Tool.POLYGON)
    assert "Polygon" in strip.words.text() and strip.words.toolTip() == strip.words.text()
    strip.show_step("Next: something")
    assert strip.step.isVisible() and strip.step.font().bold()


def test_a_polygon_is_closed_and_dropped_with_the_mouse(rig):
    rig.take(Tool.POLYGON)
    bar = rig.canvas.offer_bar
    corners = ((20, 15), (60, 15), (60, 45))
    rig.click(*corners[0])
    close = next(b for b in bar.findChildren(QAbstractButton) if b.accessibleName() == "Close")
    assert bar.isVisible() and not close.isEnabled()
    for corner in corners[1:]:
        rig.click(*corner)
    press(rig, bar, "Close")
    assert rig.session.labels[20, 50] == 1 and not bar.isVisible()
    rig.click(5, 5)
    rig.take(Tool.BRUSH)
    press(rig, bar, "Drop")
    assert not rig.canvas.tools[Tool.POLYGON].is_busy, "also with another tool in hand"


def test_what_waits_elsewhere_is_said_and_shown_again(rig):
    bar = rig.canvas.waiting_bar
    rig.drag((30, 30), (50, 30))
    assert not bar.isVisible()
    rig.session.navigator.go_to(3)
    assert bar.isVisible() and not rig.canvas.offer_bar.isVisible()
    rig.take(Tool.BRUSH)
    rig.session.set_active(2)
    press(rig, bar, "Go to")
    assert rig.session.navigator.frame == 0 and rig.session.active == 1
    assert rig.canvas.tool.is_busy and not bar.isVisible()
    rig.assist.answer(DISC)
    rig.session.navigator.go_to(2)
    press(rig, bar, "Accept")
    assert np.array_equal(rig.project.labels(0) == 1, DISC) and not bar.isVisible()
    rig.drag((30, 30), (50, 30))
    rig.session.navigator.go_to(1)
    press(rig, bar, "Forget")
    rig.session.navigator.go_to(2)
    assert not rig.canvas.tool.is_busy and not rig.project.labels(2).any()


# the brush's size


def test_the_slider_and_the_brush_follow_each_other(qtbot):
    state = ViewState()
    size = BrushSize(state)
    qtbot.addWidget(size)
    assert size.slider.accessibleName()
    state.set_brush(300)
    assert size.number.text() == "300"
    assert state.brush == 300, "the slider's coarser step does not change it"
    size.slider.setValue(size.slider.maximum())
    assert state.brush == LARGEST_BRUSH
    size.slider.setValue(0)
    assert state.brush == SMALLEST_BRUSH and size.number.text() == "1"
    state.set_tool(Tool.FILL)
    assert not size.isEnabled()
    state.set_tool(Tool.ERASER)
    assert size.isEnabled()


def test_a_changed_size_is_told_beside_the_pointer_for_a_moment(rig):
    rig.move(40, 30)
    before = rig.viewport.grab().toImage()
    rig.view_state.set_brush(17)
    ring = rig.view.cursor_ring
    assert "17" in ring.text
    assert rig.viewport.grab().toImage() != before
    rig.bot.waitUntil(lambda: ring.text == "", timeout=5000)
    rig.take(Tool.FILL)
    rig.view_state.set_brush(20)
    assert ring.text == ""
