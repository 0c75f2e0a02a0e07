"""For scripts that work the window: waiting while its events, and other threads, go on."""

import time
from collections.abc import Callable

from PySide6.QtCore import QEventLoop, QTimer


def let_it_run(ms: int) -> None:
    """Handle events for a while, as the application does. (QTest.qWait keeps Python's lock: other threads would stand
    still.)"""
    loop = QEventLoop()
    QTimer.singleShot(ms, loop.quit)
    loop.exec()


def wait(condition: Callable[[], object], seconds: float = 120) -> None:
    """Until `condition` holds; ends the program if it takes longer."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise SystemExit("the window did not get there in time")
        let_it_run(5)
