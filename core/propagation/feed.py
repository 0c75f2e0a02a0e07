"""The frames of a pass, decoded ahead in the order they will be asked for."""

from collections.abc import Sequence
from types import TracebackType

import numpy as np

from core.media.ahead import read_ahead
from core.media.source import FrameSource

READ_AHEAD_BYTES = 256 * 2**20
"""Most memory that frames read ahead may take."""


class FrameFeed:
    """Reads frames of `source`; those in `expected` come ready when they are asked for in that order, two clips of
    `interval` frames ahead: while one is predicted, all of the next are decoded."""

    def __init__(self, source: FrameSource, expected: Sequence[int], interval: int):
        self._source = source
        self._expected = iter(expected)
        self._next = next(self._expected, None)
        self._ahead = read_ahead(source, expected, depth(source.size, interval))

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


def depth(size: tuple[int, int], interval: int) -> int:
    """Number of frames of footage of that size, (H, W), that are read ahead."""
    height, width = size
    return max(1, min(max(8, 2 * interval + 2), READ_AHEAD_BYTES // (3 * height * width)))
