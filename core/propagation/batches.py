"""Batches: how much work is done at a time, and what happens when its memory does not suffice."""

import logging
from collections.abc import Callable
from itertools import pairwise
from typing import TypeVar

import torch

from core.network.devices import is_lack_of_memory, memory_of, release_memory

log = logging.getLogger(__name__)

SHARE = 0.25
"""Share of an accelerator's free memory that one batch may take."""

MOST_BYTES = 4 * 2**30
"""The most that a batch may take: larger ones are no faster."""

SMALLEST_BYTES = 2**20
"""The least that a batch may take: where this does not fit, nothing does."""

Result = TypeVar("Result")


class Batches:
    """Cuts work into batches for a device.

    A CPU takes one item at a time, whose temporaries stay in its caches. On an accelerator a launch costs as much for
    one item as for many: it takes as many as fit into `bytes`.

    Attributes:
        bytes: what the temporaries of a batch may take; 0: one item at a time.
        let_go: called when memory has run out, to free what was kept to be quick; says whether there was anything.
    """

    def __init__(self, device: torch.device):
        self.let_go: Callable[[], bool] = lambda: False
        self._device = device
        free = None if device.type == "cpu" else memory_of(device)[0]
        self.bytes = 0 if free is None else min(MOST_BYTES, int(SHARE * free))

    def split(self, count: int, bytes_each: int) -> list[slice]:
        """Cut `count` items into batches as equal as can be."""
        batches = -(-count // max(1, self.bytes // max(1, bytes_each)))
        cuts = [count * i // batches for i in range(batches + 1)] if batches else []
        return [slice(begin, end) for begin, end in pairwise(cuts)]

    def attempt(self, work: Callable[[], Result]) -> Result:
        """Do `work`, which can be done again: where memory runs out, with what was kept let go, then in ever smaller
        batches.

        Raises:
            What `work` raises; lack of memory once nothing is left to do about it.
        """
        while True:
            try:
                return work()
            except (RuntimeError, MemoryError) as error:
                if not is_lack_of_memory(error) or not self._make_room():
                    raise
            # only here the error is gone, and with it what its frames held
            release_memory(self._device)
            log.info("out of memory: trying again with batches of %d bytes", self.bytes)

    def _make_room(self) -> bool:
        """Let go of what was kept, or make batches smaller; says whether there is hope now."""
        if self.let_go():
            return True
        self.bytes //= 4
        return self.bytes > SMALLEST_BYTES
