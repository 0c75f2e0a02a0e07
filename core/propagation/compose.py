"""From mask logits to what a run gives: one distribution over the objects per pixel, label maps, soft masks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from core.annotation.soft_mask import STRIDE as SOFT_STRIDE
from core.network.aggregation import aggregate
from core.network.decoder import enlarge
from core.propagation.geometry import STRIDE, Geometry
from core.propagation.memory import Annotation


@dataclass(frozen=True)
class Distribution:
    """Aggregated probabilities at the network's size: planes (K + 1, H, W), background first, then `objects`."""

    objects: tuple[int, ...]
    planes: Tensor


class Composer:
    """Draws frames of one geometry on one device."""

    def __init__(self, geometry: Geometry, device: torch.device):
        self._geometry, self._device = geometry, device

    def distribution(
        self, logits: Mapping[int, Tensor], annotation: Annotation | None = None, slots: Iterable[int] = ()
    ) -> Distribution:
        """Aggregate objects (paper Sec. 3.4).

        Args:
            logits: per object (H/4, W/4).
            annotation: what was painted on the frame; it takes the place of what was predicted.
            slots: objects that take part though nothing is known of them here: probability 0.
        """
        predicted = tuple(sorted(logits))
        own = torch.zeros(len(predicted), *self._geometry.padded, device=self._device)
        for plane, o in zip(own, predicted, strict=True):
            plane.copy_(torch.sigmoid(enlarge(logits[o].to(self._device)[None, None], 4))[0, 0])
        found = Distribution(predicted, aggregate(own))
        return found if annotation is None else self._paint_over(found, annotation, slots)

    def _paint_over(self, found: Distribution, annotation: Annotation, slots: Iterable[int]) -> Distribution:
        """What was painted takes the place of what was predicted, and all is aggregated again."""
        given = sorted(annotation.objects)
        painted = self._geometry.masks(annotation.labels, given, self._device)
        objects = tuple(sorted({*given, *found.objects, *slots}))
        planes = torch.zeros(len(objects), *self._geometry.padded, device=self._device)
        planes[[objects.index(o) for o in found.objects]] = found.planes[1:]
        planes[:, painted.amax(0) > 0.5] = 0
        planes[[objects.index(o) for o in given]] = painted
        return Distribution(objects, aggregate(planes))

    def labels(self, distribution: Distribution, annotation: Annotation | None = None) -> np.ndarray:
        """Label map uint8 (H, W) at the footage's size: the likeliest of background and objects, the first of equals.

        Where `annotation` speaks, its pixels are copied, and its objects are nowhere else.
        """
        best = self._geometry.restore(distribution.planes[0])
        labels = torch.zeros(best.shape, dtype=torch.uint8, device=self._device)
        for o, plane in zip(distribution.objects, distribution.planes[1:], strict=True):
            if annotation is not None and o in annotation.objects:
                continue
            plane = self._geometry.restore(plane)
            better = plane > best
            labels[better] = o
            best = torch.where(better, plane, best)
        found = labels.cpu().numpy()
        if annotation is None:
            return found
        painted = annotation.labels
        return np.where(painted > 0, painted, found)

    def soft(self, distribution: Distribution, annotation: Annotation | None = None) -> dict[int, np.ndarray]:
        """Probability per object, uint8 (H, W), 255 = 1, at the footage's size; exactly 0 or 255 where annotated."""
        soft = {}
        painted = None if annotation is None else annotation.labels
        for o, plane in zip(distribution.objects, distribution.planes[1:], strict=True):
            if annotation is not None and o in annotation.objects:
                soft[o] = np.where(painted == o, np.uint8(255), np.uint8(0))
                continue
            image = (self._geometry.restore(plane) * 255).round().to(torch.uint8).cpu().numpy()
            soft[o] = image if annotation is None else np.where(painted > 0, np.uint8(0), image)
        return soft

    def small(self, logits: Mapping[int, Tensor]) -> dict[int, np.ndarray]:
        """Aggregated probability per object on the decoder's own grid, uint8 (H/4, W/4), 255 = 1, padding included."""
        if not logits:
            return {}
        objects = tuple(sorted(logits))
        planes = aggregate(torch.sigmoid(torch.stack([logits[o].to(self._device) for o in objects])))[1:]
        levels = (planes * 255).round().to(torch.uint8).cpu().numpy()
        return dict(zip(objects, levels, strict=True))

    def plane(self, logits: Tensor) -> Tensor:
        """Aggregated probability (H, W) of one object by itself, from logits (H/4, W/4)."""
        return self.distribution({1: logits}).planes[1]

    def covers(self, planes: Tensor) -> Tensor:
        """Masks or probabilities (K, H, W) as the share of each memory position that they cover, float32 (K, h w)."""
        return F.avg_pool2d((planes > 0.5).float().unsqueeze(1), STRIDE).flatten(1)

    def small_covers(self, logits: Mapping[int, Tensor]) -> dict[int, tuple[Tensor, float]]:
        """Per object the probability of each memory position, float32 (h w,), and how many of them its mask covers."""
        if not logits:
            return {}
        objects = tuple(sorted(logits))
        planes = aggregate(torch.sigmoid(torch.stack([logits[o] for o in objects])))[1:]
        shares = F.avg_pool2d(planes.unsqueeze(1), STRIDE // SOFT_STRIDE).flatten(1)
        areas = ((planes > 0.5).flatten(1).sum(1) / (STRIDE // SOFT_STRIDE) ** 2).tolist()
        return {o: (share, area) for o, share, area in zip(objects, shares, areas, strict=True)}


def blend(forward: Tensor | None, backward: Tensor | None, forward_share: float) -> Tensor:
    """One object's logits from those of two passes: the mean of the probabilities, weighted; either may be missing."""
    if forward is None or backward is None:
        return backward if forward is None else forward
    p = forward_share * torch.sigmoid(forward.to(backward.device)) + (1 - forward_share) * torch.sigmoid(backward)
    return torch.logit(p, eps=1e-7)
