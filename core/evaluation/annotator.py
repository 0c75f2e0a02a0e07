"""The cost of right masks: a simulated annotator marks, propagates, corrects the frame that a policy names, and again.

The protocol. On the frame on which an object first appears it is marked by clicks, at most `marks` of them: the first
at the deepest pixel of the object, each further one at the deepest pixel of the largest wrong part, as in
`core.evaluation.marking`, until its IoU is `GOOD`. That is round 0, carried forward. In each further round the policy
names a frame without a correction, on which every object is corrected in the same way from the mask that is there, and
all is carried both ways from all frames annotated so far. Scores are over all frames with a true mask on which the
object exists; on annotated frames they are those of the annotator's own masks.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

import numpy as np

from core.evaluation.marking import first_mark
from core.evaluation.metrics import region_similarity
from core.evaluation.scores import Judge, SequenceScores
from core.evaluation.sequence_runner import worst_frame
from core.evaluation.tables import Table, number
from core.evaluation.truth import Truth
from core.marking.marker import Marker
from core.marking.marks import Marks
from core.marking.wrong_parts import largest_wrong_part
from core.media.source import FrameSource
from core.network.pcvos import PCVOS
from core.propagation import ClipResult, PropagationSettings, Propagator
from core.propagation.doubt import frame_to_correct
from core.propagation.ways import ways_around

Policy = Literal["suggested", "even", "worst"]
"""The frame that is corrected next: where the tool has most doubt; the one farthest from all annotated; an oracle's, of
the lowest J."""

POLICIES: tuple[Policy, ...] = ("suggested", "even", "worst")

TOUCHED = ", touched"
"""Behind a policy's name: after each correction only what it touches was drawn anew."""

GOOD = 0.95
"""IoU of a mask on the frame that is being marked from which on nobody marks any more."""

TARGETS = (0.85, 0.90, 0.95)
"""Mean J that marks are counted to."""


@dataclass(frozen=True)
class AnnotatedRound:
    """One round: mean J and F over the frames, all marks so far, seconds of computing in it, the frame that was
    annotated for it, and how many frames were drawn, those of both passes twice."""

    j: float
    f: float
    marks: int
    seconds: float
    frame: int
    drawn: int = 0

    @property
    def j_and_f(self) -> float:
        return (self.j + self.f) / 2


class Annotator:
    """Works on one sequence.

    Args:
        marks: the most for one object on one frame.
        advance: told how many frames were drawn, after every clip.
    """

    def __init__(
        self,
        network: PCVOS,
        marker: Marker,
        media: FrameSource,
        truth: Truth,
        settings: PropagationSettings,
        marks: int,
        advance: Callable[[int], None],
    ):
        self._network, self._marker, self._media, self._truth = network, marker, media, truth
        self._settings, self._most, self._advance = settings, marks, advance
        self._marks = 0
        self._there = _DrawnMasks()  # of the last round
        self._first = Propagator(network, media, settings)  # knows the frames' features, which are the same for all

    def work(self, policy: Policy, rounds: int, touched: bool = False) -> list[AnnotatedRound]:
        """The state after 0, 1, …, `rounds` corrections; fewer where no frame is left.

        Args:
            touched: after a correction only what it touches is drawn anew (`core.propagation.touched`).
        """
        begin = time.perf_counter()
        propagator = Propagator(self._network, self._media, self._settings)
        propagator.cache = self._first.cache
        self._marks, self._there = 0, _DrawnMasks()
        given = self._truth.given_frames()
        for frame, objects in given.items():
            propagator.memory.add(frame, self._mark(frame, objects), objects)
        frame, played = min(given), []
        for round_ in range(rounds + 1):
            if round_ and touched:
                annotated = {one: propagator.memory[one].objects for one in propagator.memory}
                ways = ways_around(frame, annotated, 0, len(self._media) - 1)
                drawn = self._draw(propagator, propagator.run_along(ways, self._there)) if ways else 0
            else:
                drawn = self._draw(propagator, propagator.run(direction="both" if round_ else "forward"))
            seconds = time.perf_counter() - begin
            scores = self._judge()
            played.append(AnnotatedRound(*_means(scores), self._marks, seconds, frame, drawn))
            begin = time.perf_counter()
            chosen = self._choose(policy, scores, given) if round_ < rounds else None
            if chosen is None:
                break
            frame, objects = chosen, self._truth.known(chosen)
            given = {**given, frame: objects}
            mask = self._mark(frame, objects, self._there.labels(frame))
            propagator.memory.add(frame, mask, objects)
            self._there.masks[frame], self._there.sure[frame] = mask, dict.fromkeys(objects, 1.0)
        return played

    def _draw(self, propagator: Propagator, clips: Iterable[ClipResult]) -> int:
        """Take what a run gives; how many frames it drew."""
        drawn, there = 0, self._there
        for clip in clips:
            self._advance(len(clip.frames))
            drawn += sum(frame not in propagator.memory for frame in clip.frames)
            for i, frame in enumerate(clip.frames if not clip.provisional else ()):
                there.masks[frame], there.levels[frame] = clip.labels[i], clip.small[i]
                there.sure[frame] = {obj: float(own[i]) for obj, own in clip.confidence.items()}
        return drawn

    def _judge(self) -> SequenceScores:
        judge = Judge("", self._truth)
        for frame, labels in sorted(self._there.masks.items()):
            expected = np.where(np.isin(labels, list(self._truth.known(frame))), labels, np.uint8(0))
            judge.see(frame, expected, self._there.sure[frame])
        return judge.scores({})

    def _mark(self, frame: int, objects: frozenset[int], before: np.ndarray | None = None) -> np.ndarray:
        """A label map uint8 (H, W) of the annotator's masks, from the one that is there, if any."""
        truth = self._truth.labels(frame)
        seen = self._marker.see(self._media.read(frame))
        labels = np.zeros_like(truth)
        for obj in sorted(objects):
            own, marks = truth == obj, Marks()
            mask = None if before is None or not (before == obj).any() else before == obj
            for _ in range(self._most):
                if mask is not None and region_similarity(mask, own) >= GOOD:
                    break
                if mask is None and not own.any():
                    break
                marks = self._next_mark(marks, mask, own)
                mask, self._marks = self._marker.mask(seen, marks, mask).label, self._marks + 1
            if mask is not None:
                labels[mask] = obj
        return labels

    def _next_mark(self, marks: Marks, mask: np.ndarray | None, truth: np.ndarray) -> Marks:
        if mask is None:
            return first_mark(truth, "clicks")
        part = largest_wrong_part(mask, truth)
        assert part is not None, "a mask that is not good has a wrong part"
        return marks.and_click(*part.deepest(), part.is_missing)

    def _choose(self, policy: Policy, scores: SequenceScores, given: Mapping[int, frozenset[int]]) -> int | None:
        """The frame to correct next, one with a true mask."""
        free = [f for f in self._truth.frames if f not in given and self._truth.known(f)]
        if not free:
            return None
        if policy == "worst":
            return worst_frame(scores, given)
        if policy == "even":
            return max(free, key=lambda f: (min(abs(f - g) for g in given), -f))
        confidence = []
        for own in scores.objects:
            plane = np.full(len(self._media), np.nan)
            plane[list(scores.frames)] = own.confidence
            confidence.append(plane)
        return frame_to_correct(confidence, [given] * len(confidence))


@dataclass
class _DrawnMasks:
    """The masks drawn, by frame: label maps uint8 (H, W), and by object the probabilities and confidence of
    `ClipResult`; as `core.propagation.touched.MaskSource`."""

    masks: dict[int, np.ndarray] = field(default_factory=dict)
    levels: dict[int, Mapping[int, np.ndarray]] = field(default_factory=dict)
    sure: dict[int, dict[int, float]] = field(default_factory=dict)

    def labels(self, frame: int) -> np.ndarray | None:
        return self.masks.get(frame)

    def small(self, frame: int) -> Mapping[int, np.ndarray]:
        return self.levels.get(frame, {})


def _means(scores: SequenceScores) -> tuple[float, float]:
    """Mean J and F over the objects, each over its frames."""
    pairs = [(np.nanmean(own.j), np.nanmean(own.f)) for own in scores.objects]
    j, f = np.mean(pairs, 0)
    return float(j), float(f)


def area(rounds: Sequence[AnnotatedRound]) -> float:
    """The area under J&F over rounds, 0 to 1."""
    values = [one.j_and_f for one in rounds]
    return float(np.mean([(a + b) / 2 for a, b in pairwise(values)])) if values[1:] else values[0]


def marks_to(rounds: Sequence[AnnotatedRound], target: float) -> int | None:
    """Marks until mean J reaches `target`; None: it never does."""
    return next((one.marks for one in rounds if one.j >= target), None)


def annotator_table(found: Mapping[str, Sequence[Sequence[AnnotatedRound]]], rounds: int, marks: int) -> Table:
    """A row a policy: mean J&F over the sequences after each round, area, marks to the targets, seconds a round.

    Where a sequence needs no more rounds its last one stands for those left. Marks to a target are the median over all
    sequences; "-" where half of them never reach it.
    """
    count = max((len(own) for own in found.values()), default=0)
    title = f"Annotator: {count} sequences, at most {marks} marks an object and frame; J&F after so many corrections"
    columns = ("policy", *map(str, range(rounds + 1)), "area", *(f"marks to {t:g}" for t in TARGETS), "s a round")
    rows = []
    for policy, sequences in found.items():
        padded = [[*own, *[own[-1]] * (rounds + 1 - len(own))] for own in sequences]
        curve = [number(float(np.mean([own[i].j_and_f for own in padded]))) for i in range(rounds + 1)]
        needed = []
        for target in TARGETS:
            counts = [np.inf if (n := marks_to(own, target)) is None else n for own in padded]
            median = float(np.median(counts))
            needed.append("-" if np.isinf(median) or np.isnan(median) else f"{median:g}")
        seconds = f"{np.mean([one.seconds for own in sequences for one in own]):.1f}"
        rows.append((policy, *curve, number(float(np.mean([area(own) for own in padded]))), *needed, seconds))
    return Table(title, columns, tuple(rows))


def touched_table(found: Mapping[str, Sequence[Sequence[AnnotatedRound]]], rounds: int) -> Table:
    """Savings of drawing only what corrections touch: a row a policy.

    Args:
        found: sequences by policy, and by policy and `TOUCHED`.
    """
    title = f"Only what {rounds} corrections touch, against everything after each: frames drawn, and J&F more or less"
    columns = ("policy", "frames", *map(str, range(1, rounds + 1)), "J&F", *map(str, range(1, rounds + 1)))
    rows = []
    for policy in (name for name in found if name + TOUCHED in found):
        pairs = list(zip(found[policy], found[policy + TOUCHED], strict=True))
        shares = [
            _share([(a[i].drawn, b[i].drawn) for a, b in pairs if i < min(len(a), len(b))])
            for i in range(1, rounds + 1)
        ]
        every = [(x.drawn, y.drawn) for a, b in pairs for x, y in zip(a[1:], b[1:], strict=False)]
        lost = [
            np.mean([b[min(i, len(b) - 1)].j_and_f - a[min(i, len(a) - 1)].j_and_f for a, b in pairs])
            for i in range(1, rounds + 1)
        ]
        rows.append((policy, _share(every), *shares, f"{np.mean(lost):+.4f}", *(f"{one:+.4f}" for one in lost)))
    return Table(title, columns, tuple(rows))


def _share(pairs: Sequence[tuple[int, int]]) -> str:
    """Frames drawn, as a share of those drawn when everything is."""
    full = sum(all_of_it for all_of_it, _ in pairs)
    return number(sum(part for _, part in pairs) / full) if full else "-"
