"""Masks of runs that a project keeps beside those that count: what each run drew, and what was there before it."""

from collections.abc import Callable, Iterator
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
    """Side and key that `run_cell_id` was made of."""
    side, cell = divmod(id, _SIDE)
    frame, obj = divmod(cell, 256)
    return (side // 2, bool(side % 2)), (frame, obj)


class KeptRuns:
    """The masks of a project's runs, by run. What is kept or dropped is written with what is written next.

    Args:
        size: (height, width) of the footage.
        state: the project's file, if it has one, and the batch that is written next; raises PCVOSError where the
            project is closed.
        check_writable: raises PCVOSError where the project cannot be written.
    """

    def __init__(
        self,
        size: tuple[int, int],
        state: "Callable[[], tuple[Store | None, Batch]]",
        check_writable: Callable[[], None],
    ):
        self._size, self._state, self._check_writable = size, state, check_writable

    def keep(self, run: int, change: Change, known: set[Key]) -> None:
        """A run has made a change.

        Args:
            known: cells that it has changed before, of which what was there before it is known; added to.
        """
        self._check_writable()
        batch = self._state()[1]
        after = batch.run_cells.setdefault((run, False), {})
        before = batch.run_cells.setdefault((run, True), {})
        for key, (was, became) in change.cells.items():
            if became is not None:
                after[key] = became
            if was is not None and key not in known:
                before[key] = was
        known.update(change.cells)

    def drop(self, run: int) -> None:
        """Let go of the masks of a run; what it was stays noted."""
        self._check_writable()
        batch = self._state()[1]
        for side in ((run, False), (run, True)):
            batch.run_cells.pop(side, None)
        batch.dropped_runs.add(run)

    def cells(self, run: int, first: int, last: int, before: bool = False) -> Iterator[tuple[Key, Cell]]:
        """Cells that a run drew on frames `first` to `last` (inclusive), or that were there `before`, by frame, then
        object; damaged ones are left out."""
        (store, batch), side = self._state(), (run, before)
        cells: dict[Key, Cell] = {}
        if store is not None and run not in batch.dropped_runs:
            cells |= store.run_cells(side, first, last, self._size)
        cells |= {key: cell for key, cell in batch.run_cells.get(side, {}).items() if first <= key[0] <= last}
        yield from sorted(cells.items(), key=lambda item: item[0])

    def keys(self, run: int, before: bool = False) -> list[Key]:
        """The (frame, object) of all that `cells` has."""
        (store, batch), side = self._state(), (run, before)
        written = [] if store is None or run in batch.dropped_runs else store.run_cell_keys(side)
        return sorted({*written, *batch.run_cells.get(side, ())})


def bytes_of(change: Change) -> int:
    """Size of the masks of a run's change, what was there before them included."""
    cells = (cell for pair in change.cells.values() for cell in pair if cell is not None)
    return sum(len(c.mask.to_bytes()) + (0 if c.soft is None else len(c.soft.to_bytes())) for c in cells)
