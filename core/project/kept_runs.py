"""Masks of runs that a project keeps beside those that count: what each run drew, and what was there before it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from core.project.model import Cell, Change, Key

if TYPE_CHECKING:
    from core.project.saving import Batch
    from core.project.store import Store

_SIDE = 1 << 40  # above all ids of cells
Side = tuple[int, bool]
"""A run's id, and whether it is what was there before it."""


def run_cell_id(side: Side, key: Key) -> int:
    """The row of a cell in the table run_cells."""
    frame, obj = map(int, key)
    return (side[0] * 2 + side[1]) * _SIDE + frame * 256 + obj


def first_id(side: Side) -> int:
    """The lowest id that a row of this side can have."""
    return run_cell_id(side, (0, 0))


def side_and_key(id: int) -> tuple[Side, Key]:
    """What `run_cell_id` was made of."""
    side, cell = divmod(id, _SIDE)
    frame, obj = divmod(cell, 256)
    return (side // 2, bool(side % 2)), (frame, obj)


def keep(batch: "Batch", run: int, change: Change, known: set[Key]) -> None:
    """A run has made a change.

    Args:
        known: cells that it has changed before, of which what was there before it is known; added to.
    """
    after = batch.run_cells.setdefault((run, False), {})
    before = batch.run_cells.setdefault((run, True), {})
    for key, (was, became) in change.cells.items():
        if became is not None:
            after[key] = became
        if was is not None and key not in known:
            before[key] = was
    known.update(change.cells)


def read(
    store: "Store | None", batch: "Batch", side: Side, first: int, last: int, size: tuple[int, int]
) -> Iterator[tuple[Key, Cell]]:
    """The cells of one side of a run on frames `first` to `last` (inclusive), by frame, then object; those that are
    damaged are left out."""
    found: dict[Key, Cell] = {}
    if store is not None and side[0] not in batch.dropped_runs:
        found |= store.run_cells(side, first, last, size)
    found |= {key: cell for key, cell in batch.run_cells.get(side, {}).items() if first <= key[0] <= last}
    yield from sorted(found.items(), key=lambda item: item[0])


def keys(store: "Store | None", batch: "Batch", side: Side) -> list[Key]:
    """The cells that one side of a run has, by frame, then object."""
    written = [] if store is None or side[0] in batch.dropped_runs else store.run_cell_keys(side)
    return sorted({*written, *batch.run_cells.get(side, ())})


def drop(batch: "Batch", run: int) -> None:
    """Let go of a run's masks."""
    for side in ((run, False), (run, True)):
        batch.run_cells.pop(side, None)
    batch.dropped_runs.add(run)


def bytes_of(change: Change) -> int:
    """How much the masks of a run's change take, what was there before them included."""
    cells = (cell for pair in change.cells.values() for cell in pair if cell is not None)
    return sum(len(c.mask.to_bytes()) + (0 if c.soft is None else len(c.soft.to_bytes())) for c in cells)
