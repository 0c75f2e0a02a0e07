"""Encoder of frames: features, and memory entries with the masks of objects."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from core.media.source import FrameSource
from core.network.transfer import download
from core.propagation.appearance import pooled
from core.propagation.clip_inference import ClipInference
from core.propagation.composer import Composer, Distribution
from core.propagation.distractor_search import find_distractors
from core.propagation.feature_cache import FeatureCache, FrameFeatures
from core.propagation.feed import FrameFeed
from core.propagation.geometry import Geometry
from core.propagation.memory import Annotation, MemoryEntry, PermanentMemory
from core.propagation.prediction import Track
from core.propagation.schedule import Clip
from core.propagation.work_bytes import WorkBytes

KEYS_BYTES = 64 * 2**20
"""Most that the keys take which are kept of frames that have been in memory: those of 150 at 480p."""


@dataclass(frozen=True)
class MaskedFrame:
    """A frame that is to enter memory.

    Attributes:
        features: with trunk. distribution: over the objects on it.
        distractors: by object the probability of its distractor, (H, W).
    """

    frame: int
    features: FrameFeatures
    distribution: Distribution
    distractors: Mapping[int, Tensor] = field(default_factory=dict)


class FrameEncoder:
    """Encodes frames of footage, each once as far as it can.

    Attributes:
        cache: features of frames seen before, of earlier runs too.
        entries_made: how often an annotated frame was encoded.
    """

    def __init__(
        self,
        media: FrameSource,
        memory: PermanentMemory,
        engine: ClipInference,
        geometry: Geometry,
        composer: Composer,
        cache: FeatureCache,
    ):
        self.cache = cache
        self.entries_made = 0
        self._media, self._memory = media, memory
        self._engine, self._geometry, self._composer = engine, geometry, composer
        self._permanent: dict[int, tuple[Annotation, MemoryEntry]] = {}
        self._keys: dict[int, Tensor] = {}

    def take_over(self, other: "FrameEncoder") -> None:
        """Know the annotated frames that `other` has encoded, and keys."""
        self._permanent, self._keys = other._permanent.copy(), other._keys

    def fits(self, other: "FrameEncoder") -> bool:
        """True if what was encoded there is the same here: size and precision are, and what is looked for."""
        return self._encodes_as == other._encodes_as

    @property
    def _encodes_as(self) -> tuple[object, ...]:
        return self._geometry.resized, self._engine.precision, self._engine.settings.distractors

    def feed(self, clips: Sequence[Clip], finished: Set[int]) -> FrameFeed:
        """Frames of a pass that will be asked for, in order, as far as the cache lets one know; of clips that are
        `finished` only those that are remembered."""
        expected: list[int] = []
        for clip in clips:
            with_trunk = clip.remembered or clip.end in self._memory
            is_new = bool(clip.objects) and not finished >= set(clip.frames)
            frames = clip.frames if is_new else (clip.end,) * clip.remembered
            expected += [f for f in frames if not _is_enough(self.cache.get(f), with_trunk and f == clip.end)]
        return FrameFeed(self._media, expected, self._engine.settings.interval)

    def features(self, frames: Sequence[int], feed: FrameFeed | None, keep_trunk: bool) -> list[FrameFeatures]:
        """Features of frames, from the cache where they are there; with `keep_trunk` the last one has its trunk."""
        cached = {f: self.cache.get(f) for f in frames}
        missing = [f for f in frames if not _is_enough(cached[f], keep_trunk and f == frames[-1])]
        pixels = []
        for f in missing:
            self._engine.check()
            with self._engine.watch("reading"):
                pixels.append(feed.read(f) if feed else self._media.read(f))
        encoded = self._engine.batches.attempt(lambda: self._encode(pixels))
        by_frame = {f: features for f, features in cached.items() if features is not None}
        for f, features in zip(missing, encoded, strict=True):
            by_frame[f] = features.with_trunk_alone() if keep_trunk and f == frames[-1] else features.without_trunk()
            self.cache.put(f, by_frame[f])
        return [by_frame[f] for f in frames]

    def _encode(self, pixels: Sequence[np.ndarray]) -> list[FrameFeatures]:
        """Features of frames, uint8 (H, W, 3), in batches; only the last one keeps its trunk."""
        work = WorkBytes(self._engine.network.config, self._geometry.grid, self._engine.dtype)
        encoded: list[FrameFeatures] = []
        for some in self._engine.batches.split(len(pixels), work.encoded):
            with self._engine.watch("preparing"):
                images = self._geometry.frames(pixels[some], self._engine.device)
            encoded = [features.without_trunk() for features in encoded]
            encoded += self._engine.features(images)
        return encoded

    @property
    def permanent_frames(self) -> frozenset[int]:
        """Frames of permanent memory whose entries are kept."""
        return frozenset(self._permanent)

    @property
    def distractors(self) -> dict[int, tuple[int, ...]]:
        """By annotated frame that is encoded: the objects that something else looks like there."""
        looked_like = {
            frame: tuple(sorted(track.obj for track in entry.values if track.is_distractor))
            for frame, (_, entry) in sorted(self._permanent.items())
        }
        return {frame: objects for frame, objects in looked_like.items() if objects}

    def appearance(self) -> dict[int, np.ndarray]:
        """Appearance of objects, float32 (C,): the mean of the encoded frames of permanent memory that show them."""
        entries = [entry for _, entry in self._permanent.values()]
        annotated = [(obj, own, entry.covers[obj].amax()) for entry in entries for obj, own in entry.appearance.items()]
        if not annotated:
            return {}
        objects, means, most = zip(*annotated, strict=True)
        appearances: dict[int, list[np.ndarray]] = {}
        for obj, own, covered in zip(objects, *download([torch.stack(means), torch.stack(most)]), strict=True):
            if covered:
                appearances.setdefault(obj, []).append(own)
        return {obj: np.mean(of_one, 0) for obj, of_one in appearances.items()}

    def permanent_entries(self) -> list[MemoryEntry]:
        """Permanent memory, all of it, in order; frames that are annotated no longer are forgotten."""
        self._permanent = {frame: made for frame, made in self._permanent.items() if frame in self._memory}
        return [self.permanent_entry(frame) for frame in self._memory]

    def permanent_entry(self, frame: int) -> MemoryEntry:
        """A frame of permanent memory, encoded when it is new or has changed."""
        annotation = self._memory[frame]
        made = self._permanent.get(frame)
        if made is None or made[0] is not annotation:
            distribution = self._composer.aggregate({}, annotation)
            features = self.features([frame], None, keep_trunk=True)[0]
            masked = MaskedFrame(frame, features, distribution)
            entry = self.entry(masked, permanent=True)
            if self._engine.settings.distractors:
                distractors = self._looks_alike(masked, entry)
                entry.values.update(self._values_of_distractors(replace(masked, distractors=distractors)))
            made = self._permanent[frame] = (annotation, entry)
            self.entries_made += 1
        return made[1]

    def distractor_planes(self, frame: int) -> dict[int, Tensor]:
        """Distractors that are found on a frame of permanent memory: by object 0 or 1, (H, W)."""
        entry = self.permanent_entry(frame)
        features = self.features([frame], None, keep_trunk=True)[0]
        distribution = self._composer.aggregate({}, self._memory[frame])
        return self._looks_alike(MaskedFrame(frame, features, distribution), entry)

    def _looks_alike(self, masked: MaskedFrame, entry: MemoryEntry) -> dict[int, Tensor]:
        search = partial(find_distractors, self._engine, masked.features, masked.distribution, entry)
        return self._engine.batches.attempt(search)

    def key(self, frame: int) -> Tensor:
        """The key of a frame, (h w, C_k); that of one that has been in memory is kept longer than its features."""
        if frame not in self._keys:
            self._keep_key(frame, self.features([frame], None, keep_trunk=False)[0].key)
        return self._keys[frame]

    def _keep_key(self, frame: int, key: Tensor) -> None:
        """The oldest go first."""
        self._keys.pop(frame, None)
        self._keys[frame] = key.clone()  # without the rest of its batch
        while len(self._keys) * key.nbytes > KEYS_BYTES and len(self._keys) > 1:
            del self._keys[next(iter(self._keys))]

    def entry(self, masked: MaskedFrame, permanent: bool) -> MemoryEntry:
        """A frame as memory of its objects and distractors."""
        distribution, planes = masked.distribution, masked.distribution.planes[1:]
        objects = distribution.objects
        values = dict(zip(map(Track, objects), self._values(masked.features, planes), strict=True))
        values |= self._values_of_distractors(masked)
        self._keep_key(masked.frame, masked.features.key)
        entry = MemoryEntry(masked.frame, permanent, masked.features.key, values)
        if permanent:
            covers = self._composer.covers(distribution)
            entry.covers.update(zip(objects, covers, strict=True))
            entry.appearance.update(zip(objects, pooled(covers, masked.features.thin), strict=True))
        return entry

    def _values(self, features: FrameFeatures, planes: Tensor, others: Tensor | None = None) -> list[Tensor]:
        """Values by `ClipInference.values`; where memory runs out, again with what was kept let go."""
        return self._engine.batches.attempt(lambda: self._engine.values(features, planes, others))

    def _values_of_distractors(self, masked: MaskedFrame) -> dict[Track, Tensor]:
        """Memory values of distractors: what is none of them are the objects."""
        if not masked.distractors:
            return {}
        planes = torch.stack(list(masked.distractors.values()))
        objects = (1 - masked.distribution.planes[:1]).expand_as(planes)
        values = self._values(masked.features, planes, objects)
        return dict(zip((Track(obj, is_distractor=True) for obj in masked.distractors), values, strict=True))


def _is_enough(features: FrameFeatures | None, with_trunk: bool) -> bool:
    return features is not None and (features.has_trunk or not with_trunk)
