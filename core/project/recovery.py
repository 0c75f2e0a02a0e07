"""Recovery: everything readable of a damaged project, in a new one.

The damaged file is only read. First SQLite reads what it can; what it cannot reach is then looked for on every page by
itself (`row_salvage`). A mask counts only if its checksum is right, so nothing half-read gets into the new project.
"""

import logging
import os
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

from core.errors import PCVOSError, ResourceError
from core.files import disk_error
from core.masks.palette import DISPLAY_PALETTE
from core.masks.soft_mask import SoftMask
from core.project import places, row_salvage, schema
from core.project.content import Content, content_of_version_6, read_content
from core.project.database import SQLITE_ERRORS, WriteLock, beside, reading
from core.project.model import MAX_OBJECTS, Cell, DoneStretch, FootageReference, Key, ObjectInfo, RunInfo
from core.project.saving import Batch
from core.project.schema import (
    cell_from_row,
    done_from_row,
    footage_from_json,
    object_from_row,
    run_from_row,
    soft_from_data,
)
from core.project.store import Store, read_head

_AT_ONCE = 500  # cells a transaction

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RecoveryReport:
    """A report on what was saved.

    Attributes:
        source: the damaged project, as it was. path: the new one.
        objects, cells, frames: how many were saved; a cell is an object's mask on a frame.
        lost_cells: (frame, object) of masks that were there but could not be saved, as far as that is known.
        lost: sentences on what else is missing, or was made up.
    """

    source: Path
    path: Path
    objects: int
    cells: int
    frames: int
    lost_cells: tuple[Key, ...]
    lost: tuple[str, ...]

    @property
    def summary(self) -> str:
        """All of it in a few sentences."""
        counts = _count(self.objects, "object"), _count(self.cells, "mask"), _count(self.frames, "frame")
        saved = "{} and {} on {} are saved in {}.".format(*counts, self.path)
        lost = len(self.lost_cells)
        masks = [f"{_count(lost, 'mask')} {'is' if lost == 1 else 'are'} lost."] if self.lost_cells else []
        return " ".join([saved, *masks, *self.lost, f"{self.source.name} is as it was."])


@dataclass
class _Found:
    """The items read so far."""

    footage: FootageReference | None = None
    objects: dict[int, ObjectInfo] = field(default_factory=dict)  # in the order of the list
    content: Content = field(default_factory=Content)
    runs: dict[int, RunInfo] = field(default_factory=dict)
    done: set[DoneStretch] = field(default_factory=set)
    keys: set[Key] | None = None  # all cells there should be; None: not known
    saved: set[Key] = field(default_factory=set)
    damaged: set[Key] = field(default_factory=set)
    lost: list[str] = field(default_factory=list)


def recover(path: Path, footage: FootageReference | None = None, target: Path | None = None) -> RecoveryReport:
    """Save what can be read of the project `path` in `<name>-recovered.pcvos` beside it, or in the user's data folder.

    Args:
        footage: what it is about, in case that cannot be read either.
        target: where to instead; there is nothing yet.

    Raises:
        PCVOSError: nothing could be read (no file is made), it is open in another window, or the disk is full.
    """
    path = Path(os.path.realpath(path))
    with reading(path):
        read_head(path)  # there is a file, and it can be read
    lock = WriteLock(path)
    if lock.by_other:
        raise PCVOSError(f"{path} is open in another window: close it there, then recover it.")
    try:
        target = _target(path) if target is None else target.absolute()
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="pcvos-", dir=target.parent) as folder:
            return _Recovery(path, target, Path(folder), footage).run()
    except sqlite3.Error as error:
        raise ResourceError(f"{path} could not be recovered: {error}. Free some space and try again.") from error
    except OSError as error:
        raise disk_error(error, target or path) from error
    finally:
        lock.release()


def _target(path: Path) -> Path:
    writable = os.access(path.parent, os.W_OK | os.X_OK)
    return places.place_for_recovered(path, path.parent if writable else places.user_folder())


class _Recovery:
    def __init__(self, path: Path, target: Path, folder: Path, footage: FootageReference | None):
        self._path, self._target, self._folder = path, target, folder
        self._known_footage = footage
        self._found = _Found()
        self._kept_runs = 0

    def run(self) -> RecoveryReport:
        pages = self._pages()
        copy = self._readable_copy(pages)
        with closing(sqlite3.connect(f"{copy.as_uri()}?immutable=1", uri=True)) as connection:
            connection.execute("PRAGMA trusted_schema = OFF")
            self._read_small_tables(connection)
            if self._found.footage is None or not self._found.objects:
                self._salvage_small_tables(pages)
            part = self._target.with_name(f"{self._target.name}-part")
            try:
                soft = self._soft_masks(connection, pages)
                cells = ((key, replace(cell, soft=soft.get(key))) for key, cell in self._all_cells(connection, pages))
                self._write(part, cells)
                part.rename(self._target)
            finally:
                for left in beside(part):
                    left.unlink(missing_ok=True)
        return self._report()

    # the bytes

    def _pages(self) -> bytearray:
        """The file with its log brought in, whole pages."""
        pages = bytearray(self._path.read_bytes())
        log = Path(f"{self._path}-wal")
        if log.exists():
            row_salvage.apply_log(pages, log.read_bytes(), schema.PAGE_SIZE)
        pages.extend(bytes(-len(pages) % schema.PAGE_SIZE))
        if not pages:
            raise PCVOSError(f"Nothing could be read of {self._path}: it is empty. Look for a backup of it.")
        return pages

    def _readable_copy(self, pages: bytearray) -> Path:
        """A copy that SQLite opens: with a first page that fits, be it of a new project."""
        copy = self._folder / "copy"
        for first_page in (lambda pages: pages[: schema.PAGE_SIZE], self._new_first_page):
            mended = bytearray(first_page(pages))
            mended[18:20] = b"\1\1"  # no log any more
            mended[28:32] = (len(pages) // schema.PAGE_SIZE).to_bytes(4, "big")
            mended[92:96] = mended[24:28]  # or SQLite would not believe the size
            copy.write_bytes(mended + pages[schema.PAGE_SIZE :])
            with closing(sqlite3.connect(f"{copy.as_uri()}?immutable=1", uri=True)) as connection:
                try:
                    if schema.is_as_made(connection):
                        break
                except SQLITE_ERRORS as error:
                    _logger.info("First page of %s: %s", self._path, error)
        return copy

    def _new_first_page(self, pages: bytearray) -> bytes:
        """Tables are made in the same order in every project, and so begin on the same pages."""
        place = self._folder / "new.pcvos"
        footage = FootageReference(self._path, "", 0, (1, 1), Fraction(1))
        Store.create(place, footage).close()
        new = place.read_bytes()
        place.unlink()
        pages.extend(bytes(max(0, len(new) - len(pages))))  # an older project can have fewer tables
        return new[: schema.PAGE_SIZE]

    # all but the cells

    def _read_small_tables(self, connection: sqlite3.Connection) -> None:
        recovered = self._found
        for (text,) in self._rows(connection, "SELECT value FROM meta WHERE key = 'footage'"):
            self._take_footage(text)
        columns = "id, name, colour, visible, locked"
        for more in (", class", ""):  # a file of before has none
            for row in self._rows(connection, f"SELECT {columns}{more} FROM objects ORDER BY position"):
                self._take_object(row)
        self._take_done(self._rows(connection, "SELECT object, first, last FROM done"))
        content = read_content(lambda query: self._rows(connection, query))
        of_before = content_of_version_6(self._rows(connection, "SELECT key, value FROM settings"))
        recovered.content = replace(of_before, **{k: v for k, v in vars(content).items() if v and k != "view"})
        for row in self._rows(connection, "SELECT * FROM runs"):
            try:
                run = run_from_row(row)
                recovered.runs[row[0]] = replace(run, kept_bytes=0, pinned=False)
                self._kept_runs += run.kept_bytes > 0
            except (TypeError, ValueError):
                recovered.lost.append("A run of the history is lost.")
        failures: list[Exception] = []
        keys = set(self._rows(connection, "SELECT frame, object FROM cells INDEXED BY cell_flags", failures))
        recovered.keys = None if failures else keys

    def _rows(
        self, connection: sqlite3.Connection, query: str, failures: list[Exception] | None = None
    ) -> Iterator[tuple[Any, ...]]:
        """The rows up to the first that cannot be read; why it cannot is added to `failures`."""
        try:
            yield from connection.execute(query)
        except SQLITE_ERRORS as error:
            _logger.info("%s: %s: %s", self._path, query, error)
            if failures is not None:
                failures.append(error)

    def _take_footage(self, text: Any) -> None:
        try:
            self._found.footage = footage_from_json(text)[0]
        except (TypeError, ValueError, KeyError, ArithmeticError) as error:
            _logger.info("Footage of %s: %s", self._path, error)

    def _take_object(self, row: tuple[Any, ...]) -> None:
        try:
            info = object_from_row(row)
        except (TypeError, ValueError) as error:
            _logger.info("An object of %s: %s", self._path, error)
            return
        if isinstance(info.id, int) and 1 <= info.id <= MAX_OBJECTS:
            self._found.objects.setdefault(info.id, info)

    def _take_done(self, rows: Iterable[Sequence[Any]]) -> None:
        for row in rows:
            with suppress(ValueError):  # a stretch more that is open
                self._found.done.add(done_from_row(row))

    def _salvage_small_tables(self, pages: bytearray) -> None:
        objects = []
        for rowid, columns in self._salvaged(pages):
            if len(columns) in (6, 7) and isinstance(columns[1], int) and isinstance(columns[2], str):
                objects.append((columns[1], rowid, *columns[2:]))
            elif len(columns) == 2 and columns[0] == "footage" and self._found.footage is None:
                self._take_footage(columns[1])
            elif len(columns) == 3:
                self._take_done([columns])
        for _, *row in sorted(objects, key=lambda row: row[:2]):
            self._take_object(tuple(row))

    def _salvaged(self, pages: bytearray) -> Iterator[tuple[int, list[Any]]]:
        free = row_salvage.free_pages(pages, schema.PAGE_SIZE)
        return row_salvage.rows(pages, schema.PAGE_SIZE, free)

    # the cells

    def _all_cells(self, connection: sqlite3.Connection, pages: bytearray) -> Iterator[tuple[Key, Cell]]:
        """Each cell that can be read, once."""
        recovered = self._found
        failures: list[Exception] = []
        query = "SELECT id, frame, object, corrected, in_memory, confidence, mask FROM cells"
        for id, *columns in self._rows(connection, query, failures):
            yield from self._take_cell(id, columns)
        if failures or recovered.keys is None or recovered.keys - recovered.saved - recovered.damaged:
            for rowid, columns in self._salvaged(pages):
                if len(columns) == 7:
                    yield from self._take_cell(rowid, columns[1:])

    def _soft_masks(self, connection: sqlite3.Connection, pages: bytearray) -> "_SoftMasks":
        failures: list[Exception] = []
        for _ in self._rows(connection, "SELECT data FROM soft_masks", failures):
            pass
        if not failures:
            return _SoftMasks(connection, {})
        salvaged = (row for row in self._salvaged(pages) if len(row[1]) == 2 and row[1][0] is None)
        return _SoftMasks(None, {id: columns[1] for id, columns in salvaged if soft_from_data(columns[1]) is not None})

    def _take_cell(self, id: object, columns: list[Any]) -> Iterator[tuple[Key, Cell]]:
        found, key = self._found, divmod(id, 256) if isinstance(id, int) else None
        frame, obj, *rest = columns
        inside = frame >= 0 and 1 <= obj <= MAX_OBJECTS if isinstance(frame, int) and isinstance(obj, int) else False
        if (
            not inside
            or key != (frame, obj)
            or key in found.saved
            or (found.keys is not None and key not in found.keys)
        ):
            return
        cell = cell_from_row(rest, None if found.footage is None else found.footage.size)
        if cell is None:
            found.damaged.add(key)
            return
        if found.footage is None:
            self._make_up_footage(cell)
        found.saved.add(key)
        found.damaged.discard(key)
        yield key, cell

    def _make_up_footage(self, cell: Cell) -> None:
        self._found.footage = self._known_footage
        if self._known_footage is None or self._known_footage.size != cell.mask.size:
            self._found.footage = FootageReference(self._path.with_suffix(""), "", 0, cell.mask.size, Fraction(25))
            self._found.lost.append("Which footage it is about is lost: choose it when you open the project.")

    # the new project

    def _write(self, part: Path, cells: Iterator[tuple[Key, Cell]]) -> None:
        store = None
        try:
            for some in _bunches(cells):
                if store is None:
                    assert self._found.footage is not None  # made up with the first cell, if need be
                    store = Store.create(part, self._found.footage)
                batch = Batch()
                for (frame, obj), cell in some:
                    batch.cells.setdefault(frame, {})[obj] = cell
                store.write(batch)
            recovered = self._found
            if store is None and not recovered.objects:
                raise PCVOSError(f"Nothing could be read of {self._path}: look for a backup of it.")
            footage = recovered.footage or self._known_footage
            if footage is None:
                raise PCVOSError(f"Nothing but names could be read of {self._path}: look for a backup of it.")
            store = store or Store.create(part, footage)
            self._make_up_objects()
            frames = max((frame + 1 for frame, _ in recovered.saved), default=0)
            footage = replace(footage, frames=max(footage.frames, frames))
            objects = tuple(recovered.objects.values())
            done = tuple(sorted(recovered.done))
            content = dict(vars(recovered.content))
            rest = Batch(objects=objects, done=done, footage=footage, content=content, runs=recovered.runs)
            store.write(rest)
        finally:
            if store is not None:
                store.close()

    def _make_up_objects(self) -> None:
        recovered = self._found
        for obj in sorted({obj for _, obj in recovered.saved} - recovered.objects.keys()):
            recovered.objects[obj] = ObjectInfo(obj, f"Object {obj}", tuple(DISPLAY_PALETTE[obj].tolist()))
            recovered.lost.append(f"Name and colour of object {obj} are lost.")

    def _report(self) -> RecoveryReport:
        recovered = self._found
        lost_cells = tuple(sorted(((recovered.keys or set()) | recovered.damaged) - recovered.saved))
        if recovered.keys is None:
            recovered.lost.append("Other masks may be lost, too.")
        if self._kept_runs:
            recovered.lost.append("Masks that earlier propagations had drawn, and that count no more, are left out.")
        frames = len({frame for frame, _ in recovered.saved})
        counts = len(recovered.objects), len(recovered.saved), frames
        return RecoveryReport(self._path, self._target, *counts, lost_cells, tuple(recovered.lost))


@dataclass(frozen=True)
class _SoftMasks:
    """The remains of the table soft_masks: one that SQLite can read through, or rows salvaged page by page.

    A loss is not reported: masks do without.
    """

    connection: sqlite3.Connection | None
    salvaged: dict[int, bytes]

    def get(self, key: Key) -> SoftMask | None:
        """The soft mask of a cell, if it can be read."""
        id = key[0] * 256 + key[1]
        if self.connection is None:
            return soft_from_data(self.salvaged.get(id))
        row = self.connection.execute("SELECT data FROM soft_masks WHERE id = ?", (id,)).fetchone()
        return None if row is None else soft_from_data(row[0])


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _bunches(cells: Iterator[tuple[Key, Cell]]) -> Iterator[list[tuple[Key, Cell]]]:
    while bunch := list(islice(cells, _AT_ONCE)):
        yield bunch
