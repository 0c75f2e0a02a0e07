"""The best few of each row of a large matrix, exactly, without sorting through all of it.

What comes out is what `topk` and `argmax` give, to the bit and in their order, also where numbers are equal.
"""

import torch
from torch import Tensor

FINE, COARSE = 6, 10
"""Columns in a small group, and small groups in a large one. A group's columns lie apart: neighbours are often good
together, and would crowd into few groups."""

WORTH = 4
"""Large groups for each one that is looked into, from which on groups pay."""


def padded(columns: int) -> int:
    """The width of a matrix that can be cut into whole groups."""
    return -(-columns // (FINE * COARSE)) * FINE * COARSE


def best_few(scores: Tensor, columns: int, k: int) -> tuple[Tensor, Tensor]:
    """The `k` largest of each row, descending, and where they are.

    On a CPU only groups whose maximum is among the k + 1 largest maxima are looked into: all that is larger than the
    rest lies there. The one more tells whether k are settled by their values; a row where numbers are equal is sorted
    whole.

    Args:
        scores: float32 (R, W); behind the first `columns` columns -inf. W: `padded(columns)` for the groups to be used.
        k: at most `columns`.

    Returns:
        values float32 (R, k), columns int64 (R, k).
    """
    more = k + 1
    whole = scores.shape[1] % (FINE * COARSE) == 0
    if not _holds_numbers_here(scores) or not whole or columns < WORTH * more * FINE * COARSE:
        return scores[:, :columns].topk(k, dim=-1)
    fine = scores.unflatten(1, (FINE, -1))
    maxima = fine.amax(1)
    coarse = maxima.unflatten(1, (COARSE, -1))
    large = coarse.amax(1).topk(more, 1, sorted=False).indices
    _, small = _best_inside(coarse, large, more, is_sorted=False)
    values, index = _best_inside(fine, small, more, is_sorted=True)
    settled = (values[:, :-1] > values[:, 1:]).all(1)
    values, index = values[:, :k].contiguous(), index[:, :k].contiguous()
    if not settled.all():
        unsettled = ~settled
        values[unsettled], index[unsettled] = scores[unsettled, :columns].topk(k, dim=-1)
    return values, index


def _holds_numbers_here(scores: Tensor) -> bool:
    """Whether it is a plain tensor of a CPU: others may only count operations, and hold no numbers."""
    return scores.device.type == "cpu" and type(scores) is Tensor


def _best_inside(groups: Tensor, taken: Tensor, k: int, is_sorted: bool) -> tuple[Tensor, Tensor]:
    """The `k` largest of each row among the groups `taken`, and their columns.

    Args:
        groups: (R, G, N): column c of the row is member c // N of group c % N. taken: (R, M).
    """
    size, count = groups.shape[1], taken.shape[1]
    members = groups.gather(2, taken.unsqueeze(1).expand(-1, size, -1)).flatten(1)
    values, places = members.topk(k, 1, sorted=is_sorted)
    return values, places // count * groups.shape[2] + taken.gather(1, places % count)


def first_best(scores: Tensor) -> Tensor:
    """Column of the largest number of each row, the first of equal ones: (R, W) to int64 (R,)."""
    if not _holds_numbers_here(scores):
        return scores.argmax(-1)
    return torch.from_numpy(scores.numpy().argmax(-1))  # which takes a tenth of the time of PyTorch's
