"""Errors that nobody caught: they are logged and shown, and the window lives."""

import logging
import sys
import threading
import traceback
from types import TracebackType

from PySide6.QtCore import QObject, Signal

log = logging.getLogger(__name__)


class Trouble(QObject):
    """Takes the place of Python's hooks for uncaught exceptions; without it they end in a terminal nobody looks at.

    Signals:
        happened(what, details): the error in a line, and its traceback. Emitted on this object's thread.
    """

    happened = Signal(str, str)

    def install(self) -> None:
        """For all threads, until the process ends."""
        sys.excepthook = self.report
        threading.excepthook = self._report_thread

    def report(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        """Log an error and tell whoever listens; Ctrl-C and the like are Python's own affair."""
        if not issubclass(kind, Exception):
            sys.__excepthook__(kind, error, trace)
            return
        log.error("uncaught", exc_info=(kind, error, trace))
        what = f"{kind.__name__}: {error}" if str(error) else kind.__name__
        self.happened.emit(what, "".join(traceback.format_exception(kind, error, trace)))

    def _report_thread(self, arguments: threading.ExceptHookArgs) -> None:
        if arguments.exc_value is not None:
            self.report(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)
