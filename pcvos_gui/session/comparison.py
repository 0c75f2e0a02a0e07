"""Comparing memory intervals: the next clips are run at several of them, and nothing enters the project."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from core.studio.jobs import Compared, CompareJob, CompareProgress, PropagateJob, masks_there
from core.studio.run_settings import RunSettings
from pcvos_gui.session.session import Leaving, Session
from pcvos_gui.workers.inference import InferenceWorker

COMPARED_INTERVALS = (1, 5, 15, 25)
"""Intervals that "Compare L" runs, besides the one chosen."""


class Comparison(QObject):
    """One at a time, and none while a run is under way.

    Args:
        make_job: a run forward from one frame to another, with the present settings; None: there is none to be had.
        cancel: end the job of this number.
    """

    began = Signal()
    progressed = Signal(object)  # CompareProgress
    compared = Signal(object)  # Compared
    ended = Signal()

    def __init__(
        self,
        session: Session,
        worker: InferenceWorker,
        make_job: Callable[[int, int], PropagateJob | None],
        cancel: Callable[[int], None],
        parent: QObject,
    ):
        super().__init__(parent)
        self._session, self._worker, self._make_job, self._cancel = session, worker, make_job, cancel
        self._job: CompareJob | None = None
        worker.compare_progressed.connect(self._on_progress)
        worker.compared.connect(self._on_compared)

    @property
    def is_under_way(self) -> bool:
        return self._job is not None

    def start(self, settings: RunSettings, clips: int = 2) -> None:
        """Run the next clips at several intervals; what comes of each is told as `compared`."""
        self._session.settling.emit(Leaving.FOR_RUN)
        intervals = tuple(sorted({*COMPARED_INTERVALS, settings.interval}))
        here = self._session.navigator.frame
        last = min(self._session.navigator.frame_count - 1, here + clips * max(intervals))
        job = self._make_job(here, last)
        if job is not None:
            self._job = CompareJob(job, intervals, masks_there(self._session.document.project, job))
            self._worker.submit(self._job)
            self.began.emit()

    def stop(self) -> None:
        if self._job is not None:
            number, self._job = self._job.number, None
            self._cancel(number)
            self.ended.emit()

    @property
    def marked(self) -> int:
        """Number of objects that are run."""
        return 0 if self._job is None else len({id for frame in self._job.base.permanent for id in frame.masks})

    def _is_of(self, number: int) -> bool:
        return self._job is not None and self._job.number == number

    def _on_progress(self, progress: CompareProgress) -> None:
        if self._is_of(progress.number):
            self.progressed.emit(progress)

    def _on_compared(self, compared: Compared) -> None:
        if self._is_of(compared.number):
            self.compared.emit(compared)

    def end(self, number: int) -> bool:
        """The job of this number is over; whether it was this one."""
        is_mine = self._is_of(number)
        if is_mine:
            self._job = None
            self.ended.emit()
        return is_mine
