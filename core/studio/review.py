"""Review of a run: stretches of frames on which an object may be wrong, worst first.

A stretch is what a person can judge at one glance: neighbouring frames of one object on which the network was unsure,
or that nothing has drawn. What a person has ticked off stays so until a run draws it otherwise.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from core.evaluation.metrics import region_similarity
from core.masks.packed_mask import PackedMask
from core.project.content import Tick
from core.project.model import Cell, Change, Key
from core.project.project import Project
from core.project.tracks import ABSENT, CORRECTED, PREDICTED
from core.propagation.doubt import LOW_CONFIDENCE, doubtful_frames, neighbours
from core.studio.done import done_frames

_SAME = 0.995  # IoU from which on a mask is as it was; as of `core.propagation.touched`
_LOST = 0.85  # of the area that a person marked nearest, below which a part seems to be lost (docs/evaluation.md)


class Reason(StrEnum):
    """Why a stretch deserves a look."""

    PART_LOST = "a part may be missing"
    SOMETHING_ELSE = "may be something else"
    NOT_SEEN = "not seen"
    NEVER_PROCESSED = "never processed"


@dataclass(frozen=True)
class Stretch:
    """Frames `first` to `last` (inclusive) of one object.

    Attributes:
        frame: the one to look at: where the network was least sure.
        doubt: how much there is to look at: missing confidence, summed over the frames.
        confidence: of `frame`, 0 to 1; None where nothing was drawn.
        ticked: a person has found it to be right, and no run has drawn it otherwise since.
    """

    object: int
    first: int
    last: int
    frame: int
    doubt: float
    confidence: float | None
    ticked: bool = False

    @property
    def is_unprocessed(self) -> bool:
        return self.confidence is None

    @property
    def waits(self) -> bool:
        """Whether it was drawn, and nobody has ticked it off."""
        return not self.ticked and not self.is_unprocessed


def doubtful_stretches(project: Project) -> list[Stretch]:
    """All stretches of a project that deserve a look, worst first; those that were ticked off at the end.

    Of an object that was propagated, frames that nothing was drawn on since its first known one count too, after those
    that were drawn. What is done needs no look.
    """
    stretches: list[Stretch] = []
    ticks = project.content.ticks
    for info in project.objects:
        drawn, done = project.frames_of(info.id, PREDICTED), done_frames(project, info.id)
        doubtful = doubtful_frames(drawn[~done[drawn]], project.confidence_of(info.id), _judged(project, info.id, done))
        stretches += _drawn_with_doubt(info.id, *doubtful, project.confidence_of(info.id), ticks)
        if len(drawn):
            since = int(project.frames_of(info.id)[0])
            missing = project.unprocessed(since, len(project.states) - 1, (info.id,))[info.id]
            for frames in neighbours(missing[~done[missing]]):
                first, last = int(frames[0]), int(frames[-1])
                stretches.append(Stretch(info.id, first, last, first, 0.0, None))
    return sorted(stretches, key=lambda s: (s.ticked, s.is_unprocessed, -s.doubt, s.first, s.object))


def _judged(project: Project, obj: int, done: np.ndarray) -> np.ndarray:
    """Frames of an object, ascending, that a person has seen to: corrected, or done."""
    return np.union1d(project.frames_of(obj, CORRECTED), np.flatnonzero(done))


def _drawn_with_doubt(
    obj: int, doubtful: np.ndarray, starts: np.ndarray, confidence: np.ndarray, ticks: Collection[Tick]
) -> Iterator[Stretch]:
    """The stretches of doubtful frames, which begin at `starts`; all at once, for there may be thousands."""
    if not len(doubtful):
        return
    own = confidence[doubtful]
    number = np.zeros(len(doubtful), np.int64)
    number[starts[1:]] = 1
    worst = doubtful[np.lexsort((own, np.cumsum(number)))[starts]]  # the least sure of each stretch
    doubt = np.add.reduceat(LOW_CONFIDENCE - own, starts)
    last = doubtful[np.append(starts[1:], len(doubtful)) - 1]
    columns = (doubtful[starts], last, worst, doubt, confidence[worst])
    for first, end, frame, missing, sure in zip(*(column.tolist() for column in columns), strict=True):
        is_ticked = Tick(obj, first, end, round(missing, 4)) in ticks  # drawn otherwise, it has another doubt
        yield Stretch(obj, first, end, frame, missing, sure, is_ticked)


def stretch_at(stretches: Iterable[Stretch], frame: int) -> Stretch | None:
    """The stretch, of those of one object, that a frame is in; None: it is in none.

    Frames that nothing was drawn on may lie between doubtful ones of another stretch: the narrower one counts there.
    """
    here = (stretch for stretch in stretches if stretch.first <= frame <= stretch.last)
    return min(here, key=lambda stretch: stretch.last - stretch.first, default=None)


def in_frame_order(stretches: Sequence[Stretch]) -> list[Stretch]:
    """Those that wait, in the order of their frames and then objects: the way through them."""
    return sorted((s for s in stretches if s.waits), key=_place)


def next_doubtful(ordered: Sequence[Stretch], frame: int, obj: int, step: int) -> Stretch | None:
    """The stretch to look at next, after (`step` 1) or before (-1) an object on a frame, from the other end if there is
    none.

    Args:
        ordered: as `in_frame_order` gives them.
    """
    if not ordered:
        return None
    cut = bisect_right if step > 0 else bisect_left
    place = cut(ordered, (frame, obj), key=_place)
    return ordered[place % len(ordered) if step > 0 else place - 1]


def _place(stretch: Stretch) -> tuple[int, int]:
    return stretch.frame, stretch.object


def reason_of(project: Project, stretch: Stretch) -> Reason:
    """Why it deserves a look, by the masks of its frame and of the nearest one that was marked; reads two cells."""
    if stretch.is_unprocessed:
        return Reason.NEVER_PROCESSED
    cell = project.cell(stretch.frame, stretch.object)
    if cell is None or cell.mask.is_empty:
        return Reason.NOT_SEEN
    flags = project.flags_of(stretch.object)
    marked = np.flatnonzero((flags & CORRECTED != 0) & (flags & ABSENT == 0))
    right = None
    if len(marked):
        right = project.cell(int(marked[np.argmin(np.abs(marked - stretch.frame))]), stretch.object)
    if right is not None and _area(cell) < _LOST * _area(right):
        return Reason.PART_LOST
    return Reason.SOMETHING_ELSE


def doubt_in_words(project: Project, obj: int, first: int, last: int) -> str:
    """What of an object deserves a look on frames `first` to `last`, e.g. "2 places in doubt and 1 frame never
    processed"; "": nothing."""
    own = (stretch for stretch in doubtful_stretches(project) if stretch.object == obj and stretch.waits)
    places = sum(stretch.first <= last and first <= stretch.last for stretch in own)
    known = project.frames_of(obj)
    missing = last - first + 1 - int(((known >= first) & (known <= last)).sum())
    parts = [(places, "place", " in doubt"), (missing, "frame", " never processed")]
    return " and ".join(f"{count} {what}{'s' * (count > 1)}{rest}" for count, what, rest in parts if count)


def tick_off(project: Project, stretch: Stretch, ticked: bool = True) -> None:
    """Keep in the project that a person found a stretch to be right (or, not `ticked`, that it is open again)."""
    own = Tick(stretch.object, stretch.first, stretch.last, round(stretch.doubt, 4))
    others = {t for t in project.content.ticks if (t.object, t.first, t.last) != (own.object, own.first, own.last)}
    project.keep(ticks=frozenset(others | {own} if ticked else others))


class TickedBefore:
    """What was ticked off before a run: it stays so where the run draws again what was there, which nobody wants to be
    asked about twice."""

    def __init__(self, project: Project):
        self._project = project
        stretches = [stretch for stretch in doubtful_stretches(project) if stretch.ticked]
        self._keys = {(frame, s.object) for s in stretches for frame in range(s.first, s.last + 1)}
        self._masks: dict[Key, PackedMask] = {}  # those that the run has changed

    def see(self, change: Change) -> None:
        """A change of the run, before it is applied."""
        for key in self._keys & change.cells.keys():
            before, _ = change.cells[key]
            if before is not None:
                self._masks.setdefault(key, before.mask)

    def tick_again(self) -> None:
        """The run is over. What was ticked off with its former doubt stays noted, for undo."""
        if self._masks:
            same = [s for s in doubtful_stretches(self._project) if s.waits and self._is_as_it_was(s)]
            ticks = {Tick(s.object, s.first, s.last, round(s.doubt, 4)) for s in same}
            self._project.keep(ticks=self._project.content.ticks | ticks)

    def _is_as_it_was(self, stretch: Stretch) -> bool:
        keys = [(frame, stretch.object) for frame in range(stretch.first, stretch.last + 1)]
        return self._keys.issuperset(keys) and all(map(self._agrees, keys))

    def _agrees(self, key: Key) -> bool:
        before, now = self._masks.get(key), self._project.cell(*key)
        if before is None or now is None or before == now.mask:
            return now is not None
        return region_similarity(before.unpack(), now.mask.unpack()) >= _SAME


def _area(cell: Cell) -> int:
    return int(np.count_nonzero(cell.mask.inside()))
