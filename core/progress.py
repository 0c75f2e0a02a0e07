"""Progress of work, told while it goes on, and cancelling it: the same for all that takes long."""

from collections.abc import Callable, Collection, Iterator
from typing import TypeVar

_STEP = 0.002  # share of the work; telling more often would cost more than it says

T = TypeVar("T")


class Cancelled(Exception):  # noqa: N818 - nothing went wrong
    """The work is not wanted any more."""


class Progress:
    """Link from work that takes long to whoever asked for it; used on the thread that works.

    Args:
        tell: takes how much is done, and of how much; called sparingly. None: nobody wants to know.
        is_cancelled: whether the work is not wanted any more. None: it is to be finished.
        total: steps, for `advance`.
    """

    def __init__(
        self,
        tell: Callable[[int, int], None] | None = None,
        is_cancelled: Callable[[], bool] | None = None,
        total: int = 0,
    ) -> None:
        self._tell, self._is_cancelled = tell, is_cancelled
        self._done, self._total, self._told = 0, total, -1.0

    def raise_if_cancelled(self) -> None:
        """Raise `Cancelled` if the work is not wanted any more."""
        if self._is_cancelled is not None and self._is_cancelled():
            raise Cancelled

    def say(self, done: int, total: int) -> None:
        """Tell that so much is done, 0 to `total`; raises `Cancelled`."""
        self.raise_if_cancelled()
        share = min(max(done / total, 0.0), 1.0) if total else 1.0
        if self._tell is not None and (abs(share - self._told) >= _STEP or share == 1.0):
            self._told = share
            self._tell(done, total)

    def advance(self, steps: int) -> None:
        """Tell that so many more steps are done; `total` grows where they become more. Raises `Cancelled`."""
        self._done += steps
        self._total = max(self._total, self._done)
        self.say(self._done, self._total)

    def over(self, items: Collection[T]) -> Iterator[T]:
        """The items, one after the other; each is told as done when the next one is asked for. Raises `Cancelled`."""
        for done, item in enumerate(items, start=1):
            yield item
            self.say(done, len(items))

    def part(self, number: int, count: int) -> "Progress":
        """Progress of one part, from 0, of `count` that take about as long each."""
        return Progress(lambda done, total: self.say(number * total + done, count * total), self._is_cancelled)


UNWATCHED = Progress()
"""The progress of work that nobody watches, and nobody cancels."""
