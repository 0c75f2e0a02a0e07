"""Time that something will still take, by how fast it was so far."""

import time
from collections.abc import Callable


class TimeLeft:
    """Told of every step. What comes before the first one is done (opening, estimating) is no measure of the others."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        """
        Args:
            clock: seconds, from whenever.
        """
        self._clock = clock
        self._first: tuple[float, int] | None = None  # when the first steps were done, and how many

    def after(self, done: int, total: int) -> float:
        """Seconds left now that `done` of `total` steps are done; -1: not known yet."""
        if not done:
            return -1.0
        now = self._clock()
        if self._first is None:
            self._first = (now, done)
        since, first = self._first
        return (now - since) / (done - first) * (total - done) if done > first else -1.0
