"""One piece of work in a thread of the pool, which says how far it is and can be cancelled."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from superqt.utils import create_worker

from core.progress import Progress


class Task(QObject):
    """Begins at once. After `cancel` nothing is emitted any more.

    Signals:
        progressed(done, total), then one of returned(result) and failed(error).
    """

    progressed = Signal(int, int)
    returned = Signal(object)
    failed = Signal(object)
    _told = Signal(int, int)

    def __init__(self, work: Callable[[Progress], object], parent: QObject | None = None):
        super().__init__(parent)
        self._is_cancelled = False
        self._told.connect(self._on_told)
        progress = Progress(self._told.emit, lambda: self._is_cancelled)
        create_worker(work, progress, _connect={"returned": self._on_returned, "errored": self._on_error})

    def cancel(self) -> None:
        """The result is no longer wanted; nobody waits for the thread."""
        self._is_cancelled = True

    # on this object's thread

    def _on_told(self, done: int, total: int) -> None:
        if not self._is_cancelled:
            self.progressed.emit(done, total)

    def _on_returned(self, result: object) -> None:
        if not self._is_cancelled:
            self.returned.emit(result)

    def _on_error(self, error: Exception) -> None:
        if not self._is_cancelled:
            self.failed.emit(error)
