"""The inference thread's work: the network, its memory and the device, kept from job to job. No Qt in here.

Importing this imports PyTorch, which takes a second or more: only the thread does.
"""

import time
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial

import numpy as np
import psutil
import torch

from core.benchmark.machine import choices_for, is_measured, known_choices
from core.evaluation.agreement import agreement, agreement_with_masks
from core.masks.packed_mask import PackedMask
from core.media import FrameSource, open_media
from core.network import PCVOS, load_network
from core.network.choices import Choices
from core.network.devices import DeviceLostError, bytes_in_use, is_dead, memory_of, release_memory, title_of
from core.progress import UNWATCHED, Progress
from core.project.project import Project
from core.propagation import ClipResult, Propagator
from core.propagation.memory import PermanentMemory
from core.propagation.memory_bound import RunSize, memory_bound
from core.propagation.propagator import cache_budget
from core.propagation.revisit import DrawnRun, Revisit
from core.studio.jobs import (
    Ablated,
    AblateJob,
    Adapted,
    AdaptJob,
    ClipDone,
    Compared,
    CompareJob,
    CompareProgress,
    Estimated,
    EstimateJob,
    Explained,
    ExplainJob,
    Job,
    JobStarted,
    MarkJob,
    MemoryJob,
    MemoryTold,
    MemoryUse,
    PointJob,
    PropagateJob,
    Result,
)
from core.studio.mark_engine import MarkEngine
from core.studio.run_settings import EngineChoice
from core.studio.runs import LabelMaps, PermanentFrame, Predicted, annotate, predictions, without_kept

MEDIA_CACHE_BYTES = 64 * 2**20
"""Room for decoded frames: runs read them in order, and keep the features."""


class Engine:
    """Runs jobs, one at a time, on the thread that made it.

    What the next job can use stays: the network, the footage, the features of frames, the encoded annotations.
    """

    def __init__(self) -> None:
        self._choice: EngineChoice | None = None
        self._is_measured = False  # whether the network runs as is fastest here
        self._network: PCVOS | None = None
        self._media: FrameSource | None = None
        self._fingerprint = ""
        self._propagator: Propagator | None = None
        self._permanent: dict[int, PermanentFrame] = {}
        self._process = psutil.Process()
        self._loading_seconds = self._measuring_seconds = self._annotating_seconds = 0.0  # of the job under way
        self._annotated = 0
        self._revisited: tuple[int, Revisit] | None = None  # of the ExplainJob of this number
        self._marks = MarkEngine()
        self._is_busy = False
        self._marking_seconds = 0.0  # since the job under way began

    def mark(self, job: MarkJob) -> np.ndarray | None:
        """The mask of a job, bool (H, W), None if it asks for none; also while `run` is at work, between its frames.

        Raises:
            PCVOSError: there are no marking weights for the network.
        """
        begin = time.perf_counter()
        try:
            network = self._network if self._is_busy else None
            with self._telling_a_lost_device():
                return self._marks.mask(network or self._load(job.engine), job)
        finally:
            self._marking_seconds += time.perf_counter() - begin

    def run(self, job: Job, progress: Progress) -> Generator[Result, None, None]:
        """Do `job`, yielding what it gives; between two results it may be left alone, or closed, for good.

        Args:
            progress: asked before the work on each frame whether it is still wanted; if not, `Cancelled` is raised.

        Raises:
            DeviceLostError: the device has failed: `leave_device` before the next job.
            PCVOSError and whatever else goes wrong. The next job works nevertheless.
        """
        with self._telling_a_lost_device():
            yield from self._run(job, progress)

    def _run(self, job: Job, progress: Progress) -> Generator[Result, None, None]:
        if isinstance(job, AdaptJob):
            yield self._adapt(job, progress)
            return
        if isinstance(job, MemoryJob):
            yield self._tell_memory(job)
            return
        base = _base_of(job)
        if isinstance(job, EstimateJob) and not any(p.frame != base.start for p in base.permanent):
            yield Estimated(job.number, base.start, {})
            return
        try:
            self._is_busy = True
            propagator = self._prepare(base, progress)
            if isinstance(job, PropagateJob):
                yield from self._propagate(job, propagator)
            elif isinstance(job, CompareJob):
                yield from self._compare(job, propagator)
            elif isinstance(job, ExplainJob | PointJob):
                yield self._explain(job, propagator)
            elif isinstance(job, AblateJob):
                yield from self._ablate(job, propagator)
            else:
                yield self._estimate(job, propagator)
        finally:
            self._is_busy = False
            if self._propagator is not None:
                self._propagator.progress = UNWATCHED

    @contextmanager
    def _telling_a_lost_device(self) -> Iterator[None]:
        """Whatever was under way when it failed, a run or what explains one: what helps is the same."""
        try:
            yield
        except RuntimeError as error:
            if self._network is None or not is_dead(error):
                raise
            raise DeviceLostError(self._device) from error

    @property
    def on_accelerator(self) -> bool:
        """Whether the network is on a device that has memory of its own."""
        return self._network is not None and self._device.type != "cpu"

    @property
    def _device(self) -> torch.device:
        assert self._network is not None  # a job has loaded it
        return next(self._network.parameters()).device

    def free_memory(self) -> None:
        """Let go of all that was kept to be quick."""
        self._propagator = self._revisited = None
        self._permanent.clear()
        self._marks.forget()
        if self._network is not None:
            release_memory(self._device)

    def leave_device(self) -> None:
        """Let go of the network too: its device has failed, and the next job looks for one that works."""
        self.free_memory()
        self._network = self._choice = None

    def close(self) -> None:
        """Let go of everything."""
        self.free_memory()
        self._network = self._choice = None
        if self._media is not None:
            self._media.close()
            self._media = None

    # what a job needs

    def _prepare(self, job: PropagateJob, progress: Progress) -> Propagator:
        begin, self._measuring_seconds = time.perf_counter(), 0.0
        is_loaded = self._network is not None and job.engine == self._choice and self._media is not None
        network, media = self._load(job.engine, progress), self._open(job, progress)
        self._loading_seconds = 0.0 if is_loaded else time.perf_counter() - begin - self._measuring_seconds
        if self._propagator is None:
            self._permanent.clear()
            self._propagator = Propagator(network, media, job.settings)
        elif self._propagator.settings != job.settings:
            self._propagator = self._propagator.with_settings(job.settings)
        self._propagator.progress = progress
        begin = time.perf_counter()
        self._learn(self._propagator, job.permanent)
        self._annotated = self._propagator.prepare()
        self._annotating_seconds = time.perf_counter() - begin
        return self._propagator

    def _load(self, choice: EngineChoice, progress: Progress | None = None) -> PCVOS:
        """The network. For a run (with `progress`) it runs as is fastest on this machine, which is measured the first
        time; a mark does not wait for that."""
        is_provisional = progress is not None and not self._is_measured
        if self._network is None or choice != self._choice or is_provisional:
            self.free_memory()
            self._network = None  # before the next one comes: both may not fit
            choose = known_choices if progress is None else partial(self._measured_choices, progress)
            self._network, self._choice = load_network(choice.weights, choice.device, choose), choice
            self._is_measured = progress is not None or self.on_accelerator or is_measured(self._network)
        return self._network

    def _measured_choices(self, progress: Progress, network: PCVOS) -> Choices:
        """Note how long measuring takes: it is done once, and says nothing of how long the next loading takes."""
        begin = time.perf_counter()
        choices = choices_for(network, progress)
        self._measuring_seconds = time.perf_counter() - begin
        return choices

    def _open(self, job: PropagateJob, progress: Progress) -> FrameSource:
        """The job's footage; what is open already, if that is still the same."""
        media = self._media
        if media is not None and (media.path != job.footage or _fingerprint(media) != self._fingerprint):
            self._media = None
            self.free_memory()
            media.close()
        if self._media is None:
            self._media = open_media(job.footage, cache_bytes=MEDIA_CACHE_BYTES, index=job.index, progress=progress)
            self._fingerprint = self._media.fingerprint()
        return self._media

    def _learn(self, propagator: Propagator, permanent: Iterable[PermanentFrame]) -> None:
        """Bring permanent memory in line, touching only what differs: the rest stays encoded."""
        wanted = {p.frame: p for p in permanent if p.masks}
        memory, size = propagator.memory, propagator.media.size
        for frame in [f for f in self._permanent if wanted.get(f) != self._permanent[f]]:
            memory.remove(frame)
            del self._permanent[frame]
        for frame, given in wanted.items():
            if frame not in self._permanent:
                annotate(memory, given, size)
                self._permanent[frame] = given

    # jobs

    def _propagate(self, job: PropagateJob, propagator: Propagator) -> Generator[Result, None, None]:
        passes = [[f for f in p if f not in job.finished] for p in self._frames_to_draw(job, propagator)]
        yield JobStarted(
            job.number,
            self._device_in_words(),
            frames=len(set().union(*passes)),
            steps=sum(map(len, passes)),
            passes=tuple(map(len, passes)),
            plan=tuple(propagator.plan(job.start, job.end, job.direction, job.finished.keys(), job.ways)),
            loading_seconds=self._loading_seconds,
            annotated=self._annotated,
            annotating_seconds=self._annotating_seconds,
            passed_over=propagator.network.passed_over,
            memory_advice=propagator.memory_advice(job.start, job.end, job.direction) or "",
            weights=propagator.network.weights_fingerprint,
        )
        begin = time.perf_counter() - self._marking_seconds
        for clip in self._clips(job, propagator):
            seconds = time.perf_counter() - self._marking_seconds - begin
            cells, drawn = predictions(clip, job.keep), _predicted(clip, propagator.memory)
            memory = self._memory_use(propagator)
            yield ClipDone(job.number, clip.frames, drawn, cells, clip.provisional, seconds, memory, clip.spared)
            begin = time.perf_counter() - self._marking_seconds

    def _compare(self, job: CompareJob, propagator: Propagator) -> Generator[Result, None, None]:
        base = job.base
        drawn = sum(map(len, self._frames_to_draw(base, propagator)))
        yield JobStarted(job.number, self._device_in_words(), drawn * len(job.intervals), drawn * len(job.intervals))
        before: dict[int, Mapping[int, np.ndarray]] = {}
        for interval in job.intervals:
            # None may profit from the features that another has found: their times are to be compared.
            one = propagator.with_settings(replace(base.settings, interval=interval, cache_bytes=0))
            begin = time.perf_counter()
            labels: dict[int, np.ndarray] = {}
            done = 0
            yield CompareProgress(job.number, interval, done, drawn)
            for clip in self._clips(base, one):
                labels |= dict(zip(clip.frames, clip.labels, strict=True))
                done += len(_predicted(clip, one.memory))
                yield CompareProgress(job.number, interval, done, drawn)
            seconds = time.perf_counter() - begin
            frames = tuple(sorted(labels))
            stacked = np.stack([without_kept(labels[f], base.keep.get(f, ())) for f in frames])
            stacked.flags.writeable = False
            label_maps = dict(zip(frames, stacked, strict=True))
            agreements = {other: agreement(label_maps, drawn_before) for other, drawn_before in before.items()}
            before[interval] = label_maps
            with_masks = agreement_with_masks(label_maps, job.there)
            yield Compared(job.number, interval, frames, stacked, drawn / seconds, agreements, with_masks)

    @staticmethod
    def _clips(job: PropagateJob, propagator: Propagator) -> Generator[ClipResult, None, None]:
        if job.there is not None:
            with closing(job.there):
                yield from propagator.run_along(job.ways, job.there, job.finished)
        else:
            finished = LabelMaps(job.finished, propagator.media.size)
            yield from propagator.run(job.start, job.end, job.direction, finished)
        propagator.progress.raise_if_cancelled()

    @staticmethod
    def _frames_to_draw(job: PropagateJob, propagator: Propagator) -> list[tuple[int, ...]]:
        return propagator.frames_to_draw(job.start, job.end, job.direction, job.ways)

    def _tell_memory(self, job: MemoryJob) -> MemoryTold:
        network = self._load(job.engine)
        objects = job.objects * (2 if job.settings.distractors else 1)
        run = RunSize(job.size, job.frames, objects, job.annotated)
        bound = memory_bound(network.config, job.settings, run, self._device, cache_budget(job.settings, self._device))
        free, kept = memory_of(self._device)[0], self._propagator.cache.bytes if self._propagator else 0
        return MemoryTold(job.number, str(bound), (free is not None and bound.advice(free + kept)) or "")

    def _estimate(self, job: EstimateJob, propagator: Propagator) -> Estimated:
        frame = job.base.start
        labels, confidence = propagator.estimate(frame)
        labels = without_kept(labels, job.base.keep.get(frame, ()))
        cells = {o: Predicted(PackedMask.pack(labels == o), sure) for o, sure in confidence.items()}
        return Estimated(job.number, frame, cells)

    def _explain(self, job: ExplainJob | PointJob, propagator: Propagator) -> Explained:
        begin = time.perf_counter()
        what, point = (job.of, job) if isinstance(job, PointJob) else (job, None)
        if self._revisited is None or self._revisited[0] != what.number:
            with closing(what.there):
                revisited = _as_then(what, propagator).revisit(what.frame, what.object, _drawn(what))
            self._revisited = what.number, revisited
        y, x = np.nonzero(what.mask.unpack()) if what.mask is not None else (np.empty(0), np.empty(0))
        if point is not None:
            y, x = np.array([point.y]), np.array([point.x])
        read = self._revisited[1].attribution(what.object, x, y)
        notes = what.notes
        if what.weights and what.weights != propagator.network.weights_fingerprint:
            notes = (*notes, "It was drawn by other weights than those that are there now.")
        seconds = time.perf_counter() - begin
        return Explained(job.number, what.number, what.frame, what.object, read, what.run, notes, seconds)

    def _ablate(self, job: AblateJob, propagator: Propagator) -> Generator[Result, None, None]:
        what = job.of
        with closing(what.there):
            for one in _as_then(what, propagator).revisit(what.frame, what.object, _drawn(what)).ablations():
                if not one.without:
                    frames = one.clip.frames if one.clip else ()
                    reference = {frame: what.there.masks(frame) for frame in frames}
                cells = {} if one.clip is None else predictions(one.clip, {})
                objects = {obj for _, obj in cells}
                agreement = {obj: _agreement(cells, reference, obj) for obj in objects}
                distractors = {key: PackedMask.pack(mask) for key, mask in one.distractors.items()}
                yield Ablated(job.number, what.frame, one.without, cells, agreement, distractors)
                if not one.without:
                    reference = {f: {o: c.mask for (g, o), c in cells.items() if g == f} for f in frames}

    # gauges

    @staticmethod
    def _adapt(job: AdaptJob, progress: Progress) -> Adapted:
        from core.studio.adaptation import AdaptationRequest, adapt, lesson  # all of training: runs need none of it

        with (
            Project.open(job.project, to_write=False) as project,
            open_media(job.footage, index=job.index, progress=progress) as media,
        ):
            weights, device = job.engine.weights, job.engine.device
            request = AdaptationRequest(job.output, weights, job.minutes, device=device, settings=job.settings)
            (found,) = adapt([lesson(project, media)], request, progress)
        return Adapted(job.number, job.output, found.learned, found.held_back, found.before, found.after)

    def _device_in_words(self) -> str:
        return title_of(self._device)

    def _memory_use(self, propagator: Propagator) -> MemoryUse:
        used = bytes_in_use(self._device)
        return MemoryUse(
            permanent=tuple(propagator.memory),
            working=propagator.working_frames,
            process_bytes=self._process.memory_info().rss,
            total_bytes=psutil.virtual_memory().total,
            gpu_bytes=used,
            gpu_total_bytes=None if used is None else memory_of(self._device)[1],
            cached_frames=len(propagator.cache),
            known=propagator.cache.frames,
            capacity=propagator.cache.capacity,
            distractors=propagator.distractors,
        )


def _base_of(job: PropagateJob | CompareJob | EstimateJob | ExplainJob | PointJob | AblateJob) -> PropagateJob:
    """The run that a job is about."""
    if isinstance(job, PropagateJob):
        return job
    return job.of.base if isinstance(job, AblateJob | PointJob) else job.base


def _as_then(job: ExplainJob, propagator: Propagator) -> Propagator:
    """A propagator that knows what the run knew."""
    return propagator.with_settings(job.base.settings, propagator.memory.only(job.known))


def _drawn(job: ExplainJob) -> DrawnRun:
    return DrawnRun(job.base.start, job.base.end, job.base.direction, job.there, job.base.ways)


def _agreement(
    cells: Mapping[tuple[int, int], Predicted], reference: Mapping[int, Mapping[int, PackedMask]], obj: int
) -> float | None:
    """Mean intersection over union of an object's masks with others, where those are there."""
    labels = {frame: cell.mask.unpack() for (frame, o), cell in cells.items() if o == obj}
    others = {frame: {1: masks[obj]} for frame, masks in reference.items() if obj in masks}
    return agreement_with_masks({frame: mask.astype(np.uint8) for frame, mask in labels.items()}, others)


def _fingerprint(media: FrameSource) -> str:
    try:
        return media.fingerprint()
    except OSError:  # gone: opening it again says so
        return ""


def _predicted(clip: ClipResult, given: PermanentMemory) -> tuple[int, ...]:
    """Frames on which there is an object that nobody spoke for there."""
    return tuple(
        frame
        for i, frame in enumerate(clip.frames)
        if any(
            not np.isnan(sure[i]) and (frame not in given or number not in given[frame].objects)
            for number, sure in clip.confidence.items()
        )
    )
