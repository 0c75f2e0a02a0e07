"""What a pass has seen of each object where it remembered it, and whether it goes on with something else since."""

from collections import deque

from torch import Tensor

LITTLE = 0.3
"""Of `is_gone`: less than this share of what an object covered lately is little."""

AGREEMENT = 0.35
"""Of `is_gone`: a lower IoU with plain matching than this is no agreement.

Both were chosen on the held-out sequences: docs/training.md."""

LATELY = 3
"""Remembered frames back to which an object's area counts."""


class Sightings:
    """Confidence and area of each object on the frames a pass has remembered and on which it was seen."""

    def __init__(self) -> None:
        self._confidence: dict[int, float] = {}
        self._areas: dict[int, deque[float]] = {}

    def note(self, obj: int, confidence: float, area: float) -> None:
        """An object was remembered; nothing happens where it was nowhere (area 0)."""
        if area > 0:
            self._confidence[obj] = confidence
            self._areas.setdefault(obj, deque(maxlen=LATELY)).append(area)

    @property
    def confidence(self) -> dict[int, float]:
        """Per object how sure it was where it was last seen."""
        return dict(self._confidence)

    def area(self, obj: int) -> float:
        """The most memory positions that the object has covered lately; 0 if it was never seen."""
        return max(self._areas.get(obj, ()), default=0.0)


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
