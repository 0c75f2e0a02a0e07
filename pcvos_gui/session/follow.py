"""Going along with a run, as long as the person does not look elsewhere."""

from PySide6.QtCore import QObject

from core.studio.jobs import ClipDone
from pcvos_gui.canvas import Canvas
from pcvos_gui.session.runs import RunController, RunState
from pcvos_gui.session.session import Session
from pcvos_gui.session.view_state import ViewState


class Follower(QObject):
    """Shows the newest frame of a run, and the one it was started from when it is done.

    A run that is stopped, or fails, leaves the person where they look: at what they stopped it for. A step, a jump, a
    stroke or an unfinished scribble ends that for this run.
    """

    def __init__(self, session: Session, runs: RunController, view: ViewState, canvas: Canvas, parent: QObject):
        super().__init__(parent)
        self._session, self._runs, self._view, self._canvas = session, runs, view, canvas
        self._start = self._here = -1
        self._is_following = False
        runs.state_changed.connect(self._on_state)
        runs.worker.clip_done.connect(self._on_clip)
        session.navigator.frame_changed.connect(self._on_frame)
        session.edited.connect(self._stay)

    def _on_state(self) -> None:
        if self._runs.state is RunState.LOADING:
            self._start = self._here = self._session.navigator.frame
            self._is_following = True
        elif self._runs.state is RunState.IDLE and self._is_following:
            if self._session.is_open and self._view.follow and self._runs.outcome == "done":
                self._go_to(self._start)
            self._is_following = False

    def _on_clip(self, clip: ClipDone) -> None:
        if self._canvas.tool.is_busy or self._session.is_editing:
            self._is_following = False
        if self._is_following and self._view.follow and self._runs.state is RunState.RUNNING:
            self._go_to(clip.frames[-1])

    def _go_to(self, frame: int) -> None:
        self._here = frame
        self._session.navigator.go_to(frame)

    def _on_frame(self, frame: int) -> None:
        if frame != self._here:
            self._stay()

    def _stay(self) -> None:
        self._is_following = False
