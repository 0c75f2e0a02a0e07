"""The best few of each column of a large matrix, exactly, without sorting through all of it, or even keeping it.

Rows are cut into groups. Of the maxima of groups the `k` largest are found, and only into these groups is looked: no
other can hold one of the `k` largest.
"""

import warnings

import numpy as np
import torch
from torch import Tensor

FINE = 8
"""Rows in a group."""

COARSE = 4
"""Groups in one whose maximum is looked at first."""

GROUP = FINE * COARSE
"""What the number of rows must be a multiple of."""

# `products` makes one, of which PyTorch says so once.
warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta", UserWarning)


def best_groups(maxima: Tensor, k: int) -> Tensor:
    """The `k` groups with the largest maxima: float32 (G, C) to int64 (C, k), ascending; all where there are fewer."""
    coarse = maxima.view(-1, COARSE, maxima.shape[1]).amax(1).t()
    groups = members(largest(coarse.contiguous(), k), COARSE)
    return groups.gather(1, largest(maxima.t().gather(1, groups), k))


def members(groups: Tensor, size: int) -> Tensor:
    """What is in groups of `size`: int64 (C, k) to (C, k size)."""
    return (groups.unsqueeze(2) * size + torch.arange(size)).flatten(1)


def products(one: Tensor, other: Tensor, places: Tensor) -> Tensor:
    """Products of each row of (C, K) with some rows of (R, K): of those at int64 (C, n), ascending; (C, n)."""
    count = places.numel()
    starts = torch.arange(0, count + 1, places.shape[1])
    pattern = torch.sparse_csr_tensor(
        starts, places.flatten(), one.new_zeros(count), (len(one), len(other)), check_invariants=False
    )
    return torch.sparse.sampled_addmm(pattern, one, other.t(), beta=0.0).values().view(places.shape)


def largest(scores: Tensor, k: int) -> Tensor:
    """Columns of the `k` largest numbers of each row, (R, W) to int64 (R, k), ascending; any of equal ones, and all
    where there are fewer.

    They are found by the value of the `k`th, without a search that carries indices.
    """
    numbers = scores.numpy()
    rows, width = numbers.shape
    if width <= k:
        return torch.arange(width).expand(rows, -1)
    reached = numbers >= np.partition(numbers, width - k, axis=1)[:, width - k, None]
    places = np.flatnonzero(reached)
    ends = places.reshape(rows, k)[:, [0, -1]] // width if len(places) == rows * k else None
    if ends is None or (ends != np.arange(rows)[:, None]).any():  # numbers are equal, or are none
        unsettled = np.flatnonzero(np.count_nonzero(reached, axis=1) != k)
        some = np.zeros((len(unsettled), width), bool)
        np.put_along_axis(some, np.argpartition(numbers[unsettled], width - k, axis=1)[:, width - k :], True, 1)
        reached[unsettled] = some
        places = np.flatnonzero(reached)
    return torch.from_numpy(places.reshape(rows, k) % width)


def first_best(scores: Tensor) -> Tensor:
    """Column of the largest number of each row, the first of equal ones: (R, W) to int64 (R,)."""
    if not holds_numbers_here(scores):
        return scores.argmax(-1)
    return torch.from_numpy(scores.numpy().argmax(-1))  # which takes a tenth of the time of PyTorch's


def holds_numbers_here(scores: Tensor) -> bool:
    """Whether it is a plain tensor of a CPU: others may only count operations, and hold no numbers."""
    return scores.device.type == "cpu" and type(scores) is Tensor
