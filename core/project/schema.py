"""The tables of the project file, and the steps that lead from each version of them to the next.

A project says what it is in SQLite's own header: `application_id` tells it from other SQLite files, `user_version` is
the version of its tables. A step, once released, never changes: whoever needs other tables adds one.
"""

import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from core.errors import PCVOSError

APPLICATION_ID = 0x50435653  # "PCVS"
PAGE_SIZE = 4096

_logger = logging.getLogger(__name__)

# Plain row tables throughout. A mask takes some kilobytes: rows without a rowid would carry them into the inner pages
# of their tree, and a damaged leaf of a row table can be read by itself (see `carving`).
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
_VERSION_5 = (
    f"CREATE INDEX absent_cells ON cells (id) WHERE {_ABSENT}",
    # Stretches that a person has declared done; both frames are inside.
    "CREATE TABLE done (object INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL)",
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (_VERSION_1, _VERSION_2, _VERSION_3, _VERSION_4, _VERSION_5)
"""Step n: the statements that lead from version n to n + 1; version 0 is an empty file."""

_READABLE = 5
"""Up to this version `Store` reads older files as they are, e.g. where they cannot be written: a step that adds what is
read raises this once the reading can do without."""


def version(connection: sqlite3.Connection) -> int:
    """The version of the tables in an open file."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def is_as_made(connection: sqlite3.Connection) -> bool:
    """Whether the tables are those that the steps up to their version make, to the letter."""
    found = version(connection)
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as made:
        for step in MIGRATIONS[: max(found, 0)]:
            for statement in step:
                made.execute(statement)
        return found > 0 and _statements(connection) == _statements(made)


def _statements(connection: sqlite3.Connection) -> set[tuple[Any, ...]]:
    return set(connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master"))


def check_version(connection: sqlite3.Connection, path: Path) -> None:
    """Raise PCVOSError if the file comes from a newer PCVOS Studio than this."""
    found = version(connection)
    if found > len(MIGRATIONS):
        raise PCVOSError(
            f"{path} was made by a newer PCVOS Studio (its format is {found}, this one knows {len(MIGRATIONS)}): "
            "update PCVOS Studio to open it."
        )


def can_be_read(connection: sqlite3.Connection) -> bool:
    """Whether an open file can be read as it is, though it may be older."""
    found = version(connection)
    return found == len(MIGRATIONS) or 0 < found < len(MIGRATIONS) <= _READABLE


def object_columns(connection: sqlite3.Connection) -> str:
    """The columns selected of the table objects for `rows.object_from_row`, also in an older file."""
    return "id, name, colour, visible, locked" + (", class" if version(connection) >= 3 else "")


def has_soft_masks(connection: sqlite3.Connection) -> bool:
    """Whether the file is of a version with soft masks."""
    return version(connection) >= 2


def absent_query(connection: sqlite3.Connection) -> str | None:
    """What selects the ids of the cells whose mask is empty; None: the file is of a version that cannot tell."""
    return f"SELECT id FROM cells INDEXED BY absent_cells WHERE {_ABSENT}" if version(connection) >= 5 else None


def has_done(connection: sqlite3.Connection) -> bool:
    """Whether the file is of a version that knows what is done."""
    return version(connection) >= 5


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the tables to the newest version, in one transaction: all steps or none.

    Args:
        connection: in autocommit mode, to a file that is empty or of this version or older.

    Raises:
        sqlite3.Error: a step failed; the file is as it was.
    """
    found = version(connection)
    if found == len(MIGRATIONS):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for step in MIGRATIONS[found:]:
            for statement in step:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("COMMIT")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    if found:
        _logger.info("Project tables brought from version %d to %d", found, len(MIGRATIONS))
