"""From a command line to a window."""

import logging
import os
import signal
import sys
import threading
from pathlib import Path

from pcvos_gui.app.environment import drop_opencv_variables

_WARM_UP_MS = 5000  # at the latest: loading PyTorch slows down whatever else is being loaded


def run(target: str = "", demo: bool = False) -> int:
    """Show the window until it is closed; the exit code is the process's.

    Args:
        target: what to open at once: a video, a folder of images or a project. demo: the demo clip, with its mask.
    """
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Qt's loop would not notice; all that is done is on disk
    drop_opencv_variables()
    from PySide6.QtCore import QCoreApplication, Qt, QTimer
    from PySide6.QtWidgets import QApplication

    from pcvos_gui.app import theme
    from pcvos_gui.app.handlers.files import open_demo
    from pcvos_gui.app.main_window import MainWindow
    from pcvos_gui.app.settings import stored_settings
    from pcvos_gui.app.trouble import Trouble

    QCoreApplication.setOrganizationName("pcvos-studio")
    QCoreApplication.setApplicationName("pcvos-studio")
    application = QApplication(sys.argv[:1])
    theme.follow(application)
    theme.choose(application, stored_settings().theme)
    trouble = Trouble()
    trouble.install()
    window = MainWindow()
    trouble.happened.connect(window.show_trouble)
    window.show()
    if demo:
        QTimer.singleShot(0, lambda: open_demo(window))
    elif target:
        QTimer.singleShot(0, lambda: window.open(Path(target)))
    if demo or target:  # what is to be opened goes first; it may also fail
        window.session.opened.connect(window.inference.warm_up, Qt.ConnectionType.SingleShotConnection)
    QTimer.singleShot(_WARM_UP_MS if demo or target else 0, window.inference.warm_up)
    return _ended(application.exec())


def _ended(code: int) -> int:
    """The exit code; the process ends here if a worker's thread could not be waited for, say as PyTorch was loading.

    All is saved by then, and Python's own end would take such a thread out of the middle of C++, which aborts.
    """
    if any(thread.daemon for thread in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code
