"""The place in the footage: the frame that is current, the one whose pixels are seen, and the way to others."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np
from PySide6.QtCore import QObject, Signal

from pcvos_gui.session.messages import Messages
from pcvos_gui.session.open_session import OpenSession
from pcvos_gui.workers.frames import FrameWorker


class Navigator(QObject):
    """Goes from frame to frame.

    The frame that is *current* is where the person is; the frame that is *shown* is the one whose pixels are on the
    canvas: it lags behind while a frame is decoded.

    Args:
        may_move: whether the frame may change just now; while somebody paints it may not.

    Attributes:
        frame, shown: indices; -1 while nothing is open, or shown.
        image: uint8 (H, W, 3) RGB of the shown frame, read-only.
    """

    leaving = Signal()  # another frame will be the current one
    frame_changed = Signal(int)
    image_changed = Signal()

    def __init__(self, frames: FrameWorker, messages: Messages, may_move: Callable[[], bool], parent: QObject):
        super().__init__(parent)
        self.frames = frames
        self._messages, self._may_move = messages, may_move
        self._document: OpenSession | None = None
        self.frame = self.shown = -1
        self.image: np.ndarray | None = None
        self._preview_aspect = Fraction(1)
        frames.ready.connect(self._show)
        frames.nearest.connect(lambda _, shown, image: self._show(shown, image))
        frames.failed.connect(self._tell_unreadable)

    def open(self, document: OpenSession) -> None:
        """Be nowhere yet in other footage; what was shown while it was opened goes with its first frame."""
        self._document, self.frame, self.shown = document, -1, -1
        self.frames.set_source(document.media)

    def close(self) -> None:
        """Be nowhere, in no footage."""
        self._document, self.frame, self.shown, self.image = None, -1, -1, None
        self.frames.set_source(None)

    @property
    def frame_count(self) -> int:
        return len(self._document.media) if self._document else 0

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the footage."""
        return self._document.media.size if self._document else (0, 0)

    @property
    def sample_aspect_ratio(self) -> float:
        """Width over height of a pixel of what is shown."""
        return float(self._document.media.sample_aspect_ratio if self._document else self._preview_aspect)

    @property
    def shown_image(self) -> np.ndarray:
        """`image`, where a frame is shown."""
        assert self.image is not None, "no frame is shown"
        return self.image

    def show_preview(self, image: np.ndarray, sample_aspect_ratio: Fraction) -> None:
        """Show the first frame of footage that is still being opened, uint8 (H, W, 3)."""
        self._preview_aspect = sample_aspect_ratio
        self.image, self.shown = image, 0
        self.image_changed.emit()

    def go_to(self, frame: int) -> None:
        """Make a frame current; it is shown as soon as it is decoded."""
        if self._document is None or not self._may_move():
            return
        frame = min(max(frame, 0), self.frame_count - 1)
        moved = frame != self.frame
        if moved:
            self.leaving.emit()
        self.frame = frame
        if moved:
            self.frame_changed.emit(frame)
        cached = self.frames.cached(frame)
        if cached is not None:
            self._show(frame, cached)
        self.frames.request(frame)

    def go_to_corrected(self, step: int) -> None:
        """To the next (+1) or previous (-1) corrected frame, if there is one."""
        frame = self._document.project.next_corrected(self.frame, step) if self._document else None
        if frame is not None:
            self.go_to(frame)

    def _tell_unreadable(self, frame: int, sentence: str) -> None:
        self._messages.say(sentence, "error", key="frame", holds=lambda: self.frame == frame)

    def _show(self, frame: int, image: np.ndarray) -> None:
        if self._document is None or not self._may_move() or (frame == self.shown and frame == self.frame):
            return
        self.shown, self.image = frame, image
        self.image_changed.emit()
