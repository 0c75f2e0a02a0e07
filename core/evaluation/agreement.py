"""Agreement of sets of results: with each other, and with masks that are there."""

from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

import numpy as np

from core.evaluation.metrics import region_similarity
from core.masks.packed_mask import PackedMask

_IDS = 256

Result = TypeVar("Result", bound=Hashable)


def frame_agreement(labels: np.ndarray, reference: np.ndarray) -> float | None:
    """Mean intersection over union of the objects on either label map, uint8 (H, W); None: there are none."""
    pairs = labels.astype(np.uint16).ravel() * _IDS + reference.ravel()
    counts = np.bincount(pairs, minlength=_IDS * _IDS).reshape(_IDS, _IDS)  # how often one id lies on another
    common = counts.diagonal()
    union = counts.sum(axis=0) + counts.sum(axis=1) - common
    ids = np.flatnonzero(union[1:]) + 1
    return float((common[ids] / union[ids]).mean()) if len(ids) else None


def agreement(labels: Mapping[int, np.ndarray], reference: Mapping[int, np.ndarray]) -> float | None:
    """The mean of `frame_agreement` over the frames that both have, label maps uint8 (H, W) by frame; None: there is
    nothing to compare."""
    return mean_of(frame_agreement(labels[frame], reference[frame]) for frame in labels if frame in reference)


def agreement_with_masks(
    labels: Mapping[int, np.ndarray], masks: Mapping[int, Mapping[int, PackedMask]]
) -> float | None:
    """Mean intersection over union with masks that are there of some objects on some frames.

    What nothing is there of does not count, nor does an object that is on neither.

    Args:
        labels: label maps, uint8 (H, W), by frame. masks: by frame, then object.

    Returns:
        0 to 1; None: there is nothing to compare.
    """
    return mean_of(
        _similarity(labels[frame] == id, mask)
        for frame, there in masks.items()
        if frame in labels
        for id, mask in there.items()
    )


def _similarity(found: np.ndarray, mask: PackedMask) -> float | None:
    return region_similarity(found, mask.unpack()) if found.any() or not mask.is_empty else None


def with_the_others(pairs: Mapping[frozenset[Result], float | None], one: Result) -> float | None:
    """The mean agreement of one of several results with all the others; none of them counts as the right one.

    Args:
        pairs: agreements of two results each; None where there was nothing to compare.

    Returns:
        0 to 1; None: it can be compared with none.
    """
    return mean_of(score for pair, score in pairs.items() if one in pair)


def mean_of(scores: Iterable[float | None]) -> float | None:
    """The mean of those scores that are known; None: none is."""
    numbers = [score for score in scores if score is not None]
    return sum(numbers) / len(numbers) if numbers else None
