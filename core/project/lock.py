"""One writer a project: whoever comes second may only look."""

import logging
import os
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

_logger = logging.getLogger(__name__)


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
