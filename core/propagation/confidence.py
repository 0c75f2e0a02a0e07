"""How sure a prediction is of an object on a frame: the mean margin."""

import torch
import torch.nn.functional as F
from torch import Tensor

RIM = 4
"""Pixels of the network's input: one cell of the decoder's output."""

_STEP = 2  # pixels: a grid twice as fine as the decoder's shows all there is, in a quarter of the time


def mean_margins(planes: Tensor) -> Tensor:
    """Mean margin of each object, 0 (undecided) to 1 (certain), float32 (K,).

    The margin of a pixel is the distance between the object's probability and the largest of the others': how far the
    pixel is from changing sides. It is averaged over the object's region, where its own probability is the largest, and
    a rim of `RIM` pixels around that, on the other side of the outline. An object whose region is empty has
    1 - its largest probability: sure of being absent where that is low.

    Args:
        planes: aggregated probabilities (K + 1, H, W), background first, as in `Distribution`.
    """
    planes = planes[:, ::_STEP, ::_STEP]
    best, second = planes[0], torch.zeros_like(planes[0])
    for plane in planes[1:]:
        second = torch.maximum(second, torch.minimum(best, plane))
        best = torch.maximum(best, plane)
    margins = [_mean_margin(plane, best, second) for plane in planes[1:]]
    return torch.stack(margins).float() if margins else planes.new_zeros(0)


def _mean_margin(plane: Tensor, best: Tensor, second: Tensor) -> Tensor:
    inside = plane >= best
    around = _grow(inside)
    margin = torch.where(inside, best - second, best - plane)  # outside, the largest of the others is the best of all
    mean = (margin * around).sum() / around.sum().clamp(min=1)
    return torch.where(inside.any(), mean, 1 - plane.max())


def _grow(region: Tensor) -> Tensor:
    """A region bool (H, W) of the grid and what lies within `RIM` pixels of it along rows and columns, float32."""
    rim = RIM // _STEP
    grown = F.max_pool2d(region.float()[None, None], (2 * rim + 1, 1), 1, (rim, 0))
    return F.max_pool2d(grown, (1, 2 * rim + 1), 1, (0, rim))[0, 0]
