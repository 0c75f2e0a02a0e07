"""Doubt: where the network was unsure of an object, as stretches of frames, and which frame to correct next."""

from collections.abc import Collection, Iterable

import numpy as np

LOW_CONFIDENCE = 0.6
"""Below it a frame deserves a look (`core.propagation.confidence` says what the figure means)."""

_GAP = 3  # frames of more confidence between two doubtful ones that do not end a stretch
_REACH = 7  # frames: how far a correction is felt, roughly; doubt so near counts with a frame's own


def doubtful_frames(frames: np.ndarray, confidence: np.ndarray) -> list[np.ndarray]:
    """Stretches of doubtful frames: those of `frames` (int, ascending) whose confidence is low, neighbours together.

    Args:
        confidence: float (all frames of the footage,), 0 to 1, NaN where nothing is known, which is no doubt.
    """
    with np.errstate(invalid="ignore"):
        doubtful = frames[confidence[frames] < LOW_CONFIDENCE]
    return neighbours(doubtful, _GAP)


def neighbours(frames: np.ndarray, gap: int = 0) -> list[np.ndarray]:
    """Frames (ascending) in stretches; so many others between two do not part them."""
    if not len(frames):
        return []
    return np.split(frames, np.flatnonzero(np.diff(frames) > gap + 1) + 1)


def frame_to_correct(confidence: Iterable[np.ndarray], annotated: Collection[int]) -> int | None:
    """The frame whose correction promises most: in the middle of much doubt, and not beside an annotated one.

    Args:
        confidence: of each object, float (frames,), NaN where nothing is known. annotated: frames that are out of
            question.

    Returns:
        None where nothing is known of any frame that could be corrected.
    """
    known = [np.asarray(own, np.float64) for own in confidence]
    if not known:
        return None
    doubt = np.sum([np.nan_to_num(1 - own) for own in known], axis=0)
    is_known = np.any([~np.isnan(own) for own in known], axis=0)
    frames = np.arange(len(doubt))
    near = np.maximum(0, 1 - np.abs(np.arange(-_REACH, _REACH + 1)) / (_REACH + 1))
    around = np.convolve(doubt, near)[_REACH : _REACH + len(doubt)]
    if annotated:
        distance = np.abs(frames[:, None] - np.array(sorted(annotated))).min(1)
        around *= np.minimum(1, distance / (_REACH + 1))
        is_known &= distance > 0
    around[~is_known] = -1
    best = int(np.argmax(around))
    return best if around[best] >= 0 else None
