"""What a pass has seen of each object lately, and whether it goes on with something else since."""

from collections import deque

import numpy as np
from torch import Tensor

from core.propagation.confidence import confidence, is_seen, peak

LITTLE = 0.3
"""Of `is_gone`: less than this share of what an object covered lately is little."""

AGREEMENT = 0.35
"""Of `is_gone`: a lower IoU with plain matching than this is no agreement.

Both were chosen on the held-out sequences: docs/training.md."""

LATELY = 3
"""Remembered frames back to which an object's area counts."""

NOWHERE = -30.0
"""Mask logit, everywhere, of an object that is gone."""

GONE_TRACE = 0.6
"""How strong a trace of an object it is that something was found, and taken for something else: `is_gone` may err, so
that a person had better look."""


class Sightings:
    """What a pass has seen of each object: its area on frames that were remembered, and, while it is nowhere, the
    strongest trace of it since it was last seen.

    A pass that goes on after an interruption has the traces of the frames that were remembered, and no others.
    """

    def __init__(self) -> None:
        self._areas: dict[int, deque[float]] = {}
        self._traces: dict[int, float] = {}

    def note(self, obj: int, area: float) -> None:
        """An object was remembered; nothing happens where it was nowhere (area 0)."""
        if area > 0:
            self._areas.setdefault(obj, deque(maxlen=LATELY)).append(area)

    def confirm(self, obj: int) -> None:
        """A person said where the object is on the next frame, or that it is nowhere: old traces mean nothing."""
        self._traces.pop(obj, None)

    def area(self, obj: int) -> float:
        """The most memory positions that the object has covered lately; 0 if it was never seen."""
        return max(self._areas.get(obj, ()), default=0.0)

    def confidence(self, obj: int, probability: np.ndarray, gone: bool = False) -> float:
        """How sure the pass is of an object on its next frame, 0 to 1 (see `core.propagation.confidence`).

        Args:
            probability: aggregated, uint8 (h, w), 255 = 1. gone: whether `is_gone` says so.
        """
        trace = 0.0 if is_seen(probability) else max(self._traces.get(obj, 0.0), GONE_TRACE * gone, peak(probability))
        self._traces[obj] = trace
        return confidence(probability, trace)


def is_gone(found: Tensor, expected: Tensor) -> bool:
    """Whether little that was found of an object is likelier something else: plain matching with what a person marked
    finds it elsewhere, or nowhere.

    Where an object is hidden or leaves the picture, the network at times goes on with something that it never was, and
    remembers it.

    Args:
        found, expected: the share of each memory position that the object covers, (h w,), 0 to 1: as predicted, and as
            read from annotated frames alone, the softmax over their positions weighing what the object covers there.
    """
    common = found.minimum(expected).sum() / found.maximum(expected).sum().clamp(min=1e-6)
    return bool(common < AGREEMENT)
