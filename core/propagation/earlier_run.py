"""The interrupted run with the same settings that a run goes on with."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from core.network.transfer import upload
from core.propagation.composer import Distribution
from core.propagation.parts import Parts
from core.propagation.prediction import Prediction, Remembered
from core.propagation.presence import UNSETTLED_LOGIT


class EarlierRun:
    """The frames that it has drawn, as the run that goes on remembers them.

    Args:
        labels: label maps by frame. remembered: `ClipResult.remembered` of some of them.

    Attributes:
        frames: that it has drawn.
    """

    def __init__(self, parts: Parts, labels: Mapping[int, np.ndarray], remembered: Mapping[int, Remembered | None]):
        self._memory, self._geometry, self._device = parts.memory, parts.geometry, parts.engine.device
        self._labels, self._remembered = labels, remembered
        self.frames = frozenset(labels)

    def prediction(self, frame: int) -> Prediction[Tensor]:
        """The prediction that it remembered a frame by; nothing unless that fits this run."""
        kept = self._fitting(frame)
        return kept.with_planes(upload([plane], self._device)[0] for plane in kept.planes)

    def unsettled(self, frame: int) -> frozenset[int]:
        """Objects of which it did not tell memory that they are nowhere on a frame."""
        planes = self._fitting(frame).logits
        return frozenset(obj for obj, plane in planes.items() if (plane == UNSETTLED_LOGIT).all())

    def _fitting(self, frame: int) -> Remembered:
        kept = self._remembered.get(frame)
        if kept is None or not kept.distractors.keys() <= kept.logits.keys() <= set(self._memory.objects):
            return Prediction()
        shape = tuple(n // 4 for n in self._geometry.padded)
        fits = all(p.dtype == np.float32 and p.shape == shape and np.isfinite(p).all() for p in kept.planes)
        return kept if fits else Prediction()

    def distribution(self, frame: int, objects: tuple[int, ...]) -> Distribution:
        """A frame as its label map has it, of these objects."""
        planes = self._geometry.masks(self._labels[frame], objects, self._device)
        return Distribution(objects, torch.cat([1 - planes.sum(0, keepdim=True), planes]))
