"""Who makes masks from marks: the marking network where there is one, otherwise GrabCut."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from core.studio.jobs import Marked, MarkFailed, MarkJob
from core.studio.run_settings import EngineChoice
from pcvos_gui.workers.assist import AssistWorker, Subject, work_out
from pcvos_gui.workers.inference import InferenceWorker

_LONGEST = 20.0  # seconds that the window waits for a mask that cannot wait


class MarkingWorker(QObject):
    """Gives each job to the inference thread; where there are no marking weights, to GrabCut.

    Signals:
        done(Marked): of jobs. previewed(Marked): of previews. failed(number, sentence).
        changed(): whether there is a network has turned out otherwise than it was thought to be.
    """

    done = Signal(object)
    previewed = Signal(object)
    failed = Signal(int, str)
    changed = Signal()

    def __init__(
        self,
        inference: InferenceWorker,
        engine: Callable[[], EngineChoice] = EngineChoice,
        parent: QObject | None = None,
    ):
        super().__init__(parent)
        self._inference, self._engine = inference, engine
        self._grabcut = AssistWorker(self)
        self._missing: tuple[EngineChoice, str] | None = None
        self._jobs: dict[int, MarkJob] = {}  # that the network works on
        self._newest: dict[Subject, int] = {}
        self._grabcut.done.connect(self.done)
        self._grabcut.failed.connect(self.failed)
        inference.marked.connect(self._on_marked)
        inference.mark_failed.connect(self._on_failed)

    @property
    def engine(self) -> EngineChoice:
        """The network that is chosen."""
        return self._engine()

    @property
    def missing(self) -> str:
        """Why there is no marking network, in a sentence; "" while there is one, as far as is known."""
        return self._missing[1] if self._missing is not None and self._missing[0] == self.engine else ""

    @property
    def has_network(self) -> bool:
        return not self.missing

    def submit(self, job: MarkJob) -> None:
        """Make a mask; of each subject the newest wins. Looks and previews are nobody's but the network's."""
        if self.has_network:
            self._jobs[job.number] = job
            if not job.is_preview and job.steps:
                self._newest[job.subject] = job.number
                self._inference.drop_marks(previews_only=True)
            self._inference.mark(job)
        elif job.steps and not job.is_preview:
            self._grabcut.submit(job)

    def drop_previews(self) -> None:
        """Nobody wants those that wait."""
        self._inference.drop_marks(previews_only=True)

    def work_out(self, job: MarkJob) -> Marked | str:
        """A job's mask, here and now; or why there is none, in a sentence."""
        if self.has_network:
            self._jobs.pop(job.number, None)
            answer = self._inference.mark_now(job, _LONGEST)
            if isinstance(answer, Marked):
                return answer
        return work_out(job)

    def shutdown(self) -> None:
        self._grabcut.shutdown()

    def _on_marked(self, marked: Marked) -> None:
        job = self._jobs.pop(marked.number, None)
        if job is None or marked.mask is None:
            return
        if job.is_preview:
            self.previewed.emit(marked)
        elif self._newest.get(job.subject) == job.number:
            self.done.emit(marked)

    def _on_failed(self, failed: MarkFailed) -> None:
        """GrabCut does what the network cannot."""
        job = self._jobs.pop(failed.number, None)
        if job is None:
            return
        if failed.is_missing and self.has_network:
            self._missing = (job.engine, failed.sentence)
            self.changed.emit()
        if job.steps and not job.is_preview and self._newest.get(job.subject) == job.number:
            self._grabcut.submit(job)
