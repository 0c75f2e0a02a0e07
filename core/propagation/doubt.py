"""Doubt: where the network was unsure of an object, as stretches of frames, and which frame to correct next."""

from collections.abc import Collection, Iterable

import numpy as np

LOW_CONFIDENCE = 0.76
"""Below it a frame deserves a look (`core.propagation.confidence` says what the figure means): chosen so that most
frames on which J falls are below it, and few others (docs/evaluation.md)."""

_GAP = 3  # frames of more confidence between two doubtful ones that do not end a stretch
_NO_FRAMES = np.empty(0, np.int64)
REACH = 7
"""Frames: how far a correction is felt, roughly; doubt so near counts with a frame's own."""


def doubtful_frames(
    frames: np.ndarray, confidence: np.ndarray, judged: np.ndarray = _NO_FRAMES
) -> tuple[np.ndarray, np.ndarray]:
    """Doubtful frames, and where their stretches begin among them: those of `frames` (int, ascending) whose confidence
    is low, neighbours together.

    Args:
        confidence: float (all frames of the footage,), 0 to 1, NaN where nothing is known, which is no doubt.
        judged: frames (int, ascending) that a person has seen to, none of `frames`: they part stretches.
    """
    with np.errstate(invalid="ignore"):
        doubtful = frames[confidence[frames] < LOW_CONFIDENCE]
    behind = np.searchsorted(judged, doubtful)  # how many a person has seen to before each
    parted = np.flatnonzero(np.diff(behind, prepend=behind[:1]) > 0)
    return doubtful, np.union1d(_starts(doubtful, _GAP), parted)


def neighbours(frames: np.ndarray, gap: int = 0) -> list[np.ndarray]:
    """Frames (ascending) in stretches; so many others between two do not part them."""
    return np.split(frames, _starts(frames, gap)[1:]) if len(frames) else []


def _starts(frames: np.ndarray, gap: int) -> np.ndarray:
    """Indices of frames at which a stretch begins."""
    return np.flatnonzero(np.diff(frames, prepend=-gap - 2) > gap + 1)


def frame_to_correct(confidence: Iterable[np.ndarray], annotated: Iterable[Collection[int]]) -> int | None:
    """The frame whose correction promises most: in the middle of much doubt, and not beside an annotated one.

    Args:
        confidence: of each object, float (frames,), NaN where nothing is known. annotated: of each, the frames that are
            out of question.

    Returns:
        None where nothing is known of any frame that could be corrected.
    """
    doubts: dict[tuple[int, ...], np.ndarray] = {}  # objects that were annotated on the same frames go together
    known: dict[tuple[int, ...], np.ndarray] = {}
    for own, frames in zip(confidence, annotated, strict=True):
        given = tuple(sorted(int(frame) for frame in frames))
        own = np.asarray(own, np.float64)
        doubts[given] = np.nan_to_num(1 - own) + doubts.get(given, 0)
        known[given] = ~np.isnan(own) | known.get(given, False)
    promised = [_around(doubt, given) for given, doubt in doubts.items()]
    possible = [known[given] & (_distance(len(known[given]), given) > 0) for given in doubts]
    if not np.any(possible):
        return None
    return int(np.argmax(np.where(np.any(possible, axis=0), np.sum(promised, axis=0), -1)))


def promise(confidence: np.ndarray, annotated: Collection[int], frame: int) -> float:
    """The part of one object's doubt that a correction of a frame may end; arguments as for `frame_to_correct`."""
    first, last = max(0, frame - REACH), min(len(confidence), frame + REACH + 1)
    doubt = np.nan_to_num(1 - np.asarray(confidence[first:last], np.float64))
    near = 1 - np.abs(np.arange(first, last) - frame) / (REACH + 1)
    distance = np.abs(np.fromiter(annotated, np.int64) - frame).min() if len(annotated) else np.inf
    return float((doubt * near).sum() * min(1, distance / (REACH + 1)))


def _around(doubt: np.ndarray, annotated: Collection[int]) -> np.ndarray:
    """The doubt near each frame, less where an annotated one is near."""
    near = np.maximum(0, 1 - np.abs(np.arange(-REACH, REACH + 1)) / (REACH + 1))
    around = np.convolve(doubt, near)[REACH : REACH + len(doubt)]
    promised: np.ndarray = around * np.minimum(1, _distance(len(doubt), annotated) / (REACH + 1))
    return promised


def _distance(count: int, annotated: Collection[int]) -> np.ndarray:
    """Frames from each of `count` to the nearest annotated one."""
    if not len(annotated):
        return np.full(count, np.inf)
    frames, given = np.arange(count), np.sort(np.fromiter(annotated, np.int64))
    behind = np.searchsorted(given, frames)
    before, after = given[np.maximum(behind - 1, 0)], given[np.minimum(behind, len(given) - 1)]
    distance: np.ndarray = np.minimum(np.abs(frames - before), np.abs(after - frames))
    return distance.astype(np.float64)
