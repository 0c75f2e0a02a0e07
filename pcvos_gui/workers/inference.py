"""The one thread that owns network, memory and device: jobs in, results out."""

import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from core.errors import PCVOSError, ResourceError
from core.progress import Cancelled, Progress
from core.studio.jobs import (
    Ablated,
    AblateJob,
    Adapted,
    AdaptJob,
    AdaptProgress,
    ClipDone,
    Compared,
    CompareProgress,
    Estimated,
    EstimateJob,
    Explained,
    ExplainJob,
    Job,
    JobEnded,
    JobStarted,
    Marked,
    MarkFailed,
    MarkJob,
    MemoryJob,
    MemoryTold,
    PointJob,
    PropagateJob,
    Result,
)
from pcvos_gui.workers.garbage import keep_modules
from pcvos_gui.workers.thread import Worker

if TYPE_CHECKING:
    from core.studio.engine import Engine

log = logging.getLogger(__name__)

_LATE = (EstimateJob, MemoryJob, ExplainJob, PointJob, AblateJob)
"""Jobs that are worth little when they are late."""

_ENDS: dict[type, tuple[type, ...]] = {
    EstimateJob: (EstimateJob,),
    MemoryJob: (MemoryJob,),
    ExplainJob: (ExplainJob, PointJob),
    PointJob: (PointJob,),
    PropagateJob: _LATE,
}
"""By the kind of a job that comes, those that it ends."""

_NICENESS = 5  # on Linux: the window's thread goes first


class InferenceWorker(Worker):
    """Does jobs in the order they were submitted, one at a time.

    An estimate is worth little when it is late: it ends "stopped" when a newer one comes or a propagation is waiting.
    So does what explains a frame; of points of one frame the newest wins.
    Of a job that was cancelled nothing is emitted any more but `ended`. Whatever goes wrong ends a job, never the
    thread.

    Marks go first: a job under way does them between its frames, and while it is paused. They do not end, they give
    `marked` or `mark_failed`; of one subject the newest wins. Previews and looks at frames are only done while nothing
    else is.

    Signals:
        started(JobStarted), clip_done(ClipDone), compare_progressed(CompareProgress), compared(Compared),
        estimated(Estimated), memory_told(MemoryTold), explained(Explained), ablated(Ablated),
        adapt_progressed(AdaptProgress), adapted(Adapted),
        ended(JobEnded), marked(Marked), mark_failed(MarkFailed).
    """

    started = Signal(object)
    clip_done = Signal(object)
    compare_progressed = Signal(object)
    compared = Signal(object)
    estimated = Signal(object)
    memory_told = Signal(object)
    explained = Signal(object)
    ablated = Signal(object)
    adapt_progressed = Signal(object)
    adapted = Signal(object)
    ended = Signal(object)
    marked = Signal(object)
    mark_failed = Signal(object)

    def __init__(self, parent: QObject | None = None):
        super().__init__("inference", parent)
        self._waiting: deque[Job] = deque()
        self._running: Job | None = None
        self._unfinished: set[int] = set()  # jobs whose end has not been emitted
        self._cancelled: set[int] = set()
        self._paused: set[int] = set()
        self._marks: dict[object, MarkJob] = {}  # that wait
        self._awaited = 0  # the mark that the window's thread waits for
        self._answer: Marked | MarkFailed | None = None
        self._warm = False
        self._engine: Engine | None = None  # the thread's own
        self._thread.start()

    def warm_up(self) -> None:
        """Import PyTorch now, before the first job needs it. For a moment when nothing moves: while its libraries load,
        the window's thread waits too (some 0.4 s)."""
        with self._changed:
            self._warm = True
            self._changed.notify_all()

    def submit(self, job: Job) -> None:
        """Do `job` after those that were submitted before."""
        with self._changed:
            self._unfinished.add(job.number)
            self._drop_all(*_ENDS.get(type(job), ()))
            self._waiting.append(job)
            if isinstance(job, _LATE) and any(isinstance(other, PropagateJob) for other in self._waiting):
                self._drop_all(*_LATE)
            self._changed.notify_all()

    def mark(self, job: MarkJob) -> None:
        """Do `job` as soon as it can be."""
        with self._changed:
            self._marks.pop(_slot(job), None)
            self._marks[_slot(job)] = job
            self._changed.notify_all()

    def mark_now(self, job: MarkJob, seconds: float) -> Marked | MarkFailed | None:
        """Do `job` and wait for it; None: it is not done within so long. No signal tells of it."""
        self._answer = None
        with self._changed:
            self._awaited = job.number
            self.mark(job)
            self._changed.wait_for(lambda: self._closed or self._answer is not None, seconds)
            self._awaited = 0
            return self._answer

    def drop_marks(self, previews_only: bool = False) -> None:
        """Forget marks, or previews alone, that wait."""
        with self._changed:
            self._marks = {slot: job for slot, job in self._marks.items() if previews_only and not job.is_preview}

    def cancel(self, number: int) -> None:
        """End a job, waiting or under way, before its next frame; nothing happens if it is over."""
        with self._changed:
            if number in self._unfinished:
                self._cancelled.add(number)
            for job in [job for job in self._waiting if job.number == number]:
                self._drop(job)
            self._changed.notify_all()

    def pause(self, number: int) -> None:
        """Hold a job when its present clip is done, until it is resumed or cancelled."""
        with self._changed:
            if any(job.number == number for job in (self._running, *self._waiting) if job is not None):
                self._paused.add(number)

    def resume(self, number: int) -> None:
        """Go on with a job that was paused."""
        with self._changed:
            self._paused.discard(number)
            self._changed.notify_all()

    def _drop_all(self, *kinds: type) -> None:
        """Jobs of these kinds end, waiting or under way; under the lock."""
        if self._running is not None and isinstance(self._running, kinds):
            self._cancelled.add(self._running.number)
        for job in [job for job in self._waiting if isinstance(job, kinds)]:
            self._drop(job)

    def _drop(self, job: Job) -> None:
        """A waiting job ends; under the lock."""
        self._waiting.remove(job)
        self._paused.discard(job.number)
        self._post(JobEnded(job.number, "stopped"))

    # on the window's thread

    def _deliver(self, message: Result | AdaptProgress | JobEnded | Marked | MarkFailed) -> None:
        if isinstance(message, JobEnded):
            with self._changed:
                self._cancelled.discard(message.number)
                self._unfinished.discard(message.number)
            self.ended.emit(message)
        elif message.number not in self._cancelled:
            signals = {
                JobStarted: self.started,
                ClipDone: self.clip_done,
                CompareProgress: self.compare_progressed,
                Compared: self.compared,
                Estimated: self.estimated,
                MemoryTold: self.memory_told,
                Explained: self.explained,
                Ablated: self.ablated,
                AdaptProgress: self.adapt_progressed,
                Adapted: self.adapted,
                Marked: self.marked,
                MarkFailed: self.mark_failed,
            }
            signals[type(message)].emit(message)

    # on the thread

    @contextmanager
    def _held(self) -> Iterator[None]:
        _step_back()
        try:
            yield
        finally:
            if self._engine is not None:
                self._engine.close()

    def _take(self) -> Callable[[], object] | None:
        slot = self._next_slot(previews=True)
        if slot is not None:
            return partial(self._do_mark, self._marks.pop(slot))
        if self._waiting:
            self._marks.clear()  # what is late is worth nothing
            self._running = self._waiting.popleft()
            return partial(self._do, self._running)
        warm, self._warm = self._warm and self._engine is None, False
        return self._warm_up if warm else None

    def _next_slot(self, previews: bool) -> object | None:
        """The next mark: the newest, previews and looks last and only where they are wanted; under the lock."""
        wanted = [slot for slot, job in self._marks.items() if job.steps and not job.is_preview]
        if not wanted and previews and not any(isinstance(job, PropagateJob) for job in self._waiting):
            wanted = list(self._marks)
        return wanted[-1] if wanted else None

    def _do_marks(self, previews: bool) -> None:
        """Do all marks that wait."""
        while not self._closed:
            with self._changed:
                slot = self._next_slot(previews)
                if slot is None:
                    if self._waiting and previews:  # what is late is worth nothing
                        self._marks.clear()
                    return
                job = self._marks.pop(slot)
            self._do_mark(job)

    def _do_mark(self, job: MarkJob) -> None:
        answer = self._mark(job)
        with self._changed:
            if answer.number == self._awaited:
                self._answer = answer
                self._changed.notify_all()
            else:
                self._post(answer)

    def _mark(self, job: MarkJob) -> Marked | MarkFailed:
        begin = time.perf_counter()
        try:
            self._engine = self._engine or _make_engine()
            mask = self._engine.mark(job)
        except PCVOSError as error:
            if _is_lost_device(error) and self._engine is not None and self._running is None:
                self._engine.leave_device()  # a job under way meets it itself
            return MarkFailed(job.number, str(error), is_missing=not isinstance(error, ResourceError))
        except Exception as error:  # the thread, and the job under way, live on
            log.exception("mark %d failed", job.number)
            text = self.tr("The mark could not be turned into a mask ({}): paint it with the brush instead.")
            return MarkFailed(job.number, text.format(type(error).__name__), is_missing=False)
        if mask is not None:
            mask.flags.writeable = False
        return Marked(job.number, mask, time.perf_counter() - begin)

    def _warm_up(self) -> None:
        try:
            self._engine = _make_engine()
        except Exception:  # a broken installation: the first job says so
            log.exception("the engine cannot be made")

    def _do(self, job: Job) -> None:
        end = self._end_of(job)
        with self._changed:
            self._running = None
            self._paused.discard(job.number)
            self._post(end)

    def _end_of(self, job: Job) -> JobEnded:
        """Do the job; how it ended."""
        try:
            self._engine = self._engine or _make_engine()
            return self._run(self._engine, job)
        except Exception as error:  # the thread lives on
            end = self._failure(job, error)
        if end.remedies and self._engine is not None:
            self._engine.free_memory()  # now that the error, and with it what its frames held, is gone
        return end

    def _run(self, engine: "Engine", job: Job) -> JobEnded:
        def is_cancelled() -> bool:
            if threading.current_thread() is self._thread:  # footage is also read on others
                self._do_marks(previews=False)
            return self._closed or job.number in self._cancelled

        def tell(done: int, total: int) -> None:
            if isinstance(job, AdaptJob):
                self._post(AdaptProgress(job.number, done, total))

        with closing(engine.run(job, Progress(tell, is_cancelled))) as results:
            try:
                for result in results:
                    self._post(result)
                    if not isinstance(result, JobStarted) and not self._may_go_on(job.number):
                        raise Cancelled
            except Cancelled:
                return JobEnded(job.number, "stopped")
        return JobEnded(job.number, "done")

    def _may_go_on(self, number: int) -> bool:
        """Wait while the job is paused; whether it is still wanted then."""
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: self._closed or self._marks or number in self._cancelled or number not in self._paused
                )
                if self._closed or number in self._cancelled:
                    return False
                if number not in self._paused:
                    return True
            self._do_marks(previews=True)

    def _failure(self, job: Job, error: Exception) -> JobEnded:
        if _is_lost_device(error) and self._engine is not None:
            log.error("job %d: the device has failed", job.number, exc_info=error)
            self._engine.leave_device()
            return JobEnded(job.number, "failed", str(error), ("cpu",))
        if _is_lack_of_memory(error):
            log.warning("job %d: out of memory", job.number, exc_info=error)
            elsewhere = ("cpu",) if self._engine is not None and self._engine.on_accelerator else ()
            remedies = ("smaller resolution", *elsewhere, "fewer memory")
            text = self.tr(
                "There is not enough memory to propagate: choose a smaller resolution or fewer memory frames."
            )
            return JobEnded(job.number, "failed", text, remedies)
        if isinstance(error, PCVOSError):
            return JobEnded(job.number, "failed", str(error), _remedies(job, error))
        log.error("job %d failed", job.number, exc_info=error)
        text = self.tr("An error in the program ended it ({}): propagate again, and report it if it comes back.")
        return JobEnded(job.number, "failed", text.format(type(error).__name__))


def _slot(job: MarkJob) -> object:
    """Key of a mark: of two with the same the newer one wins."""
    if job.is_preview:
        return "preview"
    return job.subject if job.steps else "look"


def _make_engine() -> "Engine":
    """Only here PyTorch is imported: the window appears without it."""
    import torch

    from core.studio.engine import Engine

    torch.set_num_threads(max(1, _cores() - 1))
    keep_modules()
    return Engine()


def _is_lack_of_memory(error: Exception) -> bool:
    """Whether memory ran out, in a run or elsewhere, e.g. while the network was loaded."""
    if isinstance(error, MemoryError | ResourceError):
        return True
    return isinstance(error, RuntimeError) and _devices().is_lack_of_memory(error)


def _is_lost_device(error: Exception) -> bool:
    return isinstance(error, ResourceError) and isinstance(error, _devices().DeviceLostError)


def _remedies(job: Job, error: PCVOSError) -> tuple[str, ...]:
    if isinstance(error, _devices().DeviceError):
        return ("cpu",)
    were_chosen = isinstance(job, PropagateJob) and job.engine.weights is not None
    return ("shipped weights",) if error.code == "weights" and were_chosen else ()


def _devices() -> ModuleType:
    """Not imported at the top: it imports PyTorch, which whoever raised such an error has done."""
    from core.network import devices

    return devices


def _cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _step_back() -> None:
    """Let the window's thread go first, where threads have priorities of their own; those started from here inherit."""
    if sys.platform == "linux":
        try:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
        except OSError as error:
            log.info("the inference thread keeps its priority: %s", error)
