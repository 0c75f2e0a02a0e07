"""Saving: the batch still to be written, which grows while a disk is full, and writing it in one transaction."""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from core.errors import PCVOSError
from core.project.model import Cell, Change, DoneStretch, FootageReference, Key, ObjectInfo, RunInfo

if TYPE_CHECKING:
    from core.project.store import Store

_logger = logging.getLogger(__name__)


@dataclass
class Batch:
    """The outcome of changes, not the changes: of several to one thing the last counts. None: not touched.

    Attributes:
        cells: by frame, then object; None: to be deleted. objects, done: all of them.
        content: changed fields of `core.project.content.Content`, by name. runs: by id. caches: by key.
        run_cells: masks of runs, by side (`kept_runs.Side`). dropped_runs: whose masks go, before others are added.
        earlier: cells that a change with `keep_undo` touched, as they were before (see `Project.apply`).
        forget_earlier: those that are in the file are void.
    """

    cells: dict[int, dict[int, Cell | None]] = field(default_factory=dict)
    objects: tuple[ObjectInfo, ...] | None = None
    done: tuple[DoneStretch, ...] | None = None
    footage: FootageReference | None = None
    content: dict[str, Any] = field(default_factory=dict)
    runs: dict[int, RunInfo] = field(default_factory=dict)
    run_cells: dict[tuple[int, bool], dict[Key, Cell]] = field(default_factory=dict)
    dropped_runs: set[int] = field(default_factory=set)
    caches: dict[str, bytes] = field(default_factory=dict)
    earlier: dict[Key, Cell | None] = field(default_factory=dict)
    forget_earlier: bool = False

    def add(self, change: Change) -> None:
        """The project after `change`."""
        for (frame, obj), (_, after) in change.cells.items():
            self.cells.setdefault(frame, {})[obj] = after
        if change.objects is not None:
            self.objects = change.objects[1]
        if change.done is not None:
            self.done = change.done[1]

    def copy(self) -> "Batch":
        """A copy, to be changed by itself."""
        cells = {frame: dict(here) for frame, here in self.cells.items()}
        content, runs, caches, earlier = dict(self.content), dict(self.runs), dict(self.caches), dict(self.earlier)
        run_cells = {side: dict(own) for side, own in self.run_cells.items()}
        copy = replace(self, cells=cells, content=content, runs=runs, caches=caches, earlier=earlier)
        return replace(copy, run_cells=run_cells, dropped_runs=set(self.dropped_runs))

    def has(self, key: Key) -> bool:
        """Whether a cell waits here to be written or deleted."""
        return key[1] in self.cells.get(key[0], ())

    def cell(self, key: Key) -> Cell | None:
        """A cell that waits here; None: to be deleted. KeyError: `has` it not."""
        return self.cells[key[0]][key[1]]

    def all_cells(self) -> Iterator[tuple[Key, Cell | None]]:
        """Every cell that waits here."""
        for frame, cells in self.cells.items():
            for obj, cell in cells.items():
                yield (frame, obj), cell


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
        """Drop the undo: it is void."""
        batch.forget_earlier = batch.forget_earlier or bool(self._earlier)
        batch.earlier, self._earlier = {}, {}

    @property
    def keys(self) -> list[Key]:
        """The cells it is about, by frame, then object."""
        return sorted(self._earlier)

    def change(self, now: Mapping[Key, Cell]) -> Change:
        """All of it as one change, that has led to the cells as they are `now`."""
        return Change("", {key: (before, now.get(key)) for key, before in self._earlier.items()})


class Saver:
    """Writes a batch, at once or piece by piece; what cannot be written goes along with the next attempt.

    Args:
        file: gives the file, and makes it where there is none yet; raises PCVOSError.

    Attributes:
        batch: what is still to be written. unsaved: how many changes wait because they could not be.
        error: why they could not, as a sentence.
    """

    def __init__(self, file: Callable[[], "Store"]):
        self.batch = Batch()
        self.unsaved = 0
        self.error: str | None = None
        self._file = file
        self._pieces: Iterator[None] | None = None  # left to write

    @property
    def is_under_way(self) -> bool:
        """Whether the batch is being written by `write_more`."""
        return self._pieces is not None

    def save(self) -> None:
        """Write all of it."""
        if not self._write():
            self.unsaved += 1

    def begin(self) -> None:
        """Write it by calls of `write_more`."""
        try:
            self._pieces = self._file().write_in_steps(self.batch)
        except PCVOSError as error:
            self._fail(error)

    def write_more(self) -> None:
        """Write the next piece, if there is one."""
        if self._pieces is None:
            return
        try:
            if next(self._pieces, self) is self:  # its end
                self._all_is_saved()
        except PCVOSError as error:
            self._pieces = None
            self._fail(error)

    def finish(self) -> None:
        """Write all pieces that are left."""
        while self._pieces is not None:
            self.write_more()

    def retry(self) -> bool:
        """Try to write what waits; whether all is saved."""
        self.finish()
        return not self.unsaved or self._write()

    def _write(self) -> bool:
        try:
            self._file().write(self.batch)
        except PCVOSError as error:
            self._note(error)
            return False
        self._all_is_saved()
        return True

    def _fail(self, error: PCVOSError) -> None:
        self.unsaved += 1
        self._note(error)

    def _note(self, error: PCVOSError) -> None:
        _logger.warning("Not saved: %s", error)
        self.error = str(error)

    def _all_is_saved(self) -> None:
        self.batch, self._pieces = Batch(), None
        self.unsaved, self.error = 0, None
