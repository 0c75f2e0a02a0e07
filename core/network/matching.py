"""Memory matching (paper Sec. 3.3): L2 similarity of keys, softmax over the best few, weighted sum of values.

Not the paper's: `localised`, by which memory is read near the place where the frame shows it best.

Keys and values are rows here, one a position: (N, C) for the memory, (Q, C) for the queries. Leading batch
dimensions are allowed where said.
"""

import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from core.network.best_few import FINE, GROUP, best_groups, first_best, holds_numbers_here, largest, members, products
from core.network.constants import made_once

TOP_K = 20
"""Memory positions read per query (paper Sec. 4.1)."""

SIMILARITY_BYTES = {"cpu": 16 * 2**20, "cuda": 512 * 2**20, "mps": 64 * 2**20}
"""Most that similarities take at a time, by device: on a GPU small blocks cost nearly what large ones do; on a CPU only
maxima of groups of them are kept for long."""

STRIP_BYTES = 2 * 2**20
"""Size of the similarities that a thread of a CPU computes and searches at a time: what its own cache nearly holds, for
threads wait for each other twice a strip."""

WORTH = 6
"""How many times as many memory positions as are looked into there must be for groups of them to pay."""


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

    Args:
        query: (Q, C_k). memory: (N, C_k). values: one (N, C_v) per object.
        top_k: how many memory positions a query reads; all of them if there are fewer.
        block_bytes: most that similarities take at a time; SIMILARITY_BYTES, if None.
        hidden: for queries from one index up to another the memory positions that they cannot read, bool (q, N); each
            query can read one at least.

    Returns:
        One (Q, C_v) per object.
    """
    k = min(top_k, len(memory))
    query, memory = query.float(), memory.float()
    if hidden is None and _groups_pay(query, memory, k):
        return weighted_sums(values, *_best_few(query, memory, k, block_bytes=block_bytes))
    rows, offset = rows_of(len(memory), query.device, block_bytes), offsets(memory)
    readouts: list[list[Tensor]] = [[] for _ in values]
    for start in range(0, len(query), rows):
        scores = similarity(query[start : start + rows], memory, offset)
        if hidden is not None:
            scores.masked_fill_(hidden(start, start + len(scores)), -torch.inf)
        for out, readout in zip(readouts, weighted_sums(values, *scores.topk(k, -1)), strict=True):
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
    query, memory, own = query.float(), memory.float(), offsets(query)
    blocks = memory.split(rows_of(len(query), query.device, block_bytes))
    best = joined([first_best(similarity(some, query, own)) for some in blocks])
    places = places_of(height, width, sigma, query)
    channels = query.shape[-1]
    # similarity will divide by sqrt(C_k + 2): made up for, so that keys weigh as before
    scale = ((channels + 2) / channels) ** 0.25
    return torch.cat([query, places], 1) * scale, torch.cat([memory, places[best]], 1) * scale


def _groups_pay(query: Tensor, memory: Tensor, k: int) -> bool:
    return holds_numbers_here(query) and len(memory) >= WORTH * k * FINE


def _best_few(
    query: Tensor,
    memory: Tensor,
    k: int,
    kernel: tuple[Tensor, Tensor] | tuple[()] = (),
    block_bytes: int | None = None,
) -> tuple[Tensor, Tensor]:
    """The `k` memory positions that are most similar to each query, on a CPU.

    Similarities are computed once, of a strip of memory positions with all queries at a time, and are not kept: where
    the frame shows a position best is searched along its row, what a kernel takes off is taken off in place, and of
    each group of positions the maxima stay. Only those of the best groups are then computed again.

    Args:
        query: float32 (Q, C_k). memory: float32 (N, C_k).
        kernel: what a kernel adds is the product of two rows, (Q, 3) each: of the query that shows a position best, in
            the first tensor, and of the one that reads it, in the second.

    Returns:
        Similarities less the square of the query, float32 (Q, k), and positions, int64 (Q, k), in no order.
    """
    (queries, channels), count = query.shape, len(memory)
    most = SIMILARITY_BYTES["cpu"] if block_bytes is None else block_bytes
    strip = _whole_groups(min(most, STRIP_BYTES * torch.get_num_threads()) // (4 * queries))
    rows = _whole_groups(most // (4 * queries) * FINE)
    # A similarity, less what its kernel takes off, is a product of two rows: keys and both offsets, and three channels.
    keys = channels + 2
    right = torch.cat([query, query.new_ones(queries, 1), offsets(query).unsqueeze(1), *kernel[1:]], 1)
    columns = right.t().contiguous()
    left = memory.new_zeros(-(-count // GROUP) * GROUP, len(columns))
    left[:count, :channels] = 2 / math.sqrt(channels) * memory
    left[:count, channels] = offsets(memory)
    left[count:, channels] = -torch.inf  # what fills up the last group is never read
    left[:count, channels + 1] = 1.0
    block = query.new_empty(min(strip, len(left)), queries)
    maxima = query.new_empty(min(rows, len(left)) // FINE, queries)
    scores, index = query.new_empty(queries, 0), torch.empty(queries, 0, dtype=torch.int64)
    for start in range(0, len(left), rows):
        some = left[start : start + rows]
        best = maxima[: len(some) // FINE]
        for own, out in zip(some.split(strip), best.split(strip // FINE), strict=True):
            similarities = torch.mm(own[:, :keys], columns[:keys], out=block[: len(own)])
            if kernel:
                own[:, keys:] = kernel[0].index_select(0, first_best(similarities))
                similarities.addmm_(own[:, keys:], columns[keys:])
            torch.amax(similarities.view(-1, FINE, queries), 1, out=out)
        places = members(best_groups(best, k), FINE)
        scores = torch.cat([scores, products(right, some, places)], 1)
        index = torch.cat([index, places + start], 1)
        taken = largest(scores, k)
        scores, index = scores.gather(1, taken), index.gather(1, taken)
    return scores, index.clamp_(max=count - 1)


def looked_into_bytes(queries: int, positions: int, top_k: int) -> int:
    """Bytes that looking into the best groups takes at most, on a CPU."""
    return 50 * queries * min(top_k * FINE, positions // WORTH)  # 50: two similarities and three indices, and copies


def _whole_groups(rows: int) -> int:
    return max(GROUP, rows // GROUP * GROUP)


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
    k = min(top_k, len(memory))
    if _groups_pay(query, memory, k):
        kernel = _kernel(height, width, sigma, query.device)
        return weighted_sums(values, *_best_few(query.float(), memory.float(), k, kernel))
    return read_top_k(*localised(query, memory, height, width, sigma), values, top_k)


def places_of(height: int, width: int, sigma: float, query: Tensor) -> Tensor:
    """Row and column of each position of a frame, (height width, 2), in units in which a squared distance weighs as one
    of keys does."""
    return math.sqrt(math.sqrt(query.shape[-1]) / 2) / sigma * grid_of(height, width, query.device)


def _kernel(height: int, width: int, sigma: float, device: torch.device) -> tuple[Tensor, Tensor]:
    """The Gaussian's exponent as `_best_few` takes it, without what is the same for all memory positions."""
    places = grid_of(height, width, device)
    squares = places.square().sum(1, keepdim=True)
    return torch.cat([places / sigma**2, squares / (-2 * sigma**2)], 1), F.pad(places, (0, 1), value=1.0)


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
    offset = offsets(memory)
    for some in torch.arange(len(at), device=at.device).split(rows):
        plain = similarity(query[at[some]], memory, offset)
        count, left = (4 * k if sigma else k), torch.arange(len(some), device=at.device)
        while len(left):
            best, found = plain[left].topk(min(count, len(memory)), -1)
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
