"""The network's input: RGB, normalised as ImageNet's."""

import torch
from torch import Tensor

from core.network.constants import made_once

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


def normalise(frames: Tensor) -> Tensor:
    """uint8 (..., 3, H, W) RGB to float32, zero mean and unit variance over ImageNet."""
    return (frames.float() / 255 - _of_channels(MEAN, frames.device)) / _of_channels(STD, frames.device)


@made_once(16)
def _of_channels(values: tuple[float, ...], device: torch.device) -> Tensor:
    return torch.tensor(values, device=device).view(3, 1, 1)
