"""L_image + L_clip (paper Sec. 3.6): bootstrapped cross-entropy per frame, dice over whole clips.

A third term is not the paper's: what is found of an object on frames where it is not. Dice over a clip hardly sees it:
a blob of ten pixels costs an absent object all that a hundred do. Then the loss of the marking network.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from core.training.data import IGNORE
from core.training.rollout import ClipPrediction


@dataclass(frozen=True)
class LossTerms:
    """The terms of a loss beside the bootstrapped cross-entropy.

    `clip`: L_clip, the dice over a clip (paper Eq. 5). Not the paper's: `thin`, that thin structures weigh more;
    `absence`, what is found of absent objects.
    """

    clip: bool = True
    thin: bool = True
    absence: bool = True


ALL_TERMS = LossTerms()


def clip_loss(prediction: ClipPrediction, hardest: float, terms: LossTerms = ALL_TERMS) -> Tensor:
    """Loss of one clip, averaged over the batch.

    Args:
        hardest: share of pixels the cross-entropy sees, 0 to 1: the hardest of each frame.
        terms: what is counted beside the cross-entropy.
    """
    labels = prediction.labels.long()
    objects = labels.masked_fill(labels == IGNORE, 0).flatten(1).amax(1)
    weights = 1 + THIN_WEIGHT * thin_structures(labels) if terms.thin else None
    loss = bootstrapped_cross_entropy(prediction.logits, labels, hardest, weights)
    if terms.clip:
        dice = clip_dice_loss(prediction.logits.softmax(1), labels)
        loss = loss + (dice.sum(1) / objects.clamp(min=1)).mean()
    return loss + absence_loss(prediction.logits, labels) if terms.absence else loss


def bootstrapped_cross_entropy(logits: Tensor, labels: Tensor, hardest: float, weights: Tensor | None = None) -> Tensor:
    """Cross-entropy over the hardest pixels of every frame of every sample: (B, K + 1, D, S, S), (B, D, S, S) to ().

    Args:
        weights: factors on the pixels' losses, (B, D, S, S), before the hardest are chosen.
    """
    loss = F.cross_entropy(logits, labels, ignore_index=IGNORE, reduction="none")
    loss = (loss if weights is None else loss * weights).flatten(2)
    count = max(1, int(hardest * loss.shape[-1]))
    return loss.topk(count, dim=-1).values.mean() if count < loss.shape[-1] else loss.mean()


THIN_WEIGHT = 1.5
"""Further weight of a pixel of a thin structure in the cross-entropy."""


def thin_structures(labels: Tensor) -> Tensor:
    """Pixels where an object, or the gap between two parts of one, is thinner than 5 pixels, and a pixel around it.

    Args:
        labels: (B, D, S, S).

    Returns:
        Float (B, D, S, S), 0 or 1: what a morphological opening (of objects) or closing (of gaps) would change.
    """
    seen = labels != IGNORE
    mask = (labels > 0) & seen
    opened = _dilated(~_dilated(~mask, 2), 2)
    closed = ~_dilated(~_dilated(mask, 2), 2)
    return (_dilated(closed & ~opened, 1) & seen).float()


def _dilated(mask: Tensor, radius: int) -> Tensor:
    """Dilation of bool (..., H, W) by a square of 2 * radius + 1 pixels; nothing comes in from beyond the border.

    Row by row and column by column: a tenth of what `max_pool2d` takes on a CPU.
    """
    for dim in (-1, -2):
        grown = mask.clone()
        for shift in range(1, radius + 1):
            rest = mask.shape[dim] - shift
            grown.narrow(dim, shift, rest).logical_or_(mask.narrow(dim, 0, rest))
            grown.narrow(dim, 0, rest).logical_or_(mask.narrow(dim, shift, rest))
        mask = grown
    return mask


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


ABSENCE_PIXELS = 0.002
"""Share of a frame's pixels by which an absent object is judged: its likeliest ones, 131 of 256 x 256."""


def absence_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of absent objects at their likeliest pixels, -log(1 - p), summed over objects, mean over frames.

    Args:
        logits: aggregated, (B, K + 1, D, S, S). labels: (B, D, S, S).

    Returns:
        (); 0 where every object is on every frame.
    """
    present = torch.stack([(labels == k).flatten(2).any(-1) for k in range(1, logits.shape[1])], 1)
    probabilities = logits.softmax(1)[:, 1:].masked_fill((labels == IGNORE).unsqueeze(1), 0).flatten(3)
    likeliest = probabilities.topk(max(1, int(ABSENCE_PIXELS * probabilities.shape[-1])), dim=-1).values
    loss = -torch.log1p(-likeliest.clamp(max=1 - 1e-6)).mean(-1)
    return (loss * ~present).sum(1).mean()


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
