"""Losses of the marking network."""

import torch.nn.functional as F
from torch import Tensor

from core.training.data import IGNORE

_EASY = 0.1
"""Weight of pixels that are certain and right; the weight of others is the probability of being wrong more."""


def marking_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """Cross-entropy weighted by how wrong a pixel is, normalised per mask, and dice: mean over masks, ().

    Args:
        logits: (N, H, W). truth: uint8 (N, H, W), 1 inside, 255 unknown.
    """
    seen = (truth != IGNORE).float().flatten(1)
    target = (truth == 1).float().flatten(1)
    flat = logits.flatten(1)
    p = flat.sigmoid()
    wrong = (p.detach() - target).abs()
    weight = (wrong + _EASY) * seen
    entropy = F.binary_cross_entropy_with_logits(flat, target, reduction="none")
    cross = (weight * entropy).sum(1) / seen.sum(1).clamp(min=1)
    p = p * seen
    dice = 1 - (2 * (p * target).sum(1) + 1) / (p.square().sum(1) + (target * seen).sum(1) + 1)
    return (4 * cross + dice).mean()
