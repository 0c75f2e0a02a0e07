"""Confidence of a prediction in an object on a frame: about what J it would have, to go by what the network says.

Of a mask three things tell: how decided the probabilities are, how large it is (outlines are never exact, and small
objects are mostly outline), and what the object looks like (`core.propagation.appearance`). Of an object that is
nowhere, three others: whether it was at the picture's border when it was last seen, how long ago that was, and how
decided its last masks were. How these make a confidence is fitted to true J by `scripts/calibrate_confidence.py`
(docs/evaluation.md).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

UNKNOWN = 0.5
"""Confidence in an object of which nothing is remembered."""

BORDER = 1 / 30
"""How far from the picture's border an object is still at it, in shorter sides of the picture."""

NOISE = 0.05
"""Probabilities below this are none: summed over a whole frame they would outweigh a small object."""


@dataclass(frozen=True)
class Mask:
    """Evidence that a mask gives; 0 to 1.

    Attributes:
        iou: that it is expected to have, to take each pixel's probability at its word: what it has in common with the
            true one, over what both cover together.
        size: the side of a square of its area, of the picture's.
        appearance: of the object, where it was annotated, float32 (C,) (`core.propagation.appearance`); None where it
            is not known.
    """

    iou: float
    size: float
    appearance: np.ndarray | None = field(default=None, compare=False)

    @property
    def inputs(self) -> tuple[float, ...]:
        return 1.0, logit(self.iou), self.size


@dataclass(frozen=True)
class Absence:
    """Evidence where an object is nowhere.

    Attributes:
        at_border: whether it was at the picture's border when it was last seen, or a person said that it was gone.
        frames: how many frames ago that was, 1 or more.
        iou: that its last masks were expected to have, their mean, 0 to 1 (`Mask.iou`).
    """

    at_border: bool
    frames: int
    iou: float

    @property
    def inputs(self) -> tuple[float, ...]:
        return 1.0, float(self.at_border), float(np.log(self.frames)), logit(self.iou)


Evidence = Mask | Absence

CALIBRATION: Mapping[type[Evidence], tuple[float, ...]] = {
    Mask: (-0.189, 0.885, 0.447),
    Absence: (-0.631, 1.138, 0.704, 0.267),
}
"""Weight of each of the `inputs`; the first is a constant."""


def confidence(
    evidence: Evidence,
    appearance: np.ndarray | None = None,
    calibration: Mapping[type[Evidence], Sequence[float]] = CALIBRATION,
) -> float:
    """0 to 1, about the J that the mask has: a logistic function.

    Args:
        appearance: what appearance says, float32 (C + 1,), as `load_appearance` gives it; None: nothing.
    """
    odds = np.dot(calibration[type(evidence)], evidence.inputs)
    if appearance is not None and isinstance(evidence, Mask) and evidence.appearance is not None:
        odds += appearance[:-1] @ evidence.appearance + appearance[-1]
    return float(1 / (1 + np.exp(-odds)))


def mask_evidence(mask: np.ndarray, probability: np.ndarray, appearance: np.ndarray | None = None) -> Mask | None:
    """Measure a mask, bool (h, w), as `drawn` gives it; None if it is empty.

    Args:
        probability: of the object, aggregated, uint8 (h, w), 255 = 1, on the decoder's grid or a finer one, without
            padding. appearance: see `Mask`.
    """
    area = int(np.count_nonzero(mask))
    if not area:
        return None
    p = probability.astype(np.float32) / 255
    p[p < NOISE] = 0
    inside = float(p[mask].sum())
    return Mask(inside / (area + float(p.sum()) - inside), float(np.sqrt(area / mask.size)), appearance)


def is_at_border(mask: np.ndarray) -> bool:
    """Whether a mask, bool (h, w), comes to the picture's border."""
    width = max(1, round(BORDER * min(mask.shape)))
    return bool(mask[:width].any() or mask[-width:].any() or mask[:, :width].any() or mask[:, -width:].any())


def drawn(probabilities: np.ndarray) -> np.ndarray:
    """Masks, bool (K, h, w), as they are drawn of K objects: a pixel is the likeliest object's, however unlikely that
    is, if background is less likely still.

    Args:
        probabilities: aggregated, uint8 (K, h, w), 255 = 1.
    """
    levels = probabilities.astype(np.int16)
    best, background = levels.max(0), 255 - levels.sum(0, dtype=np.int16)
    masks: np.ndarray = (levels == best) & (best > background)
    return masks


def logit(p: float) -> float:
    """Log odds, kept finite."""
    p = min(max(p, 1e-3), 1 - 1e-3)
    return float(np.log(p / (1 - p)))
