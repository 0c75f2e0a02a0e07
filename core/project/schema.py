"""The tables of the project file, the steps that lead from each version of them to the next, and what their rows are.

A project says what it is in SQLite's own header: `application_id` tells it from other SQLite files, `user_version` is
the version of its tables. A step, once released, never changes: whoever needs other tables adds one.
"""

import json
import logging
import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from core.errors import PCVOSError
from core.masks.packed_mask import PackedMask
from core.masks.soft_mask import SoftMask
from core.project.content import content_of_version_6, write_content
from core.project.model import Cell, DoneStretch, FootageReference, Key, ObjectInfo, RunInfo

APPLICATION_ID = 0x50435653  # "PCVS"
PAGE_SIZE = 4096

_logger = logging.getLogger(__name__)

# Plain row tables throughout. A mask takes some kilobytes: rows without a rowid would carry them into the inner pages
# of their tree, and a damaged leaf of a row table can be read by itself (see `row_salvage`).
_VERSION_1 = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
    """CREATE TABLE objects (
        id INTEGER PRIMARY KEY, position INTEGER NOT NULL, name TEXT NOT NULL, colour INTEGER NOT NULL,
        visible INTEGER NOT NULL, locked INTEGER NOT NULL)""",
    # Cells lie in the order of frames. There is no reference to `objects`: a change is checked where it is made.
    """CREATE TABLE cells (
        id INTEGER PRIMARY KEY CHECK (id = frame * 256 + object), frame INTEGER NOT NULL, object INTEGER NOT NULL,
        corrected INTEGER NOT NULL, in_memory INTEGER NOT NULL, confidence REAL, mask BLOB NOT NULL)""",
    # All but the masks: what the timeline shows is read from here, without touching them.
    "CREATE INDEX cell_flags ON cells (frame, object, corrected, in_memory, confidence)",
    """CREATE TABLE runs (
        id INTEGER PRIMARY KEY, started TEXT NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL,
        direction TEXT NOT NULL, settings TEXT NOT NULL, state TEXT NOT NULL, frames INTEGER NOT NULL,
        seconds REAL NOT NULL, memory_frames TEXT NOT NULL)""",
    "CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE caches (key TEXT PRIMARY KEY, data BLOB NOT NULL)",
)

# A table of their own: masks stay where they lie, as quick to read, and no damage to these can reach them.
_VERSION_2 = ("CREATE TABLE soft_masks (id INTEGER PRIMARY KEY, data BLOB NOT NULL)",)  # ids as in `cells`

# Rows of before keep their shape in the file, without this column, until the list of objects changes (see `recovery`).
_VERSION_3 = ("ALTER TABLE objects ADD COLUMN class TEXT NOT NULL DEFAULT ''",)

# What takes a run of the command back: the cells it has changed as they were before; a mask that is NULL: nothing was
# known. It holds until the next change that is not part of it.
_VERSION_4 = ("CREATE TABLE earlier_cells (id INTEGER PRIMARY KEY, confidence REAL, mask BLOB, soft BLOB)",)

# Which cells say that their object is absent: the timeline shows it, and reads no masks. An empty mask takes 28 bytes
# (`PackedMask.to_bytes`), no other so few.
_ABSENT = "length(mask) = 28"
ABSENT_QUERY = f"SELECT id FROM cells INDEXED BY absent_cells WHERE {_ABSENT}"
"""Ids of the cells whose mask is empty."""

_VERSION_5 = (
    f"CREATE INDEX absent_cells ON cells (id) WHERE {_ABSENT}",
    # Stretches that a person has declared done; both frames are inside.
    "CREATE TABLE done (object INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL)",
)

# What each run drew, and what was there before it (ids: `kept_runs.run_cell_id`), as long as there is room for it.
_VERSION_6 = (
    "ALTER TABLE runs ADD COLUMN weights TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE runs ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE runs ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0",
    """CREATE TABLE run_cells (
        id INTEGER PRIMARY KEY, corrected INTEGER NOT NULL, confidence REAL, mask BLOB NOT NULL, soft BLOB)""",
)


def _move_content(connection: sqlite3.Connection) -> None:
    """Up to version 6 all content (`core.project.content`) was JSON in the table settings, which keeps the view."""
    content = content_of_version_6(connection.execute("SELECT key, value FROM settings"))
    write_content(connection, {name: value for name, value in vars(content).items() if value})


_VERSION_7 = (
    "CREATE TABLE classes (position INTEGER PRIMARY KEY, name TEXT NOT NULL)",
    "CREATE TABLE edges (name TEXT PRIMARY KEY, value NOT NULL)",
    """CREATE TABLE marks (
        position INTEGER PRIMARY KEY, frame INTEGER NOT NULL, object INTEGER NOT NULL, value INTEGER NOT NULL,
        points TEXT NOT NULL)""",
    "CREATE TABLE ticks (object INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, doubt REAL NOT NULL)",
    "CREATE TABLE unfinished_run (id INTEGER PRIMARY KEY, run INTEGER NOT NULL, finished TEXT NOT NULL, last INTEGER)",
    # Object 0: the frame is known, but none of its masks. `recovery` takes any row of three columns for one of done.
    """CREATE TABLE memory_read (
        id INTEGER PRIMARY KEY, frame INTEGER NOT NULL, object INTEGER NOT NULL, checksum INTEGER NOT NULL)""",
    _move_content,
)

_VERSION_8 = (
    """CREATE TABLE accepted_marks (
        position INTEGER PRIMARY KEY, frame INTEGER NOT NULL, object INTEGER NOT NULL, mask INTEGER NOT NULL,
        before BLOB, strokes TEXT NOT NULL)""",
)

Step = tuple[str | Callable[[sqlite3.Connection], None], ...]

MIGRATIONS: tuple[Step, ...] = (
    _VERSION_1,
    _VERSION_2,
    _VERSION_3,
    _VERSION_4,
    _VERSION_5,
    _VERSION_6,
    _VERSION_7,
    _VERSION_8,
)
"""Step n: the statements and functions that lead from version n to n + 1; version 0 is an empty file."""


def version(connection: sqlite3.Connection) -> int:
    """The version of the tables in an open file."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def is_as_made(connection: sqlite3.Connection) -> bool:
    """Whether the tables are those that the steps up to their version make, to the letter."""
    number = version(connection)
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as made:
        for step in MIGRATIONS[: max(number, 0)]:
            _take(step, made)
        return number > 0 and _statements(connection) == _statements(made)


def _take(step: Step, connection: sqlite3.Connection) -> None:
    for one in step:
        if isinstance(one, str):
            connection.execute(one)
        else:
            one(connection)


def _statements(connection: sqlite3.Connection) -> set[tuple[Any, ...]]:
    return set(connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master"))


def check_version(connection: sqlite3.Connection, path: Path) -> None:
    """Raise PCVOSError if the file comes from a newer PCVOS Studio than this."""
    number = version(connection)
    if number > len(MIGRATIONS):
        raise PCVOSError(
            f"{path} was made by a newer PCVOS Studio (its format is {number}, this one knows {len(MIGRATIONS)}): "
            "update PCVOS Studio to open it."
        )


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the tables to the newest version, in one transaction: all steps or none.

    Args:
        connection: in autocommit mode, to a file that is empty or of this version or older.

    Raises:
        sqlite3.Error: a step failed; the file is as it was.
    """
    number = version(connection)
    if number == len(MIGRATIONS):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for step in MIGRATIONS[number:]:
            _take(step, connection)
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("COMMIT")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    if number:
        _logger.info("Project tables brought from version %d to %d", number, len(MIGRATIONS))


# rows, and what they stand for


def cell_from_row(row: Sequence[Any], size: tuple[int, int] | None) -> Cell | None:
    """From (corrected, in_memory, confidence, mask); None if it is damaged or not of `size` (if given)."""
    corrected, in_memory, confidence, data = row
    try:
        mask = PackedMask.from_bytes(data)
    except (TypeError, ValueError):
        return None
    if (size is not None and mask.size != size) or not isinstance(confidence, float | int | None):
        return None
    confidence = None if confidence is None else float(confidence)  # SQLite keeps 1.0 as the integer 1
    return Cell(mask, bool(corrected), bool(in_memory), confidence)


def cell_row(key: Key, cell: Cell) -> tuple[Any, ...]:
    """For the table cells."""
    frame, obj = map(int, key)  # numpy's numbers are none to SQLite
    confidence = None if cell.confidence is None else float(cell.confidence)
    flags = int(cell.corrected), int(cell.in_memory)
    return frame * 256 + obj, frame, obj, *flags, confidence, cell.mask.to_bytes()


def soft_from_data(data: Any) -> SoftMask | None:
    """From the table soft_masks; None if it is damaged: a mask does without."""
    try:
        return SoftMask.from_bytes(data)
    except (TypeError, ValueError):
        return None


def soft_row(key: Key, soft: SoftMask) -> tuple[Any, ...]:
    """For the table soft_masks."""
    frame, obj = map(int, key)
    return frame * 256 + obj, soft.to_bytes()


def earlier_row(key: Key, cell: Cell | None) -> tuple[Any, ...]:
    """For the table earlier_cells."""
    frame, obj = map(int, key)
    if cell is None:
        return frame * 256 + obj, None, None, None
    soft = None if cell.soft is None else cell.soft.to_bytes()
    return frame * 256 + obj, cell.confidence, cell.mask.to_bytes(), soft


def earlier_from_row(row: Sequence[Any], size: tuple[int, int]) -> tuple[Key, Cell | None]:
    """A cell from a row of the table earlier_cells; ValueError if it is damaged."""
    id, confidence, mask, soft = row
    cell = None if mask is None else cell_from_row((False, False, confidence, mask), size)
    if cell is None and mask is not None:
        raise ValueError(f"cell {id} cannot be read")
    return divmod(id, 256), cell if cell is None or soft is None else replace(cell, soft=soft_from_data(soft))


def run_cell_row(id: int, cell: Cell) -> tuple[Any, ...]:
    """For the table run_cells."""
    soft = None if cell.soft is None else cell.soft.to_bytes()
    confidence = None if cell.confidence is None else float(cell.confidence)
    return id, int(cell.corrected), confidence, cell.mask.to_bytes(), soft


def run_cell_from_row(row: Sequence[Any], size: tuple[int, int]) -> Cell | None:
    """From (corrected, confidence, mask, soft) of the table run_cells; None if it is damaged."""
    corrected, confidence, mask, soft = row
    cell = cell_from_row((corrected, False, confidence, mask), size)
    return cell if cell is None or soft is None else replace(cell, soft=soft_from_data(soft))


def object_from_row(row: Sequence[Any]) -> ObjectInfo:
    """From (id, name, colour, visible, locked), and a class or none; TypeError or ValueError: they cannot be."""
    id, name, colour, visible, locked, class_name = (*row, "")[:6]
    if not isinstance(colour, int) or not 0 <= colour < 2**24:
        raise ValueError("a colour is 24 bits")
    red, green, blue = colour.to_bytes(3, "big")
    if not isinstance(name, str) or not isinstance(class_name, str):
        raise TypeError("a name is text")
    return ObjectInfo(id, name, (red, green, blue), bool(visible), bool(locked), class_name)


def object_row(position: int, info: ObjectInfo) -> tuple[Any, ...]:
    """For the table objects."""
    # File names can hold what is no text.
    name, class_name = (text.encode("utf-8", "replace").decode() for text in (info.name, info.class_name))
    colour = int.from_bytes(bytes(info.colour), "big")
    return info.id, position, name, colour, int(info.visible), int(info.locked), class_name


def done_from_row(row: Sequence[Any]) -> DoneStretch:
    """From the table done; ValueError if it is damaged."""
    if len(row) != 3 or not all(isinstance(number, int) for number in row) or not 0 <= row[1] <= row[2]:
        raise ValueError("no stretch is like that")
    return DoneStretch(*row)


def run_row(id: int, run: RunInfo) -> tuple[Any, ...]:
    """For the table runs."""
    extent = run.start, run.end, run.direction, json.dumps(run.settings)
    kept = run.weights, int(run.pinned), int(run.kept_bytes)
    return id, run.started, *extent, run.state, run.frames, run.seconds, json.dumps(run.memory_frames), *kept


def run_from_row(row: Sequence[Any]) -> RunInfo:
    """A run from a row of the table runs; TypeError or ValueError if it is damaged."""
    _, started, start, end, direction, settings, state, frames, seconds, memory, *kept = row
    weights, pinned, size = kept or ("", 0, 0)  # a file of before has none of these
    memory_frames = tuple(int(frame) for frame in json.loads(memory))
    extent = started, start, end, direction, json.loads(settings)
    return RunInfo(*extent, state, frames, seconds, memory_frames, str(weights), bool(pinned), int(size))


def relative_path(footage: Path, project: Path) -> str | None:
    """Path of the footage from the project's folder, should both move; None: on another drive."""
    try:
        return Path(os.path.relpath(footage, project.parent)).as_posix()
    except ValueError:
        return None


def find_again(footage: Path, project: Path, relative: str | None) -> Path | None:
    """Path of footage: as it was or, if that is gone, `relative_path` from the project; None: it is at neither."""
    moved = None if relative is None else Path(os.path.realpath(project.parent / relative))
    return next((path for path in (footage, moved) if path is not None and os.path.exists(path)), None)


def footage_to_json(footage: FootageReference, project: Path) -> str:
    """For the table meta."""
    relative = relative_path(footage.path, project)
    fields: dict[str, object] = {"path": str(footage.path), "relative": relative, "fingerprint": footage.fingerprint}
    fields |= {"frames": footage.frames, "size": footage.size, "rate": str(Fraction(footage.rate))}
    return json.dumps(fields)


def footage_from_json(text: str) -> tuple[FootageReference, str | None]:
    """The reference and the relative path. Raises TypeError, ValueError, KeyError, ArithmeticError if it is neither."""
    fields = json.loads(text)
    height, width = (int(side) for side in fields["size"])
    frames = int(fields["frames"])
    if frames < 0 or min(height, width) < 1:
        raise ValueError("no footage is like that")
    rate = Fraction(fields["rate"])
    path, relative = fields["path"], fields.get("relative")
    if not isinstance(path, str) or not isinstance(relative, str | None) or "\0" in f"{path}{relative}":
        raise ValueError("no path is like that")
    footage = FootageReference(Path(path), str(fields["fingerprint"]), frames, (height, width), rate)
    return footage, relative
