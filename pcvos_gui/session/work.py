"""How long a person works on the open project, noted in it (`core.studio.work`)."""

import time
from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtGui import QWindow

from core.studio.work import WorkTime
from pcvos_gui.session.session import Leaving, Session

_SIGNS = frozenset(
    (
        QEvent.Type.KeyPress,
        QEvent.Type.MouseButtonPress,
        QEvent.Type.MouseMove,
        QEvent.Type.Wheel,
        QEvent.Type.TabletPress,
        QEvent.Type.TabletMove,
        QEvent.Type.TouchUpdate,
    )
)


class WorkRecorder(QObject):
    """Watches mouse and keyboard of a window while something is open.

    Attributes:
        timer: notes what has come together, so that a crash loses little of it.
    """

    def __init__(self, session: Session, clock: Callable[[], float] = time.monotonic, parent: QObject | None = None):
        """`clock`: seconds, never going back."""
        super().__init__(parent)
        self._session, self._clock = session, clock
        self._time = WorkTime()
        self.timer = QTimer(self, interval=30_000)
        self.timer.timeout.connect(self.note)
        session.opened.connect(self._on_opened)
        session.closed.connect(self.timer.stop)
        session.settling.connect(lambda leaving: self.note() if leaving is Leaving.FOOTAGE else None)

    def watch(self, window: QWindow) -> None:
        """From now on this window's events are signs of the person; each is seen once, before widgets see it."""
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in _SIGNS and self._session.is_open:
            self._time.sign(self._clock())
        return False

    def note(self) -> None:
        """Add the time since the last note to the project's."""
        seconds = self._time.take()
        if seconds and self._session.is_open:
            self._session.remember(seconds_worked=self._session.document.project.view.seconds_worked + seconds)

    def _on_opened(self) -> None:
        self._time = WorkTime()
        self.timer.start()
