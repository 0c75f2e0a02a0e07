"""Watches over the open document: what of it is not saved, and what in its footage is damaged."""

from PySide6.QtCore import QObject, QTimer

from pcvos_gui.session.messages import MessageAction
from pcvos_gui.session.session import Session

RETRY_MS = 5000
_KEY = "unsaved"


class SaveWatch(QObject):
    """Speaks through the session's messages; also for the project, where it has a new warning.

    Attributes:
        timer: runs while something waits to be saved.
    """

    def __init__(self, session: Session, parent: QObject | None = None):
        super().__init__(parent)
        self._session = session
        self._said = ""  # why nothing can be saved, as it was said last; "": all is saved
        self._warnings = 0  # of the project, that were said
        self.timer = QTimer(self, interval=RETRY_MS)
        self.timer.timeout.connect(self.retry)
        session.opened.connect(self._on_opened)
        session.closed.connect(self._on_closed)
        session.saving_changed.connect(self._look)
        session.navigator.image_changed.connect(self._tell_warnings)

    def retry(self) -> bool:
        """Try to save what waits; whether all is saved."""
        if not self._session.is_open:
            return True
        is_saved = self._session.document.project.retry_save()
        self._session.saving_changed.emit()
        return is_saved

    def _try_again(self) -> None:
        """The person asked: there must be an answer, also if it is the same."""
        self._said = ""
        if self.retry() and self._session.is_open:
            self._tell_all_is_saved()

    def _look(self) -> None:
        if not self._session.is_open:
            return
        project = self._session.document.project
        if project.unsaved:
            if project.save_error != self._said:
                self._tell_unsaved(project.save_error or "")
            if not self.timer.isActive():
                self.timer.start()
        elif self.timer.isActive():
            self.timer.stop()
            self._tell_all_is_saved()
        self._tell_warnings()

    def _tell_unsaved(self, why: str) -> None:
        self._said = why
        text = self.tr("NOT SAVED. {} It is tried again every few seconds; do not close the window before.")
        again = MessageAction(self.tr("Try again"), self._try_again)
        holds = lambda: not self._session.is_open or self._session.document.project.unsaved > 0  # noqa: E731
        self._session.messages.say(text.format(why), "error", (again,), _KEY, holds)

    def _tell_all_is_saved(self) -> None:
        self._said = ""
        self._session.messages.say(self.tr("All is saved again."), "info", key=_KEY)

    def _tell_warnings(self) -> None:
        """Warnings that came up since the project was opened."""
        if self._session.is_open:
            warnings = self._session.document.project.warnings
            for sentence in warnings[self._warnings :]:
                self._session.messages.say(sentence, "warning")
            self._warnings = len(warnings)

    def _on_opened(self) -> None:
        self._warnings = len(self._session.document.project.warnings)  # who opened it tells these

    def _on_closed(self) -> None:
        self.timer.stop()
        if self._said:
            self._said = ""
            text = self.tr("It was closed without the changes that could not be saved.")
            self._session.messages.say(text, "warning", key=_KEY)


_FOOTAGE = "footage"  # the newest takes the place of the one before


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
            self._session.messages.say(warnings[-1], "warning", key=_FOOTAGE)
