"""Per-clip propagation of masks through footage (paper Sec. 3 and 4.1)."""

from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch

from core.errors import PCVOSError, ResourceError
from core.media.source import FrameSource
from core.network.devices import DeviceLostError, is_dead, is_lack_of_memory, memory_of
from core.network.pcvos import PCVOS
from core.network.transfer import download
from core.progress import UNWATCHED, Progress
from core.propagation.appearance import load_appearance
from core.propagation.clip_inference import ClipInference
from core.propagation.composer import Composer
from core.propagation.confidence import confidence
from core.propagation.earlier_run import EarlierRun
from core.propagation.feature_cache import FeatureCache
from core.propagation.frame_encoder import FrameEncoder
from core.propagation.geometry import Geometry
from core.propagation.memory import MemoryBank, PermanentMemory
from core.propagation.memory_bound import MemoryBound, RunSize, memory_bound
from core.propagation.pace import Work, plan, room_for
from core.propagation.parts import Parts
from core.propagation.prediction import ClipResult, Remembered, Track
from core.propagation.presence import Presence
from core.propagation.published import PublishedLoop
from core.propagation.revisit import DrawnRun, Revisit
from core.propagation.run import Run
from core.propagation.schedule import Annotated, Pass, forward_weight
from core.propagation.settings import Direction, PropagationSettings
from core.propagation.touched import MaskSource, TouchedRun, touched_passes
from core.propagation.ways import Way, extent, pass_along

CACHE_BYTES = 2**30
"""Most memory that the frame features of earlier runs may take on a CPU."""

CACHE_SHARE = 0.25
"""Share of an accelerator's free memory that they may take."""


class Propagator:
    """Carries the masks of permanent memory through footage.

    Example:
        propagator = Propagator(load_network(), open_media("clip.mp4"), PropagationSettings(interval=5))
        propagator.memory.add(0, mask)
        for clip in propagator.run():
            ...

    Attributes:
        memory: permanent memory: the frames a person annotated or corrected.
        engine, encoder: draw clips, and encode frames for it.
        progress: asked before the work on every frame (on an accelerator: on every batch), on the thread that does it,
            whether it is still wanted; if not, `Cancelled` is raised, and a run ends without its present clip.
    """

    progress: Progress = UNWATCHED

    def __init__(
        self,
        network: PCVOS,
        media: FrameSource,
        settings: PropagationSettings | None = None,
        memory: PermanentMemory | None = None,
    ):
        self.network, self.media = network, media
        self.settings = settings or PropagationSettings()
        self.memory = PermanentMemory(len(media), media.size) if memory is None else memory
        self._loop = PublishedLoop if self.settings.exact else Run
        self.engine = ClipInference(network, self.settings.effective)
        self._geometry = Geometry(media.size, self.settings.resolution)
        self._composer = Composer(self._geometry, self.engine.device)
        cache = FeatureCache(cache_budget(self.settings, self.engine.device))
        self.encoder = FrameEncoder(media, self.memory, self.engine, self._geometry, self._composer, cache)
        self.engine.batches.let_go = self._forget_features
        self._run: Run | PublishedLoop | None = None  # that is under way

    @property
    def cache(self) -> FeatureCache:
        """Features of frames seen in earlier runs."""
        return self.encoder.cache

    @cache.setter
    def cache(self, cache: FeatureCache) -> None:
        self.encoder.cache = cache

    @property
    def measures_parts(self) -> bool:
        """True if `seconds` are those that an accelerator takes for each part: it is waited for after each, which
        slows it down. Otherwise they are the host's."""
        return self.engine.watch.waits

    @measures_parts.setter
    def measures_parts(self, wanted: bool) -> None:
        self.engine.watch.waits = wanted

    def with_settings(self, settings: PropagationSettings, memory: PermanentMemory | None = None) -> "Propagator":
        """A propagator for a next run with other settings, of the same permanent memory unless some is given.

        It need not encode again what this one has encoded, unless the network sees the frames at another size or
        precision; the cache of features is one for both unless its budget is another.
        """
        other = Propagator(self.network, self.media, settings, self.memory if memory is None else memory)
        other.progress = self.progress
        if other.encoder.fits(self.encoder):
            other.encoder.take_over(self.encoder)
            if settings.cache_bytes == self.settings.cache_bytes:
                other.cache = self.cache
        return other

    @property
    def seconds(self) -> dict[str, float]:
        """Time spent so far, by part."""
        return dict(self.engine.watch.seconds)

    @property
    def working_frames(self) -> tuple[int, ...]:
        """Frames now in working memory, in the order they entered; none between runs. From any thread."""
        run = self._run
        return () if run is None else run.bank.working

    @property
    def distractors(self) -> dict[int, tuple[int, ...]]:
        """By annotated frame: the objects that something else looks like there, which is followed too, unseen; of the
        frames encoded so far."""
        return self.encoder.distractors

    def plan(
        self,
        start: int = 0,
        end: int | None = None,
        direction: Direction = "forward",
        finished: Collection[int] = (),
        ways: Sequence[Way] = (),
    ) -> list[Work]:
        """The work of each clip of a run, as `run` with the same arguments yields them, or `run_along` these ways, at
        most."""
        start, end = self._range(start, end)
        known, passes = self.cache.frames, self._passes(start, end, direction, ways)
        room = room_for(self.cache.capacity, known, start, end)
        return plan(passes, self._annotated(), self.engine.settings, known, room, finished)

    def count_frames(self, start: int = 0, end: int | None = None, direction: Direction = "forward") -> int:
        """Frames a run draws, those drawn in both directions counted twice."""
        return sum(len(p.frames) for p in self._passes(*self._range(start, end), direction))

    def frames_to_draw(
        self, start: int = 0, end: int | None = None, direction: Direction = "forward", ways: Sequence[Way] = ()
    ) -> list[tuple[int, ...]]:
        """Per pass of a run, or per way, the frames on which it draws something: an object exists there, in this pass
        or in the one before, that nobody spoke for."""
        passes, annotated = self._passes(*self._range(start, end), direction, ways), self._annotated()

        def draws(frame: int, so_far: Sequence[Pass]) -> bool:
            existing = {obj for one in so_far if frame in one.frames for obj in one.objects_at(frame)}
            return not existing <= annotated.get(frame, frozenset())

        return [
            tuple(frame for frame in one.frames if draws(frame, passes[: place + 1]))
            for place, one in enumerate(passes)
        ]

    def memory_bound(self, start: int = 0, end: int | None = None, direction: Direction = "forward") -> MemoryBound:
        """Memory that a run takes at most, beyond the program and the network.

        Raises:
            PCVOSError: as `run` does.
        """
        start, end = self._range(start, end)
        self._passes(start, end, direction)
        settings = self.engine.settings
        objects = len(self.memory.objects) * (2 if settings.distractors else 1)
        run = RunSize(self.media.size, end - start + 1, objects, len(self.memory))
        return memory_bound(self.network.config, settings, run, self.engine.device, self.cache.budget)

    def memory_advice(self, start: int = 0, end: int | None = None, direction: Direction = "forward") -> str | None:
        """Advice where a run may take more memory than is free, in a sentence; None if it fits, or where it
        cannot be told. Features that are kept already count as free: the run counts them among its own.

        Raises:
            PCVOSError: as `run` does.
        """
        bound = self.memory_bound(start, end, direction)
        free, _ = memory_of(self.engine.device)
        return None if free is None else bound.advice(free + self.cache.bytes)

    @torch.inference_mode()
    def run(
        self,
        start: int = 0,
        end: int | None = None,
        direction: Direction = "forward",
        finished: Mapping[int, np.ndarray] | None = None,
        remembered: Mapping[int, Remembered | None] | None = None,
    ) -> Generator[ClipResult, None, None]:
        """Propagate through frames `start` to `end` (inclusive; the last frame if None), a clip at a time.

        Forward, an object exists from its first annotation on and is empty before; backward mirrors this. In both
        directions, each object is drawn outward from its first and last annotation, and between two annotations
        from both ends, the nearer one counting more. Annotated frames come out as they were annotated, and all
        of them are read as memory, wherever they lie. Stopping between clips is always safe; `progress` also
        ends it inside one.

        Args:
            finished: label maps of frames an interrupted run with the same settings has drawn already; clips of such
                frames are not drawn again, and their last frames enter working memory as they are.
            remembered: what the clips of that run had as `remembered`, by their last frame. With it the rest comes out
                as if nothing had been interrupted (but for how sure it is of what is out of sight, `Presence`); a
                frame without it is remembered by its label map.

        Raises:
            PCVOSError: nothing is annotated, or the range or the settings cannot be.
            ResourceError: out of memory. Cancelled: it is not wanted any more.
        """

        def made(parts: Parts) -> Run | PublishedLoop:
            passes = self._passes(*self._range(start, end), direction)
            return self._loop(parts, passes, EarlierRun(parts, finished or {}, remembered or {}))

        yield from self._clips(made, *self._range(start, end))

    @torch.inference_mode()
    def run_along(
        self, ways: Sequence[Way], there: MaskSource, finished: Collection[int] = ()
    ) -> Generator[ClipResult, None, None]:
        """Draw anew what corrections touch: outward from corrected frames, a clip at a time, each way until it agrees
        with what is there (`core.propagation.touched`). Frames between two corrected frames can come from both sides;
        the later clip counts.

        Args:
            ways: from frames of permanent memory. there: masks before the run; asked for as it goes.
            finished: frames that an interrupted run has drawn already.

        Raises:
            PCVOSError: as `run` does. ResourceError: out of memory. Cancelled: it is not wanted any more.
        """
        settings = self.engine.settings.along
        yield from self._clips(
            lambda parts: TouchedRun(replace(parts, settings=settings), ways, there, frozenset(finished)), *extent(ways)
        )

    def _clips(
        self, made: Callable[[Parts], Run | PublishedLoop], start: int, end: int
    ) -> Generator[ClipResult, None, None]:
        """The clips of a run through frames `start` to `end`."""
        try:
            with self._watched():
                self._range(start, end)
                self.cache.begin_run(range(start, end + 1))
                drawing = self.engine, self._geometry, self._composer, self.encoder
                self._run = made(Parts(self.engine.settings, self.media, self.memory, *drawing))
                yield from self._run.clips()
        finally:
            self._run = None

    @torch.inference_mode()
    def revisit(self, frame: int, obj: int, drawn: DrawnRun) -> Revisit:
        """A clip of a run that is over, with an object on a frame in it, of the pass that counts most there.

        Raises:
            PCVOSError: the object is not on this frame in that run.
        """
        if not self.settings.redraws_parts:
            raise PCVOSError("The published loop can only be run, not gone into.")
        start, end = self._range(drawn.start, drawn.end)
        annotated = self._annotated()
        passes = self._passes(start, end, drawn.direction)
        if drawn.ways:
            passes = touched_passes(drawn.ways, annotated, drawn.there)[::-1]  # of two, the later one counts
        passes = [one for one in passes if frame in one.frames and obj in one.objects_at(frame)]
        if not passes:
            raise PCVOSError(f"Frame {frame} was not drawn for this object: it is not known there yet.", "not drawn")
        counts = 1.0
        if len(passes) > 1 and not drawn.ways:
            share = forward_weight(obj, frame, annotated)
            passes, counts = (passes, share) if share >= 0.5 else (passes[::-1], 1 - share)
        drawing = self.engine, self._geometry, self._composer, self.encoder
        settings = self.engine.settings.along if drawn.ways else self.engine.settings
        parts = Parts(settings, self.media, self.memory, *drawing)
        self.engine.progress = self.progress
        return Revisit(parts, passes[0], frame, drawn.there, counts)

    @torch.inference_mode()
    def prepare(self) -> int:
        """Encode the annotated frames that are new or have changed, so that the next run begins at once; how many."""
        with self._watched():
            before = self.encoder.entries_made
            self.encoder.permanent_entries()
            return self.encoder.entries_made - before

    @torch.inference_mode()
    def estimate(self, frame: int) -> tuple[np.ndarray, dict[int, float]]:
        """One frame as the annotations of all other frames have it; what was annotated on it is not read.

        Returns:
            Its label map, uint8 (H, W), and per object the confidence, 0 to 1, as in `ClipResult`.

        Raises:
            PCVOSError: no such frame, or no other one is annotated. ResourceError: out of memory.
        """
        self._range(frame, frame)
        others = [f for f in self.memory if f != frame]
        if not others:
            raise PCVOSError(f"Nothing is known of frame {frame}: annotate another frame first.")
        with self._watched():
            bank = MemoryBank(None)
            for other in others:
                bank.add(self.encoder.permanent_entry(other))
            objects = sorted(set().union(*(self.memory[f].objects for f in others)))
            features = self.encoder.features([frame], None, keep_trunk=False)
            histories = bank.histories(objects)
            logits = self.engine.batches.attempt(lambda: self.engine.predict(features, histories))
            own = {obj: logits[Track(obj)][0] for obj in objects}
            labels, small = download([self._composer.labels(self._composer.aggregate(own)), self._composer.small(own)])
            crop = self._geometry.crop_small
            planes = {obj: crop(plane) for obj, plane in zip(own, small, strict=True)}
            presence = Presence()
            for other in sorted(others, key=lambda f: -abs(f - frame)):
                presence.confirm(other, self.memory[other])
            appearances, says = self.encoder.appearance(), load_appearance(self.network.features_fingerprint)
            evidence = presence.see(frame, planes, appearances)
            return labels, {obj: confidence(seen, says) for obj, seen in evidence.items()}

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Work that can be stopped, and whose lack of memory is a sentence."""
        self.engine.progress = self.progress
        try:
            yield
        except (RuntimeError, MemoryError) as error:
            if is_lack_of_memory(error):
                raise self._out_of_memory() from error
            if is_dead(error):
                raise DeviceLostError(self.engine.device) from error
            raise

    def _forget_features(self) -> bool:
        """Make room; whether there was anything to let go of."""
        had = len(self.cache) > 0
        self.cache.clear()
        return had

    def _annotated(self) -> Annotated:
        return {frame: self.memory[frame].objects for frame in self.memory}

    def _range(self, start: int, end: int | None) -> tuple[int, int]:
        last = len(self.media) - 1
        end = last if end is None else end
        if not 0 <= start <= end <= last:
            raise PCVOSError(f"There are no frames {start} to {end}: the footage has frames 0 to {last}.")
        return start, end

    def _passes(self, start: int, end: int, direction: Direction, ways: Sequence[Way] = ()) -> list[Pass]:
        """The passes of a run."""
        annotated = self._annotated()
        if not annotated:
            raise PCVOSError("No frame is annotated: give the mask of at least one object on one frame.")
        if ways:
            return [pass_along(way, annotated) for way in ways]
        return self._loop.passes(direction, start, end, annotated)

    def _out_of_memory(self) -> ResourceError:
        device = self.engine.device
        height, width = self._geometry.resized
        what = f"Out of memory on {device} at {width} x {height} pixels"
        remedy = "choose a lower resolution, a smaller memory interval or fewer memory frames"
        return ResourceError(f"{what}: {remedy}.", "out of memory")


def cache_budget(settings: PropagationSettings, device: torch.device) -> int:
    """Most memory that frame features may take: on an accelerator by what is free."""
    if settings.cache_bytes is not None:
        return settings.cache_bytes
    free = None if device.type == "cpu" else memory_of(device)[0]
    return CACHE_BYTES if free is None else int(CACHE_SHARE * free)
