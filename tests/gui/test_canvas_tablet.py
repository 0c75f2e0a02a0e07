"""A pen on the canvas: pressure, and the eraser at its other end."""

import numpy as np
import pytest
from canvas_parts import CanvasRig
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QInputDevice, QMouseEvent, QPointingDevice, QTabletEvent
from PySide6.QtWidgets import QApplication

from pcvos_gui.session.view_state import Tool

HEIGHT, WIDTH = 60, 160
Pointer = QPointingDevice.PointerType
PRESS, MOVE, RELEASE = QEvent.Type.TabletPress, QEvent.Type.TabletMove, QEvent.Type.TabletRelease
MOUSE = {
    PRESS: QEvent.Type.MouseButtonPress,
    MOVE: QEvent.Type.MouseMove,
    RELEASE: QEvent.Type.MouseButtonRelease,
}
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton


@pytest.fixture
def rig(qtbot, tmp_path) -> CanvasRig:
    rig = CanvasRig(qtbot, tmp_path, np.full((1, HEIGHT, WIDTH, 3), 90, np.uint8), size=(500, 300))
    rig.take(Tool.BRUSH, 20)
    return rig


class Pen:
    """Sends what the platform sends: a tablet's event, and, as nobody accepts it, a mouse's of the same device."""

    def __init__(self, rig: CanvasRig, end: Pointer = Pointer.Pen):
        self.rig = rig
        pressure = QInputDevice.Capability.Pressure
        self.device = QPointingDevice("pen", 7, QInputDevice.DeviceType.Stylus, end, pressure, 1, 1)

    def stroke(self, *points: tuple[float, float, float]) -> None:
        """Through (x, y, pressure)."""
        self._send(PRESS, *points[0])
        for point in points[1:]:
            self._send(MOVE, *point)
        self._send(RELEASE, *points[-1][:2], 0.0)

    def _send(self, kind: QEvent.Type, x: float, y: float, pressure: float) -> None:
        at, plain = QPointF(self.rig.at(x, y)), Qt.KeyboardModifier.NoModifier
        over = self.rig.viewport.mapToGlobal(at)
        cause, held = NONE if kind == MOVE else LEFT, NONE if kind == RELEASE else LEFT
        event = QTabletEvent(kind, self.device, at, over, pressure, 0, 0, 0, 0, 0, plain, cause, held)
        QApplication.sendEvent(self.rig.viewport, event)
        assert not event.isAccepted()
        QApplication.sendEvent(self.rig.viewport, QMouseEvent(MOUSE[kind], at, over, cause, held, plain, self.device))


def widths(rig: CanvasRig) -> np.ndarray:
    """How many pixels are painted in each column."""
    return (rig.session.labels == 1).sum(0)


def test_a_light_stroke_is_thinner(rig):
    pen = Pen(rig)
    pen.stroke((30, 30, 1.0), (130, 30, 1.0))
    full = widths(rig)[80]
    rig.session.undo_stack.undo()
    pen.stroke((30, 30, 0.25), (130, 30, 0.25))
    assert full in (19, 20, 21)
    assert widths(rig)[80] == pytest.approx(full * (0.2 + 0.8 * 0.25), abs=1.5)


def test_a_stroke_gets_wider_as_the_pen_is_pressed(rig):
    Pen(rig).stroke((20, 30, 0.1), (60, 30, 0.1), (61, 30, 1.0), (140, 30, 1.0))
    assert 0 < widths(rig)[40] < widths(rig)[100] / 2


def test_scribbles_know_pressure_too(rig):
    rig.take(Tool.MARK, 20)
    Pen(rig).stroke((30, 30, 0.2), (130, 30, 0.2))
    thin = (rig.assist.jobs[-1].strokes == 1).sum(0)[80]
    assert 0 < thin < 10


@pytest.mark.parametrize("tool", [Tool.BRUSH, Tool.ERASER])
def test_the_eraser_end_erases_whatever_is_in_hand(rig, tool):
    mask = np.ones((HEIGHT, WIDTH), bool)
    rig.give_mask(mask)
    rig.take(tool)
    Pen(rig, Pointer.Eraser).stroke((30, 30, 1.0), (130, 30, 1.0))
    assert not rig.session.labels[30, 30:130].any()
    assert rig.session.labels[5].all()


def test_the_eraser_end_scribbles_over_background(rig):
    rig.take(Tool.MARK)
    Pen(rig, Pointer.Eraser).stroke((30, 30, 1.0), (130, 30, 1.0))
    assert set(np.unique(rig.assist.jobs[-1].strokes)) == {0, 2}


def test_the_mouse_paints_as_ever_afterwards(rig):
    rig.give_mask(np.ones((HEIGHT, WIDTH), bool))
    Pen(rig, Pointer.Eraser).stroke((30, 30, 0.1), (130, 30, 0.1))
    rig.drag((30, 30), (130, 30))
    assert rig.session.labels.all(), "no longer erasing, and of full width"
