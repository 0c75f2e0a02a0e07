"""L_image + L_clip (paper Sec. 3.6): bootstrapped cross-entropy per frame, dice over whole clips."""

import torch
import torch.nn.functional as F
from torch import Tensor

from core.training.data import IGNORE
from core.training.rollout import ClipPrediction


def clip_loss(prediction: ClipPrediction, hardest: float) -> Tensor:
    """Loss of one clip, averaged over the batch.

    Args:
        hardest: share of pixels the cross-entropy sees, 0 to 1: the hardest of each frame.
    """
    labels = prediction.labels.long()
    objects = labels.masked_fill(labels == IGNORE, 0).flatten(1).amax(1)
    image = bootstrapped_cross_entropy(prediction.logits, labels, hardest)
    dice = clip_dice_loss(prediction.logits.softmax(1), labels)
    return image + (dice.sum(1) / objects.clamp(min=1)).mean()


def bootstrapped_cross_entropy(logits: Tensor, labels: Tensor, hardest: float) -> Tensor:
    """Cross-entropy over the hardest pixels of every frame of every sample: (B, K + 1, D, S, S), (B, D, S, S) to ()."""
    loss = F.cross_entropy(logits, labels, ignore_index=IGNORE, reduction="none").flatten(2)
    count = max(1, int(hardest * loss.shape[-1]))
    return loss.topk(count, dim=-1).values.mean() if count < loss.shape[-1] else loss.mean()


def clip_dice_loss(probabilities: Tensor, labels: Tensor) -> Tensor:
    """1 - Dice per sample and object, sums over the whole clip, V-Net's form (paper Eq. 5; Milletari et al., 2016).

    Args:
        probabilities: aggregated, (B, K + 1, D, S, S). labels: (B, D, S, S).

    Returns:
        (B, K); an object that is nowhere in the clip counts by what is wrongly found of it.
    """
    seen = (labels != IGNORE).unsqueeze(1)
    truth = torch.stack([labels == k for k in range(1, probabilities.shape[1])], 1).float()
    p = (probabilities[:, 1:] * seen).flatten(2)
    g = truth.flatten(2)
    return 1 - (2 * (p * g).sum(-1) + 1) / (p.square().sum(-1) + g.sum(-1) + 1)
