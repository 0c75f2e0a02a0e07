"""The batch that still has to be written: grows while a disk is full, and is written in one transaction."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from core.project.model import Cell, Change, DoneStretch, FootageReference, Key, ObjectInfo, RunInfo


@dataclass
class Batch:
    """The outcome of changes, not the changes: of several to one thing the last counts. None: not touched.

    Attributes:
        cells: by frame, then object; None: to be deleted. objects, done: all of them.
        settings: JSON by key. runs: by id. caches: by key.
        earlier: cells that a change with `keep_undo` touched, as they were before (see `Project.apply`).
        forget_earlier: those that are in the file are void.
    """

    cells: dict[int, dict[int, Cell | None]] = field(default_factory=dict)
    objects: tuple[ObjectInfo, ...] | None = None
    done: tuple[DoneStretch, ...] | None = None
    footage: FootageReference | None = None
    settings: dict[str, str] = field(default_factory=dict)
    runs: dict[int, RunInfo] = field(default_factory=dict)
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
        """The same again, to be changed by itself."""
        cells = {frame: dict(here) for frame, here in self.cells.items()}
        settings, runs, caches, earlier = dict(self.settings), dict(self.runs), dict(self.caches), dict(self.earlier)
        return replace(self, cells=cells, settings=settings, runs=runs, caches=caches, earlier=earlier)

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
