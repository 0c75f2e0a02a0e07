"""Changes that a person makes to a project's masks and objects; each is computed, and left to be applied."""

from collections.abc import Iterable
from dataclasses import replace

import cv2
import numpy as np

from core.exchange.overlaps import united
from core.masks.packed_mask import PackedMask
from core.project.model import Cell, Change, DoneStretch, Key, ObjectInfo
from core.project.project import Project

Cells = dict[Key, tuple[Cell | None, Cell | None]]
"""Cells before and after, by (frame, object)."""


def paint(
    project: Project,
    text: str,
    frame: int,
    corrected: int,
    before: np.ndarray,
    after: np.ndarray,
    even_if_unchanged: bool = False,
) -> Change:
    """A frame's label map, uint8 (H, W), has become another by a person's hand.

    Args:
        text: of the step of undo, as for all changes here.
        corrected: the object that becomes a correction here. even_if_unchanged: also where no mask is another.
    """
    changed = before != after
    touched = {int(i) for i in np.unique(np.concatenate([before[changed], after[changed]])) if i}
    cells: Cells = {}
    for id in touched | {corrected} if touched or even_if_unchanged else ():
        cell = project.cell(frame, id)
        mask = PackedMask.pack(after == id)
        if id == corrected:
            # What the network saw here stays of use for soft edges, where the person left them as they were.
            soft = None if cell is None else cell.soft
            cells[frame, id] = (cell, Cell(mask, corrected=True, in_memory=True, soft=soft))
        elif cell is None or cell.mask != mask:
            cells[frame, id] = (cell, replace(cell or Cell(mask), mask=mask))
    return Change(text, cells)


def replace_mask(
    project: Project, text: str, frame: int, id: int, mask: np.ndarray, even_if_unchanged: bool = False
) -> Change:
    """Give an object this mask, bool (H, W); locked objects keep their pixels."""
    before = project.labels(frame)
    locked, after = locked_pixels(project, before, frame), before.copy()
    after[after == id] = 0
    after[mask if locked is None else mask & ~locked] = id
    return paint(project, text, frame, id, before, after, even_if_unchanged)


def accept(project: Project, text: str, frame: int) -> Change:
    """Take a frame's masks into permanent memory as they are, for every object that is not locked, nor done there."""
    free = _free(project) - project.done_on(frame)
    return Change(
        text,
        {
            (frame, id): (cell, replace(cell, corrected=True, in_memory=True, confidence=None))
            for id, cell in project.cells(frame).items()
            if id in free and not cell.in_memory
        },
    )


def set_in_memory(project: Project, text: str, frame: int, ids: Iterable[int], in_memory: bool) -> Change:
    """Put corrections into permanent memory, or take them out; their masks stay."""
    cells: Cells = {}
    for id in ids:
        cell = project.cell(frame, id)
        if cell is not None and cell.in_memory != in_memory:
            cells[frame, id] = (cell, replace(cell, corrected=True, in_memory=in_memory))
    return Change(text, cells)


def clear(
    project: Project, text: str, first: int, last: int, ids: Iterable[int] | None = None, corrections: bool = False
) -> Change:
    """Forget masks on frames `first` to `last`; corrections only where asked for, what is locked or done never.

    Args:
        ids: of these objects; None, or none: of all.
    """
    free = _free(project)
    wanted = free & set(ids or free)
    return Change(
        text,
        {
            key: (cell, None)
            for key, cell in project.cells_in(first, last, tuple(wanted))
            if (corrections or not cell.corrected) and key[1] not in project.done_on(key[0])
        },
    )


def change_object(project: Project, text: str, changed: ObjectInfo) -> Change:
    """Rename, recolour, show, hide, lock, unlock or class: the object with this id becomes `changed`."""
    objects = tuple(changed if o.id == changed.id else o for o in project.objects)
    return Change(text, objects=(project.objects, objects))


def delete_object(project: Project, text: str, id: int) -> Change:
    """Take an object out, with its masks on all frames."""
    cells: Cells = {key: (cell, None) for key, cell in project.cells_of(id)}
    return Change(text, cells, (project.objects, _others(project, id)), done=_done_without(project, id))


def merge_objects(project: Project, text: str, id: int, into: int) -> Change:
    """Give an object's masks to another one, on all frames; it is gone afterwards."""
    cells: Cells = {}
    for (frame, _), cell in list(project.cells_of(id)):
        cells[frame, id] = (cell, None)
        present = project.cell(frame, into)
        cells[frame, into] = (present, cell if present is None else _united(present, cell))
    return Change(text, cells, (project.objects, _others(project, id)), done=_done_without(project, id))


def _done_without(project: Project, id: int) -> tuple[tuple[DoneStretch, ...], tuple[DoneStretch, ...]] | None:
    """The stretches that are done before and after an object goes."""
    left = tuple(stretch for stretch in project.done if stretch.object != id)
    return None if left == project.done else (project.done, left)


def locked_pixels(project: Project, labels: np.ndarray, frame: int) -> np.ndarray | None:
    """Pixels in a frame's label map of objects that are locked, or done there, bool (H, W); None: none is."""
    locked = [o.id for o in project.objects if o.locked or o.id in project.done_on(frame)]
    if not locked:
        return None
    table = np.zeros(256, np.uint8)
    table[locked] = 1
    return cv2.LUT(labels, table).view(bool)  # of a frame in 4K, np.isin takes a tenth of a second


def _free(project: Project) -> set[int]:
    return {o.id for o in project.objects if not o.locked}


def _others(project: Project, id: int) -> tuple[ObjectInfo, ...]:
    return tuple(o for o in project.objects if o.id != id)


def _united(one: Cell, other: Cell) -> Cell:
    """The cell of two objects that become one, on a frame."""
    corrected = one.corrected or other.corrected
    in_memory = one.in_memory or other.in_memory
    return Cell(united(one.mask, [other.mask]), corrected, in_memory, None if corrected else one.confidence)
