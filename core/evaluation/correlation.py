"""Rank correlation, to tell whether a confidence orders frames as their true scores do."""

from collections.abc import Sequence

import numpy as np


def spearman(one: Sequence[float], other: Sequence[float]) -> float:
    """Spearman's rank correlation, -1 to 1: Pearson's of the ranks, equals sharing the mean of theirs.

    Pairs with a NaN are left out. NaN for fewer than two pairs, or where one side is all equal: no order to compare.
    """
    first, second = np.asarray(one, np.float64), np.asarray(other, np.float64)
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError(f"expected two series of one length, got {first.shape} and {second.shape}")
    both = ~(np.isnan(first) | np.isnan(second))
    a, b = (_ranks(values[both]) for values in (first, second))
    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def _ranks(values: np.ndarray) -> np.ndarray:
    """From 0, as floats; equal values get the mean of their ranks."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts + 1) / 2)[place]
