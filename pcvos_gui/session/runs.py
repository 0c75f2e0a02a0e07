"""Propagation as the window sees it: from a person's choices to a job, and from results to the project."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal

from core.errors import PCVOSError
from core.project.model import Change
from core.project.tracks import IN_MEMORY
from core.propagation.settings import Direction
from core.studio import interrupted
from core.studio.interrupted import FinishedFrames, Interrupted
from core.studio.jobs import (
    ClipDone,
    Compared,
    Estimated,
    EstimateJob,
    JobEnded,
    JobStarted,
    MemoryUse,
    PropagateJob,
    make_job,
)
from core.studio.recorded_run import RecordedRun
from core.studio.run_progress import RunProgress
from core.studio.run_records import let_go_in_words
from core.studio.run_settings import remedies, settings_from
from core.studio.runs import NothingToDraw
from core.studio.touched import Touched, touched_again
from pcvos_gui.session.commands import RunCommand
from pcvos_gui.session.comparison import Comparison
from pcvos_gui.session.memory_forecast import MemoryForecast
from pcvos_gui.session.messages import MessageAction
from pcvos_gui.session.next_run import NextRun
from pcvos_gui.session.reviewer import run_summary
from pcvos_gui.session.run_forecast import RunForecast
from pcvos_gui.session.session import Leaving, Session
from pcvos_gui.workers.inference import InferenceWorker


class RunState(StrEnum):
    IDLE = "idle"
    LOADING = "loading"
    RUNNING = "running"
    PAUSED = "paused"


@dataclass(frozen=True)
class _UnderWay:
    """The run that is under way: what its thread was given, its step of undo, and what the project knows of it."""

    job: PropagateJob
    command: RunCommand
    record: RecordedRun


class RunController(QObject):
    """Starts, watches and ends runs; one at a time.

    Attributes:
        next: the next run. forecast, memory_forecast: what it will take.
        state: of the present one. progress: of the present run, or the last one. device: what runs where, in words.
        comparison: of memory intervals; none begins while a run is under way, and no run while it is.
        outcome: of the last run that ended: "done", "stopped", "failed"; "": none did.
        memory: as of the last clip, also after the run.
    """

    state_changed = Signal()
    progressed = Signal()
    memory_changed = Signal()
    estimated = Signal(object)  # Estimated
    review_wanted = Signal()

    def __init__(self, session: Session, worker: InferenceWorker, parent: QObject | None = None):
        super().__init__(parent)
        self.session, self.worker = session, worker
        self.next = NextRun(session, self)
        self.forecast = RunForecast(session, self.next, self)
        self.memory_forecast = MemoryForecast(session, worker, self.next, self)
        self.state = RunState.IDLE
        self.progress = RunProgress()
        self.comparison = Comparison(
            session, worker, lambda first, last: self._make_job(first, last, "forward"), self._cancel, self
        )
        self.device = ""
        self.outcome = ""
        self._told_of_device = ""
        self.memory: MemoryUse | None = None
        self._under_way: _UnderWay | None = None
        self._begun = 0  # number of the job that is under way, or was last
        self._stopping: set[int] = set()  # jobs that were cancelled, and have not ended
        worker.started.connect(self._on_started)
        worker.clip_done.connect(self._on_clip)
        worker.ended.connect(self._on_ended)
        self.comparison.compared.connect(self._on_compared)
        self.comparison.began.connect(self.state_changed)  # what else could begin waits
        worker.estimated.connect(self.estimated)
        worker.estimated.connect(self._on_estimated)
        session.objects_changed.connect(self._on_objects)
        session.opened.connect(self._on_opened)
        session.closing.connect(self._on_closing)
        session.closed.connect(self._on_closed)

    @property
    def is_busy(self) -> bool:
        return self.state is not RunState.IDLE

    @property
    def is_stopping(self) -> bool:
        """Whether the thread still works on something that was stopped; what comes next begins after that."""
        return bool(self._stopping)

    # a run

    def start(self, everything: bool = False) -> None:
        """Run with the present choices; what stands in the way is said as a message.

        Args:
            everything: the whole range, also where corrections touch only part of it.
        """
        if self._may_start():
            touched = None if everything else self.next.touched
            extent = touched.extent if touched else self.next.frames_chosen()
            self._begin(self._make_job(*extent, touched=touched))

    def go_on(self, left: Interrupted) -> None:
        """Run to the end what was interrupted, with its settings; what it has drawn is not drawn again."""
        if not self._may_start():
            return
        run = left.run
        self.next.set_settings(settings_from(run.settings))
        again = touched_again(self.session.document.project, self.next.settings, left.around) if left.around else None
        job = self._make_job(run.start, run.end, left.direction, finished=left.finished, touched=again)
        self._begin(job, left)

    def _may_start(self) -> bool:
        if self.is_busy or self.comparison.is_under_way or not self.session.is_open:
            return False
        self.session.settling.emit(Leaving.FOR_RUN)
        if self.session.document.project.read_only:
            self._say(self.tr("This project is open read-only: nothing can be propagated in it."), "warning")
            return False
        return True

    def _begin(self, job: PropagateJob | None, left: Interrupted | None = None) -> None:
        if job is None:
            return
        self.progress = RunProgress(job.end - job.start + 1, is_bound=bool(job.ways))
        text = self.tr("Propagate frames {} to {}").format(job.start, job.end)
        command = RunCommand(text, self._apply_undo)
        self.session.undo_stack.push(command)
        record = RecordedRun(self.session.document.project, text, job, asdict(self.next.settings), left)
        self._under_way, self._begun = _UnderWay(job, command, record), job.number
        self._set_state(RunState.LOADING)
        self.worker.submit(job)

    def pause(self) -> None:
        if self.state is RunState.RUNNING:
            self.worker.pause(self._begun)
            self._set_state(RunState.PAUSED)

    def resume(self) -> None:
        if self.state is RunState.PAUSED:
            self.worker.resume(self._begun)
            self._set_state(RunState.RUNNING)

    def stop(self) -> None:
        """End the run at once; what is drawn stays, and what the thread still sends is dropped."""
        if self._under_way is not None:
            self._cancel(self._begun)
            self._finish(self._under_way, "stopped")

    def compare(self) -> None:
        """Run the next clips at several intervals, unless something is under way."""
        if not self.is_busy and not self.comparison.is_under_way and self.session.is_open:
            self.comparison.start(self.next.settings)

    def _cancel(self, number: int) -> None:
        self._stopping.add(number)
        self.worker.cancel(number)

    def request_estimate(self, frame: int) -> None:
        """Ask what the network makes of one frame from permanent memory; the answer comes as `estimated`.

        Nothing is asked while a run goes on, which draws the frame anyway, or where there is no memory to read.
        """
        if self.is_busy or not self.session.is_open:
            return
        job = self._make_job(frame, frame, "forward", quiet=True)
        if job is not None:
            self.worker.submit(EstimateJob(job))

    def _make_job(
        self,
        first: int,
        last: int,
        direction: Direction | None = None,
        quiet: bool = False,
        finished: FinishedFrames | None = None,
        touched: Touched | None = None,
    ) -> PropagateJob | None:
        try:
            return make_job(
                self.session.document.project,
                self.session.document.media.path,
                self.next.settings,
                first,
                last,
                direction,
                finished or (),
                touched,
            )
        except NothingToDraw as nothing:
            if not quiet:
                seen = self._marked()
                self._say(str(nothing), "warning", holds=lambda: self._marked() == seen)
        except PCVOSError as error:
            self._say(str(error), "error")
        return None

    def _marked(self) -> tuple:
        """The state a run could begin from: objects with their locks, and how much of them is in permanent memory."""
        return self.session.objects, np.count_nonzero(self.session.document.project.states & IN_MEMORY)

    # results

    def _run_of(self, number: int) -> _UnderWay | None:
        """The run that is under way, if this is its number."""
        return self._under_way if number == self._begun else None

    def _on_started(self, started: JobStarted) -> None:
        run = self._run_of(started.number)
        if run is None:
            return
        self.device = started.device
        self.progress.begin(started)
        run.record.note_weights(started.weights)
        self.forecast.begin(run.job, started)
        if started.passed_over and started.passed_over != self._told_of_device:
            self._told_of_device = started.passed_over  # once is enough
            self._say(started.passed_over, "warning", key="device")
        if started.memory_advice:
            ways = self._ways_on(("smaller resolution", "fewer memory"))
            self._say(started.memory_advice, "warning", *ways, key="memory", holds=lambda: self._under_way is run)
        self._set_state(RunState.RUNNING)

    def _on_clip(self, clip: ClipDone) -> None:
        run = self._run_of(clip.number)
        if run is None:
            return
        change = run.record.change(clip.cells, clip.provisional)
        if change.cells:
            self.session.document.apply(change)
            run.command.add(change)
        if not clip.provisional:
            run.record.note_clip(clip.frames, clip.drawn)
        self.progress.add(clip, len(run.record.drawn))
        self.forecast.clip_done(clip.seconds, clip.memory, len(clip.spared))
        self.memory = clip.memory
        self.memory_changed.emit()
        self.progressed.emit()

    def _on_objects(self) -> None:
        if self._under_way is not None:
            self._under_way.record.forget_deleted()

    def _on_estimated(self, estimated: Estimated) -> None:
        if estimated.cells:
            self.forecast.loaded()

    def _on_ended(self, ended: JobEnded) -> None:
        if ended.number in self._stopping:
            self._stopping.discard(ended.number)
            self.progressed.emit()
        if run := self._run_of(ended.number):
            self._finish(run, ended.state)
        elif not self.comparison.end(ended.number):
            return
        if ended.state == "failed":
            self.forecast.forget()
            self._say(ended.sentence, "error", *self._ways_on(ended.remedies))

    def _on_compared(self, compared: Compared) -> None:
        self.forecast.measured(compared.interval, compared.frames_per_second, self.comparison.marked)

    def _finish(self, run: _UnderWay, state: str) -> None:
        self._under_way = None
        self.forecast.end(keeps=self.progress.work_done >= 2 * run.job.settings.interval)
        frames = (*self.memory.permanent, *self.memory.working) if self.memory else ()
        seconds = run.record.end(state, frames)
        self.outcome = state
        self._set_state(RunState.IDLE)
        self.forecast.changed.emit()
        self.session.states_changed.emit()  # what was ticked off may still be
        if state == "done":
            text, doubtful = run_summary(self.session.document.project, run.record.drawn, seconds)
            way = (MessageAction(self.tr("Review"), self.review_wanted.emit),) if doubtful else ()
            self._say(text, "info", *way, key="run")
        if run.record.let_go:
            self._say(let_go_in_words(run.record.let_go), key="let go")

    def _ways_on(self, names: tuple[str, ...]) -> tuple[MessageAction, ...]:
        changes = remedies(self.next.settings, self.session.navigator.size)
        texts = {
            "smaller resolution": self.tr("Use {} pixels").format(changes["smaller resolution"]["resolution"]),
            "cpu": self.tr("Use the CPU"),
            "fewer memory": self.tr("Use {} memory frames").format(changes["fewer memory"]["memory_frames"]),
            "shipped weights": self.tr("Use the shipped weights"),
        }
        return tuple(MessageAction(texts[name], self._again_with(changes[name])) for name in names if name in changes)

    def _again_with(self, change: dict[str, Any]) -> Callable[[], None]:
        def again() -> None:
            self.stop()  # the one under way, where it was said that it may not fit
            self.next.set_settings(replace(self.next.settings, **change))
            self.start()

        return again

    def _apply_undo(self, change: Change) -> None:
        """Undo and redo of a run; of the one that is under way, undo ends it first."""
        self.stop()
        self.session.document.apply(change)

    # sessions come and go

    def _on_opened(self) -> None:
        self.memory = None
        self.memory_changed.emit()
        self._take_over_undo()
        self._tell_interrupted()

    def _take_over_undo(self) -> None:
        """A run of the command, made before the project was opened here, is the first step of undo."""
        change, runs = self.session.document.project.kept_undo(), self.session.document.project.runs()
        if change is not None and runs:
            info = runs[-1][1]
            command = RunCommand(self.tr("Propagate frames {} to {}").format(info.start, info.end), self._apply_undo)
            command.add(change)
            self.session.undo_stack.push(command)

    def _tell_interrupted(self) -> None:
        """Once: a run that ended with its process, and how to go on with it."""
        project = self.session.document.project
        interrupted_run = None if project.read_only else interrupted.find(project)
        if interrupted_run is None:
            return
        interrupted.note_end(project)
        if interrupted_run.last is None:
            text = self.tr("The last propagation was interrupted before it had drawn a frame: propagate again.")
        else:
            text = self.tr("The last propagation was interrupted at frame {}: go on from there, or propagate again.")

        def go_on() -> None:
            if self.session.has_open(project):
                self.go_on(interrupted_run)

        action = MessageAction(self.tr("Go on"), go_on)
        self._say(text.format(interrupted_run.last), "warning", action, key="interrupted")

    def _on_closing(self) -> None:
        self.stop()
        self.comparison.stop()

    def _on_closed(self) -> None:
        self.memory = None
        self.memory_changed.emit()

    # helpers

    def _set_state(self, state: RunState) -> None:
        self.state = state
        self.next.wait(self.is_busy)
        self.state_changed.emit()

    def _say(
        self,
        text: str,
        level: str = "info",
        *actions: MessageAction,
        key: str = "run",
        holds: Callable[[], bool] | None = None,
    ) -> None:
        """`holds`: as in `Message`; None: until the next run begins."""
        begun = self._begun
        holds = holds or (lambda: self._begun == begun)
        self.session.messages.say(text, level, actions, key, holds)
