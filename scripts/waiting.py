"""For scripts that work the window: showing it, and waiting while its events, and other threads, go on."""

import time
from collections.abc import Callable

from PySide6.QtCore import QEventLoop, QTimer

from pcvos_gui.app.main_window import MainWindow


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


def shown_window() -> MainWindow:
    """The window as the application shows it, with PyTorch imported on its thread; the application is there."""
    window = MainWindow()
    window.resize(1600, 900)
    window.show()
    window.inference.warm_up()
    let_it_run(3000)
    return window
