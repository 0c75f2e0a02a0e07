"""`pcvos propagate P.pcvos`: a project run as the window would run it, its results written into it clip by clip."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from core.commands.frame_progress import FrameProgress
from core.commands.opened_project import opened_project
from core.commands.propagate import (
    frame_range,
    lack_of_memory_told,
    load_network_quietly,
    note_distractors,
    tell_memory,
)
from core.commands.terminal import Say
from core.errors import PCVOSError, ResourceError
from core.exchange import registry
from core.exchange.export_run import check_target, run_export
from core.exchange.exporter import Exporter, ExportRequest, export_request
from core.exchange.unprocessed import UNPROCESSED
from core.media import FrameSource
from core.project.model import Change
from core.project.project import Project
from core.propagation import ClipResult, Propagator
from core.studio import interrupted
from core.studio.interrupted import Interrupted
from core.studio.recorded_run import RecordedRun
from core.studio.run_records import let_go_in_words
from core.studio.run_settings import Range, RunSettings, in_out_from, settings_from
from core.studio.runs import LabelMaps, RunPlan, annotate, plan_run, predictions
from core.studio.touched import ProjectMasks, Touched, find_touched, touched_again


@dataclass(frozen=True)
class ProjectRequest:
    """The command line's request.

    Attributes:
        settings: those of the run that are given, named as in `RunSettings`; others are as the project has them.
        output: also a folder for the masks of the range. overlay: also a video of them.
        start, end: the range, inclusive; None: the project's in and out points if its runs go by them, else all frames.
        everything: draw the whole range, also where corrections touch only part of it.
        resume: go on with the project's interrupted run. overwrite: replace files that are at `output` and `overlay`.
    """

    project: Path
    settings: Mapping[str, Any]
    output: Path | None = None
    overlay: Path | None = None
    start: int | None = None
    end: int | None = None
    everything: bool = False
    resume: bool = False
    overwrite: bool = False


def propagate_project(request: ProjectRequest, say: Say, note: Say, warn: Say) -> None:
    """Run a project.

    Each clip is in the project before the next one begins. Undo is kept in it, so that the window can take the run
    back.

    Raises:
        PCVOSError: the project, the settings, the weights or the places cannot be used; nothing was changed.
        ResourceError: memory or disk ran out. KeyboardInterrupt: with a sentence on how to go on.
    """
    with lack_of_memory_told(), opened_project(request.project, warn, to_write=True) as (project, media):
        if project.read_only:
            way = "close it wherever it is open, or copy it to where it can be written"
            raise PCVOSError(f"{project.refusal} To run it, {way}.")
        run = _ProjectRun(request, project, media, note)
        say(run.work())
        for sentence in media.warnings:
            warn(sentence)


class _ProjectRun:
    """One run, from what is asked to the project."""

    def __init__(self, request: ProjectRequest, project: Project, media: FrameSource, note: Say):
        self._request, self._project, self._media, self._note = request, project, media, note
        self._left = _interrupted(request, project) if request.resume else None
        self._settings = self._chosen_settings()
        self._plan = self._make_plan()
        self._check_exports()
        self._memory: tuple[int, ...] = ()  # frames that were in memory at the last clip

    def work(self) -> str:
        """Draw everything; what was done, in a sentence."""
        engine = self._settings.engine
        network = load_network_quietly(engine.weights, engine.device, self._note)
        propagator = Propagator(network, self._media, self._settings.propagation)
        for frame in self._plan.permanent:
            annotate(propagator.memory, frame, self._media.size)
        tell_memory(propagator, (self._plan.start, self._plan.end, self._plan.direction), self._note, self._note)
        run = self._begin()
        run.note_weights(network.weights_fingerprint)
        try:
            self._propagate(propagator, run)
        except BaseException as error:
            is_interrupted = isinstance(error, KeyboardInterrupt)
            run.end("stopped" if is_interrupted else "failed", self._memory, may_go_on=True)
            if is_interrupted:
                raise KeyboardInterrupt(self._how_to_go_on(len(run.finished))) from None
            raise
        seconds = run.end("done", self._memory)
        note_distractors(propagator, self._note)
        if run.let_go:
            self._note(let_go_in_words(run.let_go))
        frames = "1 frame" if len(run.drawn) == 1 else f"{len(run.drawn)} frames"
        done = [f"{frames} in {seconds:.1f} s, in {self._project.path}"]
        return "; ".join([*done, *map(self._export, self._wanted_exports())]) + "."

    # what it is made from

    def _chosen_settings(self) -> RunSettings:
        if self._left is not None:
            return settings_from(self._left.run.settings)
        given = self._request.settings
        stored = settings_from(self._project.view.run)
        changed = {k: v for k, v in asdict(stored).items() if v != getattr(RunSettings(), k) and k not in given}
        changed.pop("range", None)
        if changed:
            said = ", ".join(f"{name.replace('_', '-')} {value}" for name, value in changed.items())
            self._note(f"Settings as the project has them (options change them): {said}.")
        return replace(stored, **given)

    def _make_plan(self) -> RunPlan:
        if self._left is not None:
            run, around = self._left.run, self._left.around
            touched = touched_again(self._project, self._settings, around) if around else None
            ways = touched.ways if touched else ()
            return plan_run(self._project, run.start, run.end, self._left.direction, self._left.finished, ways)
        if touched := self._find_touched():
            return plan_run(self._project, *touched.extent, "both", ways=touched.ways)
        return plan_run(self._project, *self._range(), self._settings.direction)

    def _find_touched(self) -> Touched | None:
        """The run of what corrections touch, if nothing else was asked for."""
        request = self._request
        if (
            request.everything
            or request.start is not None
            or request.end is not None
            or "direction" in request.settings
        ):
            return None
        touched = find_touched(self._project, self._settings)
        if touched:
            self._note(f"{touched.in_words} All frames: --everything.")
        return touched

    def _range(self) -> tuple[int, int]:
        project, request = self._project, self._request
        count = min(len(self._media), project.footage.frames)
        first_in, last_out = in_out_from(project.view.in_out, count)
        if request.start is request.end is None and self._settings.range is Range.IN_OUT:
            start, end = first_in or 0, count - 1 if last_out is None else last_out
            self._note(f"The range is the project's, from its in and out points: frames {start} to {end}.")
            return start, end
        frames = frame_range(request.start, request.end, count, project.footage.path)
        return frames[0], frames[-1]

    # the run

    def _begin(self) -> RecordedRun:
        plan, project = self._plan, self._project
        if self._left is None:
            project.apply(Change("A run begins"))  # which is not undone together with an earlier one
        settings = asdict(self._settings)
        del settings["cache_bytes"]
        text = f"Propagate frames {plan.start} to {plan.end}"
        run = RecordedRun(project, text, plan, settings, self._left)
        self._check_saved()
        return run

    def _propagate(self, propagator: Propagator, run: RecordedRun) -> None:
        plan, project = self._plan, self._project
        passes = [
            set(one) - set(run.finished)
            for one in propagator.frames_to_draw(plan.start, plan.end, plan.direction, plan.ways)
        ]
        to_draw = set().union(*passes)
        with FrameProgress("Propagating", sum(map(len, passes))) as progress, self._clips(propagator) as clips:
            for clip in clips:
                change = run.change(predictions(clip, plan.keep), clip.provisional)
                project.apply(change, keep_undo=True)
                if not clip.provisional:
                    run.note_clip(clip.frames, to_draw.intersection(clip.frames))
                self._check_saved()
                self._memory = (*propagator.memory, *propagator.working_frames)
                progress.advance(len(to_draw.intersection(clip.frames)) + sum(map(len, clip.spared)))

    @contextmanager
    def _clips(self, propagator: Propagator) -> Iterator[Iterator[ClipResult]]:
        """The run's clips."""
        plan, size = self._plan, self._media.size
        if not plan.ways:
            with closing(propagator.run(plan.start, plan.end, plan.direction, LabelMaps(plan.finished, size))) as clips:
                yield clips
            return
        there = ProjectMasks(self._project.snapshot(), plan.objects)
        with closing(there), closing(propagator.run_along(plan.ways, there, plan.finished)) as clips:
            yield clips

    def _check_saved(self) -> None:
        if self._project.unsaved:
            sentence = f"The run ends here; what it drew before is in {self._project.path}."
            raise ResourceError(f"{sentence} {self._project.save_error}")

    def _how_to_go_on(self, done: int) -> str:
        total = self._plan.end - self._plan.start + 1
        return (
            f"Interrupted with {done} of {total} frames in {self._project.path}: `pcvos propagate "
            f"{self._request.project} --resume` goes on, and so does the window."
        )

    # besides

    def _check_exports(self) -> None:
        """Find now all that can be wrong with what is to be written besides."""
        for exporter, request in self._wanted_exports(is_over=False):
            exporter.check(request)
            check_target(exporter, request, overwrite=self._request.overwrite)

    def _wanted_exports(self, is_over: bool = True) -> Iterator[tuple[Exporter, ExportRequest]]:
        """Other files to write, from what the project knows just now.

        A frame that the run does not reach, before the first mark of a run forward, has no mask file; a video cannot
        leave it out.

        Args:
            is_over: whether the run is; what it will draw is not known before.
        """
        for name, target, unprocessed in (
            ("png", self._request.output, "skip" if is_over else "empty"),
            ("overlay", self._request.overlay, "empty"),
        ):
            if target is not None:
                exporter, plan = registry.exporter(name), self._plan
                options = {UNPROCESSED.name: unprocessed}
                request = export_request(
                    exporter, self._project, self._media, target, first=plan.start, last=plan.end, options=options
                )
                yield exporter, request

    def _export(self, wanted: tuple[Exporter, ExportRequest]) -> str:
        exporter, request = wanted
        with FrameProgress(exporter.label, len(request.frames)) as progress:
            run_export(exporter, request, overwrite=self._request.overwrite, progress=progress)
        return f"{exporter.label} in {request.target}"


def _interrupted(request: ProjectRequest, project: Project) -> Interrupted:
    """The run to go on with."""
    if request.settings or request.start is not None or request.end is not None:
        raise PCVOSError("--resume goes on as the run began: give it no range and no settings.")
    left = interrupted.find(project)
    if left is None:
        raise PCVOSError(f"There is no interrupted run in {project.path}: leave out --resume.")
    return left
