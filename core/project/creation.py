"""Making the file of a new project, in the first place where that is possible, or in the place of another."""

import errno
from contextlib import suppress
from pathlib import Path

from core.errors import PCVOSError
from core.files import disk_error
from core.project import places
from core.project.connection import SQLITE_ERRORS, beside, write_error
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
        except SQLITE_ERRORS as error:
            lock.release()
            raise write_error(error, path) from error
        except BaseException:
            lock.release()
            raise
    raise AssertionError("there is always another name")


def replace_file(path: Path, new: Path) -> None:
    """Put the closed project `new` in the place of the one at `path`, in the same folder.

    Raises:
        PCVOSError: that is open elsewhere or cannot be replaced. It is as it was then, and `new` is gone.
    """
    lock, aside = WriteLock(path), {file: Path(f"{file}-old") for file in beside(path)}
    try:
        if lock.refusal is not None:
            raise PCVOSError(f"{lock.refusal} It cannot be replaced.")
        # All of the old one goes first: SQLite would take its log for the new one's.
        for file, old in aside.items():
            if file.exists():
                file.replace(old)
        new.replace(path)
    except BaseException as error:
        for file, old in aside.items():
            if old.exists() and not file.exists():
                old.replace(file)
        new.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise disk_error(error, path) from error
        raise
    finally:
        lock.release()
    for old in (*aside.values(), Path(f"{path}-shm")):  # that one holds no data
        with suppress(OSError):
            old.unlink()
