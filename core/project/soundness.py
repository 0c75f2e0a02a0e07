"""Whether a file is a sound project: found out without writing to it."""

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

from core.errors import PCVOSError
from core.project import schema
from core.project.connection import ReadingConnection, damaged, is_small, reading
from core.project.model import FootageReference
from core.project.store import load_footage

_logger = logging.getLogger(__name__)

_MAGIC = b"SQLite format 3\0"


def examine(path: Path) -> None:
    """Make sure that a file is a sound project, without writing to it.

    Small files are read through. Of large ones this would take too long: their damage is met when it is read.

    Raises:
        DamagedProject: it was one. PCVOSError: it is none, or a newer one, or cannot be read.
    """
    with reading(path):
        if not path.exists():
            raise PCVOSError(f"There is no project {path}: it was moved or deleted.")
        if path.is_dir():
            raise PCVOSError(f"{path} is a folder, not a project.")
        with path.open("rb") as file:
            head = file.read(100)
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


def is_too_old_to_read(path: Path) -> bool:
    """Whether a project that was examined has to be brought up to date first; raises as `read_footage` does."""
    with reading(path), closing(ReadingConnection(path)) as reader:
        return not schema.can_be_read(reader.sqlite)
