"""Sequences propagated and judged: at several memory intervals, with parts switched off, with simulated corrections."""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from torch import nn

from core.errors import PCVOSError
from core.evaluation.scores import Given, Judge, SequenceScores
from core.evaluation.truth import Truth
from core.masks.packed_labels import PackedLabels
from core.media.source import FrameSource
from core.network.pcvos import PCVOS
from core.propagation import PropagationSettings, Propagator
from core.propagation.feature_cache import FeatureCache
from core.propagation.settings import Direction

PARTS = ("progressive", "refinement")
"""The parts that can be switched off: progressive matching (paper Sec. 3.5), intra-clip refinement (Sec. 3.4)."""

Drawn = Callable[[int, int, np.ndarray], None]
"""Takes the number of corrections so far, a frame, and its label map uint8 (H, W)."""


@dataclass(frozen=True)
class Variant:
    """One column of a comparison: a memory interval, and the parts that are switched off."""

    settings: PropagationSettings
    without: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        off = " and ".join(self.without)
        return f"L = {self.settings.interval}" + (f", without {off}" if off else "")

    @property
    def folder_name(self) -> str:
        return f"L{self.settings.interval}" + "".join(f"-without-{part}" for part in self.without)

    @property
    def effective(self) -> tuple[PropagationSettings, bool]:
        """The engine's side of it: its settings, and whether it refines. Variants that are equal in this give the
        same masks: progressive matching does nothing in a clip that is no longer than its interval."""
        progressive = 0 if "progressive" in self.without else self.settings.progressive
        progressive = 0 if progressive >= self.settings.interval else progressive
        return replace(self.settings, progressive=progressive), "refinement" not in self.without


@dataclass(frozen=True, eq=False)
class Round:
    """A sequence after so many corrections.

    Attributes:
        corrected: the frame that was corrected last; None before the first correction.
    """

    scores: SequenceScores
    corrected: int | None = None


def variants(
    settings: PropagationSettings, intervals: Sequence[int], without: Sequence[str] = (), ablations: bool = False
) -> list[Variant]:
    """The request for a run.

    Args:
        without: parts that are switched off, all of them together.
        ablations: compare instead: with everything, without each of the parts in `without` (all there are, if empty),
            and without all of them.

    Raises:
        PCVOSError: a part nobody knows, or a setting out of its range.
    """
    if wrong := next((part for part in without if part not in PARTS), None):
        raise PCVOSError(f"--without {wrong} is no part that can be switched off: name {' or '.join(PARTS)}, or both.")
    parts = [part for part in PARTS if part in without]
    off: list[tuple[str, ...]] = [tuple(parts)]
    if ablations:
        parts = parts or list(PARTS)
        off = list(dict.fromkeys([(), *((part,) for part in parts), tuple(parts)]))
    return [Variant(replace(settings, interval=interval), own) for own in off for interval in dict.fromkeys(intervals)]


def without_refinement(network: PCVOS) -> PCVOS:
    """The network with a refinement that exchanges nothing within the clip; `network` stays as it is, and the other
    parts are shared.

    The norm at the refinement's end stays: the decoder was trained behind it, and without it falls apart whether or not
    anything was exchanged (measured: docs/evaluation.md).
    """
    if not network.config.refinement:
        return network
    shared = {id(part): part for name, part in network.named_children() if name != "refine_transformer"}
    bare = copy.deepcopy(network, shared)
    bare.refine_transformer.layers = nn.ModuleList()
    return bare


class SequenceRunner:
    """Runs variants over one sequence; features of its frames are computed once for all of them, as the budget allows.

    Args:
        media: frames. truth: with all objects' masks on the frames on which they are given.
        advance: told how many frames were drawn, after every clip.
        with_f: whether F is measured too.
    """

    def __init__(
        self,
        network: PCVOS,
        name: str,
        media: FrameSource,
        truth: Truth,
        advance: Callable[[int], None] | None = None,
        with_f: bool = True,
    ):
        self._network, self._name, self._media, self._truth = network, name, media, truth
        self._advance, self._with_f = advance, with_f
        self._cache: FeatureCache | None = None

    def run(self, variant: Variant, corrections: int = 0, drawn: Drawn | None = None) -> Iterator[Round]:
        """Yield the state after 0, 1, …, `corrections` corrections.

        First the masks are carried forward, as the protocol has it. Then the annotator gives the true mask of the worst
        frame (lowest mean J of those never given), and the run goes both ways, as the tool's does.

        Args:
            drawn: takes each frame of each round.
        """
        settings, refines = variant.effective
        network = self._network if refines else without_refinement(self._network)
        propagator = Propagator(network, self._media, settings)
        if self._cache is None:
            self._cache = propagator.cache
        propagator.cache = self._cache
        given = self._truth.given_frames()
        for frame, objects in given.items():
            propagator.memory.add(frame, self._truth.labels(frame), objects)
        corrected = None
        for number in range(corrections + 1):
            take = partial(drawn, number) if drawn else None
            scores = self._judge(propagator, "both" if number else "forward", given, take)
            yield Round(scores, corrected)
            if number < corrections:
                corrected = worst_frame(scores, given)
                given = given | {corrected: self._truth.known(corrected)}
                propagator.memory.add(corrected, self._truth.labels(corrected), given[corrected])

    def _judge(
        self, propagator: Propagator, direction: Direction, given: Given, take: Callable[[int, np.ndarray], None] | None
    ) -> SequenceScores:
        judge = Judge(self._name, self._truth, self._with_f)
        for clip in propagator.run(direction=direction):
            if self._advance:
                self._advance(len(clip.frames))
            if clip.provisional:
                continue
            for i, frame in enumerate(clip.frames):
                labels = self._known_objects(frame, clip.labels[i])
                judge.see(frame, labels, {obj: float(own[i]) for obj, own in clip.confidence.items()})
                if take:
                    take(frame, labels)
        return judge.scores(given)

    def _known_objects(self, frame: int, labels: np.ndarray) -> np.ndarray:
        """Without objects that are given later only: a backward run carries them back to where they are not yet."""
        return np.where(np.isin(labels, list(self._truth.known(frame))), labels, np.uint8(0))


def judge_masks(name: str, truth: Truth, masks: Mapping[int, PackedLabels]) -> SequenceScores:
    """Scores of masks that are there already, by frame; frames without one are not judged."""
    judge = Judge(name, truth)
    for frame in truth.frames:
        if frame in masks:
            judge.see(frame, masks[frame].unpack())
    return judge.scores()


def worst_frame(scores: SequenceScores, given: Given) -> int:
    """The frame of lowest mean J among those on which no mask was given, the first of equals."""
    candidates = {f: j for f, j in zip(scores.frames, scores.frame_means(), strict=True) if f not in given}
    return min((f for f, j in candidates.items() if not np.isnan(j)), key=candidates.__getitem__)


def counted_frames(truth: Truth) -> list[int]:
    """Frames that count for some object, before any correction."""
    counted = np.any([own.counted for own in Judge("", truth).scores().objects], axis=0)
    return [frame for frame, counts in zip(truth.frames, counted, strict=True) if counts]


def too_short(truth: Truth, corrections: int) -> str | None:
    """The reason not to score a sequence after so many corrections, if there is one: nothing would be left to score."""
    counted = counted_frames(truth)
    free = [frame for frame in counted if frame not in truth.given.values()]
    if not counted:
        return "no frame with a true mask counts"
    if corrections and len(free) <= corrections:
        return f"{len(free)} frames that count can be corrected, and one has to be left to score"
    return None
