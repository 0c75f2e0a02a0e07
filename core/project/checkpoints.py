"""The write-ahead log is brought into the file by a thread of its own: waiting for the disk would stall a window."""

import logging
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

from core.project.connection import connect

_PAUSE = 1.0  # seconds from one checkpoint to the next

_logger = logging.getLogger(__name__)


class Checkpoints:
    """After `ask`, what was written until then is soon on the disk, safe from a power loss. Writing goes on."""

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
