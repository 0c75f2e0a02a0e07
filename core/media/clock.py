"""Clocks that begin anew: a file joined from several recordings has parts, each with timestamps of its own."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

Parts = tuple[tuple[int, int], ...]
"""For each part its first frame, and the ticks that were added to its timestamps."""

ONE_PART: Parts = ((0, 0),)
_BACK = Fraction(1, 10)  # seconds; what goes back less is jitter


def is_new_part(before: int, now: int, time_base: Fraction) -> bool:
    """Whether of two timestamps of one stream that follow one another the second is of another part."""
    return (before - now) * time_base > _BACK


def in_one_clock(pts: Sequence[int], step: int, time_base: Fraction) -> tuple[np.ndarray, Parts] | None:
    """Timestamps in one clock, each part after the one before.

    Args:
        pts: timestamps of frames, in the order in which they are shown, in units of `time_base`.
        step: how long the last frame of a part is shown.

    Returns:
        (ticks, parts): int64 (N,), ascending; and for each part its first frame and what was added to its timestamps.
        None: within a part they do not ascend.
    """
    ticks = np.empty(len(pts), np.int64)
    parts = [(0, 0)]
    for number, now in enumerate(pts):
        if number and is_new_part(pts[number - 1], now, time_base):
            parts.append((number, int(ticks[number - 1]) + step - now))
        elif number and now <= pts[number - 1]:
            return None
        ticks[number] = now + parts[-1][1]
    return ticks, tuple(parts)
