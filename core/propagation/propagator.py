"""Per-clip propagation of masks through footage (paper Sec. 3 and 4.1)."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from core.errors import PCVOSError, ResourceError
from core.media.source import FrameSource
from core.network.pcvos import PCVOS
from core.propagation.clip_inference import ClipInference, Stopped
from core.propagation.compose import Composer, Distribution, blend
from core.propagation.feature_cache import FeatureCache, FrameFeatures
from core.propagation.feed import FrameFeed
from core.propagation.geometry import Geometry
from core.propagation.memory import Annotation, MemoryBank, MemoryEntry, PermanentMemory
from core.propagation.schedule import (
    Annotated,
    Clip,
    Pass,
    backward_pass,
    cut_clips,
    forward_pass,
    forward_weight,
    frames_to_remember,
)
from core.propagation.settings import Direction, PropagationSettings
from core.propagation.soft_masks import SoftMasks

Remembered = Mapping[int, np.ndarray]
"""See `ClipResult`."""


@dataclass(frozen=True)
class ClipResult:
    """One clip, done.

    Attributes:
        frames: frame indices, in the order of the pass.
        labels: uint8 (T, H, W), value = object id, the footage's size.
        soft: per object its probability, uint8 (T, H, W), 255 = 1; None unless asked for in the settings.
        provisional: True if the other pass of a run in both directions will draw these frames again.
        remembered: what a run that goes on after this clip needs to remember its last frame as this run did: mask
            logits by object, float32 (h, w) at a quarter of the network's size. None where that frame does not enter
            memory with what was predicted, and in provisional clips.
        confidence: per object of the run how sure it is of it on each frame, float32 (T,), 0 to 1 (see
            `core.propagation.confidence`); 1 where it was annotated, NaN where it does not exist.
        small: per frame, per object that was predicted there (not: annotated), its probability as the network gave it,
            uint8 (h, w), 255 = 1: a cell is 4 x 4 pixels of what the network saw, padding included.
        window: (top, left, height, width) of the frame in what the network saw, pixels.
    """

    frames: tuple[int, ...]
    labels: np.ndarray
    soft: dict[int, np.ndarray] | None
    provisional: bool
    remembered: Remembered | None = None
    confidence: dict[int, np.ndarray] = field(default_factory=dict)
    small: tuple[dict[int, np.ndarray], ...] = ()
    window: tuple[int, int, int, int] = (0, 0, 0, 0)


@dataclass(frozen=True)
class _Run:
    """What stays the same for all passes of a run, and what they hand on.

    Attributes:
        finished: label maps of an interrupted run. remembered: what it remembered of some of them.
        drawn: those of its frames that need not be drawn again.
        overlap: frames drawn by both passes. waiting: what the first pass found there.
    """

    annotated: Annotated
    finished: Mapping[int, np.ndarray]
    remembered: Mapping[int, Remembered | None]
    drawn: set[int]
    passes: list[Pass]
    overlap: range
    bank: MemoryBank
    waiting: SoftMasks = field(default_factory=SoftMasks)


class Propagator:
    """Carries the masks of permanent memory through footage.

    Example:
        propagator = Propagator(load_network(), open_media("clip.mp4"), PropagationSettings(interval=5))
        propagator.memory.add(0, mask)
        for clip in propagator.run():
            ...

    Attributes:
        memory: permanent memory: the frames a person annotated or corrected.
        cache: features of frames seen in earlier runs.
        should_stop: asked before the work on every frame, on the thread that does it: once it says True, a run ends
            without its present clip, and `prepare` and `estimate` raise `Stopped`. None: nobody is asked.
    """

    should_stop: Callable[[], bool] | None = None

    def __init__(self, network: PCVOS, media: FrameSource, settings: PropagationSettings | None = None):
        self.network, self.media = network, media
        self.settings = settings or PropagationSettings()
        self.memory = PermanentMemory(len(media), media.size)
        self.cache = FeatureCache(self.settings.cache_bytes)
        self._engine = ClipInference(network, self.settings)
        self._geometry = Geometry(media.size, self.settings.resolution)
        self._composer = Composer(self._geometry, self._engine.device)
        self._encoded: dict[int, tuple[Annotation, MemoryEntry]] = {}
        self._bank: MemoryBank | None = None  # of the run that is under way

    def with_settings(self, settings: PropagationSettings) -> "Propagator":
        """A propagator for a next run with other settings, of the same permanent memory.

        It need not encode again what this one has encoded, unless the network sees the frames at another size or
        precision; the cache of features is one for both unless its budget is another.
        """
        other = Propagator(self.network, self.media, settings)
        other.memory, other.should_stop = self.memory, self.should_stop
        if (other._geometry.resized, other._engine.precision) == (self._geometry.resized, self._engine.precision):
            other._encoded = self._encoded.copy()
            if settings.cache_bytes == self.settings.cache_bytes:
                other.cache = self.cache
        return other

    @property
    def seconds(self) -> dict[str, float]:
        """Time spent so far, by part."""
        return dict(self._engine.watch.seconds)

    @property
    def working_frames(self) -> tuple[int, ...]:
        """Frames now in working memory, in the order they entered; none between runs. From any thread."""
        bank = self._bank
        return () if bank is None else bank.working

    def count_frames(self, start: int = 0, end: int | None = None, direction: Direction = "forward") -> int:
        """Frames a run draws, those drawn in both directions counted twice."""
        return sum(len(p.frames) for p in self._passes(*self._range(start, end), direction))

    def frames_to_draw(
        self, start: int = 0, end: int | None = None, direction: Direction = "forward"
    ) -> list[tuple[int, ...]]:
        """Per pass of a run the frames on which it draws something: an object exists there, in this pass or in the one
        before, that nobody spoke for."""
        passes, annotated = self._passes(*self._range(start, end), direction), self._annotated()

        def draws(frame: int, known: Sequence[Pass]) -> bool:
            found = {obj for one in known if frame in one.frames for obj in one.objects_at(frame)}
            return not found <= annotated.get(frame, frozenset())

        return [
            tuple(frame for frame in one.frames if draws(frame, passes[: place + 1]))
            for place, one in enumerate(passes)
        ]

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
        from both ends, the nearer one counting more. Annotated frames come out exactly as they were given, and all
        of them are read as memory, wherever they lie. Stopping between clips is always safe; `should_stop` also
        stops inside one.

        Args:
            finished: label maps of frames an interrupted run with the same settings has drawn already; clips of such
                frames are not drawn again, and their last frames enter working memory as they are.
            remembered: what the clips of that run had as `remembered`, by their last frame. With it the rest comes out
                as if nothing had been interrupted; a frame without it is remembered by its label map.

        Raises:
            PCVOSError: nothing is annotated, or the range or the settings cannot be.
            ResourceError: out of memory.
        """
        try:
            with self._watched():
                yield from self._run(*self._range(start, end), direction, finished or {}, remembered or {})
        except Stopped:
            return
        finally:
            self._bank = None

    @torch.inference_mode()
    def prepare(self) -> None:
        """Encode the annotated frames that are new or have changed, so that the next run begins at once."""
        with self._watched():
            for frame in self.memory:
                self._permanent_entry(frame)

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
                bank.add(self._permanent_entry(other))
            objects = sorted(set().union(*(self.memory[f].objects for f in others)))
            features = self._features([frame], None, keep_trunk=False)
            logits = self._engine.predict(features, bank.histories(objects))
            own = {obj: planes[0] for obj, planes in logits.items()}
            distribution = self._composer.distribution(own)
            return self._composer.labels(distribution), self._composer.confidence(
                distribution, self._composer.small(own)
            )

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Work that can be stopped, and whose lack of memory is a sentence."""
        self._engine.should_stop = self.should_stop
        try:
            yield
        except (torch.OutOfMemoryError, MemoryError) as error:
            raise self._out_of_memory() from error
        except RuntimeError as error:
            if _is_lack_of_memory(error):
                raise self._out_of_memory() from error
            raise

    def _run(
        self,
        start: int,
        end: int,
        direction: Direction,
        finished: Mapping[int, np.ndarray],
        remembered: Mapping[int, Remembered | None],
    ) -> Generator[ClipResult, None, None]:
        exact = self.settings.exact
        if exact and direction != "forward":
            sentence = "The exact mode runs forward only"
            raise PCVOSError(f"{sentence}.", command=f"{sentence}: leave out --direction {direction} or --exact.")
        passes = self._passes(start, end, direction)
        if exact and (outside := [frame for frame in self.memory if not start <= frame <= end]):
            what = f"The exact mode reads no annotations outside the range, and frame {outside[0]} is annotated"
            sentence = f"{what}: choose another range"
            raise PCVOSError(f"{sentence}.", command=f"{sentence}, or leave out --exact.")
        self.cache.begin_run(range(start, end + 1))
        bank = self._bank = MemoryBank(None if exact else self.settings.memory_frames)
        self._encoded = {frame: known for frame, known in self._encoded.items() if frame in self.memory}
        if not exact:
            for frame in self.memory:
                bank.add(self._permanent_entry(frame))
        overlap = range(passes[0].frames[0], passes[-1].frames[0] + 1) if len(passes) > 1 else range(0)
        annotated = self._annotated()
        drawn = self._drawn(finished, passes[-1], annotated)
        run = _Run(annotated, finished, remembered, drawn, passes, overlap, bank)
        for this_pass in passes:
            bank.forget_working()
            yield from self._run_pass(this_pass, run)

    def _drawn(self, finished: Mapping[int, np.ndarray], last_pass: Pass, annotated: Annotated) -> set[int]:
        """Frames of `finished` but for clips that were cut short: the last pass draws these as a whole, and needs what
        the first pass, whose clips are other ones, finds there."""
        drawn = set(finished)
        for clip in self._cut(last_pass, annotated):
            if not drawn.issuperset(clip.frames):
                drawn.difference_update(clip.frames)
        return drawn

    def _cut(self, this_pass: Pass, annotated: Annotated) -> list[Clip]:
        return list(cut_clips(this_pass, annotated, self.settings.interval, predict_given=self.settings.exact))

    def _run_pass(self, this_pass: Pass, run: _Run) -> Generator[ClipResult, None, None]:
        clips = self._cut(this_pass, run.annotated)
        interval, exact = self.settings.interval, self.settings.exact
        remembered = frames_to_remember(clips, run.annotated, interval, predict_given=exact)
        done = [run.drawn.issuperset(clip.frames) for clip in clips]
        with FrameFeed(self.media, self._frames_to_read(clips, done, remembered, run)) as feed:
            for clip, skip in zip(clips, done, strict=True):
                if skip:
                    self._take_over(clip, this_pass, run, feed, clip.frames[-1] in remembered)
                else:
                    yield self._run_clip(clip, this_pass, run, feed, clip.frames[-1] in remembered)

    def _run_clip(self, clip: Clip, this_pass: Pass, run: _Run, feed: FrameFeed, remember: bool) -> ClipResult:
        """Predict a clip, draw its frames, and remember the last one where that is due."""
        end = clip.frames[-1]
        features = self._features(clip.frames if clip.objects else (), feed, remember or end in run.annotated)
        logits = self._predict(clip, features, run)
        waits = this_pass is not run.passes[-1] and end in run.overlap
        if waits:
            for frame, own in zip(clip.frames, logits, strict=True):
                run.waiting.put(frame, own)
        elif end in run.overlap:
            logits = [self._blend(frame, own, run) for frame, own in zip(clip.frames, logits, strict=True)]
        if self.settings.drop_lost:
            logits = [self._composer.without_gone(own, run.bank.largest_area) for own in logits]

        labels, soft, confidence, small = [], [], [], []
        for frame, own in zip(clip.frames, logits, strict=True):
            self._engine.check()
            with self._engine.watch("drawing"):
                distribution = self._distribution(frame, own)
                pinned = None if self.settings.exact else self.memory.get(frame)
                labels.append(self._composer.labels(distribution, pinned))
                given = frozenset() if pinned is None else pinned.objects
                small.append(self._composer.small({obj: plane for obj, plane in own.items() if obj not in given}))
                confidence.append(self._composer.confidence(distribution, small[-1], self.memory.get(frame)))
                if self.settings.soft:
                    soft.append(self._composer.soft(distribution, pinned))
        last = features[-1] if features else None
        self._enter_memory(end, remember, logits[-1], distribution, this_pass, run, feed, last)
        stacked = self._stack(soft) if self.settings.soft else None
        kept = None
        if logits[-1] and not waits and (remember or end in run.annotated):
            kept = {obj: plane.cpu().numpy().copy() for obj, plane in logits[-1].items()}  # not the whole clip
        drawn = np.stack(labels), stacked, waits, kept, self._columns(confidence)
        return ClipResult(clip.frames, *drawn, tuple(small), self._geometry.window)

    def _distribution(self, frame: int, logits: dict[int, Tensor]) -> Distribution:
        """What is drawn on a frame: what was predicted there, and what was painted there over it."""
        annotation = self.memory.get(frame)
        slots = self.memory.objects if self.settings.exact and annotation else ()
        return self._composer.distribution(logits, annotation, slots)

    def _predict(self, clip: Clip, features: Sequence[FrameFeatures], run: _Run) -> list[dict[int, Tensor]]:
        """Mask logits by object for each frame of a clip."""
        logits: list[dict[int, Tensor]] = [{} for _ in clip.frames]
        if clip.objects:
            for obj, planes in self._engine.predict(features, run.bank.histories(clip.objects)).items():
                for own, plane in zip(logits, planes, strict=True):
                    own[obj] = plane
        return logits

    def _blend(self, frame: int, backward: dict[int, Tensor], run: _Run) -> dict[int, Tensor]:
        """What both passes found on a frame, as one."""
        forward = run.waiting.pop(frame)
        return {
            obj: blend(forward.get(obj), backward.get(obj), forward_weight(obj, frame, run.annotated))
            for obj in sorted(set(forward) | set(backward))
        }

    def _take_over(self, clip: Clip, this_pass: Pass, run: _Run, feed: FrameFeed, remember: bool) -> None:
        """A clip that was drawn before: remember its last frame where that is due, as the interrupted run did, or else
        from its label map."""
        end = clip.frames[-1]
        if not remember and end not in run.annotated:
            return
        logits = self._remembered_logits(end, run)
        if logits is None:
            objects = this_pass.objects_at(end)
            planes = self._geometry.masks(run.finished[end], objects, self._engine.device)
            distribution = Distribution(objects, torch.cat([1 - planes.sum(0, keepdim=True), planes]))
        else:
            distribution = self._distribution(end, logits)
        self._enter_memory(end, remember, logits, distribution, this_pass, run, feed, None)

    def _remembered_logits(self, frame: int, run: _Run) -> dict[int, Tensor] | None:
        """Mask logits by object that an interrupted run remembered a frame by; None unless they fit this run."""
        kept = run.remembered.get(frame)
        if not kept or not set(kept) <= set(self.memory.objects):
            return None
        shape = tuple(n // 4 for n in self._geometry.padded)
        if any(
            plane.dtype != np.float32 or plane.shape != shape or not np.isfinite(plane).all() for plane in kept.values()
        ):
            return None
        return {obj: torch.from_numpy(plane).to(self._engine.device) for obj, plane in kept.items()}

    # memory

    def _enter_memory(
        self,
        frame: int,
        due: bool,
        logits: dict[int, Tensor] | None,
        distribution: Distribution,
        this_pass: Pass,
        run: _Run,
        feed: FrameFeed,
        features: FrameFeatures | None,
    ) -> None:
        """The last frame of a clip enters memory, where that is due or somebody annotated it."""
        if frame in run.annotated:
            if due and logits is not None:  # `--exact` only: the prediction is remembered as well
                self._remember(frame, self._composer.distribution(logits), run, feed, features)
            self._remember_annotated(frame, distribution, this_pass, run, feed, features)
        elif due:
            self._remember(frame, distribution, run, feed, features)

    def _permanent_entry(self, frame: int) -> MemoryEntry:
        """An annotated frame as memory, encoded when it is new or has changed."""
        annotation = self.memory[frame]
        known = self._encoded.get(frame)
        if known is None or known[0] is not annotation:
            distribution = self._composer.distribution({}, annotation)
            features = self._features([frame], None, keep_trunk=True)[0]
            known = self._encoded[frame] = (annotation, self._entry(frame, features, distribution, permanent=True))
        return known[1]

    def _remember(
        self, frame: int, distribution: Distribution, run: _Run, feed: FrameFeed, features: FrameFeatures | None
    ) -> None:
        """A frame of the present run enters working memory; its features are taken from where they are if None."""
        features = features or self._features([frame], feed, keep_trunk=True)[0]
        entry = self._entry(frame, features, distribution, permanent=False)
        run.bank.add(entry, replace=not self.settings.exact)

    def _remember_annotated(
        self,
        frame: int,
        distribution: Distribution,
        this_pass: Pass,
        run: _Run,
        feed: FrameFeed,
        features: FrameFeatures | None,
    ) -> None:
        """An annotated frame the pass has come to: now the objects that were carried there are known too.

        Those enter working memory, and the annotated ones are encoded again, beside them. Where all were annotated
        there is nothing to add to permanent memory. The published loop appends one entry for all.
        """
        given = run.annotated[frame]
        exists = this_pass.objects_at(frame)
        if not self.settings.exact and given >= set(exists):
            return
        features = features or self._features([frame], feed, keep_trunk=True)[0]
        entry = self._entry(frame, features, distribution, permanent=True)
        carried = set() if self.settings.exact else set(exists) - given
        parts = ((True, set(exists) - carried), (False, carried))
        for permanent, objects in parts:
            values = {o: v for o, v in entry.values.items() if o in objects}
            if values:
                part = MemoryEntry(frame, permanent, entry.key, values, entry.areas)
                run.bank.add(part, replace=not self.settings.exact)

    def _entry(self, frame: int, features: FrameFeatures, distribution: Distribution, permanent: bool) -> MemoryEntry:
        planes = distribution.planes[1:]
        values = dict(zip(distribution.objects, self._engine.values(features, planes), strict=True))
        areas = dict(zip(distribution.objects, (planes > 0.5).flatten(1).sum(1).tolist(), strict=True))
        return MemoryEntry(frame, permanent, features.key, values, areas)

    # features

    def _features(self, frames: Sequence[int], feed: FrameFeed | None, keep_trunk: bool) -> list[FrameFeatures]:
        """Features of frames, from the cache where they are there; with `keep_trunk` the last one has its trunk."""
        found = {f: self.cache.get(f) for f in frames}
        missing = [f for f in frames if not self._is_known(found[f], keep_trunk and f == frames[-1])]
        images = []
        for f in missing:
            self._engine.check()
            with self._engine.watch("reading"):
                pixels = feed.read(f) if feed else self.media.read(f)
            with self._engine.watch("preparing"):
                images.append(self._geometry.frame(pixels, self._engine.device))
        for f, features in zip(missing, self._engine.features(images), strict=True):
            found[f] = features if keep_trunk and f == frames[-1] else features.without_trunk()
            self.cache.put(f, found[f])
        return [found[f] for f in frames]

    @staticmethod
    def _is_known(features: FrameFeatures | None, with_trunk: bool) -> bool:
        return features is not None and (features.has_trunk or not with_trunk)

    def _frames_to_read(self, clips: list[Clip], done: list[bool], remembered: set[int], run: _Run) -> list[int]:
        """Frames of a pass whose pixels will be asked for, in order, as far as the cache lets one know."""
        frames = []
        for clip, skip in zip(clips, done, strict=True):
            end = clip.frames[-1]
            with_trunk = end in remembered or end in run.annotated
            asked = clip.frames if clip.objects and not skip else (end,) * (end in remembered)
            frames += [f for f in asked if not self._is_known(self.cache.get(f), with_trunk and f == end)]
        return frames

    # the rest

    def _annotated(self) -> Annotated:
        return {frame: self.memory[frame].objects for frame in self.memory}

    def _range(self, start: int, end: int | None) -> tuple[int, int]:
        last = len(self.media) - 1
        end = last if end is None else end
        if not 0 <= start <= end <= last:
            raise PCVOSError(f"There are no frames {start} to {end}: the footage has frames 0 to {last}.")
        return start, end

    def _passes(self, start: int, end: int, direction: Direction) -> list[Pass]:
        """The passes of a run; in both directions, each covers the frames on which it can know an object."""
        annotated = self._annotated()
        if not annotated:
            raise PCVOSError("No frame is annotated: give the mask of at least one object on one frame.")
        if direction == "forward":
            return [forward_pass(start, end, annotated)]
        if direction == "backward":
            return [backward_pass(start, end, annotated)]
        passes = []
        if (first := max(start, min(annotated))) <= end:
            passes.append(forward_pass(first, end, annotated))
        if (last := min(end, max(annotated))) >= start:
            passes.append(backward_pass(start, last, annotated))
        return passes

    def _stack(self, soft: list[dict[int, np.ndarray]]) -> dict[int, np.ndarray]:
        """Soft masks of a clip, (T, H, W) per object of the run; zero on frames where an object is not."""
        empty = np.zeros(self._geometry.size, np.uint8)
        return {o: np.stack([frame.get(o, empty) for frame in soft]) for o in self.memory.objects}

    def _columns(self, confidence: list[dict[int, float]]) -> dict[int, np.ndarray]:
        """Confidence of a clip, float32 (T,) per object of the run; NaN on frames where an object is not."""
        return {o: np.array([f.get(o, np.nan) for f in confidence], np.float32) for o in self.memory.objects}

    def _out_of_memory(self) -> ResourceError:
        device = self._engine.device
        height, width = self._geometry.resized
        sentence = f"Out of memory on {device} at {width} x {height} pixels: choose a"
        return ResourceError(
            f"{sentence} lower resolution, a smaller memory interval or fewer memory frames.",
            command=f"{sentence} lower --resolution, a smaller --interval or fewer --memory-frames.",
        )


def _is_lack_of_memory(error: RuntimeError) -> bool:
    """Whether an allocator without an exception of its own (the CPU's, MPS) raised this."""
    return any(words in str(error) for words in ("allocate memory", "not enough memory", "out of memory"))
