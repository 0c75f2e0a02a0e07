"""The best few of each row of a large matrix, exactly, without sorting through all of it."""

import numpy as np
import torch
from torch import Tensor

GROUP = 15
"""Columns in a group. They lie apart: neighbours are often good together, and would crowd into few groups."""

WORTH = 6
"""Groups for each number wanted, from which on groups pay."""


def padded(columns: int) -> int:
    """The width of a matrix that can be cut into whole groups."""
    return -(-columns // GROUP) * GROUP


def best_few(scores: Tensor, columns: int, k: int) -> tuple[Tensor, Tensor]:
    """The `k` largest of each row, descending, and where they are: the values that `topk` gives.

    On a CPU only the `k` groups with the largest maxima are looked into: no other can hold one of the `k` largest. A
    row where equal numbers leave a choice is sorted whole.

    Args:
        scores: float32 (R, W); behind the first `columns` columns -inf. W: `padded(columns)` for the groups to be used.
        k: at most `columns`.

    Returns:
        values float32 (R, k), columns int64 (R, k).
    """
    if not _holds_numbers_here(scores) or scores.shape[1] % GROUP or columns < WORTH * k * GROUP:
        return scores[:, :columns].topk(k, dim=-1)
    groups = scores.view(len(scores), GROUP, -1)  # column c is member c // N of group c % N, of N groups
    best_groups, settled = _largest(groups.amax(1), k)
    members = groups.gather(2, best_groups.unsqueeze(1).expand(-1, GROUP, -1)).flatten(1)
    places, surely = _largest(members, k)
    values, order = members.gather(1, places).sort(1, descending=True)
    places = places.gather(1, order)
    index = places // k * groups.shape[2] + best_groups.gather(1, places % k)
    if not (settled & surely).all():
        again = torch.from_numpy(~(settled & surely))
        values[again], index[again] = scores[again, :columns].topk(k, dim=-1)
    return values, index


def _largest(scores: Tensor, k: int) -> tuple[Tensor, np.ndarray]:
    """Columns (R, k) of the `k` largest of each row, ascending, and of each row, (R,), whether just `k` reach the `k`th
    largest number: where they do not, as numbers are equal or are none, the columns are any."""
    numbers = scores.numpy()
    rows, width = numbers.shape
    reached = numbers >= np.partition(numbers, width - k, axis=1)[:, width - k, None]
    places = np.flatnonzero(reached)
    settled = np.ones(rows, bool)
    ends = places.reshape(rows, k)[:, [0, -1]] // width if len(places) == rows * k else None
    if ends is None or (ends != np.arange(rows)[:, None]).any():
        settled = np.count_nonzero(reached, axis=1) == k
        reached[~settled] = np.arange(width) < k
        places = np.flatnonzero(reached)
    return torch.from_numpy(places.reshape(rows, k) % width), settled


def first_best(scores: Tensor) -> Tensor:
    """Column of the largest number of each row, the first of equal ones: (R, W) to int64 (R,)."""
    if not _holds_numbers_here(scores):
        return scores.argmax(-1)
    return torch.from_numpy(scores.numpy().argmax(-1))  # which takes a tenth of the time of PyTorch's


def _holds_numbers_here(scores: Tensor) -> bool:
    """Whether it is a plain tensor of a CPU: others may only count operations, and hold no numbers."""
    return scores.device.type == "cpu" and type(scores) is Tensor
