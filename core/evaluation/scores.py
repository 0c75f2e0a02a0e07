"""Scores of every frame and object of a sequence, and what is counted of them.

Counted is a frame with a true mask behind the one on which the object's mask was given, without the last of the
sequence (DAVIS leaves out both), and without frames on which the object's mask was given later.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.evaluation.metrics import Summary, boundary_accuracy, region_similarity, summarize
from core.evaluation.truth import Truth
from core.propagation.doubt import LOW_CONFIDENCE

Given = Mapping[int, frozenset[int]]
"""Frames on which masks were given, and of which objects."""

FALL = 0.1
"""Least fall of J by which a part, at the least, was lost."""

FRAMES_BEFORE = 5
"""Number of frames that a fall is measured against."""


@dataclass(frozen=True, eq=False)
class ObjectScores:
    """One object on the n frames of a sequence that have a true mask.

    Attributes:
        given: the frame on which it was given first.
        j, f: float64 (n,), 0 to 1; NaN where it was not judged: before `given`, or where no mask was seen.
        confidence: float64 (n,), what the engine thinks of its masks; NaN where it did not say.
        counted: bool (n,).
    """

    object: int
    given: int
    j: np.ndarray
    f: np.ndarray
    confidence: np.ndarray
    counted: np.ndarray


@dataclass(frozen=True, eq=False)
class SequenceScores:
    """All objects of a sequence; `frames` are those with a true mask, ascending."""

    sequence: str
    frames: tuple[int, ...]
    objects: tuple[ObjectScores, ...]

    def frame_means(self, counted: bool = False) -> np.ndarray:
        """Mean J over the objects judged on each frame, or only those counted; float64 (n,), NaN where none is."""
        j = np.array([np.where(own.counted, own.j, np.nan) if counted else own.j for own in self.objects])
        judged = ~np.isnan(j)
        return np.where(judged.any(0), np.nansum(j, 0) / np.maximum(judged.sum(0), 1), np.nan)

    def counting(self, other: "SequenceScores") -> "SequenceScores":
        """A copy of the scores with what `other` counts of the sequence."""
        pairs = zip(self.objects, other.objects, strict=True)
        return replace(self, objects=tuple(replace(own, counted=theirs.counted) for own, theirs in pairs))


@dataclass(frozen=True)
class ObjectSummary:
    """J and F of one object in one sequence, over `frames` counted frames."""

    sequence: str
    object: int
    given: int
    frames: int
    j: Summary
    f: Summary

    @property
    def j_and_f(self) -> float:
        return (self.j.mean + self.f.mean) / 2


@dataclass(frozen=True)
class Means:
    """Means over objects, all alike whatever their sequence, as DAVIS 2017 has them."""

    objects: int
    j: Summary
    f: Summary

    @property
    def j_and_f(self) -> float:
        return (self.j.mean + self.f.mean) / 2


class Judge:
    """Compares label maps with the truth as they come.

    Args:
        with_f: whether F is measured too, which takes longer than J; NaN otherwise.
    """

    def __init__(self, sequence: str, truth: Truth, with_f: bool = True):
        self._sequence, self._truth, self._with_f = sequence, truth, with_f
        self._seen: dict[int, dict[int, tuple[float, float, float]]] = {}

    def see(self, frame: int, labels: np.ndarray, confidence: Mapping[int, float] | None = None) -> None:
        """Judge a label map uint8 (H, W); nothing happens on frames without truth. Seen again, a frame is judged anew.

        Args:
            confidence: of each object on this frame.
        """
        if frame not in self._truth.masks:
            return
        truth = self._truth.labels(frame)
        self._seen[frame] = {}
        for obj in sorted(self._truth.known(frame)):
            pair = labels == obj, truth == obj
            f = boundary_accuracy(*pair) if self._with_f else np.nan
            self._seen[frame][obj] = region_similarity(*pair), f, (confidence or {}).get(obj, np.nan)

    def scores(self, given: Given | None = None) -> SequenceScores:
        """Scores of what was seen so far.

        Args:
            given: all frames on which masks were given; where the objects were first given, if None.
        """
        given = self._truth.given_frames() if given is None else given
        objects = tuple(self._object(obj, first, given) for obj, first in self._truth.given.items())
        return SequenceScores(self._sequence, self._truth.frames, objects)

    def _object(self, obj: int, first: int, given: Given) -> ObjectScores:
        frames = self._truth.frames
        nothing = (np.nan, np.nan, np.nan)
        table = np.array([self._seen.get(frame, {}).get(obj, nothing) for frame in frames], np.float64)
        behind = [first < f < frames[-1] and obj not in given.get(f, ()) for f in frames]
        return ObjectScores(obj, first, table[:, 0], table[:, 1], table[:, 2], np.array(behind))


def summarize_objects(scores: SequenceScores) -> list[ObjectSummary]:
    """A summary of each object that has a counted frame."""
    return [
        ObjectSummary(
            scores.sequence,
            own.object,
            own.given,
            int(own.counted.sum()),
            summarize(own.j[own.counted]),
            summarize(own.f[own.counted]),
        )
        for own in scores.objects
        if own.counted.any()
    ]


def means(summaries: Iterable[ObjectSummary]) -> Means:
    """Raises ValueError where there is nothing to take the mean of."""
    summaries = list(summaries)
    if not summaries:
        raise ValueError("no object has a frame that counts")
    return Means(len(summaries), _mean(s.j for s in summaries), _mean(s.f for s in summaries))


def by_sequence(summaries: Iterable[ObjectSummary]) -> dict[str, list[ObjectSummary]]:
    """Summaries in the order of their sequences."""
    by_object: dict[str, list[ObjectSummary]] = defaultdict(list)
    for summary in summaries:
        by_object[summary.sequence].append(summary)
    return dict(by_object)


def confidence_correlation(sequences: Iterable[SequenceScores]) -> float:
    """Spearman's rank correlation of confidence and true J, over all counted frames and objects together; NaN where
    there is no confidence."""
    pairs = [(own.confidence[own.counted], own.j[own.counted]) for scores in sequences for own in scores.objects]
    if not pairs:
        return float("nan")
    one, other = (np.concatenate(side) for side in zip(*pairs, strict=True))
    return spearman(one.tolist(), other.tolist())


@dataclass(frozen=True)
class Flagged:
    """Whether doubt finds falls of J: how many there are, and the share of them that is in doubt; NaN without any. The
    same of all other frames."""

    falls: int
    of_falls: float
    others: int
    of_others: float


def flagged_falls(sequences: Iterable[SequenceScores], low: float = LOW_CONFIDENCE) -> Flagged:
    """Falls among all counted frames and objects that have a confidence: on which J is `FALL` or more below the median
    of the `FRAMES_BEFORE` judged frames before, and whether confidence is low (`core.propagation.doubt`) there."""
    falls, doubts = [], []
    for own in (own for scores in sequences for own in scores.objects):
        for i in np.flatnonzero(own.counted & ~np.isnan(own.confidence) & ~np.isnan(own.j)):
            before = own.j[max(0, i - FRAMES_BEFORE) : i]
            falls.append(bool((~np.isnan(before)).any()) and own.j[i] <= np.nanmedian(before) - FALL)
            doubts.append(own.confidence[i] < low)
    fell, in_doubt = np.array(falls, bool), np.array(doubts, bool)
    shares = [float(in_doubt[some].mean()) if some.any() else float("nan") for some in (fell, ~fell)]
    return Flagged(int(fell.sum()), shares[0], int((~fell).sum()), shares[1])


def _mean(summaries: Iterable[Summary]) -> Summary:
    table = np.array([(s.mean, s.recall, s.decay) for s in summaries])
    return Summary(*(float(value) for value in table.mean(0)))


def spearman(one: Sequence[float], other: Sequence[float]) -> float:
    """Spearman's rank correlation, -1 to 1: Pearson's of the ranks, equals sharing the mean of theirs.

    Pairs with a NaN are left out. NaN for fewer than two pairs, or where one side is all equal: no order to compare.
    """
    first, second = np.asarray(one, np.float64), np.asarray(other, np.float64)
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError(f"expected two series of one length, got {first.shape} and {second.shape}")
    both = ~(np.isnan(first) | np.isnan(second))
    a, b = (_ranks(values[both]) for values in (first, second))
    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def _ranks(values: np.ndarray) -> np.ndarray:
    """From 0, as floats; equal values get the mean of their ranks."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts + 1) / 2)[place]
