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


def own_logits(planes: Tensor) -> Tensor:
    """Logits of each object's own probability from the aggregated ones: the inverse of `aggregate`.

    Args:
        planes: aggregated probabilities of K objects, (K, ...), above 0, their sums below 1.

    Returns:
        (K, ...), float32. With one object it is half the logit; with several, the odds o_k are r_k t, where r_k is a
        probability over the background's, and t, the odds of the background, solves t (prod(1 + r_k t) - 1) = 1.
    """
    ratios = torch.log(planes.float() / (1 - planes.float().sum(0)))
    low, high = torch.full_like(ratios[0], -20.0), torch.full_like(ratios[0], 20.0)  # of log t
    for _ in range(30):
        middle = (low + high) / 2
        rest = torch.nn.functional.softplus(ratios + middle).sum(0)
        is_high = middle + torch.log(torch.expm1(rest)) > 0
        low, high = torch.where(is_high, low, middle), torch.where(is_high, middle, high)
    return ratios + high
