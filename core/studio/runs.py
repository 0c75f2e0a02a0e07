"""A propagation of a project: what it reads, what it may change, and how its results become a change.

The window and the command run projects by these rules. Importing this imports no PyTorch.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from core.errors import PCVOSError
from core.exchange.overlaps import without
from core.masks.packed_mask import PackedMask
from core.masks.soft_mask import SoftMask
from core.project.model import Author, Cell, Change, Key
from core.project.project import Project
from core.propagation.settings import Direction
from core.propagation.ways import Way
from core.studio.done import done_frames

if TYPE_CHECKING:
    from core.propagation import ClipResult
    from core.propagation.memory import PermanentMemory


class NothingToDraw(PCVOSError):  # noqa: N818 - nothing went wrong
    """A run would draw nothing."""


@dataclass(frozen=True)
class PermanentFrame:
    """An annotated frame: the masks of the objects a person spoke for there, by id; an empty mask says absent."""

    frame: int
    masks: Mapping[int, PackedMask]


@dataclass(frozen=True)
class Predicted:
    """One object on one frame, as the network sees it; `confidence` 0 to 1; `soft` None where it was annotated."""

    mask: PackedMask
    confidence: float
    soft: SoftMask | None = None


@dataclass(frozen=True)
class RunPlan:
    """A run through frames `start` to `end` (inclusive) of a project.

    Attributes:
        permanent: permanent memory of the objects that the run carries, by frame, also outside the range.
        keep: per frame of the range, masks that stay as they are (of locked objects, and of what is done): results
            never overlap them.
        finished: masks by object of the frames that the run has drawn already, before it was interrupted.
        ways: of a run of what corrections touch (`core.studio.touched`); empty: all of the range is drawn.
    """

    start: int
    end: int
    direction: Direction
    permanent: tuple[PermanentFrame, ...]
    keep: Mapping[int, tuple[PackedMask, ...]]
    finished: Mapping[int, Mapping[int, PackedMask]] = field(default_factory=dict, repr=False)
    ways: tuple[Way, ...] = ()

    @property
    def objects(self) -> frozenset[int]:
        """Ids of the objects that the run carries."""
        return frozenset(id for frame in self.permanent for id in frame.masks)


def plan_run(
    project: Project,
    start: int,
    end: int,
    direction: Direction,
    finished: Iterable[int] = (),
    ways: tuple[Way, ...] = (),
) -> RunPlan:
    """A run through frames `start` to `end` (inclusive) of `project`, from its permanent memory.

    A locked object takes part where there is a frame on which nothing is known of it yet; what is known stays, and so
    does what is done.

    Args:
        finished: frames that the run has drawn already, before it was interrupted.
        ways: along which it goes, of a run of what corrections touch.

    Raises:
        NothingToDraw: no object is marked, or all that are marked are locked and known on every frame.
    """
    memory = project.permanent_memory()
    carried = carried_objects(project, memory, start, end, direction)
    permanent = tuple(
        PermanentFrame(frame, kept)
        for frame, masks in sorted(memory.items())
        if (kept := {id: mask for id, mask in masks.items() if id in carried})
    )
    if not any(not mask.is_empty for frame in permanent for mask in frame.masks.values()):
        raise _nothing_to_draw(project, memory)
    keep: dict[int, tuple[PackedMask, ...]] = {}
    locked = locked_objects(project)
    if held := locked | {stretch.object for stretch in project.done}:
        for (frame, id), cell in project.cells_in(start, end, held):
            if id in locked or id in project.done_on(frame):
                keep[frame] = (*keep.get(frame, ()), cell.mask)
    drawn = {frame: {id: c.mask for id, c in project.cells(frame).items() if id in carried} for frame in finished}
    return RunPlan(start, end, direction, permanent, keep, drawn, ways)


def locked_objects(project: Project) -> frozenset[int]:
    """Ids of the objects that are locked."""
    return frozenset(info.id for info in project.objects if info.locked)


def carried_objects(
    project: Project, memory: Mapping[int, Collection[int]], start: int, end: int, direction: Direction
) -> set[int]:
    """Ids of the objects that a run through frames `start` to `end` (inclusive) carries.

    Args:
        memory: ids of the objects that are marked, by frame.
    """
    locked, carried = locked_objects(project), set()
    for info in project.objects:
        marked = [frame for frame, ids in memory.items() if info.id in ids]
        if not marked:
            continue
        # Forward, an object exists from the first frame on which it is marked; backward, up to the last.
        first = max(start, min(marked)) if direction == "forward" else start
        last = min(end, max(marked)) if direction == "backward" else end
        kept = done_frames(project, info.id)
        if info.id in locked:
            kept[project.frames_of(info.id)] = True
        if not kept[first : last + 1].all():
            carried.add(info.id)
    return carried


def _nothing_to_draw(project: Project, memory: Mapping[int, Mapping[int, PackedMask]]) -> NothingToDraw:
    present = {info.id for info in project.objects}
    if any(id in present and not mask.is_empty for masks in memory.values() for id, mask in masks.items()):
        return NothingToDraw(
            "All objects that are marked are locked, and have masks on all of these frames, or are done there: unlock "
            "or open those that are to be drawn again."
        )
    return NothingToDraw("Mark an object first: click or paint it on a frame, then propagate.", "nothing marked")


class RunResults:
    """Brings the results of one run into its project, clip by clip: what a run may change, and no more.

    Args:
        objects: ids of those that the run carries.
        text: what undo calls the run.
    """

    def __init__(self, project: Project, objects: Iterable[int], text: str):
        self._project, self._text = project, text
        self._carried = set(objects)
        self._locked = locked_objects(project)  # the run knows of these, and of what is done, and spares their pixels
        self._done = set(project.done)

    def forget_deleted(self) -> None:
        """Objects were deleted: they leave the run for good, also if their ids are given again."""
        self._carried &= {info.id for info in self._project.objects}

    def change(self, found: Mapping[Key, Predicted], provisional: bool = False) -> Change:
        """The change that a clip makes.

        Corrected cells stay as they are, and so do what is known of locked objects, and what is done.

        Args:
            found: by (frame, object).
            provisional: another pass draws these frames again. What is drawn of a locked object is known from then on,
                so it waits for that pass.
        """
        project, locked = self._project, locked_objects(self._project)
        locked_since = locked - self._locked
        done_since = [stretch for stretch in project.done if stretch not in self._done]
        cells: dict[Key, tuple[Cell | None, Cell | None]] = {}
        for (frame, id), new in found.items():
            if id not in self._carried or (provisional and id in locked):
                continue
            before = project.cell(frame, id)
            if (before is not None and (before.corrected or id in locked)) or id in project.done_on(frame):
                continue
            held = locked_since | {s.object for s in done_since if s.first <= frame <= s.last}
            kept = [cell.mask for _, cell in project.cells_in(frame, frame, held)] if held else ()
            cells[frame, id] = (before, Cell(without(new.mask, kept), confidence=new.confidence, soft=new.soft))
        return Change(self._text, cells, made_by=Author.RUN)


# between masks of a project and arrays of the propagator


def label_map(given: PermanentFrame, size: tuple[int, int]) -> np.ndarray:
    """The masks of a frame as one label map, uint8 (H, W); raises PCVOSError if they are not of `size`."""
    labels = np.zeros(size, np.uint8)
    for id, mask in sorted(given.masks.items()):
        if tuple(mask.size) != tuple(size):
            raise PCVOSError(
                f"The masks of frame {given.frame} are {mask.size[1]} x {mask.size[0]} and the footage is {size[1]} x "
                f"{size[0]} pixels: it is not the footage they were made for."
            )
        mask.draw(labels, id)
    return labels


def annotate(memory: "PermanentMemory", given: PermanentFrame, size: tuple[int, int]) -> None:
    """Put an annotated frame into a propagator's permanent memory; raises as `label_map` does."""
    memory.add(given.frame, label_map(given, size), given.masks)


class LabelMaps(Mapping[int, np.ndarray]):
    """Masks by frame, then object, as label maps, uint8 (H, W), each made when it is asked for: of most frames nobody
    asks."""

    def __init__(self, masks: Mapping[int, Mapping[int, PackedMask]], size: tuple[int, int]):
        self._masks, self._size = masks, size

    def __getitem__(self, frame: int) -> np.ndarray:
        return label_map(PermanentFrame(frame, self._masks[frame]), self._size)

    def __iter__(self) -> Iterator[int]:
        return iter(self._masks)

    def __len__(self) -> int:
        return len(self._masks)


def without_kept(labels: np.ndarray, keep: Collection[PackedMask]) -> np.ndarray:
    """A label map, uint8 (H, W), without the pixels of masks that stay as they are; a copy where there are some."""
    if keep:
        labels = labels.copy()
        for mask in keep:
            mask.draw(labels, 0)
    return labels


def predictions(clip: "ClipResult", keep: Mapping[int, Collection[PackedMask]]) -> dict[Key, Predicted]:
    """The result of a clip, by (frame, object), without the pixels of `RunPlan.keep`; nothing for frames on which an
    object does not exist in this run."""
    cells = {}
    for i, frame in enumerate(clip.frames):
        labels = without_kept(clip.labels[i], keep.get(frame, ()))
        for id, sure in clip.confidence.items():
            if not np.isnan(sure[i]):
                levels = clip.small[i].get(id)
                soft = None if levels is None else SoftMask.pack(levels, clip.window)
                cells[frame, id] = Predicted(PackedMask.pack(labels == id), float(sure[i]), soft)
    return cells
