"""One run through footage: its passes, clip by clip, and what they remember on the way (paper Sec. 3 and 4.1)."""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from core.network.matching import read_top_k
from core.network.transfer import download, upload
from core.propagation.compose import Distribution
from core.propagation.confidence import UNKNOWN
from core.propagation.feature_cache import FrameFeatures
from core.propagation.feed import FrameFeed
from core.propagation.host_masks import Drawer, Picture
from core.propagation.memory import MemoryBank, MemoryEntry
from core.propagation.parts import Parts
from core.propagation.schedule import Annotated, Clip, Pass, cut_clips, frames_to_remember
from core.propagation.sightings import LITTLE, NOWHERE, Sightings, is_gone
from core.propagation.soft_masks import SoftMasks
from core.propagation.stretch import Stretch, joined

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


class Run:
    """The passes of one run, and what they hand on.

    Args:
        passes: in order; the last one's masks are what counts.
        finished: label maps of frames that an interrupted run with the same settings has drawn.
        remembered: what that run remembered of some of them.

    Attributes:
        bank: permanent and working memory.
    """

    def __init__(
        self,
        parts: Parts,
        passes: list[Pass],
        finished: Mapping[int, np.ndarray],
        remembered: Mapping[int, Remembered | None],
    ):
        self._settings, self._media, self._memory = parts.settings, parts.media, parts.memory
        self._engine, self._geometry = parts.engine, parts.geometry
        self._composer, self._encoder = parts.composer, parts.encoder
        self._drawer = Drawer(parts)
        self._passes, self._finished, self._remembered = passes, finished, remembered
        exact = self._settings.exact
        self.bank = MemoryBank(None if exact else self._settings.memory_frames)
        self._annotated: Annotated = {frame: self._memory[frame].objects for frame in self._memory}
        # frames drawn by both passes, and what the first one found there
        self._overlap = range(passes[0].frames[0], passes[-1].frames[0] + 1) if len(passes) > 1 else range(0)
        self._waiting = SoftMasks()
        self._drawn = self._frames_drawn_already()
        self._sightings = Sightings()

    def clips(self) -> Iterator[ClipResult]:
        """Draw all passes, a clip at a time."""
        if not self._settings.exact:
            for entry in self._encoder.permanent_entries():
                self.bank.add(entry)
        for this_pass in self._passes:
            self.bank.forget_working()
            self._sightings = Sightings()
            yield from self._run_pass(this_pass)

    def _frames_drawn_already(self) -> set[int]:
        """Frames that an interrupted run has drawn, but for clips that were cut short: the last pass draws these as a
        whole, and needs what the first pass, whose clips are other ones, finds there."""
        drawn = set(self._finished)
        for clip in self._cut(self._passes[-1]):
            if not drawn.issuperset(clip.frames):
                drawn.difference_update(clip.frames)
        return drawn

    def _cut(self, this_pass: Pass) -> list[Clip]:
        return list(cut_clips(this_pass, self._annotated, self._settings.interval, predict_given=self._settings.exact))

    def _run_pass(self, this_pass: Pass) -> Iterator[ClipResult]:
        clips = self._cut(this_pass)
        interval, exact = self._settings.interval, self._settings.exact
        remembered = frames_to_remember(clips, self._annotated, interval, predict_given=exact)
        done = [self._drawn.issuperset(clip.frames) for clip in clips]
        with FrameFeed(self._media, self._frames_to_read(clips, done, remembered), interval) as feed:
            for clip, skip in zip(clips, done, strict=True):
                if skip:
                    self._take_over(clip, this_pass, feed, clip.frames[-1] in remembered)
                else:
                    yield self._run_clip(clip, this_pass, feed, clip.frames[-1] in remembered)

    def _run_clip(self, clip: Clip, this_pass: Pass, feed: FrameFeed, remember: bool) -> ClipResult:
        """Encode a clip, predict it, draw its frames, and remember the last one where that is due."""
        end, waits = clip.frames[-1], this_pass is not self._passes[-1] and clip.frames[-1] in self._overlap
        kept = remember or end in self._annotated
        features = self._encoder.features(clip.frames if clip.objects else (), feed, kept)
        predicted, distractors = self._predict(clip, features)
        stretches = self._joined(predicted, waits)
        gone: set[tuple[int, int]] = set()
        if features and not (self._settings.keep_lost or self._settings.exact):
            stretches, gone = self._without_gone(stretches, features)
        drawn, distribution = self._drawer.draw(stretches)
        logits = stretches[-1].of_frame(-1)

        # all that the host wants to know comes at once
        known = logits | distractors if kept and logits and not waits else {}
        areas = [self._areas(distribution)] if kept else []
        pictures, others = self._drawer.pictures(drawn, [*known.values(), *areas])
        confidence = [self._confidence(p, {obj for frame, obj in gone if frame == p.frame}) for p in pictures]
        if kept:
            self._note(distribution.objects, others.pop())
        last = features[-1] if features else None
        self._enter_memory(end, remember, logits, distractors, distribution, this_pass, feed, last)
        return ClipResult(
            clip.frames,
            np.stack([picture.labels for picture in pictures]),
            self._stack([picture.soft for picture in pictures]) if self._settings.soft else None,
            waits,
            {obj: plane.copy() for obj, plane in zip(known, others, strict=True)} or None,  # not the whole clip
            self._columns(confidence),
            tuple(picture.small for picture in pictures),
            self._geometry.window,
        )

    def _predict(self, clip: Clip, features: Sequence[FrameFeatures]) -> tuple[Stretch, dict[int, Tensor]]:
        """Mask logits of the objects on a clip, and of distractors on its last frame, (h, w)."""
        if not clip.objects:
            return Stretch(clip.frames, {}), {}
        histories = self.bank.histories(clip.objects)
        logits = self._engine.batches.attempt(lambda: self._engine.predict(features, histories))
        distractors = {obj: planes[-1] for obj, planes in logits.items() if obj < 0}
        return Stretch(clip.frames, {obj: logits[obj] for obj in sorted(logits) if obj > 0}), distractors

    def _joined(self, predicted: Stretch, waits: bool) -> list[Stretch]:
        """What was predicted, with what the other pass of a run in both directions found there. What it `waits` for is
        kept until then."""
        if waits:
            self._waiting.put(predicted.frames, predicted.logits)
        elif predicted.frames[-1] in self._overlap:
            return list(joined(predicted, self._waiting.pop, self._annotated, self._engine.device))
        return [predicted]

    def _confidence(self, picture: Picture, gone: Container[int]) -> dict[int, float]:
        """Per object how sure the pass is of it on a frame, which may be nowhere there; 1 where it was annotated."""
        annotation = self._memory.get(picture.frame)
        given = frozenset() if annotation is None else annotation.objects
        for obj in given:
            self._sightings.confirm(obj)
        sure = {obj: 1.0 if obj in given else UNKNOWN for obj in picture.objects}
        for obj in picture.small.keys() - given:  # `--exact` predicts what was given as well
            sure[obj] = self._sightings.confidence(obj, self._geometry.crop_small(picture.small[obj]), obj in gone)
        return sure

    def _areas(self, distribution: Distribution) -> Tensor:
        """How many memory positions each object of a frame covers, float32 (K,)."""
        return self._composer.covers(distribution.planes[1:]).sum(1)

    def _note(self, objects: Sequence[int], areas: np.ndarray) -> None:
        """A frame is going to be remembered."""
        for obj, area in zip(objects, areas.tolist(), strict=True):
            self._sightings.note(obj, area)

    def _without_gone(
        self, stretches: Sequence[Stretch], features: Sequence[FrameFeatures]
    ) -> tuple[list[Stretch], set[tuple[int, int]]]:
        """The same logits, but for objects of which little is left, and that little something else; and which these
        are, by frame and object."""
        kept: list[Stretch] = []
        gone: set[tuple[int, int]] = set()
        place = 0
        for stretch in stretches:
            own, place = features[place : place + len(stretch.frames)], place + len(stretch.frames)
            lost = self._gone(stretch, own) if stretch.logits else []
            logits = dict(stretch.logits)
            logits |= {obj: logits[obj].clone() for _, obj in lost}
            for i, obj in lost:
                logits[obj][i] = NOWHERE
            kept.append(Stretch(stretch.frames, logits))
            gone.update((stretch.frames[i], obj) for i, obj in lost)
        return kept, gone

    def _gone(self, stretch: Stretch, features: Sequence[FrameFeatures]) -> list[tuple[int, int]]:
        """Objects that are gone, with the place of the frame in the stretch."""
        shares, covered = self._composer.small_covers(stretch.logits)
        (areas,) = download([covered])
        found = []
        for k, obj in enumerate(stretch.logits):
            little = LITTLE * self._sightings.area(obj)
            for i in [i for i, area in enumerate(areas[k].tolist()) if 0 < area < little]:
                keys, covers = self.bank.marked(obj)
                (expected,) = read_top_k(features[i].key, keys, [covers.unsqueeze(1)], self._settings.top_k)
                if is_gone(shares[k, i], expected.squeeze(1)):
                    found.append((i, obj))
        return found

    def _take_over(self, clip: Clip, this_pass: Pass, feed: FrameFeed, remember: bool) -> None:
        """A clip that was drawn before: remember its last frame where that is due, as the interrupted run did, or else
        from its label map."""
        end = clip.frames[-1]
        if not remember and end not in self._annotated:
            return
        logits, distractors = self._remembered_logits(end)
        if logits is None:
            objects = this_pass.objects_at(end)
            planes = self._geometry.masks(self._finished[end], objects, self._engine.device)
            distribution = Distribution(objects, torch.cat([1 - planes.sum(0, keepdim=True), planes]))
        else:
            distribution = self._drawer.distribution(end, logits)
        given = self._annotated.get(end, frozenset())
        own = {o: plane for o, plane in (logits or {}).items() if o not in given}
        areas, *small = download([self._areas(distribution), *([self._composer.small(own)] if own else [])])
        predicted = dict(zip(sorted(own), small[0], strict=True)) if own else {}
        remembered = self._remembered.get(end) or {}
        gone = {obj for obj in own if (remembered[obj] == NOWHERE).all()}
        self._confidence(Picture(end, self._finished[end], distribution.objects, predicted, {}), gone)  # leaves traces
        self._note(distribution.objects, areas)
        self._enter_memory(end, remember, logits, distractors, distribution, this_pass, feed, None)

    def _remembered_logits(self, frame: int) -> tuple[dict[int, Tensor] | None, dict[int, Tensor]]:
        """Mask logits that an interrupted run remembered a frame by, of objects and of distractors; None and nothing
        unless they fit this run."""
        kept = self._remembered.get(frame) or {}
        objects = {obj for obj in kept if obj > 0}
        if not objects or not objects <= set(self._memory.objects) or {abs(obj) for obj in kept} != objects:
            return None, {}
        shape = tuple(n // 4 for n in self._geometry.padded)
        if any(
            plane.dtype != np.float32 or plane.shape != shape or not np.isfinite(plane).all() for plane in kept.values()
        ):
            return None, {}
        planes = {obj: upload([plane], self._engine.device)[0] for obj, plane in kept.items()}
        return {o: p for o, p in planes.items() if o > 0}, {o: p for o, p in planes.items() if o < 0}

    # memory

    def _enter_memory(
        self,
        frame: int,
        due: bool,
        logits: dict[int, Tensor] | None,
        distractors: dict[int, Tensor],
        distribution: Distribution,
        this_pass: Pass,
        feed: FrameFeed,
        features: FrameFeatures | None,
    ) -> None:
        """The last frame of a clip enters memory, where that is due or somebody annotated it."""
        if frame in self._annotated:
            if due and logits is not None:  # `--exact` only: the prediction is remembered as well
                self._remember(frame, self._composer.distribution(logits), {}, feed, features)
            self._remember_annotated(frame, distribution, distractors, this_pass, feed, features)
        elif due:
            self._remember(frame, distribution, distractors, feed, features)

    def _remember(
        self,
        frame: int,
        distribution: Distribution,
        distractors: dict[int, Tensor],
        feed: FrameFeed,
        features: FrameFeatures | None,
    ) -> None:
        """A frame of the present run enters working memory; its features are taken from where they are if None."""
        features = features or self._encoder.features([frame], feed, keep_trunk=True)[0]
        planes = {o: self._composer.plane(logits) for o, logits in distractors.items()}
        entry = self._encoder.entry(frame, features, distribution, False, planes)
        self.bank.add(entry, replace=not self._settings.exact)

    def _remember_annotated(
        self,
        frame: int,
        distribution: Distribution,
        distractors: dict[int, Tensor],
        this_pass: Pass,
        feed: FrameFeed,
        features: FrameFeatures | None,
    ) -> None:
        """An annotated frame the pass has come to: now the objects that were carried there are known too.

        Those enter working memory, and the annotated ones are encoded again, beside them. Where all were annotated
        there is nothing to add to permanent memory. The published loop appends one entry for all.
        """
        given = self._annotated[frame]
        exists = this_pass.objects_at(frame)
        if not self._settings.exact and given >= set(exists):
            return
        features = features or self._encoder.features([frame], feed, keep_trunk=True)[0]
        planes = {o: self._composer.plane(logits) for o, logits in distractors.items() if -o not in given}
        entry = self._encoder.entry(frame, features, distribution, True, planes)
        entry.values.update(self.bank.distractors(frame))
        carried = set() if self._settings.exact else set(exists) - given
        parts = ((True, set(exists) - carried), (False, carried))
        for permanent, objects in parts:
            values = {o: v for o, v in entry.values.items() if abs(o) in objects}
            if values:
                part = MemoryEntry(frame, permanent, entry.key, values, entry.covers)
                self.bank.add(part, replace=not self._settings.exact)

    # the rest

    def _frames_to_read(self, clips: list[Clip], done: list[bool], remembered: set[int]) -> list[int]:
        """Frames of a pass whose pixels will be asked for, in order, as far as the cache lets one know."""
        frames = []
        for clip, skip in zip(clips, done, strict=True):
            end = clip.frames[-1]
            with_trunk = end in remembered or end in self._annotated
            asked = clip.frames if clip.objects and not skip else (end,) * (end in remembered)
            frames += [f for f in asked if not self._encoder.is_known(f, with_trunk and f == end)]
        return frames

    def _stack(self, soft: list[dict[int, np.ndarray]]) -> dict[int, np.ndarray]:
        """Soft masks of a clip, (T, H, W) per object of the run; zero on frames where an object is not."""
        empty = np.zeros(self._geometry.size, np.uint8)
        return {o: np.stack([frame.get(o, empty) for frame in soft]) for o in self._memory.objects}

    def _columns(self, confidence: list[dict[int, float]]) -> dict[int, np.ndarray]:
        """Confidence of a clip, float32 (T,) per object of the run; NaN on frames where an object is not."""
        return {o: np.array([f.get(o, np.nan) for f in confidence], np.float32) for o in self._memory.objects}
