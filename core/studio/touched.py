"""Run of what corrections touch, in a project: from which frames, how far at most, and what is there.

The rule is `core.propagation.touched`'s; here it meets a project: a run that is done notes which masks of permanent
memory it has read, and what differs from that note has been corrected since.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from core.masks.packed_mask import PackedMask
from core.project.model import Cell, Key
from core.project.project import Project
from core.propagation.schedule import Annotated
from core.propagation.ways import Way, extent, ways_around
from core.studio.run_settings import Range, RunSettings
from core.studio.runs import PermanentFrame, carried_objects

Memory = Mapping[int, Mapping[int, PackedMask]]
"""Permanent memory: masks by frame, then object."""


@dataclass(frozen=True)
class Touched:
    """A run of what corrections touch.

    Attributes:
        frames: that were corrected since the last run; it goes outward from them along `ways`.
    """

    frames: tuple[int, ...]
    ways: tuple[Way, ...]

    @property
    def ways_out(self) -> tuple[Way, ...]:
        """Those that are drawn in any case; the others meet them, only where they came out far from what was there."""
        return tuple(way for way in self.ways if not way.is_back)

    @property
    def extent(self) -> tuple[int, int]:
        """The first and last frame that it may come to."""
        return extent(self.ways)

    @property
    def frames_at_most(self) -> int:
        """Number of frames that it may draw."""
        return len({frame for way in self.ways for frame in way.frames[1:]})

    @property
    def in_words(self) -> str:
        """Its corrections and its frames, as a sentence."""
        frames = ", ".join(map(str, self.frames[:3])) + (", …" if self.frames[3:] else "")
        plural = "s" if self.frames[1:] else ""
        first, last = self.extent
        count = f"{self.frames_at_most} frame{'s' if self.frames_at_most != 1 else ''}"
        return (
            f"Only what the correction{plural} of frame{plural} {frames} touch{'' if plural else 'es'} is drawn: "
            f"at most {count}, {first} to {last}."
        )


def find_touched(project: Project, settings: RunSettings, memory: Memory | None = None) -> Touched | None:
    """The next run, if it only draws what corrections touch; None: it draws its whole range, for

    - its range was chosen ("to the end" is none), or the published loop has no such runs,
    - nothing was corrected since the last run, or nobody knows what that has read,
    - what was corrected was never drawn: nothing is there to agree with.

    A way goes on over frames on which nothing is known, in the settings' direction; against it, it ends there.

    Args:
        memory: permanent memory, if it is at hand.
    """
    read = project.content.memory_read
    if settings.range is not Range.TO_END or not settings.redraws_parts or not read:
        return None
    memory = project.permanent_memory() if memory is None else memory
    changed = _unread(memory, read)
    if not changed or not all(_was_drawn(project, frame, ids) for frame, ids in changed.items()):
        return None
    return _outward(project, settings, memory, changed)


def marked_since(project: Project, memory: Memory | None = None) -> set[int]:
    """Ids of objects with masks in permanent memory that no run has read to its end, and that the next one could carry.
    Where no run has come to its end, those that stand where one had drawn; none where nobody knows.

    Args:
        memory: permanent memory, if it is at hand.
    """
    read = project.content.memory_read
    given: Mapping[int, Collection[int]]
    if read:
        given = memory = project.permanent_memory() if memory is None else memory
        changed = {id for ids in _unread(memory, read).values() for id in ids}
    else:
        keys, ids = project.keys_in_memory(), defaultdict[int, set[int]](set)
        for frame, id in keys:
            ids[frame].add(id)
        given = ids
        changed = {id for _, id in _drawn_so_far(project).intersection(keys)}
    return changed & carried_objects(project, given, 0, project.footage.frames - 1, "both") if changed else changed


def _drawn_so_far(project: Project) -> set[Key]:
    """What runs drew, (frame, object), in a project in which none has come to its end; else nothing."""
    runs = project.runs()
    if any(run.state == "done" for _, run in runs):
        return set()
    return {key for id, _ in runs for key in project.kept_runs.keys(id)}


def _unread(memory: Memory, read: Mapping[int, Mapping[int, int]]) -> dict[int, set[int]]:
    """The objects by frame, ascending, whose masks in permanent memory differ from these checksums."""
    return {
        frame: ids
        for frame, masks in sorted(memory.items())
        if (ids := {id for id, mask in masks.items() if read.get(frame, {}).get(id) != mask.checksum})
    }


def touched_again(project: Project, settings: RunSettings, frames: Iterable[int]) -> Touched | None:
    """The run that an interrupted one from these frames was; None: nothing of them is in memory any more."""
    memory = project.permanent_memory()
    return _outward(project, settings, memory, {frame: set(memory[frame]) for frame in frames if frame in memory})


def _outward(
    project: Project, settings: RunSettings, memory: Memory, changed: Mapping[int, set[int]]
) -> Touched | None:
    """The run from frames on which these objects were corrected."""
    last = project.footage.frames - 1
    carried = carried_objects(project, memory, 0, last, "both")
    annotated: Annotated = {f: frozenset(kept) for f, masks in memory.items() if (kept := carried & masks.keys())}
    ways: list[Way] = []
    for frame in (frame for frame in changed if frame in annotated):
        low, high = _known_around(project, frame, changed[frame])
        low = low if settings.direction == "forward" else 0
        high = high if settings.direction == "backward" else last
        ways += ways_around(frame, annotated, low, high)
    return Touched(tuple(changed), tuple(ways)) if ways else None


def ways_from(frames: Iterable[int], annotated: Annotated, first: int, last: int) -> tuple[Way, ...]:
    """The ways of a run that went outward from these frames, and came to frames `first` to `last` (inclusive); those
    back are left out, for nobody knows which of them were drawn."""
    ways = (way for frame in frames for way in ways_around(frame, annotated, first, last))
    return tuple(way for way in ways if not way.is_back)


def note_read(
    project: Project, permanent: tuple[PermanentFrame, ...], start: int, end: int, unread: Collection[Key] = ()
) -> None:
    """A run through frames `start` to `end` (inclusive) is done: its masks know of this permanent memory there, but for
    the masks that are `unread`, by (frame, object)."""
    read = {frame: dict(own) for frame, own in project.content.memory_read.items()}
    for given in permanent:
        own = read.setdefault(given.frame, {})
        if start <= given.frame <= end:
            own |= {id: mask.checksum for id, mask in given.masks.items() if (given.frame, id) not in unread}
    project.keep(memory_read=read)


class ProjectMasks:
    """The masks that a project has before a run, as `core.propagation.touched.MaskSource`.

    Args:
        project: a snapshot, which is closed with this. objects: ids of those that the run carries.
    """

    def __init__(self, project: Project, objects: frozenset[int]):
        self._project, self._objects = project, objects

    def _cells(self, frame: int) -> Iterator[tuple[Key, Cell]]:
        return self._project.cells_in(frame, frame, self._objects)

    def masks(self, frame: int) -> dict[int, PackedMask]:
        """By object."""
        return {id: cell.mask for (_, id), cell in self._cells(frame)}

    def labels(self, frame: int) -> np.ndarray | None:
        cells = {id: cell for (_, id), cell in self._cells(frame)}
        if not cells:
            return None
        labels = np.zeros(self._project.footage.size, np.uint8)
        for id, cell in sorted(cells.items(), key=lambda item: item[1].corrected):
            cell.mask.draw(labels, id)
        return labels

    def small(self, frame: int) -> Mapping[int, np.ndarray]:
        levels = {}
        for (_, id), cell in self._cells(frame):
            if cell.soft is not None and not cell.corrected:
                levels[id] = cell.soft.levels()
        return levels

    def close(self) -> None:
        """Let go of the snapshot."""
        self._project.close()


def _was_drawn(project: Project, frame: int, ids: set[int]) -> bool:
    """Whether on a neighbouring frame something is known of each of these objects."""
    around = {frame - 1, frame + 1}
    return all(around.intersection(project.frames_of(id).tolist()) for id in ids)


def _known_around(project: Project, frame: int, ids: set[int]) -> tuple[int, int]:
    """First and last frame around `frame` up to which something is known of one of these objects."""
    lows, highs = [], []
    last = project.footage.frames - 1
    for id in ids:
        missing = project.unprocessed(0, last, (id,))[id]
        place = int(np.searchsorted(missing, frame))
        lows.append(int(missing[place - 1]) + 1 if place else 0)
        highs.append(int(missing[place]) - 1 if place < len(missing) else last)
    return min(lows), max(highs)
