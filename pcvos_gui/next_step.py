"""What to do next, told below the picture: to those who have never used the program as well."""

from PySide6.QtCore import QObject

from core.project.tracks import IN_MEMORY, PREDICTED
from pcvos_gui.canvas.strip import Strip
from pcvos_gui.runs import RunController, RunState
from pcvos_gui.session import Session


class NextStep(QObject):
    """Watches session and runs, and keeps a strip up to date."""

    def __init__(self, session: Session, runs: RunController, strip: Strip, parent: QObject | None = None):
        super().__init__(parent)
        self._session, self._runs, self._strip = session, runs, strip
        self._is_corrected = False  # since something was propagated
        session.edited.connect(self._on_edited)
        for signal in (
            session.opened,
            session.closed,
            session.states_changed,
            session.objects_changed,
            runs.state_changed,
            runs.progressed,
        ):
            signal.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Tell what comes next just now."""
        if self._runs.is_busy or self._session.project is None:
            self._is_corrected = False
        self._strip.show_step(self._text())

    def _on_edited(self) -> None:
        self._is_corrected = True
        self.refresh()

    def _text(self) -> str:
        session, runs = self._session, self._runs
        if session.project is None:
            return self.tr("Opening…")
        if runs.state is RunState.LOADING:
            return self.tr("Ending what went on before…") if runs.is_stopping else self.tr("Loading the network…")
        if runs.is_busy:
            return self.tr("Propagating: look around, correct what you see, or stop (Esc)")
        if session.project.read_only:
            return self.tr("Read-only: look around, or export")
        if not (session.project.states & IN_MEMORY).any():
            return self.tr("Next: mark an object on any frame")
        if not (session.project.states & PREDICTED).any():
            return self._what_is_marked()
        if self._is_corrected:
            return self.tr("Corrected. Next: fix more frames, or propagate again (Ctrl+Return)")
        return self.tr("Next: step through, and fix the first frame that is wrong; or export")

    def _what_is_marked(self) -> str:
        """Nothing is known of the other frames yet."""
        objects = self._session.objects
        if len(objects) == 1:
            return self.tr("{} is marked. Next: propagate it to the other frames (Ctrl+Return)").format(objects[0].name)
        return self.tr("Objects are marked. Next: propagate them to the other frames (Ctrl+Return)")
