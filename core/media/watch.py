"""Long work that tells how far it is, and can be told to stop."""

from collections.abc import Callable

from core.media.source import ReadStopped

_STEP = 0.002  # share of the work; telling more often would cost more than it says


class Watch:
    """Passes progress on, sparingly, and ends the work by an exception.

    Args:
        should_stop: asked at every step, on the thread that works.
        progress: told the share that is done, 0 to 1, ascending within a stage, on the thread that works.
    """

    def __init__(self, should_stop: Callable[[], bool] | None = None, progress: Callable[[float], None] | None = None):
        self._should_stop = should_stop
        self._progress = progress
        self._told = -1.0

    def begin(self) -> None:
        """Another stage: its shares begin at 0 again."""
        self._told = -1.0

    def at(self, share: float) -> None:
        """Report `share`.

        Raises:
            ReadStopped: the work is not wanted any more.
        """
        self.check()
        share = min(max(share, 0.0), 1.0)
        if self._progress is not None and (share >= self._told + _STEP or share == 1.0 > self._told):
            self._told = share
            self._progress(share)

    def check(self) -> None:
        """As `at`, without anything to report."""
        if self._should_stop is not None and self._should_stop():
            raise ReadStopped
