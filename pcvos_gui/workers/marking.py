"""Makers of masks from marks: the marking network where there is one; otherwise strokes paint, as a brush does."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from core.studio.jobs import Marked, MarkFailed, MarkJob
from core.studio.run_settings import EngineChoice
from pcvos_gui.workers.inference import InferenceWorker

Subject = tuple[int, int]
"""Frame and object."""

_LONGEST = 20.0  # seconds that the window waits for a mask that cannot wait


class MarkingWorker(QObject):
    """Gives each job to the inference thread; where there are no marking weights, it paints the strokes.

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
        self._missing: tuple[EngineChoice, str] | None = None
        self._jobs: dict[int, MarkJob] = {}  # that the network works on
        self._newest: dict[Subject, int] = {}
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
        is_mark = bool(job.steps) and not job.is_preview
        if is_mark:
            self._newest[job.subject] = job.number
        if self.has_network:
            self._jobs[job.number] = job
            if is_mark:
                self._inference.drop_marks(previews_only=True)
            self._inference.mark(job)
        elif is_mark:
            self.done.emit(_painted(job))

    def drop_previews(self) -> None:
        """Nobody wants those that wait."""
        self._inference.drop_marks(previews_only=True)

    def work_out(self, job: MarkJob) -> Marked | str:
        """A job's mask, here and now; or why there is none, in a sentence."""
        if not self.has_network:
            return _painted(job)
        self._jobs.pop(job.number, None)
        answer = self._inference.mark_now(job, _LONGEST)
        if answer is None:
            return self.tr("The mask took too long to be made: mark the object again.")
        if isinstance(answer, MarkFailed):
            self._note(job, answer)
            return _painted(job) if self.missing else answer.sentence
        return answer

    def _on_marked(self, marked: Marked) -> None:
        job = self._jobs.pop(marked.number, None)
        if job is None or marked.mask is None:
            return
        if job.is_preview:
            self.previewed.emit(marked)
        elif self._newest.get(job.subject) == job.number:
            self.done.emit(marked)

    def _on_failed(self, failed: MarkFailed) -> None:
        job = self._jobs.pop(failed.number, None)
        if job is None:
            return
        self._note(job, failed)
        if job.steps and not job.is_preview and self._newest.get(job.subject) == job.number:
            if self.missing:
                self.done.emit(_painted(job))
            else:
                self.failed.emit(failed.number, failed.sentence)

    def _note(self, job: MarkJob, failed: MarkFailed) -> None:
        if failed.is_missing and self.has_network:
            self._missing = (job.engine, failed.sentence)
            self.changed.emit()


def _painted(job: MarkJob) -> Marked:
    mask = job.painted()
    mask.flags.writeable = False
    return Marked(job.number, mask, 0.0)
