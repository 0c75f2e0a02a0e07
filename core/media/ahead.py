"""Decoding ahead of the work that uses the frames."""

from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from core.media.source import FrameSource

Numbered = tuple[int, np.ndarray]
"""A frame's index and its pixels."""


def read_ahead(source: FrameSource, indices: Iterable[int], depth: int = 8) -> Generator[Numbered, None, None]:
    """Read frames in the given order, up to `depth` of them ahead, on a thread of its own.

    Args:
        source: the footage.
        indices: frame indices, in any order; taken lazily.
        depth: how many frames, at least 1, are held ready beyond the one asked for; no more are in memory.

    Yields:
        (index, pixels): as `source.read` gives them.

    Raises:
        Whatever `source.read` raised, when its frame is asked for. The thread ends with the iterator: when that is
        exhausted, closed, or dropped.
    """
    if depth < 1:
        raise ValueError(f"depth is {depth}, but at least one frame must be read ahead.")
    return _read_ahead(source, indices, depth)


def _read_ahead(source: FrameSource, indices: Iterable[int], depth: int) -> Generator[Numbered, None, None]:
    waiting: deque[tuple[int, Future[np.ndarray]]] = deque()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="read-ahead") as thread:
        try:
            for index in indices:
                waiting.append((index, thread.submit(source.read, index)))
                if len(waiting) > depth:
                    yield _taken(waiting)
            while waiting:
                yield _taken(waiting)
        finally:
            for _, future in waiting:
                future.cancel()


def _taken(waiting: deque[tuple[int, Future[np.ndarray]]]) -> Numbered:
    index, future = waiting.popleft()
    return index, future.result()
