"""Composer of masks: from mask logits one distribution over the objects per pixel, label maps, soft masks."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from core.masks.soft_mask import STRIDE as SOFT_STRIDE
from core.network.aggregation import aggregate
from core.network.decoder import enlarge
from core.propagation.confidence import NOISE
from core.propagation.geometry import STRIDE, Geometry
from core.propagation.memory import Annotation


@dataclass(frozen=True)
class Distribution:
    """Aggregated probabilities at the network's size: planes (K + 1, H, W), background first, then `objects`; of
    several frames (K + 1, D, H, W)."""

    objects: tuple[int, ...]
    planes: Tensor

    def of_frame(self, place: int) -> "Distribution":
        """The distribution of one of several frames."""
        return Distribution(self.objects, self.planes[:, place])


class Composer:
    """Draws frames of one geometry on one device. All tensors are there; "..." is nothing, or D frames."""

    def __init__(self, geometry: Geometry, device: torch.device):
        self._geometry, self._device = geometry, device

    def aggregate(
        self, logits: Mapping[int, Tensor], annotation: Annotation | None = None, slots: Iterable[int] = ()
    ) -> Distribution:
        """Aggregate objects (paper Sec. 3.4).

        Args:
            logits: per object (..., H/4, W/4).
            annotation: of a single frame, what was painted on it; it takes the place of what was predicted.
            slots: objects that take part though nothing was predicted of them here: probability 0.
        """
        predicted = tuple(sorted(logits))
        frames = logits[predicted[0]].shape[:-2] if predicted else ()
        own = torch.zeros(len(predicted), *frames, *self._geometry.padded, device=self._device)
        for plane, o in zip(own, predicted, strict=True):
            small = logits[o].view(1, -1, *logits[o].shape[-2:])
            plane.copy_(torch.sigmoid(enlarge(small, 4)).view_as(plane))
        distribution = Distribution(predicted, aggregate(own))
        return distribution if annotation is None else self._paint_over(distribution, annotation, slots)

    def _paint_over(self, predicted: Distribution, annotation: Annotation, slots: Iterable[int]) -> Distribution:
        """Put what was painted in the place of what was predicted, and aggregate again."""
        annotated = sorted(annotation.objects)
        painted = self._geometry.masks(annotation.labels, annotated, self._device)
        objects = tuple(sorted({*annotated, *predicted.objects, *slots}))
        planes = torch.zeros(len(objects), *self._geometry.padded, device=self._device)
        for o, plane in zip(predicted.objects, predicted.planes[1:], strict=True):
            planes[objects.index(o)] = plane
        planes[:, painted.amax(0) > 0.5] = 0
        for o, plane in zip(annotated, painted, strict=True):
            planes[objects.index(o)] = plane
        return Distribution(objects, aggregate(planes))

    def labels(self, distribution: Distribution, without: Container[int] = ()) -> Tensor:
        """Label map uint8 (..., H, W) at the footage's size: the likeliest of background and objects, the first of
        equals; objects `without` which it is are left out."""
        best = self._geometry.restore(distribution.planes[0])
        labels = torch.zeros(best.shape, dtype=torch.uint8, device=self._device)
        for o, plane in zip(distribution.objects, distribution.planes[1:], strict=True):
            if o in without:
                continue
            plane = self._geometry.restore(plane)
            better = plane > best
            labels.masked_fill_(better, o)
            best = torch.where(better, plane, best)
        return labels

    def soft(self, distribution: Distribution, without: Container[int] = ()) -> dict[int, Tensor]:
        """Probability per object, but for those `without`, uint8 (..., H, W), 255 = 1, at the footage's size."""
        drawn = zip(distribution.objects, distribution.planes[1:], strict=True)
        return {o: (self._geometry.restore(p) * 255).round().to(torch.uint8) for o, p in drawn if o not in without}

    def small(self, logits: Mapping[int, Tensor]) -> Tensor:
        """Aggregated probability of objects, ascending, on the decoder's own grid, uint8 (K, ..., H/4, W/4), 255 = 1,
        padding included."""
        planes = aggregate(torch.sigmoid(torch.stack([logits[o] for o in sorted(logits)])))[1:]
        return (planes * 255).round().to(torch.uint8)

    def plane(self, logits: Tensor) -> Tensor:
        """Aggregated probability (H, W) of one object by itself, from logits (H/4, W/4)."""
        return self.aggregate({1: logits}).planes[1]

    def covers(self, distribution: Distribution) -> Tensor:
        """Share of each memory position of a frame that the mask of each object covers, float32 (K, h w)."""
        return F.avg_pool2d(drawn_masks(distribution.planes).float().unsqueeze(1), STRIDE).flatten(1)

    def small_covers(self, logits: Mapping[int, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Of each object on D frames, in the order of `logits`: the probability of each memory position, float32
        (K, D, h w); how many positions its mask covers, (K, D); and the IoU that the mask is expected to have, (K, D),
        as `core.propagation.confidence.Mask` has it."""
        distribution = aggregate(torch.sigmoid(torch.stack(list(logits.values()))))
        planes, drawn = distribution[1:], drawn_masks(distribution)
        shares = F.avg_pool2d(planes, STRIDE // SOFT_STRIDE).flatten(2)
        covered = drawn.flatten(2).sum(2) / (STRIDE // SOFT_STRIDE) ** 2
        inner, mask = self._geometry.crop_small(planes), self._geometry.crop_small(drawn)
        likely = inner * (inner >= NOISE)
        area, inside, all_of_it = (plane.flatten(2).sum(2) for plane in (mask, inner * mask, likely))
        return shares, covered, inside / (area + all_of_it - inside).clamp(min=1e-6)


def drawn_masks(planes: Tensor) -> Tensor:
    """Masks as they are drawn of K objects, bool (K, ...), of a distribution (K + 1, ...), background first: a pixel is
    the likeliest object's, however unlikely that is, if background is less likely still."""
    best = planes.amax(0)
    return (planes[1:] == best) & (planes[0] < best)
