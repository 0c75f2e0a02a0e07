"""The three kinds of memory.

- *Permanent*: frames a person annotated or corrected. `PermanentMemory` holds their masks; every run reads them all.
- *Working*: every L-th frame of the present run, bounded, gone with the run (paper Sec. 4.1).
- *Temporary*: inside one clip, by progressive matching (paper Sec. 3.5); it lives in `clip_inference.py`.

`MemoryBank` holds permanent and working memory as a run reads it: keys and values.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from core.errors import PCVOSError
from core.masks.packed_labels import PackedLabels
from core.network.matching import read_top_k
from core.propagation.prediction import Track

MAX_ID = 254


@dataclass(frozen=True)
class Annotation:
    """Annotation of one frame by a person: a label map, and the objects it speaks for (some may be absent)."""

    packed: PackedLabels
    objects: frozenset[int]

    @property
    def labels(self) -> np.ndarray:
        """uint8 (H, W), unpacked each time it is asked for."""
        return self.packed.unpack()


class PermanentMemory:
    """Annotated frames by index, added and removed one by one, per object. Their label maps are held compressed."""

    def __init__(self, frames: int, size: tuple[int, int]):
        self._frames, self._size = frames, size
        self._annotations: dict[int, Annotation] = {}

    def add(self, frame: int, mask: np.ndarray, objects: Iterable[int] | None = None) -> None:
        """Annotate `objects` on `frame`; what was said there of other objects stays, where they are not painted over.

        Args:
            mask: uint8 (H, W), value = object id, 0 background.
            objects: the ids the mask speaks for; one that is not in it is absent there. All that occur, if None.

        Raises:
            PCVOSError: no such frame, a mask of another size, ids outside 1 to 254, or no object at all.
        """
        if not 0 <= frame < self._frames:
            raise PCVOSError(f"Frame {frame} is not in the footage, which has frames 0 to {self._frames - 1}.")
        if mask.shape != self._size or mask.dtype != np.uint8:
            raise PCVOSError(
                f"The mask of frame {frame} is {mask.dtype} {mask.shape}: make it uint8 {self._size}, as the footage."
            )
        present = set(np.unique(mask).tolist()) - {0}
        objects = frozenset(present if objects is None else objects)
        if not objects or not all(1 <= i <= MAX_ID for i in objects):
            raise PCVOSError(f"The mask of frame {frame} names no object with an id from 1 to {MAX_ID}.")
        labels = np.where(np.isin(mask, list(objects)), mask, np.uint8(0))
        old = self._annotations.get(frame)
        if old is not None:
            kept, before = list(old.objects - objects), old.labels
            labels = np.where((labels == 0) & np.isin(before, kept), before, labels)
            objects |= old.objects
        self._annotations[frame] = Annotation(PackedLabels(labels), objects)

    def remove(self, frame: int, objects: Iterable[int] | None = None) -> None:
        """Forget what was said on `frame` of `objects`, or all of it; nothing happens where nothing was said."""
        old = self._annotations.pop(frame, None)
        if old is None or objects is None:
            return
        kept = old.objects - set(objects)
        if kept:
            before = old.labels
            labels = np.where(np.isin(before, list(kept)), before, np.uint8(0))
            self._annotations[frame] = Annotation(PackedLabels(labels), kept)

    def only(self, known: Mapping[int, Set[int]]) -> "PermanentMemory":
        """A part of it: these objects on these frames."""
        part = PermanentMemory(self._frames, self._size)
        for frame, objects in known.items():
            if kept := self[frame].objects & objects if frame in self else frozenset():
                if kept == self[frame].objects:
                    part._annotations[frame] = self[frame]  # the same one: it need not be encoded again
                else:
                    part.add(frame, self[frame].labels, kept)
        return part

    @property
    def objects(self) -> tuple[int, ...]:
        """All ids, ascending."""
        return tuple(sorted(set().union(*(a.objects for a in self._annotations.values()))))

    def __getitem__(self, frame: int) -> Annotation:
        return self._annotations[frame]

    def get(self, frame: int) -> Annotation | None:
        """The annotation of `frame`, if there is one."""
        return self._annotations.get(frame)

    def __contains__(self, frame: int) -> bool:
        return frame in self._annotations

    def __iter__(self) -> Iterator[int]:
        return iter(sorted(self._annotations))

    def __len__(self) -> int:
        return len(self._annotations)


@dataclass
class MemoryEntry:
    """One frame in memory: key (h w, C_k); value (h w, C_v) of each track; and, of permanent memory, the share of each
    position that an object covers, (h w,), 0 to 1, and the object's appearance, (C,), zero where it is not."""

    frame: int
    permanent: bool
    key: Tensor
    values: dict[Track, Tensor]
    covers: dict[int, Tensor] = field(default_factory=dict)
    appearance: dict[int, Tensor] = field(default_factory=dict)

    def of(self, objects: Container[int], permanent: bool) -> "MemoryEntry":
        """The part of these objects, and of their distractors."""
        values = {track: value for track, value in self.values.items() if track.obj in objects}
        return replace(self, permanent=permanent, values=values)


@dataclass(frozen=True)
class History:
    """Tracks that were remembered on the same frames: keys (N, C_k), and one value (N, C_v) per track."""

    tracks: tuple[Track, ...]
    keys: Tensor
    values: tuple[Tensor, ...]


class MemoryBank:
    """Permanent and working memory of a run.

    Args:
        working_frames: most working frames kept; None: all.
    """

    def __init__(self, working_frames: int | None):
        self._limit = working_frames
        self._entries: list[MemoryEntry] = []

    def add(self, entry: MemoryEntry) -> None:
        """Remember a frame, if `entry` has anything; an earlier entry of the same frame and kind gives way."""
        if not entry.values:
            return
        self._entries = [e for e in self._entries if (e.frame, e.permanent) != (entry.frame, entry.permanent)]
        self._entries.append(entry)
        if self._limit is not None:
            self._thin(self._limit)

    def forget_working(self) -> None:
        self._entries = [e for e in self._entries if e.permanent]

    def distractors(self, frame: int) -> dict[Track, Tensor]:
        """Values of the distractors that were found on a frame of permanent memory."""
        entries = [e for e in self._entries if e.permanent and e.frame == frame]
        return {track: value for e in entries for track, value in e.values.items() if track.is_distractor}

    @property
    def working(self) -> tuple[int, ...]:
        """Working frames, in the order they were added."""
        return tuple(e.frame for e in self._entries if not e.permanent)

    def of(self, obj: int) -> list[MemoryEntry]:
        """Frames that an object is read from, in the order of its `History`."""
        return [e for e in self._entries if Track(obj) in e.values]

    def expected(self, query: Tensor, objects: Iterable[int], top_k: int) -> Iterator[tuple[int, Tensor]]:
        """Expect objects on a frame by plain matching with permanent memory alone.

        Args:
            query: the frame's keys (h w, C_k).

        Yields:
            An object, and the share of each position of the frame that it is expected to cover, (h w,), 0 to 1.
        """
        groups: dict[tuple[int, ...], list[int]] = {}
        for obj in objects:
            own = tuple(i for i, e in enumerate(self._entries) if e.permanent and Track(obj) in e.values)
            groups.setdefault(own, []).append(obj)
        for own, together in groups.items():
            entries = [self._entries[i] for i in own]
            covers = [torch.cat([e.covers[obj] for e in entries]) for obj in together]
            keys = torch.cat([e.key for e in entries])
            readouts = read_top_k(query, keys, [shares.unsqueeze(1) for shares in covers], top_k)
            for obj, readout in zip(together, readouts, strict=True):
                yield obj, readout.squeeze(1)

    def histories(self, objects: Sequence[int], distractors: bool = True) -> list[History]:
        """Memory of `objects` and of their distractors, if they are wanted, those with the same frames together,
        without what was never seen."""
        groups: dict[tuple[int, ...], list[Track]] = {}
        for track in (Track(obj, other) for other in (False, True)[: 1 + distractors] for obj in objects):
            entries = tuple(i for i, e in enumerate(self._entries) if track in e.values)
            if entries:
                groups.setdefault(entries, []).append(track)
        return [self._history(tracks, [self._entries[i] for i in entries]) for entries, tracks in groups.items()]

    @staticmethod
    def _history(tracks: list[Track], entries: list[MemoryEntry]) -> History:
        keys = torch.cat([e.key for e in entries])
        return History(tuple(tracks), keys, tuple(torch.cat([e.values[t] for e in entries]) for t in tracks))

    def _thin(self, limit: int) -> None:
        """Drop working frames over `limit`: the newest half stays, of the older ones the one that leaves the
        smallest hole goes, so that what is left lies evenly."""
        working = [e for e in self._entries if not e.permanent]
        while len(working) > limit:
            older = working[: len(working) - max(1, limit // 2)]
            frames = [e.frame for e in working]
            holes = [abs(frames[min(i + 1, len(frames) - 1)] - frames[max(i - 1, 0)]) for i in range(len(older))]
            inner = range(1, len(older)) if len(older) > 1 else range(1)
            dropped = working.pop(min(inner, key=lambda i: holes[i]))
            self._entries = [e for e in self._entries if e is not dropped]
