"""How far two sets of results agree."""

from collections.abc import Mapping

import numpy as np

from core.evaluation.metrics import region_similarity


def frame_agreement(labels: np.ndarray, reference: np.ndarray) -> float | None:
    """Mean intersection over union of the objects on either label map, uint8 (H, W); None: there are none."""
    ids = np.flatnonzero(np.bincount(labels.ravel(), minlength=256) + np.bincount(reference.ravel(), minlength=256))
    scores = [region_similarity(labels == i, reference == i) for i in ids.tolist() if i]
    return sum(scores) / len(scores) if scores else None


def agreement(labels: Mapping[int, np.ndarray], reference: Mapping[int, np.ndarray]) -> float | None:
    """The mean of `frame_agreement` over the frames that both have, label maps uint8 (H, W) by frame; None: there is
    nothing to compare."""
    scores = [frame_agreement(labels[frame], reference[frame]) for frame in labels if frame in reference]
    known = [score for score in scores if score is not None]
    return sum(known) / len(known) if known else None
