"""The size of an export, guessed from a few of its frames or of their objects."""

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")

_SAMPLES = 5


def from_samples(frames: Sequence[T], size_of: Callable[[T], int], samples: int = _SAMPLES) -> int:
    """Bytes of all frames (or whatever else there are many of), if `size_of` tells them of some, spread evenly.

    Args:
        frames: at least one. size_of: the bytes of one, by encoding it.
    """
    count = min(samples, len(frames))
    chosen = [frames[round((i + 0.5) * len(frames) / count - 0.5)] for i in range(count)]
    return round(sum(map(size_of, chosen)) / count * len(frames))
