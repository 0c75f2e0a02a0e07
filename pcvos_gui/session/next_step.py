"""The next step, told below the picture: to those who have never used the program as well."""

from collections.abc import Collection

from PySide6.QtCore import QObject

from core.project.tracks import IN_MEMORY, PREDICTED
from core.studio.done import done_share
from core.studio.touched import marked_since
from pcvos_gui.canvas import Canvas
from pcvos_gui.session.reviewer import Reviewer
from pcvos_gui.session.runs import RunController, RunState
from pcvos_gui.session.session import Session


class NextStep(QObject):
    """Watches session, runs and canvas, and keeps the strip below the picture up to date."""

    def __init__(
        self,
        session: Session,
        runs: RunController,
        canvas: Canvas,
        reviewer: Reviewer,
        parent: QObject | None = None,
    ):
        super().__init__(parent)
        self._session, self._runs, self._canvas, self._reviewer = session, runs, canvas, reviewer
        self._marked: set[int] | None = None  # objects with masks that no run has read; None: to be found out
        self._has_offer = False
        for signal in (session.opened, session.states_changed, session.objects_changed, runs.state_changed):
            signal.connect(self._forget_marked)
        canvas.hint_changed.connect(self._on_tool)
        for signal in (
            session.opened,
            session.closed,
            session.states_changed,
            session.objects_changed,
            runs.state_changed,
            runs.progressed,
            reviewer.changed,
        ):
            signal.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Tell what comes next just now."""
        self._has_offer = self._canvas.offer_bar.isVisibleTo(self._canvas)
        self._canvas.strip.show_step(self._text())

    def _forget_marked(self) -> None:
        self._marked = None

    def _on_tool(self) -> None:
        if self._has_offer != self._canvas.offer_bar.isVisibleTo(self._canvas):
            self.refresh()

    def _text(self) -> str:
        session, runs = self._session, self._runs
        if not session.is_open:
            return self.tr("Opening…")
        if runs.state is RunState.LOADING:
            return (
                self.tr("Ending what went on before…")
                if runs.is_stopping
                else self.tr("Loading the network; longer the first time…")
            )
        if runs.is_busy:
            return self.tr("Propagating: look around, correct what you see, or stop (Esc)")
        if session.document.project.read_only:
            return self.tr("Read-only: look around, or export")
        if self._has_offer:
            return self.tr("Next: accept it, or go on marking")
        if done_share(session.document.project).is_all:
            return self.tr("Everything is done. Next: export (Ctrl+E)")
        if not (session.document.project.states & IN_MEMORY).any():
            return self.tr("Next: mark an object on any frame")
        if not (session.document.project.states & PREDICTED).any():
            return self._what_is_marked([obj.id for obj in session.objects])
        if marked := self._marked_since():
            if any(len(session.document.project.frames_of(id, PREDICTED)) for id in marked):
                return self.tr("Corrected. Next: fix more frames, or propagate again (Ctrl+Return)")
            return self._what_is_marked(marked)
        if not session.document.project.states.all():
            return self.tr("Next: fix the first frame that is wrong, or propagate to the frames that are left")
        if self._reviewer.waiting:
            return self.tr("Next: go through what is doubtful (F9, F8), and fix what is wrong; or export")
        return self.tr(
            "Next: step through, and fix the first frame that is wrong; if none is, declare it done (Shift+D) or export"
        )

    def _marked_since(self) -> set[int]:
        """What a person marked or corrected since the last run; what else changes masks, such as undo, or taking what
        another run drew, is none of it."""
        if self._marked is None:
            self._marked = marked_since(self._session.document.project)
        return self._marked

    def _what_is_marked(self, ids: Collection[int]) -> str:
        """Of these objects nothing is known on the other frames yet."""
        objects, project = self._session.objects, self._session.document.project
        marked = [obj.name for obj in objects if obj.id in ids and len(project.frames_of(obj.id, IN_MEMORY))]
        if len(marked) == 1:
            return self.tr("{} is marked. Next: propagate it to the other frames (Ctrl+Return)").format(marked[0])
        text = self.tr("{} objects are marked. Next: propagate them to the other frames (Ctrl+Return)")
        return text.format(len(marked))
