"""Presence (SAM 2's object score): whether an object is on a frame, and what a pass has seen of each object lately."""

from collections import deque
from collections.abc import Mapping

import numpy as np
from torch import Tensor

from core.propagation.confidence import confidence, is_seen, peak

LITTLE = 0.3
"""Share of what an object covered lately, with less of which left its presence is in doubt."""

AGREEMENT = 0.35
"""The least IoU with plain matching that an object in doubt has where it is present.

Both were chosen on the held-out sequences: docs/training.md."""

LATELY = 3
"""Remembered frames back to which an object's area counts."""

ABSENT_LOGIT = -30.0
"""Mask logit, everywhere, of what is absent."""

ABSENT_TRACE = 0.6
"""Strength of the trace that an object leaves whose presence was denied: `is_present` may err, so that a person had
better look."""


class Presence:
    """Presence of each object in a pass: its area on frames that were remembered, and, while it is nowhere, the
    strongest trace of it since it was last seen.

    A pass that goes on after an interruption has the traces of the frames that were remembered, and no others.
    """

    def __init__(self) -> None:
        self._areas: dict[int, deque[float]] = {}
        self._traces: dict[int, float] = {}

    def note(self, areas: Mapping[int, float]) -> None:
        """A frame was remembered, on which objects cover so many memory positions; one that is nowhere (0) says
        nothing."""
        for obj, area in areas.items():
            if area > 0:
                self._areas.setdefault(obj, deque(maxlen=LATELY)).append(area)

    def confirm(self, obj: int) -> None:
        """A person said where the object is on the next frame, or that it is nowhere: old traces mean nothing."""
        self._traces.pop(obj, None)

    def area(self, obj: int) -> float:
        """The most memory positions that the object has covered lately; 0 if it was never seen."""
        return max(self._areas.get(obj, ()), default=0.0)

    def confidence(self, obj: int, probability: np.ndarray, absent: bool = False, found: float = 0.0) -> float:
        """Confidence of the pass in an object on its next frame, 0 to 1 (see `core.propagation.confidence`).

        Args:
            probability: aggregated, uint8 (h, w), 255 = 1. absent: whether its presence was denied.
            found: of an object that is nowhere, the share of it that plain matching finds there (`share_found`).
        """
        trace = 0.0
        if not is_seen(probability):
            trace = max(self._traces.get(obj, 0.0), ABSENT_TRACE * absent, peak(probability))
        self._traces[obj] = trace
        return confidence(probability, trace, found)


def is_present(predicted: Tensor, expected: Tensor) -> bool:
    """True if little that was predicted of an object is the object: plain matching with permanent memory finds it at
    the same place, not elsewhere or nowhere.

    Where an object is hidden or leaves the picture, the network at times goes on with something that it never was, and
    remembers it.

    Args:
        predicted, expected: the share of each memory position that the object covers, (h w,), 0 to 1: as predicted, and
            as read from permanent memory alone, the softmax over its positions weighing what the object covers there.
    """
    common = predicted.minimum(expected).sum() / predicted.maximum(expected).sum().clamp(min=1e-6)
    return not common < AGREEMENT


def share_found(expected: Tensor, covers: Tensor) -> Tensor:
    """Share of an object, as permanent memory shows it, that plain matching finds on a frame: a scalar, 0 to 1.

    Where an object is out of sight, next to nothing is found; where the network has lost it, much of it is.

    Args:
        expected: as for `is_present`, (h w,). covers: the share of each permanent position that it covers, (N h w,).
    """
    areas = covers.view(-1, len(expected)).sum(1)
    shown = areas.sum() / (areas > 0).sum().clamp(min=1)
    return (expected.sum() / shown.clamp(min=1e-6)).clamp(max=1)
