"""Plain feature matching: what propagation achieves with ImageNet features and nothing learned for the task.

Labels are carried by the cosine similarity of frozen stride-16 features of a ResNet-18: each position of a frame takes
the softmax-weighted mean of the labels of its 20 nearest neighbours in the first frame and the four frames before.
"""

from collections import deque
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from core.network.config import SMALL
from core.network.imagenet import load_imagenet_trunk
from core.network.key_encoder import KeyEncoder
from core.propagation.geometry import STRIDE, Geometry

TOP_K = 20
RECENT_FRAMES = 4
TEMPERATURE = 0.07


def imagenet_trunk(weights: Path) -> KeyEncoder:
    """The key encoder's trunk with nothing but ImageNet weights, on the CPU."""
    trunk = KeyEncoder(SMALL)
    load_imagenet_trunk(trunk, weights)
    return trunk.eval().requires_grad_(False).to(memory_format=torch.channels_last)


@torch.inference_mode()
def match_labels(trunk: KeyEncoder, frames: np.ndarray, first: np.ndarray, resolution: int | None) -> np.ndarray:
    """Label maps uint8 (T, H, W), from the label map (H, W) of the first of the frames uint8 (T, H, W, 3)."""
    device = torch.device("cpu")
    geometry = Geometry(first.shape, resolution)
    objects = sorted(set(np.unique(first).tolist()) - {0})
    planes = geometry.masks(first, objects, device)
    planes = torch.cat([1 - planes.sum(0, keepdim=True), planes])
    start = (_features(trunk, geometry, frames[0]), _rows(F.avg_pool2d(planes, STRIDE)))
    recent: deque[tuple[Tensor, Tensor]] = deque(maxlen=RECENT_FRAMES)
    labels = [first]
    height, width = (n // STRIDE for n in geometry.padded)
    for frame in frames[1:]:
        query = _features(trunk, geometry, frame)
        keys = torch.cat([start[0], *(k for k, _ in recent)])
        values = torch.cat([start[1], *(v for _, v in recent)])
        best, index = (query @ keys.t()).topk(TOP_K)
        readout = (values[index] * (best / TEMPERATURE).softmax(-1).unsqueeze(-1)).sum(1)
        recent.append((query, readout))
        coarse = readout.t().view(1, -1, height, width)
        fine = F.interpolate(coarse, geometry.padded, mode="bilinear", align_corners=False)[0]
        winner = geometry.restore(fine).argmax(0).numpy()
        labels.append(np.array([0, *objects], np.uint8)[winner])
    return np.stack(labels)


def _features(trunk: KeyEncoder, geometry: Geometry, frame: np.ndarray) -> Tensor:
    """Unit-length features (h w, C) of a frame."""
    return F.normalize(_rows(trunk(geometry.frame(frame, torch.device("cpu"))).f16[0]), dim=1)


def _rows(x: Tensor) -> Tensor:
    return x.flatten(1).t().contiguous()
