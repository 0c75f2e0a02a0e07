"""J and F of propagation over sequences whose every frame has a mask."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.evaluation.metrics import boundary_accuracy, region_similarity
from core.media.arrays import ArraySource
from core.network.pcvos import PCVOS
from core.propagation import PropagationSettings, Propagator


@dataclass(frozen=True)
class Score:
    """Mean J and F of one object in one sequence, first and last frame left out."""

    sequence: str
    object: int
    j: float
    f: float


def propagate_sequence(
    network: PCVOS, frames: np.ndarray, first: np.ndarray, settings: PropagationSettings
) -> np.ndarray:
    """Label maps uint8 (T, H, W) of a sequence, carried forward from the label map of its first frame.

    Args:
        frames: uint8 (T, H, W, 3) RGB. first: uint8 (H, W).
    """
    propagator = Propagator(network, ArraySource(frames), settings)
    propagator.memory.add(0, first)
    labels = np.empty(frames.shape[:3], np.uint8)
    for clip in propagator.run():
        labels[list(clip.frames)] = clip.labels
    return labels


def score(name: str, predicted: np.ndarray, truth: np.ndarray, with_f: bool = True) -> list[Score]:
    """Scores of every object of the first frame; label maps uint8 (T, H, W)."""
    scores = []
    for obj in sorted(set(np.unique(truth[0]).tolist()) - {0}):
        pairs = [(p == obj, t == obj) for p, t in zip(predicted[1:-1], truth[1:-1], strict=True)]
        j = float(np.mean([region_similarity(*pair) for pair in pairs]))
        f = float(np.mean([boundary_accuracy(*pair) for pair in pairs])) if with_f else float("nan")
        scores.append(Score(name, obj, j, f))
    return scores


def mean_j(network: PCVOS, sequences: list, settings: PropagationSettings, report: Callable[[str], None]) -> float:
    """Mean J over sequences with `name`, `frames` and `labels`, from the mask of their first frame."""
    values = []
    for sequence in sequences:
        predicted = propagate_sequence(network, sequence.frames, sequence.labels[0], settings)
        j = float(np.mean([s.j for s in score(sequence.name, predicted, sequence.labels, with_f=False)]))
        report(f"{sequence.name}: J {j:.4f}")
        values.append(j)
    return float(np.mean(values))
