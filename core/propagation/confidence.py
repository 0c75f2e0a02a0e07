"""Confidence of a prediction in an object on a frame: about what J it would have, to go by what the network says.

Of a mask, four things tell: how decided the probabilities are, now and lately, whether it hangs together (where the
network loses an object, it falls apart), and how large it is (outlines are never exact, and small objects are mostly
outline). Of an object that is nowhere, three: whether it was at the picture's border when it was last seen, how long
ago that was, and whether something was found that was taken for something else.

How these make a confidence is fitted to true J by `scripts/calibrate_confidence.py` (docs/evaluation.md).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

UNKNOWN = 0.5
"""Confidence in an object of which nothing is remembered."""

BORDER = 1 / 30
"""How far from the picture's border an object is still at it, in shorter sides of the picture."""

_NOISE = 0.05  # probabilities below this are none: summed over a whole frame they would outweigh a small object
_DRAWN = 127


@dataclass(frozen=True)
class Mask:
    """What a mask shows; all 0 to 1.

    Attributes:
        iou: that it is expected to have, to take each pixel's probability at its word: what it has in common with the
            true one, over what both cover together.
        largest: the share of its largest connected part.
        size: its side as a square, of the picture's.
        lately: mean `iou` of the frames that were remembered last; 1 for one that was annotated.
    """

    iou: float
    largest: float
    size: float
    lately: float = 1.0

    @property
    def inputs(self) -> tuple[float, ...]:
        return 1.0, logit(self.iou), self.largest, self.size, self.lately


@dataclass(frozen=True)
class Absence:
    """What there is to go by where an object is nowhere.

    Attributes:
        at_border: whether it was at the picture's border when it was last seen, or a person said that it was gone.
        frames: how many frames ago that was, 1 or more.
        denied: whether something was found on this frame that was taken for something else (`presence.is_present`).
    """

    at_border: bool
    frames: int
    denied: bool = False

    @property
    def inputs(self) -> tuple[float, ...]:
        return 1.0, float(self.at_border), float(np.log(self.frames)), float(self.denied)


Evidence = Mask | Absence

CALIBRATION: Mapping[type[Evidence], tuple[float, ...]] = {
    Mask: (-0.980, 0.752, 0.326, 0.764, 0.670),
    Absence: (-1.230, 2.271, 0.639, -0.834),
}
"""Weight of each of the `inputs`; the first is a constant."""


def confidence(evidence: Evidence, calibration: Mapping[type[Evidence], Sequence[float]] = CALIBRATION) -> float:
    """0 to 1, about the J that the mask has: a logistic function."""
    odds = np.dot(calibration[type(evidence)], evidence.inputs)
    return float(1 / (1 + np.exp(-odds)))


def mask_evidence(probability: np.ndarray, lately: float = 1.0) -> Mask | None:
    """Measure a mask; None if it is empty.

    Args:
        probability: of the object, aggregated, uint8 (h, w), 255 = 1, on the decoder's grid or a finer one, without
            padding.
        lately: as in `Mask`.
    """
    mask = (probability > _DRAWN).view(np.uint8)
    area = int(np.count_nonzero(mask))
    if not area:
        return None
    p = probability.astype(np.float32) / 255
    p[p < _NOISE] = 0
    inside = float(p[mask > 0].sum())
    iou = inside / (area + float(p.sum()) - inside)
    _, _, parts, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    return Mask(iou, float(parts[1:, cv2.CC_STAT_AREA].max()) / area, float(np.sqrt(area / mask.size)), lately)


def is_at_border(mask: np.ndarray) -> bool:
    """Whether a mask, bool (h, w), comes to the picture's border."""
    width = max(1, round(BORDER * min(mask.shape)))
    return bool(mask[:width].any() or mask[-width:].any() or mask[:, :width].any() or mask[:, -width:].any())


def drawn(probability: np.ndarray) -> np.ndarray:
    """The mask, bool (h, w), that is drawn of an object, by its probability, uint8 (h, w), 255 = 1."""
    mask: np.ndarray = probability > _DRAWN
    return mask


def logit(p: float) -> float:
    """Log odds, kept finite."""
    p = min(max(p, 1e-3), 1 - 1e-3)
    return float(np.log(p / (1 - p)))
