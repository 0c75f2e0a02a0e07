"""Memory matching (paper Sec. 3.3): L2 similarity of keys, softmax over the best few, weighted sum of values.

Keys and values are rows here, one a position: (N, C) for the memory, (Q, C) for the queries. Leading batch
dimensions are allowed where said.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

TOP_K = 20
"""Memory positions read per query (paper Sec. 4.1)."""

SIMILARITY_BYTES = 64 * 2**20
"""Size of the similarity block computed at a time."""


def similarity(query: Tensor, memory: Tensor) -> Tensor:
    """Negative squared L2 distance over sqrt(C_k), without the query's own norm, which no softmax over memory sees.

    Args:
        query: (..., Q, C_k). memory: (..., N, C_k).

    Returns:
        (..., Q, N), float32 whatever comes in: (2 q.k - |k|^2) / sqrt(C_k) (paper Eq. 1; Cheng et al., 2021).
    """
    scale = 1 / math.sqrt(memory.shape[-1])
    with torch.autocast(query.device.type, enabled=False):
        query, memory = query.float(), memory.float()
        norms = memory.square().sum(-1).mul(-scale).unsqueeze(-2)
        if memory.dim() == 2:
            return torch.addmm(norms, query, memory.t(), alpha=2 * scale)
        return torch.baddbmm(norms.expand(-1, query.shape[-2], -1), query, memory.mT, alpha=2 * scale)


def read_dense(query: Tensor, memory: Tensor, values: Tensor) -> Tensor:
    """Readout with the softmax over all memory, as in training (paper Eq. 1 and 2).

    Args:
        query: (B, Q, C_k). memory: (B, N, C_k). values: (B, N, C_v).

    Returns:
        (B, Q, C_v)
    """
    return similarity(query, memory).softmax(-1).to(values.dtype) @ values


def read_top_k(
    query: Tensor, memory: Tensor, values: Sequence[Tensor], top_k: int = TOP_K, block_bytes: int = SIMILARITY_BYTES
) -> list[Tensor]:
    """Readout of several objects that share their memory positions: one affinity for all of them.

    Queries go in blocks so that the similarity never takes more than `block_bytes`; the best `top_k` of each query
    are found along contiguous rows, and only their values are gathered.

    Args:
        query: (Q, C_k). memory: (N, C_k). values: one (N, C_v) per object.
        top_k: how many memory positions a query reads; all of them if there are fewer.

    Returns:
        One (Q, C_v) per object.
    """
    k = min(top_k, memory.shape[0])
    rows = max(1, block_bytes // (4 * memory.shape[0]))
    readouts: list[list[Tensor]] = [[] for _ in values]
    for block in query.split(rows):
        scores, index = similarity(block, memory).topk(k, dim=-1)
        weights = scores.softmax(-1)
        for out, value in zip(readouts, values, strict=True):
            out.append(_gather(value, index, weights))
    return [torch.cat(parts) for parts in readouts]


def _gather(values: Tensor, index: Tensor, weights: Tensor) -> Tensor:
    """Sum over k of weights[q, k] * values[index[q, k]]: (N, C_v), (Q, k), (Q, k) to (Q, C_v)."""
    if values.device.type == "mps":  # no embedding_bag with weights there
        return (values[index] * weights.to(values.dtype).unsqueeze(-1)).sum(1)
    return F.embedding_bag(index, values, per_sample_weights=weights.to(values.dtype), mode="sum")
