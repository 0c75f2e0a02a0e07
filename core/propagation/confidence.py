"""Confidence of a prediction in an object on a frame: about what J it would have, to go by what the network says.

Of a mask two things tell: how decided the probabilities are, and whether it hangs together (where the network loses an
object, it falls apart). Of an object that is nowhere, its strongest trace since it was last seen tells, a probability
too low to be drawn, and how much of it plain matching with permanent memory finds on the frame. How the first two make
a confidence was fitted to true J (`scripts/calibrate_confidence.py`); what a trace makes of it was chosen on the same
sequences (docs/evaluation.md).
"""

import cv2
import numpy as np

CALIBRATION = (-0.420, 0.921, 0.226)
"""Constant of `from_measures`, weight of the expected IoU (its logit), weight of the largest part's share."""

ABSENT = 0.9
"""Confidence that an object is nowhere if there has been no trace of it since it was last seen."""

UNKNOWN = 0.5
"""Confidence in an object of which nothing is remembered."""

_NOISE = 0.05  # probabilities below this are none: summed over a whole frame they would outweigh a small object
_DRAWN = 127


def confidence(probability: np.ndarray, trace: float = 0.0, found: float = 0.0) -> float:
    """0 to 1, about the J that the mask has.

    Args:
        probability: of the object, aggregated, uint8 (h, w), 255 = 1, on the decoder's grid or a finer one.
        trace: of an object that is nowhere, the highest probability it had anywhere since it was last seen, 0 to 1.
        found: of an object that is nowhere, the share of it that plain matching finds, 0 to 1.
    """
    of_mask = measures(probability)
    return of_absence(trace, found) if of_mask is None else from_measures(*of_mask)


def measures(probability: np.ndarray) -> tuple[float, float] | None:
    """Expected IoU and the share of the mask's largest connected part, 0 to 1 both; None if the mask is empty.

    The expected IoU takes each pixel's probability at its word: what the mask is expected to have in common with the
    true one, over what both are expected to cover together.
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
    return iou, float(parts[1:, cv2.CC_STAT_AREA].max()) / area


def from_measures(iou: float, share: float) -> float:
    """The calibrated confidence: a logistic function of both."""
    constant, of_iou, of_share = CALIBRATION
    return float(1 / (1 + np.exp(-(constant + of_iou * logit(iou) + of_share * share))))


def is_seen(probability: np.ndarray) -> bool:
    """True if anything of an object is drawn, by its probability, uint8 (h, w), 255 = 1."""
    return bool(probability.max() > _DRAWN)


def peak(probability: np.ndarray) -> float:
    """The highest probability of an object anywhere, 0 to 1, of uint8 (h, w), 255 = 1."""
    return int(probability.max()) / 255


def of_absence(trace: float, found: float = 0.0) -> float:
    """Confidence that an object is nowhere; arguments as of `confidence`."""
    return ABSENT * (1 - trace**2) * (1 - found**2)


def logit(p: float | np.ndarray) -> float | np.ndarray:
    """Log odds, kept finite."""
    p = np.clip(p, 1e-3, 1 - 1e-3)
    odds: float | np.ndarray = np.log(p / (1 - p))
    return odds
