"""How far two sets of results agree."""

from collections.abc import Iterator

import numpy as np

from core.evaluation.metrics import region_similarity


def frame_agreement(labels: np.ndarray, reference: np.ndarray) -> float | None:
    """Mean intersection over union of the objects on either label map, uint8 (H, W); None: there are none."""
    ids = np.flatnonzero(np.bincount(labels.ravel(), minlength=256) + np.bincount(reference.ravel(), minlength=256))
    scores = [region_similarity(labels == i, reference == i) for i in ids.tolist() if i]
    return sum(scores) / len(scores) if scores else None


def agreement(
    frames: tuple[int, ...], labels: np.ndarray, others: tuple[int, ...], reference: np.ndarray
) -> Iterator[float | None]:
    """The mean of `frame_agreement` over the frames that both have, in steps of one frame: the last one counts.

    Args:
        frames, others: the frames that `labels` and `reference`, uint8 (T, H, W), are of.
    """
    places = {frame: place for place, frame in enumerate(others)}
    scores: list[float] = []
    for place, frame in enumerate(frames):
        if frame in places:
            score = frame_agreement(labels[place], reference[places[frame]])
            if score is not None:
                scores.append(score)
        yield sum(scores) / len(scores) if scores else None
