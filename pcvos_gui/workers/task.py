"""One piece of work in a thread of its own, which says how far it is and can be cancelled."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from core.progress import Tell
from pcvos_gui.workers.thread import Worker

_OFTEN = 0.05  # seconds from one word on progress to the next


class _CancelledError(Exception):
    """Ends the work where it says how far it is."""


@dataclass(frozen=True)
class _Said:
    done: int
    total: int


@dataclass(frozen=True)
class _Returned:
    result: object


@dataclass(frozen=True)
class _Failed:
    error: Exception


class Task(Worker):
    """Begins at once. After `cancel` nothing is emitted any more.

    Signals:
        progressed(done, total), then one of returned(result) and failed(error).
    """

    progressed = Signal(int, int)
    returned = Signal(object)
    failed = Signal(object)

    def __init__(self, name: str, work: Callable[[Tell], object], parent: QObject | None = None):
        """
        Args:
            work: takes what it is to tell its progress, and does so often; its result is handed over.
        """
        super().__init__(name, parent)
        self._do = work
        self._told = 0.0
        self._thread.start()

    def cancel(self) -> None:
        """The result is no longer wanted; nobody waits for the thread."""
        with self._changed:
            self._closed = True

    def _work(self) -> None:
        try:
            self._post(_Returned(self._do(self._tell)))
        except _CancelledError:
            pass
        except Exception as error:
            self._post(_Failed(error))

    def _tell(self, done: int, total: int) -> None:
        if self._closed:
            raise _CancelledError
        now = time.monotonic()
        if now - self._told >= _OFTEN:
            self._told = now
            self._post(_Said(done, total))

    def _deliver(self, message: object) -> None:
        match message:
            case _Said(done, total):
                self.progressed.emit(done, total)
            case _Returned(result):
                self.returned.emit(result)
            case _Failed(error):
                self.failed.emit(error)
