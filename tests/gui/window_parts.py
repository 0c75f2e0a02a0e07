"""The real window over a small real video, and hands that move."""

from pathlib import Path

import cv2
import numpy as np
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QDialog

from core.media.writer import VideoWriter
from pcvos_gui.app.main_window import MainWindow
from pcvos_gui.session.messages import Message
from pcvos_gui.session.runs import RunState
from pcvos_gui.session.view_state import Tool

HEIGHT, WIDTH, COUNT = 96, 128, 14
RADIUS = 18
RESOLUTION = 96


def centre(frame: int) -> tuple[float, float]:
    """Where the disc is, (x, y)."""
    return 30 + 4.0 * frame, 48.0


def picture(frame: int) -> np.ndarray:
    """uint8 (H, W, 3): a bright striped disc moves over a dark texture; a second one stands still."""
    rng = np.random.default_rng(3)
    small = rng.integers(20, 90, (12, 16, 3), dtype=np.uint8)
    image = cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    x, y = centre(frame)
    cv2.circle(image, (round(x), round(y)), RADIUS, (230, 120, 40), -1)
    cv2.circle(image, (round(x) - 5, round(y) - 5), 6, (250, 240, 90), -1)
    cv2.circle(image, (110, 16), 10, (40, 160, 240), -1)
    return image


def truth(frame: int) -> np.ndarray:
    """bool (H, W): the moving disc."""
    yy, xx = np.mgrid[:HEIGHT, :WIDTH]
    x, y = centre(frame)
    return np.hypot(xx - round(x), yy - round(y)) <= RADIUS


def make_clip(path: Path, count: int = COUNT) -> Path:
    """A video of `picture(0)`, `picture(1)`, ..."""
    with VideoWriter(path, (HEIGHT, WIDTH), 25) as video:
        for i in range(count):
            video.write(picture(i))
    return path


class Hands:
    """Does with the window what a person does."""

    def __init__(self, qtbot, window: MainWindow):
        self.bot, self.window = qtbot, window
        self.session, self.runs, self.view = window.session, window.runs, window.canvas.view

    def open(self, path: Path) -> None:
        with self.bot.waitSignal(self.session.opened, timeout=20_000):
            self.window.open(path)
        self.wait_for_frame()

    def wait_for_frame(self) -> None:
        session = self.session
        self.bot.waitUntil(
            lambda: session.navigator.shown == session.navigator.frame and session.navigator.frame >= 0, timeout=20_000
        )

    def go_to(self, frame: int) -> None:
        self.session.navigator.go_to(frame)
        self.wait_for_frame()

    def act(self, name: str) -> None:
        """Choose a menu entry."""
        action = self.window.actions_by_name[name]
        assert action.isEnabled(), f"{name} is disabled"
        action.trigger()

    def dialog(self, kind: type[QDialog]) -> QDialog:
        """The dialog of this kind that is open."""
        return next(dialog for dialog in self.window.findChildren(kind) if dialog.isVisible())

    def drag(self, *points: tuple[float, float], button=Qt.MouseButton.LeftButton) -> None:
        """Press at the first point of the frame, move through the others, release at the last."""
        self.mouse(QEvent.Type.MouseButtonPress, points[0], button, button)
        for point in points[1:]:
            self.mouse(QEvent.Type.MouseMove, point, Qt.MouseButton.NoButton, button)
        self.mouse(QEvent.Type.MouseButtonRelease, points[-1], button, Qt.MouseButton.NoButton)

    def mouse(self, kind, point, button, buttons) -> None:
        viewport = self.view.viewport()
        at = QPointF(self.view.to_view(QPointF(*point)).toPoint())
        event = QMouseEvent(kind, at, viewport.mapToGlobal(at), button, buttons, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(viewport, event)

    def paint(self, *points: tuple[float, float], tool: Tool = Tool.BRUSH, brush: float = 12) -> None:
        self.window.view_state.set_tool(tool)
        self.window.view_state.set_brush(brush)
        self.drag(*points)

    def scribble(self, *points: tuple[float, float], button=Qt.MouseButton.LeftButton) -> None:
        """One stroke of the scribble tool, and wait for the mask it proposes."""
        self.window.view_state.set_tool(Tool.MARK)
        with self.bot.waitSignal(self.window.assist.done, timeout=20_000):
            self.drag(*points, button=button)

    def run(self, **choices) -> None:
        """Propagate to the end of the run."""
        self.begin_run(**choices)
        self.bot.waitUntil(lambda: self.runs.state is RunState.IDLE, timeout=120_000)

    def begin_run(self, **choices) -> None:
        from dataclasses import replace

        self.runs.next.set_settings(replace(self.runs.next.settings, resolution=RESOLUTION, device="cpu", **choices))
        self.act("propagate")

    def press(self, text: str) -> None:
        """Press the button of a message, also of one that others lie over."""
        bar = self.window.messages
        button = next(button for button in bar.buttons if button.text() == text)
        for _ in bar.messages:
            if not button.isVisible():
                self.bot.mouseClick(bar.others, Qt.MouseButton.LeftButton)
        self.bot.mouseClick(button, Qt.MouseButton.LeftButton)

    @property
    def texts(self) -> list[str]:
        """The sentences of the messages on the screen."""
        return [message.text for message in self.window.messages.messages]

    def told(self, *words: str) -> bool:
        """Whether one message has all of these words."""
        return any(all(word in text for word in words) for text in self.texts)

    def open_in_vain(self, path: Path) -> Message:
        """Open what cannot be opened; the error."""
        with self.bot.waitSignal(self.session.messages.said, timeout=20_000) as blocker:
            self.window.open(path)
        return blocker.args[0]

    def labels(self, frame: int) -> np.ndarray:
        return self.session.document.project.labels(frame)


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union of two bool masks."""
    return np.count_nonzero(one & other) / max(1, np.count_nonzero(one | other))
