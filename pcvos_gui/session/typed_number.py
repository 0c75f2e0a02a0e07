"""Numbers of objects, typed one digit after the other."""

import time
from collections.abc import Callable, Iterable

PAUSE = 0.7
"""Seconds between two digits of one number."""


class TypedNumber:
    """Digits that follow each other quickly are one number, as long as one of the `numbers` begins like that."""

    def __init__(self, numbers: Callable[[], Iterable[int]]):
        self._numbers = numbers
        self._typed, self._typed_at = "", 0.0

    def add(self, digit: str) -> int:
        """The number typed with this digit, which may be the beginning of a number only."""
        self._typed = self._typed + digit if self.goes_on_with(digit) else digit
        self._typed_at = time.monotonic()
        return int(self._typed)

    def goes_on_with(self, digit: str) -> bool:
        """Whether this digit belongs to what was typed just now."""
        if not self._typed or time.monotonic() - self._typed_at >= PAUSE:
            return False
        return any(str(number).startswith(self._typed + digit) for number in self._numbers())
