"""The workers' common base: a thread of their own, and results that arrive on the window's.

A Python thread rather than a QThread: it needs no event loop, only a condition to wait on, and one that does not end in
time dies with the process instead of aborting it (`pcvos_gui.app.application` sees to that).
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal

log = logging.getLogger(__name__)


class Worker(QObject):
    """Owns one thread, which does what `_take` gives, from `start` to `shutdown`.

    What the thread posts reaches `_deliver` on the thread this object lives on, later and in order: all public signals
    are emitted there, and what the window has cancelled by then can still be dropped.
    """

    _posted = Signal(object)

    def __init__(self, name: str, parent: QObject | None = None):
        super().__init__(parent)
        self._changed = threading.Condition()  # guards what both threads touch; told of every change
        self._closed = False
        self._thread = threading.Thread(target=self._guarded, name=name, daemon=True)
        self._posted.connect(self._deliver_unless_closed, Qt.ConnectionType.QueuedConnection)

    def shutdown(self, seconds: float = 5.0) -> bool:
        """End the thread, and wait for that at most so long. Whether it has ended; nothing is emitted any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(seconds)
        if self._thread.is_alive():
            log.warning("%s has not ended within %.0f s", self._thread.name, seconds)
        return not self._thread.is_alive()

    def _take(self) -> Callable[[], object] | None:
        """On the thread, under the lock: the next piece of work; None: there is none until `_changed` is told again."""
        raise NotImplementedError

    @contextmanager
    def _held(self) -> Iterator[None]:
        """On the thread: what it holds from its beginning to its end."""
        yield

    def _deliver(self, message: Any) -> None:
        """On this object's thread: what was posted."""
        raise NotImplementedError

    def _post(self, message: object) -> None:
        """From the thread."""
        with self._changed:  # `shutdown` returns before this object can be gone
            if not self._closed:
                self._posted.emit(message)

    def _deliver_unless_closed(self, message: object) -> None:
        if not self._closed:
            self._deliver(message)

    def _guarded(self) -> None:
        try:
            with self._held():
                while True:
                    work = None  # which can hold pictures
                    with self._changed:
                        while not self._closed and (work := self._take()) is None:
                            self._changed.wait()
                    if work is None or self._closed:
                        return
                    work()
        except Exception:
            log.exception("the thread %s ended", self._thread.name)
