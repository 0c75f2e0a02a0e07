"""Shared parts of the canvas's tests: a real session and project over frames in memory, and hands that move."""

from fractions import Fraction
from pathlib import Path

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, Qt, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from core.masks.packed_mask import PackedMask
from core.masks.palette import DISPLAY_PALETTE
from core.media.arrays import ArraySource
from core.project.model import Cell, Change, FootageReference, ObjectInfo
from core.project.project import Project
from core.studio.jobs import Marked, MarkJob
from core.studio.run_settings import EngineChoice
from pcvos_gui.canvas import Canvas
from pcvos_gui.session.session import Session
from pcvos_gui.session.view_state import Tool, ViewState


class FramesAtOnce(QObject):
    """Stands in for the frame worker: every frame is there as soon as it is asked for, unless `late`."""

    ready = Signal(int, object)
    nearest = Signal(int, int, object)
    failed = Signal(int, str)

    def __init__(self):
        super().__init__()
        self._source = None
        self.late = False

    def set_source(self, source):
        self._source = source

    def cached(self, frame):
        return None if self.late or self._source is None else self._source.read(frame)

    def request(self, frame):
        """All that is asked for is in `cached`."""


class AssistByHand(QObject):
    """Stands in for the marking worker without a network: answers when the test says so, or by painting."""

    done = Signal(object)
    failed = Signal(int, str)
    previewed = Signal(object)
    changed = Signal()
    has_network = False
    missing = ""
    engine = EngineChoice()

    def __init__(self):
        super().__init__()
        self.jobs: list[MarkJob] = []

    def submit(self, job):
        self.jobs.append(job)

    def work_out(self, job):
        return Marked(job.number, job.painted(), 0.0)

    def answer(self, mask, job=None):
        self.done.emit(Marked((job or self.jobs[-1]).number, mask, 0.0))


class CanvasRig:
    """A canvas on the screen, with footage open.

    Args:
        frames: uint8 (T, H, W, 3). objects: how many there are, ids from 1. size: (width, height) of the window.
        aspect: how wide a pixel is shown over how high.
    """

    def __init__(self, qtbot, path: Path, frames: np.ndarray, objects: int = 1, size=(400, 300), assist=None, aspect=1):
        self.view_state = ViewState()
        self.frames = FramesAtOnce()
        self.assist = assist or AssistByHand()
        self.session = Session(self.frames)
        self.asked: list[int] = []
        self.canvas = Canvas(self.session, self.view_state, self.assist, self.asked.append)
        self.view = self.canvas.view
        self.viewport = self.view.viewport()
        qtbot.addWidget(self.canvas)
        self.canvas.resize(*size)
        with qtbot.waitExposed(self.canvas):
            self.canvas.show()
        self.messages: list = []
        self.session.messages.said.connect(self.messages.append)
        media = ArraySource(frames)
        media.sample_aspect_ratio = Fraction(aspect)
        reference = FootageReference(path / "clip.mp4", "f", len(frames), media.size, Fraction(25))
        self.project = Project.new(reference, path / "clip.pcvos")
        infos = tuple(ObjectInfo(i, f"Object {i}", _colour(i)) for i in range(1, objects + 1))
        self.session.open(media, self.project)
        if objects:
            self.session.document.apply(Change("Objects", objects=((), infos)))

    def give_mask(self, mask: np.ndarray, id: int = 1, frame: int | None = None) -> None:
        """An object's mask, bool (H, W), as if a run had made it."""
        frame = self.session.navigator.shown if frame is None else frame
        before = self.project.cell(frame, id)
        self.session.document.apply(Change("Mask", {(frame, id): (before, Cell(PackedMask.pack(mask)))}))

    def take(self, tool: Tool, brush: float | None = None) -> None:
        self.view_state.set_tool(tool)
        if brush is not None:
            self.view_state.set_brush(brush)

    # hands

    def at(self, x: float, y: float) -> QPoint:
        """Where a point of the frame is in the viewport."""
        return self.view.to_view(QPointF(x, y)).toPoint()

    def point(self, x: float, y: float) -> tuple[float, float]:
        """Where in the frame a press at `at(x, y)` is, which lies on whole pixels of the screen."""
        hit = self.view.to_image(QPointF(self.at(x, y)))
        return hit.x(), hit.y()

    def mouse(self, kind, x, y, button=Qt.MouseButton.LeftButton, modifiers=Qt.KeyboardModifier.NoModifier):
        """One event of the mouse over a point of the frame; `kind` a QEvent.Type."""
        released = kind in (QEvent.Type.MouseButtonRelease, QEvent.Type.MouseMove)
        buttons = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseButtonRelease else button
        at = QPointF(self.at(x, y))
        cause = Qt.MouseButton.NoButton if released and kind == QEvent.Type.MouseMove else button
        QApplication.sendEvent(
            self.viewport, QMouseEvent(kind, at, self.viewport.mapToGlobal(at), cause, buttons, modifiers)
        )

    def press(self, x, y, button=Qt.MouseButton.LeftButton, modifiers=Qt.KeyboardModifier.NoModifier):
        self.mouse(QEvent.Type.MouseButtonPress, x, y, button, modifiers)

    def move(self, x, y, button=Qt.MouseButton.LeftButton):
        self.mouse(QEvent.Type.MouseMove, x, y, button)

    def release(self, x, y, button=Qt.MouseButton.LeftButton):
        self.mouse(QEvent.Type.MouseButtonRelease, x, y, button)

    def drag(self, *points, button=Qt.MouseButton.LeftButton, modifiers=Qt.KeyboardModifier.NoModifier):
        """Press at the first point, move through the others, release at the last."""
        self.press(*points[0], button, modifiers)
        for point in points[1:]:
            self.move(*point, button)
        self.release(*points[-1], button)

    def click(self, x, y, button=Qt.MouseButton.LeftButton, modifiers=Qt.KeyboardModifier.NoModifier):
        self.drag((x, y), button=button, modifiers=modifiers)

    def double_click(self, x, y):
        self.click(x, y)
        self.mouse(QEvent.Type.MouseButtonDblClick, x, y)
        self.release(x, y)

    def key(self, key, modifiers=Qt.KeyboardModifier.NoModifier):
        QTest.keyClick(self.view, key, modifiers)

    # eyes

    def picture(self) -> QImage:
        """The picture of the viewport, without the pointer's ring."""
        QApplication.sendEvent(self.viewport, QEvent(QEvent.Type.Leave))
        return self.viewport.grab().toImage()

    def seen(self, x: float, y: float, picture: QImage | None = None) -> tuple[int, int, int]:
        """The colour over a point of the frame."""
        picture = picture or self.picture()
        colour = QColor(picture.pixel(self.at(x, y) * picture.devicePixelRatio()))
        return colour.red(), colour.green(), colour.blue()


def _colour(id: int) -> tuple[int, int, int]:
    return tuple(int(c) for c in DISPLAY_PALETTE[id])
