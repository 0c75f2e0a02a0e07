"""Encoding several frames at once: PNG, JPEG and zlib release Python's lock."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

R = TypeVar("R")


def in_threads(jobs: Iterable[Callable[[], R]], threads: int | None = None) -> Iterator[R]:
    """The jobs' results, in their order.

    Args:
        jobs: taken on the caller's thread, at most two a thread ahead: so what a job is made of (masks of the project,
            frames of the footage) can be read while it is made, and is in memory only a few times.
        threads: None: one a core.

    Raises:
        What a job raised, in its turn. Closing the iterator waits for the jobs under way; the others are dropped.
    """
    threads = threads or os.cpu_count() or 1
    waiting: deque[Future[R]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="export") as pool:
        try:
            for job in jobs:
                waiting.append(pool.submit(job))
                if len(waiting) >= 2 * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
