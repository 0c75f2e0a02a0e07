"""What an export will take, guessed from a few of its frames."""

from collections.abc import Callable, Sequence

_SAMPLES = 5


def from_samples(frames: Sequence[int], size_of: Callable[[int], int], samples: int = _SAMPLES) -> int:
    """Bytes of all frames, if `size_of` tells them of some that are spread evenly.

    Args:
        frames: at least one. size_of: the bytes of one frame, by encoding it.
    """
    count = min(samples, len(frames))
    chosen = [frames[round((i + 0.5) * len(frames) / count - 0.5)] for i in range(count)]
    return round(sum(map(size_of, chosen)) / count * len(frames))
