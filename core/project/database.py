"""The database file: connections to it, who may write it, how its log comes into it, and what its errors mean."""

import logging
import os
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from core.errors import PCVOSError, ResourceError

SQLITE_ERRORS = (sqlite3.Error, UnicodeDecodeError)
"""All that sqlite3 raises at a file: what it says of damaged names, or finds in damaged text, need not be UTF-8."""

EXAMINED_BYTES = 64 * 2**20
"""Size of a project, up to which all of it is examined when it is opened; of a larger one damage is met later."""

_logger = logging.getLogger(__name__)
_PAUSE = 1.0  # seconds from one checkpoint to the next
_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_FORMAT}


class DamagedProject(PCVOSError):  # noqa: N818 - what it is, not what went wrong
    """A project file that cannot be trusted. `core.project.recovery.recover` saves what can be read of it."""


def connect(path: Path) -> sqlite3.Connection:
    """To an existing file, for writing, in autocommit mode."""
    connection = _connect_uri(path, "mode=rw")
    try:
        # With a write-ahead log a reader never waits for the writer, nor the other way round. NORMAL: a commit is
        # handed to the system, not awaited on the disk. It survives the end of the process (kill -9 included); a power
        # loss can cost the changes since the last checkpoint (`Checkpoints`: some seconds), never the file.
        # Where a log is not possible (some network drives) SQLite stays with its rollback journal, which needs FULL.
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        connection.execute(f"PRAGMA synchronous = {'NORMAL' if mode == 'wal' else 'FULL'}")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute(f"PRAGMA journal_size_limit = {64 * 2**20}")
    except SQLITE_ERRORS:
        connection.close()
        raise
    return connection


class ReadingConnection:
    """A connection that writes nothing into the file, also where nothing can be written beside it.

    Attributes:
        sqlite: the connection.
    """

    def __init__(self, path: Path):
        self._copy: tempfile.TemporaryDirectory[str] | None = None
        try:
            self.sqlite = _connect_uri(path, "mode=ro")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
                raise
            self.sqlite = self._connect_unwritable(path)

    def _connect_unwritable(self, path: Path) -> sqlite3.Connection:
        """SQLite must make a file beside one that has a log, even to read it; here it cannot."""
        log = Path(f"{path}-wal")
        if not log.exists() or not log.stat().st_size:
            return _connect_uri(path, "immutable=1")
        # A process was killed: the log holds changes that `immutable` would pass over in silence.
        self._copy = tempfile.TemporaryDirectory(prefix="pcvos-")
        copy = Path(self._copy.name) / "copy"
        try:
            shutil.copyfile(path, copy)
            shutil.copyfile(log, f"{copy}-wal")
            return _connect_uri(copy, "mode=ro")
        except (OSError, *SQLITE_ERRORS):
            self._copy.cleanup()
            raise

    def move_to_copy(self) -> None:
        """Go on with a copy in a folder of its own, which can be written."""
        folder = tempfile.TemporaryDirectory(prefix="pcvos-")
        copy = _connect_uri(Path(folder.name) / "copy", "mode=rwc")
        self.sqlite.backup(copy)
        self.close()
        self.sqlite, self._copy = copy, folder

    def close(self) -> None:
        self.sqlite.close()
        if self._copy is not None:
            self._copy.cleanup()


def _connect_uri(path: Path, query: str) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?{query}"
    # A project is opened on one thread and used on another, never on two at a time.
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=2, check_same_thread=False)
    try:
        _prepare(connection)
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except SQLITE_ERRORS:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA trusted_schema = OFF")  # the file may come from anybody: nothing in it is run
    connection.execute("PRAGMA cell_size_check = ON")
    connection.execute("PRAGMA cache_size = -16000")


class Checkpoints:
    """Brings the write-ahead log into the file, in a thread of its own: waiting for the disk would stall a window.

    After `ask`, what was written until then is soon on the disk, safe from a power loss. Writing goes on."""

    def __init__(self, path: Path):
        self._path = path
        self._asked = threading.Event()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def ask(self) -> None:
        """Ask for a checkpoint; costs nothing."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="project checkpoints", daemon=True)
            self._thread.start()
        self._asked.set()

    def close(self) -> None:
        """End the thread; a checkpoint that is under way is finished first."""
        self._ended.set()
        self._asked.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            with closing(connect(self._path)) as connection:
                while not self._ended.is_set():
                    self._asked.wait()
                    self._asked.clear()
                    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                    self._ended.wait(_PAUSE)
        except sqlite3.Error as error:  # nothing is lost: the log holds it, and closing tries again
            _logger.warning("No more checkpoints of %s: %s", self._path, error)


class WriteLock:
    """The right to write one project file. The system takes it back when the process ends, however it ends.

    Attributes:
        refusal: None if the lock is held; otherwise why the project can only be read, as a sentence.
        by_other: whether that is because somebody else is writing it.
    """

    def __init__(self, project: Path):
        self.refusal: str | None = None
        self.by_other = False
        self._path = Path(f"{project}-lock")
        self._lock = FileLock(self._path, thread_local=False)
        self._acquire(project)

    def _acquire(self, project: Path) -> None:
        cannot_write = f"{project} is open for reading only: it, or its folder, cannot be written."
        if not os.access(project.parent, os.W_OK | os.X_OK) or (
            os.path.exists(project) and not os.access(project, os.W_OK)
        ):
            self.refusal = cannot_write
            return
        try:
            self._try_lock()
        except Timeout:
            self.by_other = self._path.exists()
            in_use = f"{project} is open in another window: here it can be looked at, but not changed."
            self.refusal = in_use if self.by_other else cannot_write  # where no file can be, filelock waits for one
        except OSError as error:
            _logger.info("No lock %s: %s", self._path, error)
            self.refusal = cannot_write

    def _try_lock(self) -> None:
        """At once; once more if whoever had it has just given it back."""
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            if self._path.exists():
                raise
            self._lock.acquire(timeout=0)

    def release(self) -> None:
        """Give the right back; nothing happens if it is not held."""
        if not self._lock.is_locked:
            return
        if os.name == "posix":
            # Still locked, so nobody can hold the same file; filelock notices an unlinked one and makes another.
            with suppress(OSError):
                self._path.unlink()
        self._lock.release()


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn errors met while reading the project `path` into sentences.

    Raises:
        DamagedProject: what is there is not what was written. PCVOSError: it cannot be read just now.
    """
    try:
        yield
    except SQLITE_ERRORS as error:
        code = getattr(error, "sqlite_errorcode", None)
        if code is None or code & 0xFF in _DAMAGE:  # without a code: text that is not UTF-8
            _logger.warning("%s: %s", path, error)
            raise damaged(path, "its pages contradict each other") from error
        raise PCVOSError(f"{path} cannot be read: {error}. Close other programs that use it and try again.") from error
    except OSError as error:
        raise PCVOSError(
            f"{path} cannot be read: {error.strerror or error}. Open a copy of it in another folder."
        ) from error


def beside(path: Path) -> tuple[Path, Path, Path]:
    """The database file and what SQLite may keep beside it that holds data."""
    return path, Path(f"{path}-wal"), Path(f"{path}-journal")


def is_small(path: Path) -> bool:
    """Whether a project is read through when it is opened; of large ones this would take too long."""
    try:
        return sum(file.stat().st_size for file in beside(path) if file.exists()) <= EXAMINED_BYTES
    except OSError:  # one of them has just gone
        return False


def damaged(path: Path, why: str) -> DamagedProject:
    """The error for a damaged file; `why` in words for people."""
    return DamagedProject(f"{path} is damaged ({why}): recover what can be read of it into a new project.", "damaged")


def write_error(error: Exception, path: Path) -> PCVOSError:
    """The sentence for an error met while writing the project `path`."""
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    kept = "What you do is kept in this window until it can be saved"
    if code == sqlite3.SQLITE_FULL:
        return ResourceError(f"The disk is full: {path} cannot be saved. {kept}; free some space.")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return DamagedProject(f"{path} was damaged while it was open and cannot be saved. {kept}.")
    return ResourceError(f"{path} cannot be saved: {error}. {kept}; make sure that it and its folder can be written.")
