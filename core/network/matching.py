"""Memory matching (paper Sec. 3.3): L2 similarity of keys, softmax over the best few, weighted sum of values.

Not the paper's: `localised`, by which memory is read near the place where the frame shows it best.

Keys and values are rows here, one a position: (N, C) for the memory, (Q, C) for the queries. Leading batch
dimensions are allowed where said.
"""

import math
from collections.abc import Callable, Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from core.network.best_few import best_few, first_best, padded
from core.network.constants import made_once

TOP_K = 20
"""Memory positions read per query (paper Sec. 4.1)."""

SIMILARITY_BYTES = {"cpu": 8 * 2**20, "cuda": 512 * 2**20, "mps": 64 * 2**20}
"""Size of the similarity block computed at a time, by device: on a CPU what its caches hold; on a GPU small ones cost
nearly what large ones do."""


def similarity(query: Tensor, memory: Tensor, offset: Tensor | None = None) -> Tensor:
    """Negative squared L2 distance over sqrt(C_k), without the query's own norm, which no softmax over memory sees.

    Args:
        query: (..., Q, C_k). memory: (..., N, C_k). offset: `offsets(memory)`, if it is known already.

    Returns:
        (..., Q, N), float32 whatever comes in: (2 q.k - |k|^2) / sqrt(C_k) (paper Eq. 1; Cheng et al., 2021).
    """
    scale = 1 / math.sqrt(memory.shape[-1])
    with torch.autocast(query.device.type, enabled=False):
        query, memory = query.float(), memory.float()
        offset = (offsets(memory) if offset is None else offset).unsqueeze(-2)
        if memory.dim() == 2:
            return torch.addmm(offset, query, memory.t(), alpha=2 * scale)
        return torch.baddbmm(offset.expand(-1, query.shape[-2], -1), query, memory.mT, alpha=2 * scale)


def offsets(memory: Tensor) -> Tensor:
    """The part of the similarity that is the memory's alone, -|k|^2 / sqrt(C_k): (..., N, C_k) to (..., N), float32."""
    return memory.float().square().sum(-1).mul(-1 / math.sqrt(memory.shape[-1]))


def read_dense(query: Tensor, memory: Tensor, values: Tensor) -> Tensor:
    """Readout with the softmax over all memory, as in training (paper Eq. 1 and 2).

    Args:
        query: (B, Q, C_k). memory: (B, N, C_k). values: (B, N, C_v).

    Returns:
        (B, Q, C_v)
    """
    return similarity(query, memory).softmax(-1).to(values.dtype) @ values


def read_top_k(
    query: Tensor,
    memory: Tensor,
    values: Sequence[Tensor],
    top_k: int = TOP_K,
    block_bytes: int | None = None,
    hidden: Callable[[int, int], Tensor] | None = None,
) -> list[Tensor]:
    """Readout of several objects that share their memory positions: one affinity for all of them.

    Queries go in blocks so that the similarity never takes more than `block_bytes` (SIMILARITY_BYTES); the best `top_k`
    of each query are found along contiguous rows, and only their values are gathered.

    Args:
        query: (Q, C_k). memory: (N, C_k). values: one (N, C_v) per object.
        top_k: how many memory positions a query reads; all of them if there are fewer.
        hidden: for queries from one index up to another the memory positions that they cannot read, bool (q, N); each
            query can read one at least.

    Returns:
        One (Q, C_v) per object.
    """
    k = min(top_k, memory.shape[0])
    rows = rows_of(len(memory), query.device, block_bytes)
    query, memory = query.float(), memory.float()
    readouts: list[list[Tensor]] = [[] for _ in values]
    start = 0
    for scores, wide in _similarities(query, memory, rows, padded(len(memory))):
        if hidden is not None:
            scores.masked_fill_(hidden(start, start + len(scores)), -torch.inf)
        start += len(scores)
        for out, readout in zip(readouts, weighted_sums(values, *best_few(wide, len(memory), k)), strict=True):
            out.append(readout)
    return [joined(parts) for parts in readouts]


def weighted_sums(values: Sequence[Tensor], scores: Tensor, index: Tensor) -> list[Tensor]:
    """Readouts (Q, C_v) from values (N, C_v): of the positions `index` (Q, k), by the softmax over `scores` (Q, k)."""
    weights = scores.softmax(-1).to(values[0].dtype)
    return [_gather(value, index, weights) for value in values]


def localised(
    query: Tensor, memory: Tensor, height: int, width: int, sigma: float, block_bytes: int | None = None
) -> tuple[Tensor, Tensor]:
    """Keys whose similarity is lower the farther a query lies from where the frame shows a memory position best.

    Similarity alone reads an object wherever something looks like it. Here each memory position is first looked up in
    the frame, and then serves queries around that place: a Gaussian kernel on the affinity (Seong et al., Kernelized
    Memory Network, ECCV 2020). As its exponent is a squared distance as well, it comes out as two more channels.

    Args:
        query: (Q, C_k), all positions of one frame of `height` x `width` positions, row by row. memory: (N, C_k).
        sigma: standard deviation of the kernel, positions.

    Returns:
        (Q, C_k + 2) and (N, C_k + 2), for `similarity` and `read_top_k`.
    """
    query, memory = query.float(), memory.float()
    best = _best_queries(query, memory, block_bytes)
    places = places_of(height, width, sigma, query)
    channels = query.shape[-1]
    # similarity will divide by sqrt(C_k + 2): made up for, so that keys weigh as before
    scale = ((channels + 2) / channels) ** 0.25
    return torch.cat([query, places], 1) * scale, torch.cat([memory, places[best]], 1) * scale


def _best_queries(query: Tensor, memory: Tensor, block_bytes: int | None) -> Tensor:
    """For each memory position the query that is most similar to it, int64 (N,)."""
    rows = rows_of(len(query), query.device, block_bytes)
    scores = (of_some for of_some, _ in _similarities(memory, query, rows, len(query)))
    return joined([first_best(of_some) for of_some in scores])


def _similarities(query: Tensor, memory: Tensor, rows: int, columns: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Similarities (q, N) of so many queries at a time, and the same (q, columns) with -inf behind them.

    On a CPU all are written into the same memory, as new memory costs as much as what is written into it; and as one
    product, the offset being one more channel: `addmm` copies it into the result before.
    """
    offset = offsets(memory)
    if query.device.type != "cpu":
        for some in query.split(rows):
            scores = similarity(some, memory, offset)
            yield scores, scores
        return
    block = query.new_empty(min(rows, len(query)), columns)
    block[:, len(memory) :] = -torch.inf
    factors = torch.cat([memory, offset.unsqueeze(-1)], -1).t()
    for some in F.pad(2 / math.sqrt(memory.shape[-1]) * query, (0, 1), value=1.0).split(rows):
        wide = block[: len(some)]
        yield torch.mm(some, factors, out=wide[:, : len(memory)]), wide


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
    return read_top_k(*localised(query, memory, height, width, sigma), values, top_k)


def places_of(height: int, width: int, sigma: float, query: Tensor) -> Tensor:
    """Row and column of each position of a frame, (height width, 2), in units in which a squared distance weighs as one
    of keys does."""
    return math.sqrt(math.sqrt(query.shape[-1]) / 2) / sigma * grid_of(height, width, query.device)


@made_once(8)
def grid_of(height: int, width: int, device: torch.device) -> Tensor:
    """Row and column of each position of a frame, from its middle: float32 (height width, 2), row by row."""
    y, x = (torch.arange(n, dtype=torch.float32, device=device) - n / 2 for n in (height, width))
    return torch.cartesian_prod(y, x)


def best_near(
    query: Tensor,
    memory: Tensor,
    at: Tensor,
    height: int,
    width: int,
    sigma: float,
    top_k: int = TOP_K,
    shown: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """The best memory positions of a few queries: what `read_top_k` reads for them, of keys that `localised` made.

    Only candidates are looked up in the frame: a kernel takes from a similarity and adds nothing, so that no other
    position can be among the best.

    Args:
        query: (Q, C_k), all positions of a frame. memory: (N, C_k). at: int64 (q,), the queries that are meant.
        sigma: as `localised` takes it; 0: no kernel.
        shown: int64 (N,), where the frame shows each memory position best, -1 where that was not looked up; filled in,
            so that the next queries of the same frame need not look again.

    Returns:
        Weights, float32 (q, k), and memory positions, int64 (q, k).
    """
    query, memory, k = query.float(), memory.float(), min(top_k, len(memory))
    own, rows = offsets(query), rows_of(len(memory), query.device)
    scores, index = query.new_empty(len(at), k), at.new_empty(len(at), k)
    places = grid_of(height, width, query.device)
    known = at.new_full((len(memory),), -1) if shown is None else shown
    blocks = _similarities(query[at], memory, rows, padded(len(memory)))
    for some, (_, plain) in zip(torch.arange(len(at), device=at.device).split(rows), blocks, strict=True):
        count, left = (4 * k if sigma else k), torch.arange(len(some), device=at.device)
        while len(left):
            best, found = best_few(plain[left], len(memory), min(count, len(memory)))
            near = best
            if sigma:
                new = found.unique()
                new = new[known[new] < 0]
                known[new] = first_best(similarity(memory[new], query, own))
                apart = places[at[some[left]]].unsqueeze(1) - places[known[found]]
                near = best - apart.square().sum(-1) / (2 * sigma**2)
            top, order = near.topk(k, -1)
            settled = (top[:, -1] >= best[:, -1]) | (count >= len(memory))
            where = some[left[settled]]
            scores[where], index[where] = top[settled], found.gather(1, order)[settled]
            left, count = left[~settled], 4 * count
    return scores.softmax(-1), index


def joined(parts: Sequence[Tensor], dim: int = 0) -> Tensor:
    """The parts one after the other; a single one is not copied."""
    return parts[0] if len(parts) == 1 else torch.cat(list(parts), dim)


def rows_of(columns: int, device: torch.device, block_bytes: int | None = None) -> int:
    """Rows of a block of similarities of so many columns, float32; of `block_bytes`, or as suits the device."""
    if block_bytes is not None:
        return max(1, block_bytes // (4 * columns))
    return max(1, SIMILARITY_BYTES[device.type] // (4 * columns))


def _gather(values: Tensor, index: Tensor, weights: Tensor) -> Tensor:
    """Sum over k of weights[q, k] * values[index[q, k]]: (N, C_v), (Q, k), (Q, k) to (Q, C_v)."""
    if values.device.type == "mps":  # no embedding_bag with weights there
        return (values[index] * weights.unsqueeze(-1)).sum(1)
    return F.embedding_bag(index, values, per_sample_weights=weights, mode="sum")
