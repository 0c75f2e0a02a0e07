"""Propagation as the window sees it: from a person's choices to a job, and from results to the project."""

from collections.abc import Callable
from dataclasses import asdict, replace
from enum import StrEnum

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
    EstimateJob,
    JobEnded,
    JobStarted,
    MemoryJob,
    MemoryTold,
    MemoryUse,
    PropagateJob,
    make_job,
    memory_job,
)
from core.studio.recorded_run import RecordedRun
from core.studio.run_progress import RunProgress
from core.studio.run_records import let_go_in_words
from core.studio.run_settings import Range, RunSettings, frames_of, in_out_from, settings_from
from core.studio.runs import NothingToDraw
from core.studio.touched import Touched, find_touched, touched_again
from pcvos_gui.session.commands import RunCommand
from pcvos_gui.session.comparison import Comparison
from pcvos_gui.session.messages import MessageAction
from pcvos_gui.session.reviewer import run_summary
from pcvos_gui.session.run_forecast import RunForecast
from pcvos_gui.session.session import Leaving, Session
from pcvos_gui.workers.inference import InferenceWorker


class RunState(StrEnum):
    IDLE = "idle"
    LOADING = "loading"
    RUNNING = "running"
    PAUSED = "paused"


class RunController(QObject):
    """Starts, watches and ends runs; one at a time.

    Attributes:
        settings: chosen for the next run. state: of the present one.
        progress: of the present run, or the last one. device: what runs where, in words.
        comparison: of memory intervals; none begins while a run is under way, and no run while it is.
        outcome: of the last run that ended: "done", "stopped", "failed"; "": none did.
        memory: as of the last clip, also after the run. memory_needed: of the next run; None: not known yet.
        in_point, out_point: frames, or None.
    """

    settings_changed = Signal()
    state_changed = Signal()
    progressed = Signal()
    memory_changed = Signal()
    estimated = Signal(object)  # Estimated
    in_out_changed = Signal()
    review_wanted = Signal()

    def __init__(self, session: Session, worker: InferenceWorker, parent: QObject | None = None):
        super().__init__(parent)
        self.session, self.worker = session, worker
        self.settings = RunSettings()
        self.state = RunState.IDLE
        self.progress = RunProgress()
        self.comparison = Comparison(
            session, worker, lambda first, last: self._make_job(first, last, "forward"), self._cancel, self
        )
        self.device = ""
        self.outcome = ""
        self._told_of_device = ""
        self.memory_needed: MemoryTold | None = None
        self._asked: MemoryJob | None = None
        self.memory: MemoryUse | None = None
        self.in_point: int | None = None
        self.out_point: int | None = None
        self._job: PropagateJob | None = None
        self._stopping: set[int] = set()  # jobs that were cancelled, and have not ended
        self._command: RunCommand | None = None
        self._run: RecordedRun | None = None  # under way, or the last one
        self._forecast = RunForecast(session, self)
        self._touched: Touched | None = None
        self._has_touched = False  # `_touched` is as the project is now
        worker.started.connect(self._on_started)
        worker.clip_done.connect(self._on_clip)
        worker.ended.connect(self._on_ended)
        self.comparison.compared.connect(self._on_compared)
        self.comparison.began.connect(self.state_changed)  # what else could begin waits
        worker.memory_told.connect(self._on_memory)
        worker.estimated.connect(self.estimated)
        worker.estimated.connect(lambda found: found.cells and self._forecast.loaded(self.settings))
        session.objects_changed.connect(self._on_objects)
        for signal in (session.states_changed, session.objects_changed, self.settings_changed, self.state_changed):
            signal.connect(self._forget_touched)
        session.opened.connect(self._on_opened)
        session.closing.connect(self._on_closing)
        session.closed.connect(self._on_closed)

    # choices

    def set_settings(self, settings: RunSettings) -> None:
        if settings != self.settings:
            self.settings = settings
            self.session.remember(run=asdict(settings))
            self.settings_changed.emit()

    def set_in_out(self, first: int | None, last: int | None) -> None:
        """In and out points, in order; None: the footage's end."""
        if first is not None and last is not None and first > last:
            first, last = last, first
        if (first, last) != (self.in_point, self.out_point):
            self.in_point, self.out_point = first, last
            self.session.remember(in_out=(first, last))
            self.in_out_changed.emit()
            unset = first is None and last is None
            if unset and self.settings.range is Range.IN_OUT:
                self.set_settings(replace(self.settings, range=Range.TO_END))
            elif not unset:
                self.set_settings(replace(self.settings, range=Range.IN_OUT))

    @property
    def touched(self) -> Touched | None:
        """The next run, if it only draws what corrections touch; None: it draws its whole range."""
        if not self._has_touched and not self.is_busy:
            project = self.session.document.project if self.session.is_open else None
            self._touched = None if project is None or project.read_only else find_touched(project, self.settings)
            self._has_touched = True
        return self._touched

    def _forget_touched(self) -> None:
        self._has_touched = False

    def frames_to_draw(self) -> tuple[int, int]:
        """First and last frame of the next run; at most, where it only draws what corrections touch."""
        return self.touched.extent if self.touched else self._range()

    def _range(self) -> tuple[int, int]:
        """First and last frame that were chosen."""
        here, count = max(0, self.session.navigator.frame), self.session.navigator.frame_count
        corrected = self.session.document.project.next_corrected if self.session.is_open else None
        return frames_of(self.settings, here, count, self.in_point, self.out_point, corrected)

    # what it costs

    def speed(self, interval: int) -> float | None:
        """Frames of its range per second that the next run would do at this interval; None: nothing was measured yet
        with the present device, size and weights.

        The nearest interval that was measured stands in for one that was not.
        """
        seconds = self.seconds_for(interval)
        first, last = self.frames_to_draw()
        return (last - first + 1) / seconds if seconds else None

    @property
    def measured_intervals(self) -> list[int]:
        """Intervals whose speed was measured on this machine with the present device, size and weights; ascending."""
        return self._forecast.intervals(self.settings)

    def seconds_for(self, interval: int, everything: bool = False, from_both_sides: bool = False) -> float | None:
        """Time the next run would take at this interval, all of its passes; None: nothing was measured.

        Of what corrections touch, it is that of the ways outward, all the way.

        Args:
            everything: of the run that `start(everything=True)` would be.
            from_both_sides: with the ways that meet those, as where no mask comes out near what is there.
        """
        touched = None if everything else self.touched
        extent, ways = (touched.extent, touched.ways_out) if touched else (self._range(), ())
        if touched and from_both_sides:
            ways = touched.ways
        return self._forecast.seconds_for(self.settings, interval, *extent, ways)

    def seconds_at(self, resolution: int | None) -> float | None:
        """Time the next run would take at this resolution, pixels (None: the footage's own); None where nothing was
        measured."""
        ways = self.touched.ways_out if self.touched else ()
        return self._forecast.seconds_at(resolution, self.settings, *self.frames_to_draw(), ways)

    @property
    def seconds_left(self) -> float | None:
        """Seconds left of this run; None before anything was measured on this machine."""
        return None if self._forecast.pace is None else self._forecast.pace.seconds_left

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
            touched = None if everything else self.touched
            self._begin(self._make_job(*(touched.extent if touched else self._range()), touched=touched))

    def go_on(self, left: Interrupted) -> None:
        """Run to the end what was interrupted, with its settings; what it has drawn is not drawn again."""
        if not self._may_start():
            return
        run = left.run
        self.set_settings(settings_from(run.settings))
        again = touched_again(self.session.document.project, self.settings, left.around) if left.around else None
        job = self._make_job(run.start, run.end, run.direction, finished=left.finished, touched=again)
        self._begin(job, left.finished)

    def _may_start(self) -> bool:
        if self.is_busy or self.comparison.is_under_way or not self.session.is_open:
            return False
        self.session.settling.emit(Leaving.FOR_RUN)
        if self.session.document.project.read_only:
            self._say(self.tr("This project is open read-only: nothing can be propagated in it."), "warning")
            return False
        return True

    def _begin(self, job: PropagateJob | None, finished: FinishedFrames | None = None) -> None:
        if job is None:
            return
        self._job, self.progress = job, RunProgress(job.end - job.start + 1, is_bound=bool(job.ways))
        text = self.tr("Propagate frames {} to {}").format(job.start, job.end)
        self._command = RunCommand(text, self._apply_undo)
        self.session.undo_stack.push(self._command)
        self._run = RecordedRun(self.session.document.project, text, job, asdict(self.settings), finished)
        self._set_state(RunState.LOADING)
        self.worker.submit(job)

    def pause(self) -> None:
        if self.state is RunState.RUNNING:
            self.worker.pause(self._job.number)
            self._set_state(RunState.PAUSED)

    def resume(self) -> None:
        if self.state is RunState.PAUSED:
            self.worker.resume(self._job.number)
            self._set_state(RunState.RUNNING)

    def stop(self) -> None:
        """End the run at once; what is drawn stays, and what the thread still sends is dropped."""
        if self._job is not None:
            self._cancel(self._job.number)
            self._finish("stopped")

    def compare(self) -> None:
        """Run the next clips at several intervals, unless something is under way."""
        if not self.is_busy and not self.comparison.is_under_way and self.session.is_open:
            self.comparison.start(self.settings)

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

    def request_memory(self) -> None:
        """Ask how much memory the next run will take; the answer is in `memory_needed`, and `memory_changed` tells."""
        if self.is_busy or not self.session.is_open or self.session.document.project.read_only:
            return
        job = memory_job(self.session.document.project, self.settings, *self.frames_to_draw())
        if job is None:
            self._on_memory(None)
        elif replace(job, number=0) != self._asked:
            self._asked = replace(job, number=0)
            self.worker.submit(job)

    def _on_memory(self, told: MemoryTold | None) -> None:
        self.memory_needed = told
        self.memory_changed.emit()

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
                self.settings,
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

    def _on_started(self, started: JobStarted) -> None:
        if self._job is not None and started.number == self._job.number:
            self.device = started.device
            self.progress.begin(started)
            self._run.note_weights(started.weights)
            self._forecast.begin(self.settings, self._job, started)
            if started.passed_over and started.passed_over != self._told_of_device:
                self._told_of_device = started.passed_over  # once is enough
                self._say(started.passed_over, "warning", key="device")
            if started.memory_advice:
                job, ways = self._job, self._ways_on(("smaller resolution", "fewer memory"))
                self._say(started.memory_advice, "warning", *ways, key="memory", holds=lambda: self._job is job)
            self._set_state(RunState.RUNNING)

    def _on_clip(self, clip: ClipDone) -> None:
        if self._job is None or clip.number != self._job.number:
            return
        change = self._run.change(clip.cells, clip.provisional)
        if change.cells:
            self.session.document.apply(change)
            self._command.add(change)
        if not clip.provisional:
            self._run.note_clip(clip.frames, clip.drawn)
        self.progress.add(clip, len(self._run.drawn))
        self._forecast.clip_done(clip.seconds, clip.memory, len(clip.spared))
        self.memory = clip.memory
        self.memory_changed.emit()
        self.progressed.emit()

    def _on_objects(self) -> None:
        if self._job is not None:
            self._run.forget_deleted()

    def _on_ended(self, ended: JobEnded) -> None:
        if ended.number in self._stopping:
            self._stopping.discard(ended.number)
            self.progressed.emit()
        if self._job is not None and ended.number == self._job.number:
            self._finish(ended.state)
        elif not self.comparison.end(ended.number):
            return
        if ended.state == "failed":
            self._forecast.forget()
            self._say(ended.sentence, "error", *self._ways_on(ended.remedies))

    def _on_compared(self, compared: Compared) -> None:
        self._forecast.measured(self.settings, compared.interval, compared.frames_per_second, self.comparison.marked)
        self.settings_changed.emit()

    def _finish(self, state: str) -> None:
        job, self._job, self._command = self._job, None, None
        self._forecast.end(keeps=self.progress.work_done >= 2 * job.settings.interval)
        frames = (*self.memory.permanent, *self.memory.working) if self.memory else ()
        seconds = self._run.end(state, frames)
        self.outcome = state
        self._set_state(RunState.IDLE)
        self.settings_changed.emit()  # the next one has another price
        self.session.states_changed.emit()  # what was ticked off may still be
        if state == "done":
            text, doubtful = run_summary(self.session.document.project, self._run.drawn, seconds)
            way = (MessageAction(self.tr("Review"), self.review_wanted.emit),) if doubtful else ()
            self._say(text, "info", *way, key="run")
        if self._run.let_go:
            self._say(let_go_in_words(self._run.let_go), key="let go")

    def _ways_on(self, remedies: tuple[str, ...]) -> tuple[MessageAction, ...]:
        smaller = max(120, (self.settings.resolution or min(self.session.navigator.size)) // 2)
        changes = {
            "smaller resolution": (self.tr("Use {} pixels").format(smaller), {"resolution": smaller}),
            "cpu": (self.tr("Use the CPU"), {"device": "cpu"}),
            "fewer memory": (self.tr("Use 10 memory frames"), {"memory_frames": 10}),
        }
        return tuple(
            MessageAction(changes[r][0], lambda change=changes[r][1]: self._again_with(change))
            for r in remedies
            if r in changes
        )

    def _again_with(self, change: dict) -> None:
        self.stop()  # the one under way, where it was said that it may not fit
        self.set_settings(replace(self.settings, **change))
        self.start()

    def _apply_undo(self, change: Change) -> None:
        """Undo and redo of a run; of the one that is under way, undo ends it first."""
        if self._command is not None:
            self.stop()
        self.session.document.apply(change)

    # sessions come and go

    def _on_opened(self) -> None:
        project = self.session.document.project
        self.settings = settings_from(project.view.run)
        self.in_point, self.out_point = in_out_from(project.view.in_out, self.session.navigator.frame_count)
        self.memory = None
        self.settings_changed.emit()
        self.in_out_changed.emit()
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
        go_on = MessageAction(self.tr("Go on"), lambda: self.session.has_open(project) and self.go_on(interrupted_run))
        self._say(text.format(interrupted_run.last), "warning", go_on, key="interrupted")

    def _on_closing(self) -> None:
        self.stop()
        self.comparison.stop()

    def _on_closed(self) -> None:
        self.in_point = self.out_point = None
        self.memory = self.memory_needed = self._asked = None
        self.in_out_changed.emit()
        self.memory_changed.emit()

    # helpers

    def _set_state(self, state: RunState) -> None:
        self.state = state
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
        last = self._run
        holds = holds or (lambda: self._run is last)
        self.session.messages.say(text, level, actions, key, holds)
