"""Masks from files and to files, with threads of their own; a cancelled or failed export leaves no partial file."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from superqt.utils import create_worker

from core.errors import PCVOSError
from core.exchange.export_run import run_export
from core.exchange.plan import ImportPlan
from core.exchange.registry import exporter
from core.progress import Cancelled, Progress
from core.project.model import Change
from core.project.project import Project
from core.studio.exports import Export, Stored
from core.studio.imports import Reading, read_masks
from pcvos_gui.dialogs.import_change import ImportMaking, PlanOf
from pcvos_gui.session.messages import MessageAction
from pcvos_gui.session.session import Session
from pcvos_gui.widgets.time_left import TimeLeft
from pcvos_gui.workers.task import Task

log = logging.getLogger(__name__)


class Exchange(QObject):
    """Imports and exports of the open session; one export at a time.

    Signals:
        progress(what, done, total, seconds): of an export, and how long it will still take (-1: not known); total 0:
            none is going on.
        imported(frames): ascending.
    """

    progress = Signal(str, int, int, float)
    imported = Signal(object)
    _exported = Signal(int, int)  # frames done, of how many; from the thread

    def __init__(self, session: Session, parent: QObject | None = None):
        super().__init__(parent)
        self._session = session
        self._stop: threading.Event | None = None
        self._exports = 0  # begun so far
        self._left, self._target = TimeLeft(), ""  # of the export under way
        self._exported.connect(self._tell_progress)
        session.closing.connect(self.cancel)

    # in

    def may_import(self) -> bool:
        """Whether the project can be changed; if not, a message says why."""
        if self._session.document.project.read_only:
            self._say(self.tr("This project is open read-only: nothing can be imported into it."), "warning")
            return False
        return True

    def import_masks(self, path: Path, tells: bool = True) -> None:
        """Read masks without asking anything; they become corrections, as one step of undo. `tells`: say so."""
        media, frame, project = (
            self._session.document.media,
            self._session.navigator.frame,
            self._session.document.project,
        )
        reading = Task(lambda progress: read_masks((path,), media, frame, progress=progress), self)
        reading.returned.connect(lambda reading: self._take(reading, project, tells))
        reading.failed.connect(self._on_error)

    def _take(self, reading: Reading, project: Project, tells: bool) -> None:
        if self._session.has_open(project):
            self.bring_in(reading.plan_as_proposed, reading.name, tells=tells).failed.connect(self._on_error)

    def bring_in(self, plan_of: PlanOf, name: str, corrected: bool = True, tells: bool = True) -> ImportMaking:
        """Compute what a plan changes, and do it, as one step of undo; then say so (`tells`).

        Args:
            plan_of: makes the plan, in a thread. name: of where it is from.
            corrected: the masks become corrections, and permanent memory.

        Returns:
            What tells how far it is, that it has failed, or that it is made and done; it can be cancelled until then.
        """
        making = ImportMaking(self._session.document.project, plan_of, corrected, self)
        making.made.connect(lambda plan, change: self._do(plan, change, name, tells))
        self._session.closing.connect(making.cancel)
        return making

    def _do(self, plan: ImportPlan, change: Change, name: str, tells: bool) -> None:
        stack = self._session.undo_stack
        before = stack.index()
        self._session.document.push_change(change)
        if stack.index() == before:  # refused, and said so
            return
        self._session.document.when_saved(lambda: self._on_imported(plan, change, name, before if tells else None))

    def _on_imported(self, plan: ImportPlan, change: Change, name: str, step: int | None) -> None:
        if step is not None:
            self._tell_imported(plan, change, name, step)
        self.imported.emit(list(plan.frames))

    def _tell_imported(self, plan: ImportPlan, change: Change, name: str, step: int) -> None:
        """`step`: of the undo history, that it was; undone, it is nothing to speak of any more."""
        count = len(change.frames)
        of_frames = self.tr("1 frame") if count == 1 else self.tr("{} frames").format(count)
        what = self.tr("masks of {}").format(of_frames) if count else self.tr("new objects")
        said = [self.tr("Imported: {} from {}.").format(what, name), *plan.notes, *plan.warnings]
        if plan.locked:
            said.append(self.tr("Locked, and left as it was: {}.").format(", ".join(o.name for o in plan.locked)))
        level = "warning" if plan.warnings or plan.locked else "info"
        self._say(" ".join(said), level, holds=lambda: self._session.undo_stack.index() > step)

    # out

    @property
    def is_exporting(self) -> bool:
        return self._stop is not None

    def may_export(self) -> bool:
        """Whether there is something to export just now; if not, a message says why."""
        if self._stop is not None:
            text = self.tr("An export is going on: wait for it, or cancel it.")
            self._say(text, "warning", holds=lambda: self._stop is not None)
            return False
        project = self._session.document.project
        if project.unsaved:
            self._say(
                self.tr("The newest changes are not saved yet, and only what is saved is exported: free space first."),
                "warning",
                holds=lambda: project.unsaved > 0,
            )
            return False
        if not project.exists or not project.objects:
            text = self.tr("There are no masks to export yet: mark an object and propagate first.")
            self._say(text, "warning", holds=lambda: not project.exists or not project.objects)
            return False
        return True

    def export(self, wanted: Export) -> None:
        """Write in a thread of its own; what is on disk of the project is what is written."""
        if not self.may_export():
            return
        total = wanted.last - wanted.first + 1
        self._stop, self._left, self._target = threading.Event(), TimeLeft(), wanted.target.name
        self._exports += 1
        create_worker(
            _write,
            wanted,
            Stored.of(self._session.document.project, self._session.document.media),
            Progress(self._exported.emit, self._stop.is_set),
            _connect={
                "returned": lambda written: self._tell_written(wanted, *written),
                "errored": self._on_error,
                "finished": self._on_finished,
            },
        )
        self._tell_progress(0, total)

    def cancel(self) -> None:
        """End the export under way; what it has written goes away."""
        if self._stop is not None:
            self._stop.set()

    def _tell_progress(self, done: int, total: int) -> None:
        if self._stop is not None:
            self.progress.emit(self._target, done, total, self._left.after(done, total))

    def _tell_written(self, wanted: Export, which_frames: str, warnings: list[str]) -> None:
        text = self.tr("Written: {}, {}").format(which_frames, wanted.target)
        is_file = exporter(wanted.format).target == "file"
        folder = QUrl.fromLocalFile(str(wanted.target.parent if is_file else wanted.target))
        show = MessageAction(self.tr("Show"), lambda: QDesktopServices.openUrl(folder))
        self._say(" ".join([text, *warnings]), "warning" if warnings else "info", show, holds=self._until_next_export())

    def _until_next_export(self) -> Callable[[], bool]:
        """Whether what is said of this export still holds: until the next one."""
        this = self._exports
        return lambda: self._exports == this

    def _on_finished(self) -> None:
        self._stop = None
        self.progress.emit("", 0, 0, -1.0)

    def _on_error(self, error: Exception) -> None:
        if isinstance(error, Cancelled):
            if self._session.is_open:  # else it went with its project
                self._say(self.tr("The export was cancelled; nothing of it is left."), "info")
            return
        if not isinstance(error, PCVOSError):
            log.error("import or export failed", exc_info=error)
        self._say(str(error) or type(error).__name__, "error", holds=self._until_next_export())

    def _say(self, text: str, level: str, *actions: MessageAction, holds: Callable[[], bool] | None = None) -> None:
        self._session.messages.say(text, level, actions, holds=holds)


def _write(wanted: Export, stored: Stored, progress: Progress) -> tuple[str, list[str]]:
    """Write it, in the thread; which frames were written, and what is to be said about the footage."""
    with stored.opened() as (project, media):
        warnings = list(media.warnings)
        request = wanted.request(project, media)
        run_export(exporter(wanted.format), request, overwrite=wanted.overwrite, progress=progress)
        return request.which_frames, [warning for warning in media.warnings if warning not in warnings]
