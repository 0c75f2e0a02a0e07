"""Watches over what is on disk: says when changes cannot be saved, and tries again until they are."""

from PySide6.QtCore import QObject, QTimer

from pcvos_gui.session.messages import Message, MessageAction
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
        session.image_changed.connect(self._tell_warnings)

    def retry(self) -> bool:
        """Try to save what waits; whether all is saved."""
        project = self._session.project
        if project is None:
            return True
        is_saved = project.retry_save()
        self._session.saving_changed.emit()
        return is_saved

    def _try_again(self) -> None:
        """The person asked: there must be an answer, also if it is the same."""
        self._said = ""
        if self.retry() and self._session.project is not None:
            self._tell_all_is_saved()

    def _look(self) -> None:
        project = self._session.project
        if project is None:
            return
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
        holds = lambda: self._session.project is None or self._session.project.unsaved > 0  # noqa: E731
        self._session.message.emit(Message(text.format(why), "error", (again,), _KEY, holds))

    def _tell_all_is_saved(self) -> None:
        self._said = ""
        self._session.message.emit(Message(self.tr("All is saved again."), "info", key=_KEY))

    def _tell_warnings(self) -> None:
        """Those that came up since the project was opened."""
        project = self._session.project
        if project is not None:
            for sentence in project.warnings[self._warnings :]:
                self._session.message.emit(Message(sentence, "warning"))
            self._warnings = len(project.warnings)

    def _on_opened(self) -> None:
        self._warnings = len(self._session.loaded_project.warnings)  # who opened it tells these

    def _on_closed(self) -> None:
        self.timer.stop()
        if self._said:
            self._said = ""
            text = self.tr("It was closed without the changes that could not be saved.")
            self._session.message.emit(Message(text, "warning", key=_KEY))
