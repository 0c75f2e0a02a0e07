"""Reading memory near where a frame shows it best, exactly, with little more than one product of keys.

Looking memory positions up in the frame already compares each of them with each query. The scores of the reading differ
from those by what places add, so that they are known before they are computed, to within rounding. Only what can be
among the best is then computed, as it would have been otherwise: the readout is the same to the bit.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from core.network.best_few import first_best
from core.network.matching import (
    LOOKUP_BYTES,
    TOP_K,
    block_for,
    joined,
    localised,
    offsets,
    places_of,
    read_top_k,
    rows_of,
    similarity,
    weighted_sums,
    with_places,
)

GROUP = 15
"""Memory positions, one behind the other, of which the best score is kept for each query."""

TILE = 48
"""Queries, one behind the other, that are compared with the same groups."""

WORTH = 40
"""Groups for each position that is read, from which on this pays: from about eight frames in memory on, at 480p."""

MOST_BYTES = 64 * 2**20
"""Size of the best scores by group and query; where they take more, everything is computed."""


def read_localised(
    query: Tensor,
    memory: Tensor,
    values: Sequence[Tensor],
    height: int,
    width: int,
    sigma: float,
    top_k: int = TOP_K,
) -> list[Tensor]:
    """Read as `read_top_k` does, of keys that `localised` made; arguments as theirs."""
    if query.device.type != "cpu" or not bytes_by_group(len(query), len(memory), top_k):
        return read_top_k(*localised(query, memory, height, width, sigma), values, top_k)
    query, memory = query.float(), memory.float()
    best, maxima = _looked_up(query, memory, height, width, sigma)
    near = with_places(query, memory, best, places_of(height, width, sigma, query))
    return weighted_sums(values, *_best_positions(*near, maxima, top_k))


def bytes_by_group(queries: int, positions: int, top_k: int) -> int:
    """Size of the best scores by group and query; 0 where everything is computed instead."""
    groups = -(-positions // GROUP)
    size = 4 * groups * queries
    return size if WORTH * (top_k + 1) <= groups and size <= MOST_BYTES else 0


def _looked_up(query: Tensor, memory: Tensor, height: int, width: int, sigma: float) -> tuple[Tensor, Tensor]:
    """Where the frame shows each memory position best, int64 (N,), and for each group of memory positions and query the
    best score that `similarity` of `localised` keys will give, to within rounding and what is the query's alone:
    float32 (N / GROUP, Q)."""
    rows = max(GROUP, rows_of(len(query), LOOKUP_BYTES["cpu"]) // GROUP * GROUP)
    block, offset, own = block_for(memory, rows, len(query)), offsets(query), offsets(memory)
    by_row, by_column = _place_scores(height, width, sigma, query)
    best, maxima = [], []
    for start in range(0, len(memory), rows):
        some = memory[start : start + rows]
        scores = similarity(some, query, offset, None if block is None else block[: len(some)])
        best.append(first_best(scores))
        y, x = best[-1] // width, best[-1] % width
        planes = scores.view(-1, height, width)
        planes += (by_row[y] + own[start : start + len(some), None]).unsqueeze(2)
        planes += by_column[x].unsqueeze(1)
        whole = len(some) // GROUP * GROUP
        maxima.append(scores[:whole].view(-1, GROUP, len(query)).amax(1))
        if whole < len(some):
            maxima.append(scores[whole:].amax(0, keepdim=True))
    return joined(best), joined(maxima)


def _place_scores(height: int, width: int, sigma: float, query: Tensor) -> tuple[Tensor, Tensor]:
    """Scores of rows and of columns that lie apart, (height, height) and (width, width)."""
    places = places_of(height, width, sigma, query).view(height, width, 2)
    scale = -(query.shape[-1] ** -0.5)
    y, x = places[:, 0, 0], places[0, :, 1]
    return scale * (y[:, None] - y).square(), scale * (x[:, None] - x).square()


def _best_positions(query: Tensor, memory: Tensor, maxima: Tensor, top_k: int) -> tuple[Tensor, Tensor]:
    """Scores (Q, k), descending, and memory positions (Q, k) that each query reads.

    The k + 1 best lie in groups whose maximum is no lower than the (k + 1)th best maximum, less what rounding can make
    of it. Where they do not tell the k best, because scores are equal, all memory is searched as ever.

    Args:
        query, memory: localised keys. maxima: as `_looked_up` gives them.
    """
    more, offset = top_k + 1, offsets(memory)
    found = maxima.numpy()
    floor = _floor(maxima, more) - 2 * _rounding(query, memory)
    needed = ~(found < floor)  # what is no number is needed
    starts = np.arange(0, len(query), TILE)
    groups = np.logical_or.reduceat(needed, starts, axis=1)
    all_positions = np.arange(len(groups) * GROUP).reshape(-1, GROUP)
    scores, index = [], []
    for tile, start in enumerate(starts):
        some = query[start : start + TILE]
        positions = torch.from_numpy(all_positions[groups[:, tile]].ravel())
        positions = positions[positions < len(memory)]
        best, places = similarity(some, memory.index_select(0, positions), offset.index_select(0, positions)).topk(
            more, dim=-1
        )
        if (best[:, :-1] > best[:, 1:]).all():
            scores.append(best[:, :top_k])
            index.append(positions[places[:, :top_k]])
        else:
            best, places = similarity(some, memory, offset).topk(top_k, dim=-1)
            scores.append(best)
            index.append(places)
    return torch.cat(scores), torch.cat(index)


def _floor(maxima: Tensor, more: int) -> np.ndarray:
    """For each query a score that `more` groups reach, float32 (Q,): of many groups, several are taken together."""
    together = max(1, len(maxima) // (16 * more))
    count = len(maxima) // together
    coarse = maxima[: together * count].view(together, count, -1).amax(0).t().contiguous()
    return np.partition(coarse.numpy(), -more, axis=1)[:, -more]


def _rounding(query: Tensor, memory: Tensor) -> float:
    """The most by which two ways of computing the same score can differ, both in float32."""
    channels = query.shape[-1]
    largest = (query.square().sum(-1).max() + memory.square().sum(-1).max()).item()
    return 4 * (channels + 8) * 2**-24 * 2 * largest / channels**0.5
