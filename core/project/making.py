"""Making the file of a new project, in the first place where that is possible."""

import errno
import sqlite3
from pathlib import Path

from core.project import places
from core.project.connecting import write_error
from core.project.lock import WriteLock
from core.project.model import FootageReference
from core.project.store import Store


def make_file(wanted: Path, footage: FootageReference) -> tuple[Store, WriteLock]:
    """A new project file and the right to write it; its `path` says where it is.

    That is `wanted`, or the next free name if somebody was faster, or in the user's data folder if it cannot be there.

    Raises:
        PCVOSError, OSError: there is no such place, or the disk is full; nothing is left behind.
    """
    try:
        return _make_beside(wanted, footage)
    except (PermissionError, NotADirectoryError):
        return _make_beside(places.new_project_for_user(footage), footage)


def _make_beside(wanted: Path, footage: FootageReference) -> tuple[Store, WriteLock]:
    wanted.parent.mkdir(parents=True, exist_ok=True)
    for path in places.free_names(wanted):
        lock = WriteLock(path)
        if lock.by_other:  # somebody is just about to take this name
            continue
        try:
            if lock.refusal is not None:
                raise PermissionError(errno.EACCES, "no permission")
            return Store.create(path, footage), lock
        except sqlite3.Error as error:
            lock.release()
            raise write_error(error, path) from error
        except BaseException:
            lock.release()
            raise
    raise AssertionError("there is always another name")
