"""Masks side by side: what is there, what a run drew, what was there before it, and a reference made elsewhere.

A run is a proposal: it is applied as it comes, and this says what it changed, and takes back what is not wanted.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from core.errors import PCVOSError
from core.evaluation.metrics import region_similarity
from core.evaluation.scores import Judge, SequenceScores, means, summarize_objects
from core.evaluation.truth import Truth, first_frames, read_masks
from core.exchange.overlaps import common, united, without
from core.masks.packed_mask import PackedMask
from core.media.source import FrameSource
from core.progress import UNWATCHED, Progress
from core.project.model import Cell, Change, Key
from core.project.project import Project
from core.project.schema import find_again, relative_path
from core.propagation.doubt import neighbours
from core.studio.done import done_frames
from core.studio.runs import locked_objects

SAME = 0.995
"""IoU from which on two masks of an object count as the same."""

_GAP = 3  # frames that agree between two that do not, and do not end a stretch
_AT_ONCE = 64  # frames whose masks are read together


class Side(Protocol):
    """Masks that can be compared, of any origin."""

    def keys(self) -> Collection[Key]:
        """The (frame, object) of all of them."""

    def cells(self, first: int, last: int) -> Iterator[tuple[Key, Cell]]:
        """Those of frames `first` to `last` (inclusive), by frame, then object."""


@dataclass(frozen=True)
class Present:
    """The masks that are there now."""

    project: Project

    def keys(self) -> Collection[Key]:
        return {(f, info.id) for info in self.project.objects for f in self.project.frames_of(info.id).tolist()}

    def cells(self, first: int, last: int) -> Iterator[tuple[Key, Cell]]:
        return self.project.cells_in(first, last)


@dataclass(frozen=True)
class OfRun:
    """The masks that a run drew or, `before`, those that it changed, as they were before it."""

    project: Project
    run: int
    before: bool = False

    def keys(self) -> Collection[Key]:
        return self.project.kept_runs.keys(self.run, self.before)

    def cells(self, first: int, last: int) -> Iterator[tuple[Key, Cell]]:
        return self.project.kept_runs.cells(self.run, first, last, self.before)


@dataclass(frozen=True)
class Reference:
    """Masks made elsewhere, with the ids of the project's objects.

    Attributes:
        path: their folder. notes: sentences on how they were read.
    """

    path: Path
    truth: Truth
    notes: tuple[str, ...] = ()

    def keys(self) -> Collection[Key]:
        return {(frame, obj) for frame in self.truth.frames for obj in self.truth.objects}

    def cells(self, first: int, last: int) -> Iterator[tuple[Key, Cell]]:
        for frame in (frame for frame in self.truth.frames if first <= frame <= last):
            labels = self.truth.labels(frame)
            for obj in self.truth.objects:
                yield (frame, obj), Cell(PackedMask.pack(labels == obj))


@dataclass(frozen=True)
class Apart:
    """Masks that are not in the project, by (frame, object)."""

    masks: Mapping[Key, Cell]

    def keys(self) -> Collection[Key]:
        return self.masks.keys()

    def cells(self, first: int, last: int) -> Iterator[tuple[Key, Cell]]:
        return ((key, self.masks[key]) for key in sorted(self.masks) if first <= key[0] <= last)


@dataclass(frozen=True)
class Difference:
    """Neighbouring frames, `first` to `last`, on which two sides have other masks of an object; `frame` is where they
    agree least, and `agreement` their IoU there, 0 to 1."""

    object: int
    first: int
    last: int
    frame: int
    agreement: float


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two sides, compared.

    Attributes:
        agreement: IoU by object, float32 (frames,), 0 to 1; NaN where one of the sides has nothing.
    """

    agreement: Mapping[int, np.ndarray]

    @property
    def lowest(self) -> np.ndarray:
        """The lowest of all objects, float32 (frames,); NaN where nothing was compared."""
        return np.fmin.reduce(list(self.agreement.values())) if self.agreement else np.empty(0, np.float32)

    @property
    def differences(self) -> list[Difference]:
        """All stretches, those first that differ most."""
        stretches = []
        for obj, own in self.agreement.items():
            with np.errstate(invalid="ignore"):
                differing = np.flatnonzero(own < SAME)
            for frames in neighbours(differing, _GAP):
                worst = int(frames[np.argmin(own[frames])])
                weight = float((1 - own[frames]).sum())
                stretches.append((weight, Difference(obj, int(frames[0]), int(frames[-1]), worst, float(own[worst]))))
        return [one for _, one in sorted(stretches, key=lambda pair: (-pair[0], pair[1].first, pair[1].object))]


def compare(one: Side, other: Side, frames: int, progress: Progress = UNWATCHED) -> Comparison:
    """Compare two sides wherever both have something, of footage of so many frames.

    Raises:
        Cancelled: `progress` says so.
    """
    both = sorted(set(one.keys()) & set(other.keys()))
    agreement = {obj: np.full(frames, np.nan, np.float32) for obj in sorted({obj for _, obj in both})}
    wanted = set(both)
    blocks = sorted({frame // _AT_ONCE for frame, _ in both})
    for block in progress.over(blocks):
        first, last = block * _AT_ONCE, block * _AT_ONCE + _AT_ONCE - 1
        theirs = dict(other.cells(first, last))
        for key, cell in one.cells(first, last):
            if key in wanted and (match := theirs.get(key)) is not None:
                agreement[key[1]][key[0]] = _iou(cell.mask, match.mask)
    return Comparison(agreement)


def _iou(one: PackedMask, other: PackedMask) -> float:
    return 1.0 if one == other else region_similarity(one.unpack(), other.unpack())


@dataclass(frozen=True, eq=False)
class Taken:
    """The outcome of taking masks of a side.

    Attributes:
        change: one step of undo.
        adapted: ids of other objects, which give pixels to what is taken, or get back what it leaves.
        in_the_way: ids of those that keep pixels of what is taken: they were corrected, locked or declared done.
    """

    change: Change
    adapted: frozenset[int]
    in_the_way: frozenset[int]


def take(
    project: Project, text: str, side: Side, first: int, last: int, objects: Collection[int] | None = None
) -> Taken:
    """Make the masks of a side those of the project, on frames `first` to `last` (inclusive).

    What was corrected, locked or declared done stays. Any other object gives the pixels that the masks need, and gets
    those that they leave and that are its own on that side.

    Args:
        text: of the step of undo. objects: ids; None: all that the project has.
    """
    unlocked = {info.id for info in project.objects} - locked_objects(project)
    done = {id: done_frames(project, id) for id in unlocked}
    cells: dict[Key, tuple[Cell | None, Cell | None]] = {}
    adapted, in_the_way = set[int](), set[int]()
    for begin in range(first, last + 1, _AT_ONCE):
        end = min(last, begin + _AT_ONCE - 1)
        present, theirs = (_by_frame(cells_of) for cells_of in (project.cells_in(begin, end), side.cells(begin, end)))
        for frame, then in theirs.items():
            now = present.get(frame, {})
            free = {id for id in unlocked if not done[id][frame] and not (id in now and now[id].corrected)}
            taken = {id: then[id] for id in free & then.keys() if objects is None or id in objects}
            held = {id: cell.mask for id, cell in now.items() if id not in free}
            in_the_way |= {id for id, mask in held.items() if any(common(mask, c.mask).bits for c in taken.values())}
            after = {
                id: Cell(without(c.mask, held.values()), confidence=c.confidence, soft=c.soft)
                for id, c in taken.items()
            }
            new = [cell.mask for cell in after.values()]
            left = [without(now[id].mask, new) for id in after if id in now]
            for id in free & now.keys() - taken.keys():
                own = [common(mask, then[id].mask) for mask in left] if id in then else []
                after[id] = replace(now[id], mask=united(without(now[id].mask, new), own))
            changed = {id for id in after if id not in now or now[id].mask != after[id].mask}
            adapted |= changed - taken.keys()
            cells |= {(frame, id): (now.get(id), after[id]) for id in sorted(changed)}
    return Taken(Change(text, cells), frozenset(adapted), frozenset(in_the_way))


def _by_frame(cells: Iterable[tuple[Key, Cell]]) -> dict[int, dict[int, Cell]]:
    frames: dict[int, dict[int, Cell]] = {}
    for (frame, id), cell in cells:
        frames.setdefault(frame, {})[id] = cell
    return frames


# a reference


def note_reference(project: Project, folder: Path | None) -> None:
    """Keep in the project which folder of masks it is compared with; None: with none any more."""
    path = None if folder is None else folder.absolute()
    stored = {} if path is None else {"path": str(path), "relative": relative_path(path, project.path)}
    project.remember(reference=stored)


def noted_reference(project: Project) -> Path | None:
    """The folder that the project is compared with: where it was or, if that is gone, beside the project, should both
    have moved. It may be gone from both."""
    path, relative = (project.view.reference.get(name) for name in ("path", "relative"))
    if not isinstance(path, str) or not isinstance(relative, str | None) or "\0" in f"{path}{relative}":
        return None
    return find_again(Path(path), project.path, relative) or Path(path)


def read_reference(folder: Path, media: FrameSource) -> Reference:
    """Masks of a folder, PNGs named like the footage's frames, as `pcvos eval` reads them.

    Raises:
        PCVOSError: none, one that is damaged, of another size or of no frame of the footage, or no object.
    """
    notes: list[str] = []
    if not folder.is_dir():
        raise PCVOSError(f"There is no folder {folder}: choose one with a mask PNG for each frame.")
    masks, ids = read_masks(folder, media.path.name, media, notes.append)
    given = first_frames(ids)
    if not given:
        raise PCVOSError(f"No mask in {folder} has an object: choose a folder of masks, PNGs named like the frames.")
    return Reference(folder, Truth(masks, given), tuple(notes))


def score(project: Project, reference: Reference, progress: Progress = UNWATCHED) -> SequenceScores:
    """J and F of the project's masks, by frame and object, by the functions of `pcvos eval`."""
    judge = Judge(reference.path.name, reference.truth)
    for frame in progress.over(reference.truth.frames):
        judge.see(frame, project.labels(frame))
    return judge.scores()


def score_in_words(scores: SequenceScores, name_of: Callable[[int], str]) -> str:
    """Mean J and F over the frames that `pcvos eval` counts, of all objects and of each."""
    summaries = summarize_objects(scores)
    if not summaries:
        return "The reference has too few frames for a mean."
    mean = means(summaries)
    each = "; ".join(f"{name_of(one.object)} J {one.j.mean:.3f}, F {one.f.mean:.3f}" for one in summaries[:4])
    return f"J&F {mean.j_and_f:.3f} (J {mean.j.mean:.3f}, F {mean.f.mean:.3f}). {each}"
