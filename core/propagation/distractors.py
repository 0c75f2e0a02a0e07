"""Distractors: what looks like an object on a frame where a person marked it, and is something else.

They are looked for once on each annotated frame (`core.propagation.distractor_search`), and followed like objects,
unseen, so as not to be taken for the object.
"""

import cv2
import numpy as np
import torch
from torch import Tensor

from core.network.aggregation import aggregate
from core.propagation.presence import ABSENT_LOGIT

SURE, POSSIBLE = 0.5, 0.3
"""Probabilities: a distractor is what is above the first, and what is above the second within reach of that."""

REACH = 0.25
"""The reach, in diagonals of the box around the object."""

SMALLEST = 0.1
"""Share of the object's area that is the least to be taken, or followed, for a distractor."""

LARGEST = 0.5
"""Share of the frame that is the most: where all looks alike, looking alike says nothing.

All but the last were chosen on the held-out sequences: docs/training-log.md."""


def diagonal(covers: Tensor, width: int) -> float:
    """Diagonal of the box around an object, memory positions.

    Args:
        covers: the share of each memory position that it covers, (h w,), row by row, not all 0. width: w.
    """
    at = torch.nonzero(covers > 0)[:, 0]
    corner = torch.stack([at // width, at % width])
    return float((corner.amax(1) - corner.amin(1)).float().norm())


def distractor(probability: np.ndarray, mask: np.ndarray, size: float) -> np.ndarray:
    """The part of a frame that looks like an object that is elsewhere on it.

    Args:
        probability: of looking like it, float (h, w), 0 to 1. mask: where it is, bool (h, w).
        size: diagonal of the box around it, in pixels of these.

    Returns:
        bool (h, w)
    """
    block = np.ones((3, 3), np.uint8)
    beside = cv2.dilate(mask.astype(np.uint8), block) == 0  # its own outline is nothing else
    sure = cv2.morphologyEx(((probability > SURE) & beside).astype(np.uint8), cv2.MORPH_OPEN, block)
    _, parts, stats, _ = cv2.connectedComponentsWithStats(sure)
    large = np.flatnonzero(stats[:, cv2.CC_STAT_AREA] >= SMALLEST * np.count_nonzero(mask))
    seeds = np.isin(parts, large) & (sure > 0)
    if not seeds.any():
        return seeds
    near = cv2.distanceTransform((~seeds).astype(np.uint8), cv2.DIST_L2, 3) <= REACH * size
    possible = (probability > POSSIBLE) & beside & near
    _, parts = cv2.connectedComponents(possible.astype(np.uint8))
    alike = possible & np.isin(parts, np.unique(parts[seeds]))
    return alike if alike.mean() <= LARGEST else np.zeros_like(alike)


def compete(own: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """Mask logits of an object and of its distractor on D frames, (D, h, w), once they are aggregated as two objects
    are (paper Sec. 3.4).

    They are half of what comes out, for aggregating each by itself doubles them again: where there is no distractor,
    an object's logits stay as they are. Where less is left of a distractor than it takes to be one, it is nowhere:
    once it is out of sight, the network tends to go on with some part of the object.
    """
    planes = aggregate(torch.sigmoid(torch.stack([own, other])))[1:]
    ours, theirs = torch.logit(planes, eps=1e-7) / 2
    areas = [(logits > 0).sum((-2, -1), keepdim=True) for logits in (theirs, own)]
    little = areas[0] < SMALLEST * areas[1]
    return torch.where(little, own, ours), torch.where(little, ABSENT_LOGIT, theirs)
