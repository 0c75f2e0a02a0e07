"""The next step, told below the picture: to those who have never used the program as well."""

from collections.abc import Collection

from PySide6.QtCore import QObject

from core.project.tracks import CORRECTED, IN_MEMORY, PREDICTED
from core.studio.done import done_share
from core.studio.review import Stretch
from pcvos_gui.canvas import Canvas
from pcvos_gui.session.reviewer import Reviewer, frames_in_words, places_in_words, reason_in_words
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
        self._reasons: dict[Stretch, str] = {}  # of those that one has stood on; reading them takes time
        self._has_offer = False
        for signal in (session.opened, session.states_changed, session.objects_changed, runs.state_changed):
            signal.connect(self._forget)
        canvas.hint_changed.connect(self._on_tool)
        for signal in (
            session.opened,
            session.closed,
            session.states_changed,
            session.objects_changed,
            runs.state_changed,
            runs.progressed,
            reviewer.changed,
            session.active_changed,
            session.navigator.frame_changed,
        ):
            signal.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Tell what comes next just now."""
        self._has_offer = self._canvas.offer_bar.isVisibleTo(self._canvas)
        self._canvas.strip.show_step(self._text())

    def _forget(self) -> None:
        self._reasons.clear()

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
        marked = runs.next.marked_since
        is_corrected = any(len(session.document.project.frames_of(id, PREDICTED)) for id in marked)
        if marked and not is_corrected:
            return self._what_is_marked(marked)
        if (here := self._doubt_here()) is not None:
            return self._why_here(here, is_corrected)
        if is_corrected:
            return self._with_count(self.tr("Corrected. Next: fix more frames, or propagate again (Ctrl+Return)"))
        if not session.document.project.states.all():
            text = self.tr("Next: fix the first frame that is wrong, or propagate to the frames that are left")
            return self._with_count(text)
        count = len(self._reviewer.waiting)
        if count == 1:
            return self.tr("Next: look at the one place in doubt (F8), and fix it if it is wrong; or export")
        if count:
            text = self.tr("Next: go through the {} places in doubt (F9, F8), and fix what is wrong; or export")
            return text.format(count)
        return self.tr(
            "Next: step through, and fix the first frame that is wrong; if none is, declare it done (Shift+D) or export"
        )

    def _with_count(self, text: str) -> str:
        """With the number of places that wait for a look."""
        count = len(self._reviewer.waiting)
        if not count:
            return text
        return f"{text}. {places_in_words(count)} (F8)"

    def _doubt_here(self) -> Stretch | None:
        """The stretch that one stands on, if it waits, and is not corrected on this very frame."""
        here, session = self._reviewer.here, self._session
        if here is None or not here.waits:
            return None
        flags = session.document.project.flags_of(here.object)[session.navigator.frame]
        return None if flags & CORRECTED else here

    def _why_here(self, here: Stretch, is_corrected: bool) -> str:
        """The reason why it deserves a look, what to do about it, and how many more there are."""
        if here not in self._reasons:
            self._reasons[here] = reason_in_words(self._session.document.project, here)
        info, frames = self._session.object(here.object), frames_in_words(here)
        name = "" if info is None else info.name
        text = (
            self.tr("{}: {}, {}. Fix it, or propagate again (Ctrl+Return)")
            if is_corrected
            else self.tr("{}: {}, {}. Fix it, or tick it off (F7)")
        ).format(name, self._reasons[here], frames[0].lower() + frames[1:])
        others = len(self._reviewer.waiting) - 1
        if not others:
            return self.tr("{}; no other waits").format(text)
        if others == 1:
            return self.tr("{}; 1 more waits (F8)").format(text)
        return self.tr("{}; {} more wait (F8)").format(text, others)

    def _what_is_marked(self, ids: Collection[int]) -> str:
        """Of these objects nothing is known on the other frames yet."""
        objects, project = self._session.objects, self._session.document.project
        marked = [obj.name for obj in objects if obj.id in ids and len(project.frames_of(obj.id, IN_MEMORY))]
        if len(marked) == 1:
            text = self.tr(
                "{} is marked. Next: propagate it to the other frames (Ctrl+Return), or add an object (Ctrl+N)"
            )
            return text.format(marked[0])
        text = self.tr("{} objects are marked. Next: propagate them to the other frames (Ctrl+Return)")
        return text.format(len(marked))
