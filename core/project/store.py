"""The project file itself: SQLite in, SQLite out. Every write is one transaction."""

import logging
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from core.errors import PCVOSError
from core.masks.soft_mask import SoftMask
from core.project import schema, tracks
from core.project.content import Content, read_content, write_content
from core.project.database import (
    SQLITE_ERRORS,
    Checkpoints,
    ReadingConnection,
    beside,
    connect,
    damaged,
    is_small,
    reading,
    write_error,
)
from core.project.kept_runs import Side, first_id, run_cell_id, side_and_key
from core.project.model import Cell, DoneStretch, FootageReference, Key, ObjectInfo, RunInfo
from core.project.saving import Batch

_PIECE, _PIECE_BYTES = 100, 2**19  # cells, and bytes of their masks: some milliseconds
_MAGIC = b"SQLite format 3\0"
_AT_ONCE = 256  # rows a query; below SQLite's old limit of 999 variables

Made = TypeVar("Made")

_logger = logging.getLogger(__name__)


class Store:
    """An open project file. Use it from one thread at a time.

    Attributes:
        path: the file.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, reader: ReadingConnection | None = None):
        self.path = path
        self._connection = connection
        self._reader = reader
        self._identity = _identity(path)
        self._checkpoints = Checkpoints(path)

    @classmethod
    def create(cls, path: Path, footage: FootageReference) -> "Store":
        """Make a new file in an existing folder; at no moment is there half of one.

        Raises:
            OSError: it exists, or the place cannot be written. sqlite3.Error: it could not be written.
        """
        temporary = Path(f"{path}-new")
        for old in beside(temporary):
            old.unlink(missing_ok=True)
        try:
            with closing(sqlite3.connect(temporary, isolation_level=None)) as connection:
                connection.execute("PRAGMA synchronous = OFF")  # once, at the end, is enough
                connection.execute(f"PRAGMA page_size = {schema.PAGE_SIZE}")
                schema.migrate(connection)
                write_footage(connection, path, footage)
                connection.execute("PRAGMA journal_mode = WAL")
            with temporary.open("r+b") as file:
                os.fsync(file.fileno())
            _put_in_place(temporary, path)
        except BaseException:
            for left in beside(temporary):
                left.unlink(missing_ok=True)
            raise
        return cls(path, connect(path))

    @classmethod
    def open(cls, path: Path, *, read_only: bool) -> "Store":
        """Open a file that was examined; an older one (`read_only`: a copy) is brought to the newest version.

        Raises:
            DamagedProject, PCVOSError: it cannot be used.
        """
        with reading(path):
            if read_only:
                reader = ReadingConnection(path)
                if schema.version(reader.sqlite) < len(schema.MIGRATIONS):
                    reader.move_to_copy()
                    schema.migrate(reader.sqlite)
                return cls(path, reader.sqlite, reader)
            connection = connect(path)
            try:
                schema.migrate(connection)
            except sqlite3.Error:
                connection.close()
                raise
            return cls(path, connection)

    def close(self) -> None:
        """Bring all of the log into the file and onto the disk, and close it."""
        if self._reader is not None:
            self._reader.close()
            return
        self._checkpoints.close()
        try:
            # TRUNCATE is a FULL checkpoint that also empties the log.
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.Error as error:  # the log stays, and is brought in on the next opening
            _logger.warning("The log of %s stays: %s", self.path, error)
        self._connection.close()

    # reading

    def footage(self) -> tuple[FootageReference, str | None]:
        """The reference as stored, and where the footage was seen from the project's folder."""
        return load_footage(self._connection, self.path)

    def objects(self) -> tuple[ObjectInfo, ...]:
        """All, in the order of the list."""
        query = "SELECT id, name, colour, visible, locked, class FROM objects ORDER BY position"
        return tuple(self._rows(query, schema.object_from_row, "its objects"))

    def done(self) -> tuple[DoneStretch, ...]:
        """Stretches that are done, in order."""
        query = "SELECT object, first, last FROM done"
        return tuple(sorted(self._rows(query, schema.done_from_row, "what is done in it")))

    def runs(self) -> dict[int, RunInfo]:
        """All, by id."""
        query = "SELECT * FROM runs ORDER BY id"
        return dict(self._rows(query, lambda row: (row[0], schema.run_from_row(row)), "its runs"))

    def _rows(self, query: str, from_row: Callable[[tuple[Any, ...]], Made], what: str) -> list[Made]:
        with reading(self.path):
            rows = self._connection.execute(query).fetchall()
        try:
            return [from_row(row) for row in rows]
        except (TypeError, ValueError) as error:
            raise damaged(self.path, f"{what} cannot be read") from error

    def content(self) -> Content:
        """Everything it holds besides objects, cells and runs."""
        with reading(self.path):
            return read_content(self._connection.execute)

    def cache(self, key: str) -> bytes | None:
        """The value stored under `key`."""
        with reading(self.path):
            row = self._connection.execute("SELECT data FROM caches WHERE key = ?", (key,)).fetchone()
        return None if row is None else bytes(row[0])

    def flags(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """All cells without their masks: frames and objects int64, bits uint8, confidence float32; all (n,)."""
        # Two numbers a row: three hundred thousand rows pass through Python here.
        query = """SELECT (frame * 256 + object) * 4 + (corrected > 0) * 2 + (in_memory > 0), ifnull(confidence, -1)
            FROM cells INDEXED BY cell_flags"""
        try:
            with reading(self.path):
                absent = np.fromiter((id for (id,) in self._connection.execute(schema.ABSENT_QUERY)), np.int64)
                rows = np.fromiter(
                    self._connection.execute(query), np.dtype([("key", np.int64), ("value", np.float32)])
                )
        except (TypeError, ValueError, OverflowError) as error:
            raise damaged(self.path, "its cells cannot be read") from error
        key, value = rows["key"], rows["value"]
        bits = np.where(key & 2, tracks.CORRECTED, tracks.PREDICTED) | np.where(key & 1, tracks.IN_MEMORY, 0)
        bits |= np.where(np.isin(key >> 2, absent), tracks.ABSENT, 0)
        return key >> 10, key >> 2 & 255, bits.astype(np.uint8), np.where(value < 0, np.float32(np.nan), value)

    def cells(self, keys: Sequence[Key], size: tuple[int, int], *, soft: bool = True) -> dict[Key, Cell | None]:
        """Cells of these keys, as far as there are any; None: it is damaged (or its mask is not of `size`).

        Args:
            soft: with their soft masks; what is damaged of these is left out.
        """
        cells: dict[Key, Cell | None] = {}
        for begin in range(0, len(keys), _AT_ONCE):
            ids = [frame * 256 + obj for frame, obj in keys[begin : begin + _AT_ONCE]]
            marks = ",".join("?" * len(ids))
            query = f"SELECT id, corrected, in_memory, confidence, mask FROM cells WHERE id IN ({marks})"
            with reading(self.path):
                for id, *rest in self._connection.execute(query, ids):
                    cells[divmod(id, 256)] = schema.cell_from_row(rest, size)
            if soft:
                for key, mask in self._soft_masks(ids):
                    if (cell := cells.get(key)) is not None:
                        cells[key] = replace(cell, soft=mask)
        return cells

    def _soft_masks(self, ids: list[int]) -> Iterator[tuple[Key, SoftMask | None]]:
        marks = ",".join("?" * len(ids))
        try:
            for id, data in self._connection.execute(f"SELECT id, data FROM soft_masks WHERE id IN ({marks})", ids):
                yield divmod(id, 256), schema.soft_from_data(data)
        except sqlite3.DatabaseError as error:  # masks do without
            _logger.warning("Soft masks of %s: %s", self.path, error)

    def earlier_cells(self, size: tuple[int, int]) -> dict[Key, Cell | None]:
        """The change that takes the last run of the command back (see `Project.apply`); empty where it is damaged."""
        try:
            rows = self._connection.execute("SELECT id, confidence, mask, soft FROM earlier_cells").fetchall()
            return dict(schema.earlier_from_row(row, size) for row in rows)
        except (*SQLITE_ERRORS, TypeError, ValueError) as error:
            _logger.warning("The undo kept in %s: %s", self.path, error)
            return {}

    def run_cells(self, side: Side, first: int, last: int, size: tuple[int, int]) -> dict[Key, Cell]:
        """The cells of one side of a run on frames `first` to `last` (inclusive), without those that are damaged."""
        columns = "id, corrected, confidence, mask, soft"
        rows = self._rows_of_run(columns, run_cell_id(side, (first, 0)), run_cell_id(side, (last + 1, 0)))
        cells = {side_and_key(id)[1]: schema.run_cell_from_row(rest, size) for id, *rest in rows}
        return {key: cell for key, cell in cells.items() if cell is not None}

    def run_cell_keys(self, side: Side) -> list[Key]:
        """The cells that one side of a run has, without their masks, by frame, then object."""
        run, before = side
        end = first_id((run + 1, False) if before else (run, True))
        return [side_and_key(id)[1] for (id,) in self._rows_of_run("id", first_id(side), end)]

    def _rows_of_run(self, columns: str, begin: int, end: int) -> list[tuple[Any, ...]]:
        """Rows with ids from `begin` to before `end`; none where they cannot be read: a project does without."""
        try:
            query = f"SELECT {columns} FROM run_cells WHERE id >= ? AND id < ?"
            return self._connection.execute(query, (begin, end)).fetchall()
        except SQLITE_ERRORS as error:
            _logger.warning("Masks of runs of %s: %s", self.path, error)
            return []

    # writing

    def write(self, batch: Batch) -> None:
        """All of it or nothing.

        Raises:
            PCVOSError: it could not be written; the sentence says why.
        """
        for _ in self.write_in_steps(batch):
            pass

    def write_in_steps(self, batch: Batch) -> Iterator[None]:
        """Do as `write`, with a pause after each piece. Until its end nothing is written for anybody else; it
        must not meet another write, nor a change of `batch`, and closing it before its end takes all of it back."""
        if _identity(self.path) != self._identity:
            raise write_error(sqlite3.OperationalError("it was moved, deleted or replaced"), self.path)
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield from self._write(batch)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            raise write_error(error, self.path) from error
        except BaseException:
            self._roll_back()
            raise
        self._checkpoints.ask()

    def _roll_back(self) -> None:
        if self._connection.in_transaction:  # SQLite has done it already after some errors
            self._connection.execute("ROLLBACK")

    def _write(self, batch: Batch) -> Iterator[None]:
        connection = self._connection
        if batch.footage is not None:
            write_footage(connection, self.path, batch.footage)
        if batch.objects is not None:
            connection.execute("DELETE FROM objects")
            rows = (schema.object_row(position, info) for position, info in enumerate(batch.objects))
            columns = "id, position, name, colour, visible, locked, class"
            connection.executemany(f"INSERT INTO objects ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        if batch.done is not None:
            connection.execute("DELETE FROM done")
            connection.executemany("INSERT INTO done VALUES (?, ?, ?)", map(astuple, batch.done))
        if batch.forget_earlier:
            connection.execute("DELETE FROM earlier_cells")
        rows = (schema.earlier_row(key, cell) for key, cell in batch.earlier.items())
        connection.executemany("REPLACE INTO earlier_cells VALUES (?, ?, ?, ?)", rows)
        cells = batch.all_cells()
        while piece := _piece(cells):
            self._write_cells(piece)
            yield
        rows = (schema.run_row(id, run) for id, run in batch.runs.items())
        connection.executemany(f"REPLACE INTO runs VALUES ({', '.join('?' * 13)})", rows)
        self._write_run_cells(batch)
        write_content(connection, batch.content)
        connection.executemany("REPLACE INTO caches VALUES (?, ?)", batch.caches.items())

    def _write_run_cells(self, batch: Batch) -> None:
        connection = self._connection
        bounds = ((first_id((run, False)), first_id((run + 1, False))) for run in batch.dropped_runs)
        connection.executemany("DELETE FROM run_cells WHERE id >= ? AND id < ?", bounds)
        cells = ((run_cell_id(side, key), cell) for side, own in batch.run_cells.items() for key, cell in own.items())
        rows = (schema.run_cell_row(id, cell) for id, cell in cells)
        connection.executemany("REPLACE INTO run_cells VALUES (?, ?, ?, ?, ?)", rows)

    def _write_cells(self, cells: Sequence[tuple[Key, Cell | None]]) -> None:
        connection = self._connection
        gone = [(frame * 256 + obj,) for (frame, obj), cell in cells if cell is None]
        connection.executemany("DELETE FROM cells WHERE id = ?", gone)
        rows = (schema.cell_row(key, cell) for key, cell in cells if cell is not None)
        connection.executemany("REPLACE INTO cells VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        without = ((frame * 256 + obj,) for (frame, obj), cell in cells if cell is None or cell.soft is None)
        connection.executemany("DELETE FROM soft_masks WHERE id = ?", without)
        rows = (schema.soft_row(key, cell.soft) for key, cell in cells if cell is not None and cell.soft)
        connection.executemany("REPLACE INTO soft_masks VALUES (?, ?)", rows)


def _piece(cells: Iterator[tuple[Key, Cell | None]]) -> list[tuple[Key, Cell | None]]:
    """The next of them that are written without a pause."""
    piece, size = [], 0
    for item in cells:
        piece.append(item)
        size += 0 if item[1] is None else len(item[1].mask.bits)
        if len(piece) >= _PIECE or size >= _PIECE_BYTES:
            break
    return piece


def load_footage(connection: sqlite3.Connection, path: Path) -> tuple[FootageReference, str | None]:
    """Read `Store.footage`; raises DamagedProject."""
    with reading(path):
        row = connection.execute("SELECT value FROM meta WHERE key = 'footage'").fetchone()
    try:
        return schema.footage_from_json(row[0])
    except (TypeError, ValueError, KeyError, ArithmeticError) as error:
        raise damaged(path, "it does not say which footage it is about") from error


def write_footage(connection: sqlite3.Connection, path: Path, footage: FootageReference) -> None:
    """Set the reference in the project `path`."""
    connection.execute("REPLACE INTO meta VALUES ('footage', ?)", (schema.footage_to_json(footage, path),))


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _put_in_place(temporary: Path, path: Path) -> None:
    if path.exists():
        raise FileExistsError(f"{path} exists")
    for log in beside(path)[1:]:
        if log.exists():  # of a project that was deleted; SQLite would take it for this one's
            log.rename(f"{log}-old")
    temporary.rename(path)


# before it is opened


def read_head(path: Path) -> bytes:
    """The first bytes of a file that should be a project; PCVOSError if there is none."""
    if not path.exists():
        raise PCVOSError(f"There is no project {path}: it was moved or deleted.")
    if path.is_dir():
        raise PCVOSError(f"{path} is a folder, not a project.")
    with path.open("rb") as file:
        return file.read(100)


def examine(path: Path) -> None:
    """Make sure that a file is a sound project, without writing to it.

    Small files are read through. Of large ones this would take too long: their damage is met when it is read.

    Raises:
        DamagedProject: it was one. PCVOSError: it is none, or a newer one, or cannot be read.
    """
    with reading(path):
        head = read_head(path)
        if not head.startswith(_MAGIC):
            if path.suffix.lower() == ".pcvos":
                raise damaged(path, "it does not begin like a project" if head else "it is empty")
            raise PCVOSError(f"{path} is not a PCVOS Studio project: choose a .pcvos file.")
        with closing(ReadingConnection(path)) as reader:
            _examine_tables(reader.sqlite, path)


def _examine_tables(connection: sqlite3.Connection, path: Path) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application != schema.APPLICATION_ID:
        if (application ^ schema.APPLICATION_ID).bit_count() == 1:  # of another program it would be all different
            raise damaged(path, "a bit of its head has flipped")
        raise PCVOSError(f"{path} is a database of another program, not a PCVOS Studio project.")
    schema.check_version(connection, path)
    foreign = connection.execute(
        "SELECT name FROM sqlite_master WHERE type IN ('view', 'trigger') OR sql LIKE 'CREATE VIRTUAL%'"
    ).fetchone()
    if foreign is not None:
        raise PCVOSError(f"{path} holds {foreign[0]}, which no project does, and is not opened: it was tampered with.")
    if not schema.is_as_made(connection):
        raise damaged(path, "its tables are not as they were made")
    if is_small(path):
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            _logger.warning("%s: %s", path, found)
            raise damaged(path, "its pages contradict each other")


def read_footage(path: Path) -> FootageReference | None:
    """The footage of a project, without opening more of it; None if it is a database of another program.

    Raises:
        DamagedProject, PCVOSError: it cannot be read.
    """
    with reading(path), closing(ReadingConnection(path)) as reader:
        if reader.sqlite.execute("PRAGMA application_id").fetchone()[0] != schema.APPLICATION_ID:
            return None
        return load_footage(reader.sqlite, path)[0]
