"""From masks that were read to the change that brings them in, computed in a thread while the window goes on."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from PySide6.QtCore import QObject, QTimer, Signal

from core.errors import PCVOSError
from core.exchange.plan import ChangedCells, ImportPlan, as_change, changed_cells, unanswered
from core.progress import Progress
from core.project.model import Change
from core.project.project import Project
from pcvos_gui.workers.task import Task

PlanOf = Callable[[Project, Progress], ImportPlan]
"""Makes the plan for a project; on any thread that may read the project."""


@dataclass(frozen=True)
class Made:
    """An import that is ready to be done: the plan, and the cells that it changes as they are and as they will be."""

    plan: ImportPlan
    cells: ChangedCells

    def again(self, frames: set[int], corrected: bool, project: Project, progress: Progress) -> "Made":
        """The same, with these frames computed from what the project holds now."""
        kept = {key: cells for key, cells in self.cells.items() if key[0] not in frames}
        masks = {frame: masks for frame, masks in self.plan.masks.items() if frame in frames}
        return Made(
            self.plan, kept | changed_cells(replace(self.plan, project=project, masks=masks), corrected, progress)
        )


class ImportMaking(QObject):
    """Computes from a snapshot of the project; what is changed there meanwhile, by a run say, is computed again.

    Signals:
        progressed(done, total), then one of made(plan, change) and failed(error); none after `cancel`.
    """

    progressed = Signal(int, int)
    made = Signal(object, object)
    failed = Signal(object)

    def __init__(self, project: Project, plan_of: PlanOf, corrected: bool, parent: QObject | None = None):
        super().__init__(parent)
        self._project, self._plan_of, self._corrected = project, plan_of, corrected
        self._touched: set[int] = set()
        self._objects_changed = False
        self._unsubscribe: Callable[[], None] | None = project.subscribe(self._on_change)
        self._task: Task | None = None
        self._begin(self._make)

    def cancel(self) -> None:
        """It is no longer wanted."""
        self._leave()
        self.deleteLater()

    def _leave(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None

    def _make(self, project: Project, progress: Progress) -> Made:
        """Make the change, in the thread."""
        plan = self._plan_of(project, progress.part(0, 2))
        if plan.questions:
            raise unanswered(plan.questions)
        return Made(plan, changed_cells(plan, self._corrected, progress.part(1, 2)))

    def _begin(self, make: Callable[[Project, Progress], Made]) -> None:
        self._touched, self._objects_changed = set(), False
        try:
            work = with_snapshot(self._project, make)
        except PCVOSError as error:  # the file cannot be read just now
            QTimer.singleShot(0, self, partial(self._on_failed, error))
            return
        self._task = Task(work, self)
        self._task.progressed.connect(self.progressed)
        self._task.returned.connect(self._on_made)
        self._task.failed.connect(self._on_failed)

    def _on_change(self, change: Change) -> None:
        self._touched.update(change.frames)
        self._objects_changed |= change.objects is not None

    def _on_made(self, made: Made) -> None:
        stale = self._touched & made.plan.masks.keys()
        if self._objects_changed:
            self._begin(self._make)
        elif stale:
            self._begin(partial(made.again, stale, self._corrected))
        else:
            self._end(made)

    def _end(self, made: Made) -> None:
        self._leave()
        try:
            plan = replace(made.plan, project=self._project)
            change = as_change(plan, made.cells)
        except PCVOSError as error:
            self._on_failed(error)
            return
        self.made.emit(plan, change)
        self.deleteLater()

    def _on_failed(self, error: Exception) -> None:
        self._leave()
        self.failed.emit(error)
        self.deleteLater()


def with_snapshot(project: Project, work: Callable[[Project, Progress], object]) -> Callable[[Progress], object]:
    """For a `Task`: `work` with a snapshot of the project as it is now, which is closed afterwards."""
    snapshot = project.snapshot()

    def do(progress: Progress) -> object:
        with snapshot:
            return work(snapshot, progress)

    return do
