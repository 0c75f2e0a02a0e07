"""Explanation of the shown frame: asks the network's thread, and keeps its answers."""

from PySide6.QtCore import QCoreApplication, QObject, QTimer, Signal

from core.errors import PCVOSError
from core.project.model import Cell
from core.propagation.attribution import Read
from core.studio.comparison import Apart
from core.studio.explanation import make_explain_job
from core.studio.jobs import Ablated, AblateJob, Explained, ExplainJob, JobEnded, PointJob
from pcvos_gui.session.runs import RunController
from pcvos_gui.session.session import Session
from pcvos_gui.session.side_by_side import PRESENT, Choice, SideBySide

_SETTLE_MS = 120  # frames come faster than anybody looks
_KEPT = 64  # pixels of a frame whose answer is kept


class Why(QObject):
    """The memory that the active object and one pixel were read from, and what each part of the method changed.

    Nothing is asked while nobody looks (`set_wanted`), or while a run goes on.

    Attributes:
        explained: the shown frame and the active object; None: not known (yet). trouble: why it cannot be.
        point: the pixel (x, y) that is pointed at. is_held: it stays while the pointer moves.
        reads: the places that it was read from; None: not known (yet).
        ablations: the clip as it was ("") and without each part of the method, as far as they have come.
        shows_uncertainty, shows_distractors: over the footage.
    """

    changed = Signal()
    shown_changed = Signal()  # what lies over the footage
    point_changed = Signal()

    def __init__(self, session: Session, runs: RunController, sides: SideBySide, parent: QObject | None = None):
        super().__init__(parent)
        self._session, self._runs, self._sides, self._worker = session, runs, sides, runs.worker
        self.explained: Explained | None = None
        self.trouble = ""
        self.point: tuple[int, int] | None = None
        self.is_held = False
        self.reads: list[Read] | None = None
        self.ablations: dict[str, Ablated] = {}
        self.shows_uncertainty = self.shows_distractors = False
        self._is_wanted = False
        self._job: ExplainJob | None = None
        self._points: dict[tuple[int, int], list[Read] | None] = {}
        self._asked: dict[int, tuple[int, int]] = {}  # pixels, by job
        self._ablating = 0
        self._timer = QTimer(self, singleShot=True, interval=_SETTLE_MS)
        self._timer.timeout.connect(self._ask)
        self._worker.explained.connect(self._on_explained)
        self._worker.ablated.connect(self._on_ablated)
        self._worker.ended.connect(self._on_ended)
        session.navigator.image_changed.connect(self.refresh)
        session.active_changed.connect(self.refresh)
        session.states_changed.connect(self.refresh)
        runs.state_changed.connect(self._on_run)
        session.closing.connect(self._forget)

    @property
    def is_ablating(self) -> bool:
        """Whether parts of the method are being left out."""
        return bool(self._ablating)

    @property
    def can_ablate(self) -> bool:
        """Whether there is a clip to draw without them."""
        return self._job is not None and not self._runs.is_busy and not self._ablating

    def set_wanted(self, wanted: bool) -> None:
        """Begin to ask, or stop, as the panel comes into sight or goes."""
        if wanted != self._is_wanted:
            self._is_wanted = wanted
            self.refresh()

    def refresh(self) -> None:
        """The frame, the object or the masks are others: ask again, soon."""
        self.explained, self.reads, self._job, self.trouble = None, None, None, ""
        self._points.clear()
        if self._is_wanted and self._session.is_open:
            self._timer.start()
        self.changed.emit()
        self.shown_changed.emit()

    def _on_run(self) -> None:
        if self._runs.is_busy:
            self._forget_ablations()  # the masks will be others
        self.refresh()

    def _forget(self) -> None:
        self._timer.stop()
        self.point, self.is_held = None, False
        self.point_changed.emit()
        self._forget_ablations()
        self.refresh()

    # asking

    def _ask(self) -> None:
        session = self._session
        frame, obj = session.navigator.shown, session.active
        if not session.is_open or not self._is_wanted or self._runs.is_busy or frame < 0:
            return
        if session.object(obj) is None:
            self.trouble = _tr("Choose an object in the list: what was read is told for one at a time.")
        else:
            try:
                project, footage = session.document.project, session.document.media.path
                self._job = make_explain_job(project, footage, frame, obj, self._runs.next.settings)
                self._worker.submit(self._job)
            except PCVOSError as error:
                self.trouble = str(error)
        self.changed.emit()

    def point_at(self, x: int, y: int, hold: bool = False) -> None:
        """Explain this pixel; `hold`: keep to it while the pointer moves, or let it go again."""
        if hold:
            self.is_held = not self.is_held or (x, y) != self.point
        elif self.is_held:
            return
        self.point = x, y
        self._ask_point()
        self.changed.emit()
        self.point_changed.emit()

    def leave_point(self) -> None:
        """Forget the pixel: the pointer has left the canvas."""
        if not self.is_held and self.point is not None:
            self.point = self.reads = None
            self.changed.emit()
            self.point_changed.emit()

    def _ask_point(self) -> None:
        self.reads = None
        if self.point is None or self.explained is None or self.explained.attribution is None or self._job is None:
            return
        if self.point not in self._points:
            self._points[self.point] = self.explained.attribution.reads(*self.point)
        self.reads = self._points[self.point]
        if self.reads is None and not self._runs.is_busy:
            job = PointJob(self._job, *self.point)
            self._asked[job.number] = self.point
            self._worker.submit(job)

    def _on_explained(self, found: Explained) -> None:
        if self._job is None or found.of != self._job.number:
            return
        if found.number == found.of:
            self.explained = found
            self._ask_point()
        else:
            point = self._asked.pop(found.number)
            if len(self._points) >= _KEPT:
                self._points.clear()
            self._points[point] = None if found.attribution is None else found.attribution.reads(*point)
            if point == self.point:
                self.reads = self._points[point]
        self.changed.emit()

    def _on_ended(self, ended: JobEnded) -> None:
        self._asked.pop(ended.number, None)
        if ended.number == self._ablating:
            self._ablating = 0
        elif self._job is None or ended.number != self._job.number:
            return
        if ended.state == "failed":
            self.trouble = ended.sentence
        self.changed.emit()

    # parts of the method

    def ablate(self) -> None:
        """Draw the clip around this frame without each part of the method."""
        if self._job is not None and self.can_ablate:
            self._forget_ablations()
            project, footage = self._session.document.project, self._session.document.media.path
            settings = self._runs.next.settings
            job = AblateJob(make_explain_job(project, footage, self._job.frame, self._job.object, settings))
            self._ablating = job.number
            self._worker.submit(job)
            self.changed.emit()

    def stop(self) -> None:
        """Stop drawing the clip anew."""
        if self._ablating:
            self._worker.cancel(self._ablating)

    def _on_ablated(self, found: Ablated) -> None:
        if found.number != self._ablating or not self._session.is_open:
            return
        self.ablations[found.without] = found
        named = {name_of(part): one for part, one in self.ablations.items() if one.cells}
        self._sides.set_apart(
            {
                name: Apart({key: Cell(c.mask, confidence=c.confidence, soft=c.soft) for key, c in one.cells.items()})
                for name, one in named.items()
            }
        )
        self.changed.emit()
        self.shown_changed.emit()

    def choose(self, part: str) -> None:
        """Compare what is there with the clip without this part; the key that flips goes between them."""
        self._sides.choose(PRESENT, Choice(apart=name_of(part)))

    def _forget_ablations(self) -> None:
        self.stop()
        self._ablating = 0
        if self.ablations:
            self.ablations = {}
            self._sides.set_apart({})
            self.shown_changed.emit()

    # over the footage

    def show(self, uncertainty: bool | None = None, distractors: bool | None = None) -> None:
        """Show these over the footage, or hide them; None: as it is."""
        self.shows_uncertainty = self.shows_uncertainty if uncertainty is None else uncertainty
        self.shows_distractors = self.shows_distractors if distractors is None else distractors
        self.changed.emit()
        self.shown_changed.emit()


def name_of(part: str) -> str:
    """A clip without one part of the method, as a side that is compared."""
    return {
        "": _tr("As it was, drawn again"),
        "refinement": _tr("Without refinement"),
        "progressive": _tr("Without progressive matching"),
        "kernel": _tr("Without the kernel of the matching"),
        "distractors": _tr("Without look-alikes"),
    }[part]


def _tr(text: str) -> str:
    return QCoreApplication.translate("why", text)
