"""Progress of something that goes on in a thread, where it takes long enough to be looked at."""

from typing import Protocol

from PySide6.QtCore import QTimer, SignalInstance
from PySide6.QtWidgets import QProgressBar, QWidget

_LONG = 300  # ms: what takes longer is shown


class Progressing(Protocol):
    """Work that tells how far it is."""

    progressed: SignalInstance


class BusyBar(QProgressBar):
    """Its place stays free while it is not to be seen."""

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.setAccessibleName(self.tr("Progress"))
        policy = self.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.setSizePolicy(policy)
        self.hide()
        self._long = QTimer(self, singleShot=True, interval=_LONG)
        self._long.timeout.connect(self.show)

    def follow(self, work: Progressing | None) -> None:
        """Show what `work` tells by its signal `progressed(done, total)`; None: nothing goes on."""
        self._long.stop()
        if work is None:
            self.hide()
        else:
            self.setRange(0, 0)
            work.progressed.connect(self._show)
            self._long.start()

    def _show(self, done: int, total: int) -> None:
        self.setRange(0, total)
        self.setValue(done)
