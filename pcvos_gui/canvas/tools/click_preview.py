"""The mask that a click would give, shown faintly where the pointer rests."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from PySide6.QtCore import QObject, QTimer

from core.studio.jobs import Marked, MarkJob, next_number
from pcvos_gui.canvas.preview import PreviewItem
from pcvos_gui.canvas.tools.tool import Pointer
from pcvos_gui.workers.marking import MarkingWorker

REST_MS = 150
"""Rest of the pointer, or of the person on a frame, before anything is done about it."""


class ClickPreview(QObject):
    """Asks for the mask once the pointer rests, and drops it when the pointer leaves it.

    Args:
        is_wanted: whether a preview may be shown just now. job_at: what to ask for a pointer; None: nothing.

    Attributes:
        mask: bool (H, W), or None.
    """

    def __init__(
        self,
        assist: MarkingWorker,
        is_wanted: Callable[[], bool],
        job_at: Callable[[Pointer], MarkJob | None],
        parent: QObject,
    ):
        super().__init__(parent)
        self._assist, self._is_wanted, self._job_at = assist, is_wanted, job_at
        self.item = PreviewItem(is_faint=True)
        self.mask: np.ndarray | None = None
        self._pointer: Pointer | None = None  # that rests over the frame
        self._asked = 0  # a job's number
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self._ask)
        assist.previewed.connect(self._on_previewed)

    def hover(self, pointer: Pointer) -> None:
        """The pointer moves."""
        self._pointer = pointer
        self._rest.start()
        if self.mask is not None and not _is_in(self.mask, pointer):
            self._drop()

    def leave(self) -> None:
        """The pointer leaves the canvas."""
        self._pointer = None
        self.forget()

    def forget(self) -> None:
        """Show nothing until the pointer moves again."""
        self._rest.stop()
        self._drop()

    def _drop(self) -> None:
        if self._asked:
            self._assist.drop_previews()
        self._asked = 0
        if self.mask is not None:
            self.mask = None
            self.item.clear()

    def _ask(self) -> None:
        job = self._job_at(self._pointer) if self._pointer is not None and self._is_wanted() else None
        if job is not None:
            job = replace(job, is_preview=True, number=next_number())
            self._asked = job.number
            self._assist.submit(job)

    def _on_previewed(self, marked: Marked) -> None:
        if marked.number == self._asked and marked.mask is not None and self._is_wanted():
            self._asked, self.mask = 0, marked.mask
            self.item.set_mask(marked.mask)


def _is_in(mask: np.ndarray, pointer: Pointer) -> bool:
    column, row = int(pointer.x // 1), int(pointer.y // 1)
    return 0 <= row < mask.shape[0] and 0 <= column < mask.shape[1] and bool(mask[row, column])
