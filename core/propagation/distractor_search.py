"""Search for distractors on a frame of permanent memory, with the network."""

import torch
import torch.nn.functional as F
from torch import Tensor

from core.masks.soft_mask import STRIDE as SOFT_STRIDE
from core.propagation.clip_inference import ClipInference
from core.propagation.composer import Distribution
from core.propagation.distractors import diagonal, distractor
from core.propagation.feature_cache import FrameFeatures
from core.propagation.geometry import STRIDE
from core.propagation.memory import MemoryEntry
from core.propagation.prediction import Track

AROUND, AROUND_AT_LEAST = 0.5, 6.0
"""Radius around a position within which it reads nothing: diagonals of the box around the object; memory positions."""


def find_distractors(
    engine: ClipInference, features: FrameFeatures, marked: Distribution, entry: MemoryEntry
) -> dict[int, Tensor]:
    """Find what looks like the objects of an annotated frame.

    The frame is matched with itself as memory, but for what surrounds each position and is not the object: a
    look-alike's surroundings, and itself, are all that says it is none. The object is read mirrored as well, for
    look-alikes face either way.

    Args:
        features: of the frame, with trunk. marked: the objects on it. entry: the frame as memory of them.

    Returns:
        By the object that they look like, where there is anything: 0 or 1, (H, W).
    """
    planes = marked.planes[1:]
    image = features.trunk[0].flip(-1)
    mirrored = engine.features(image)[0]
    values = engine.values(mirrored, planes.flip(-1))
    rows, columns = features.thin.shape[-2:]
    cells = F.avg_pool2d(planes.unsqueeze(1), SOFT_STRIDE)[:, 0] > 0.5
    taken = cells.any(0).cpu().numpy()
    distractors = {}
    for obj, value, mask in zip(marked.objects, values, cells, strict=True):
        covers = entry.covers[obj]
        if not mask.any():  # it is absent, or too small to look like anything
            continue
        size = diagonal(covers, columns)
        turned = covers.view(rows, columns).flip(1).flatten() > 0
        memory = torch.cat([features.key, mirrored.key[turned]])
        both = torch.cat([entry.values[Track(obj)], value[turned]])
        own = torch.cat([covers > 0, covers.new_ones(len(both) - len(covers), dtype=torch.bool)])
        logits = engine.match_elsewhere(features, memory, both, own, max(AROUND_AT_LEAST, AROUND * size))
        looks = torch.sigmoid(logits).cpu().numpy()
        alike = distractor(looks, mask.cpu().numpy(), size * STRIDE / SOFT_STRIDE) & ~taken
        if alike.any():
            plane = torch.from_numpy(alike).to(planes.device, planes.dtype)
            distractors[obj] = F.interpolate(plane[None, None], scale_factor=SOFT_STRIDE)[0, 0]
    return distractors
