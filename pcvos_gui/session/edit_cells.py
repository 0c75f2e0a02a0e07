"""What of a project is otherwise when a person has changed masks."""

from dataclasses import replace

import numpy as np

from core.masks.packed_mask import PackedMask
from core.project.model import Cell, Key
from core.project.project import Project


def cells_of(
    project: Project, frame: int, corrected: int, before: np.ndarray, after: np.ndarray, even_if_unchanged: bool = False
) -> dict[Key, tuple[Cell | None, Cell | None]]:
    """The cells before and after, when a label map, uint8 (H, W), has become another by a person's hand.

    Args:
        corrected: the object that becomes a correction here. even_if_unchanged: also where no mask is another.
    """
    changed = before != after
    touched = {int(i) for i in np.unique(np.concatenate([before[changed], after[changed]])) if i}
    if not touched and not even_if_unchanged:
        return {}
    cells: dict[Key, tuple[Cell | None, Cell | None]] = {}
    for id in touched | {corrected}:
        known = project.cell(frame, id)
        mask = PackedMask.pack(after == id)
        if id == corrected:
            # What the network saw here stays of use for soft edges, where the person left them as they were.
            soft = None if known is None else known.soft
            cells[frame, id] = (known, Cell(mask, corrected=True, in_memory=True, soft=soft))
        elif known is None or known.mask != mask:
            cells[frame, id] = (known, replace(known or Cell(mask), mask=mask))
    return cells


def united(one: Cell, other: Cell) -> Cell:
    """What two objects that become one have on a frame."""
    mask = PackedMask.pack(one.mask.unpack() | other.mask.unpack())
    corrected = one.corrected or other.corrected
    return Cell(mask, corrected, one.in_memory or other.in_memory, None if corrected else one.confidence)
