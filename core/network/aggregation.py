"""Soft aggregation (paper Sec. 3.4; Oh et al., 2018): masks of several objects become one distribution per pixel."""

import torch
from torch import Tensor

EPSILON = 1e-7


def aggregation_logits(probabilities: Tensor, dim: int = 0) -> Tensor:
    """Logits over background and objects whose softmax is the aggregated distribution.

    Args:
        probabilities: (..., K, ...), each object's own probability, 0 to 1, objects along `dim`.

    Returns:
        (..., K + 1, ...), background first; float32.
    """
    p = probabilities.float()
    background = torch.prod(1 - p, dim, keepdim=True)
    q = torch.cat([background, p], dim).clamp(EPSILON, 1 - EPSILON)
    return torch.log(q / (1 - q))


def aggregate(probabilities: Tensor, dim: int = 0) -> Tensor:
    """Aggregated distribution over background and objects; shapes as in `aggregation_logits`."""
    return aggregation_logits(probabilities, dim).softmax(dim)
