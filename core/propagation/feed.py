"""The frames of a pass, decoded ahead in the order they will be asked for."""

from collections.abc import Iterator, Sequence
from types import TracebackType

import numpy as np

from core.media.ahead import read_ahead
from core.media.source import FrameSource


class FrameFeed:
    """Reads frames of `source`; those in `expected` come ready when they are asked for in that order."""

    def __init__(self, source: FrameSource, expected: Sequence[int]):
        self._source = source
        self._expected = iter(expected)
        self._next = next(self._expected, None)
        self._ahead: Iterator[tuple[int, np.ndarray]] = read_ahead(source, expected)

    def read(self, frame: int) -> np.ndarray:
        """uint8 (H, W, 3) RGB."""
        if frame != self._next:
            return self._source.read(frame)
        _, image = next(self._ahead)
        self._next = next(self._expected, None)
        return image

    def __enter__(self) -> "FrameFeed":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ahead.close()
