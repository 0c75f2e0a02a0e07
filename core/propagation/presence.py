"""Presence (SAM 2's object score): whether an object is on a frame, and what a pass has seen of each object lately."""

from collections import deque
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from torch import Tensor

from core.propagation.confidence import Absence, Evidence, Mask, drawn, is_at_border, mask_evidence
from core.propagation.memory import Annotation

LITTLE = 0.3
"""Share of what an object covered lately, with less of which left its presence is in doubt."""

AGREEMENT = 0.35
"""The least IoU with plain matching that an object in doubt has where it is present.

Both were chosen on the held-out sequences: docs/training-log.md."""

DECIDED = 0.25
"""The least IoU that a mask is expected to have by its own probabilities (`core.propagation.confidence.Mask`); with
less, of whatever size, most of what may be the object is not drawn, and the object is nowhere."""

LATELY = 3
"""Remembered frames back to which an object's area counts."""

LAST_MASKS = 5
"""Masks back to which their expected IoU counts for the confidence that an object is rightly nowhere."""

COMMON_IOU = 0.88
"""Expected IoU where none of an object's own is known: the median of the held-out sequences' masks, with one object and
with two (docs/evaluation.md)."""

ABSENT_LOGIT = -30.0
"""Mask logit, everywhere, of what is absent."""

UNSETTLED_LOGIT = -29.0
"""Mask logit, everywhere, of what is absent by plain matching alone, which may err: memory is not told that it is gone,
so that it can be found again."""


_UNKNOWN_APPEARANCE: Mapping[int, np.ndarray] = MappingProxyType({})


class Presence:
    """Presence of each object in a pass: its area on frames that were remembered, and where it was last seen.

    A pass that goes on after an interruption has seen the frames that were remembered, and no others.
    """

    def __init__(self) -> None:
        self._areas: dict[int, deque[float]] = {}
        self._last: dict[int, tuple[int, bool]] = {}  # frame, and whether it was at the border
        self._ious: dict[int, deque[float]] = {}  # that the last masks were expected to have

    def note(self, areas: Mapping[int, float]) -> None:
        """A frame was remembered, on which objects cover so many memory positions; one that is nowhere (0) says
        nothing."""
        for obj, area in areas.items():
            if area > 0:
                self._areas.setdefault(obj, deque(maxlen=LATELY)).append(area)

    def confirm(self, frame: int, annotation: Annotation) -> None:
        """A person said where objects are on a frame, or that they are gone."""
        labels = annotation.labels
        for obj in annotation.objects:
            mask = labels == obj
            self._last[obj] = frame, not mask.any() or is_at_border(mask)

    def area(self, obj: int) -> float:
        """The most memory positions that the object has covered lately; 0 if it was never seen."""
        return max(self._areas.get(obj, ()), default=0.0)

    def see(
        self,
        frame: int,
        probabilities: Mapping[int, np.ndarray],
        appearance: Mapping[int, np.ndarray] = _UNKNOWN_APPEARANCE,
    ) -> dict[int, Evidence]:
        """See the objects of the next frame: what there is to go by, of each.

        Args:
            probabilities: by object, aggregated, uint8 (h, w), 255 = 1, without padding.
            appearance: of objects (`core.propagation.confidence.Mask`), where it is known.
        """
        masks = drawn(np.stack(list(probabilities.values()))) if probabilities else ()
        return {
            obj: self._see(obj, frame, mask, mask_evidence(mask, probability, appearance.get(obj)))
            for mask, (obj, probability) in zip(masks, probabilities.items(), strict=True)
        }

    def _see(self, obj: int, frame: int, mask: np.ndarray, seen: Mask | None) -> Evidence:
        if seen is None:
            last, at_border = self._last.get(obj, (frame, False))
            iou = float(np.mean(self._ious.get(obj, COMMON_IOU)))
            return Absence(at_border, max(1, abs(frame - last)), iou)
        self._last[obj] = frame, is_at_border(mask)
        self._ious.setdefault(obj, deque(maxlen=LAST_MASKS)).append(seen.iou)
        return seen


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
