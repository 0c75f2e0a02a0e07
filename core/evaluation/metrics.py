"""J and F as the DAVIS benchmark measures them (Perazzi et al., CVPR 2016; Pont-Tuset et al., 2017)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

_BOUNDARY_TOLERANCE = 0.008  # of the image's diagonal
_RECALL_THRESHOLD = 0.5


@dataclass(frozen=True)
class Summary:
    """A score over a sequence: its mean, the share of frames above 0.5, and what it loses from start to end."""

    mean: float
    recall: float
    decay: float


def region_similarity(prediction: np.ndarray, truth: np.ndarray) -> float:
    """J: intersection over union, 0 to 1; 1 if both masks are empty.

    Args:
        prediction, truth: bool (H, W).
    """
    _check(prediction, truth)
    union = np.count_nonzero(prediction | truth)
    return np.count_nonzero(prediction & truth) / union if union else 1.0


def boundary_accuracy(prediction: np.ndarray, truth: np.ndarray) -> float:
    """F: harmonic mean of the boundaries' precision and recall, 0 to 1; 1 if neither mask has a boundary, 0 if one.

    A boundary pixel counts as met if the other boundary has one within 0.8 % of the image's diagonal (rounded up to
    whole pixels). A mask of the whole image has no boundary.

    Args:
        prediction, truth: bool (H, W).
    """
    _check(prediction, truth)
    predicted, true = _boundary(prediction), _boundary(truth)
    predicted_count, true_count = np.count_nonzero(predicted), np.count_nonzero(true)
    if not predicted_count or not true_count:
        return float(predicted_count == true_count)
    disk = _disk(math.ceil(_BOUNDARY_TOLERANCE * math.hypot(*truth.shape)))
    precision = np.count_nonzero(predicted & cv2.dilate(true, disk)) / predicted_count
    recall = np.count_nonzero(true & cv2.dilate(predicted, disk)) / true_count
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def summarize(counted: Sequence[float]) -> Summary:
    """Mean, recall and decay of one object's scores in a sequence.

    Decay is the mean of the first quarter less that of the last; as in the benchmark's own code, neighbouring quarters
    share a frame.

    Args:
        counted: the scores of the frames that count, in order, at least one: without the first (the given mask) and the
            last, as the benchmark does.
    """
    scores = np.asarray(counted, np.float64)
    if not len(scores):
        raise ValueError("a summary needs at least one score")
    edges = np.linspace(0, len(scores) - 1, 5)
    first_end, last_start = _round_half_up(edges[1]), _round_half_up(edges[3])
    return Summary(
        mean=float(scores.mean()),
        recall=float((scores > _RECALL_THRESHOLD).mean()),
        decay=float(scores[: first_end + 1].mean() - scores[last_start:].mean()),
    )


def _check(prediction: np.ndarray, truth: np.ndarray) -> None:
    if prediction.dtype != bool or truth.dtype != bool or prediction.ndim != 2 or prediction.shape != truth.shape:
        raise ValueError(
            f"expected two bool masks (H, W), got {prediction.dtype} {prediction.shape} and {truth.dtype} {truth.shape}"
        )


def _boundary(mask: np.ndarray) -> np.ndarray:
    """uint8 (H, W), 1 where a pixel differs from its neighbour to the east, south or southeast."""
    padded = np.pad(mask, ((0, 1), (0, 1)), mode="edge")
    east, south, southeast = padded[:-1, 1:], padded[1:, :-1], padded[1:, 1:]
    return ((mask ^ east) | (mask ^ south) | (mask ^ southeast)).astype(np.uint8)


def _disk(radius: int) -> np.ndarray:
    """uint8 (2r+1, 2r+1), 1 within `radius` of the centre (OpenCV's own ellipses differ from this)."""
    offsets = np.arange(-radius, radius + 1)
    return (offsets[:, None] ** 2 + offsets**2 <= radius**2).astype(np.uint8)


def _round_half_up(value: float) -> int:
    return math.floor(value + 0.5)
