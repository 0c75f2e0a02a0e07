"""The undo that outlives closing: the cells that they touched, as they were before."""

from collections.abc import Mapping

from core.project.batch import Batch
from core.project.model import Cell, Change, Key


class KeptUndo:
    """The undo of the changes with `keep_undo` (see `Project.apply`) since the last other one.

    Args:
        earlier: what the file holds of it; None: a cell was not known.
    """

    def __init__(self, earlier: Mapping[Key, Cell | None] | None = None):
        self._earlier = dict(earlier or {})

    def __bool__(self) -> bool:
        return bool(self._earlier)

    def keep(self, change: Change, batch: Batch) -> None:
        """The change is about to be made. A cell that was touched before keeps what it was before the first time."""
        new = {key: before for key, (before, _) in change.cells.items() if key not in self._earlier}
        self._earlier |= new
        batch.earlier |= new

    def forget(self, batch: Batch) -> None:
        """It is void."""
        batch.forget_earlier = batch.forget_earlier or bool(self._earlier)
        batch.earlier, self._earlier = {}, {}

    @property
    def keys(self) -> list[Key]:
        """The cells it is about, by frame, then object."""
        return sorted(self._earlier)

    def change(self, now: Mapping[Key, Cell]) -> Change:
        """All of it as one change, that has led to the cells as they are `now`."""
        return Change("", {key: (before, now.get(key)) for key, before in self._earlier.items()})
