"""Tells what the footage has to say of itself while it is looked at: which frames turn out to be damaged."""

from PySide6.QtCore import QObject

from pcvos_gui.session.session import Session

_KEY = "footage"  # the newest takes the place of the one before


class DamageWatch(QObject):
    """Looks at the footage's warnings each time a frame has been shown."""

    def __init__(self, session: Session, parent: QObject | None = None):
        super().__init__(parent)
        self._session = session
        self._told = 0
        session.opened.connect(self._on_opened)
        session.navigator.image_changed.connect(self._look)

    def _on_opened(self) -> None:
        self._told = len(self._session.document.media.warnings)  # who opened it tells these

    def _look(self) -> None:
        warnings = self._session.document.media.warnings if self._session.is_open else []
        if len(warnings) > self._told:
            self._told = len(warnings)
            self._session.messages.say(warnings[-1], "warning", key=_KEY)
