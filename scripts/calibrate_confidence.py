"""Fit the confidence to true J on the six held-out sequences: prints the constants of core/propagation/confidence.py.

    python scripts/calibrate_confidence.py --data DATA [--weights FILE] [--interval 5] [--pasted reappearance]

It also prints the rank correlation (Spearman) of confidence and J over all frames of all sequences together, and within
each; once with the constants fitted to all six, once with each sequence left out of the fit it is judged by.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.evaluation.metrics import region_similarity
from core.evaluation.pasted_sequences import PASTED
from core.evaluation.scores import spearman
from core.media.arrays import ArraySource
from core.network import PCVOS, load_network
from core.propagation import PropagationSettings, Propagator
from core.propagation.confidence import CALIBRATION, logit, measures
from core.propagation.geometry import Geometry
from core.training.data import Sequence, load_validation_sequences

Scores = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Per frame: expected IoU and largest share (T, 2), NaN where the mask is empty; true J (T,); confidence (T,)."""


def scores(network: PCVOS, sequence: Sequence, settings: PropagationSettings) -> Scores:
    """The measures, the true J and the confidence of all frames but the first and the last."""
    propagator = Propagator(network, ArraySource(sequence.frames, sequence.name), settings)
    propagator.memory.add(0, (sequence.labels[0] == 1).astype(np.uint8))
    geometry = Geometry(sequence.labels.shape[1:], settings.resolution)
    found, true_j, sure = [], [], []
    for clip in propagator.run():
        for frame, labels, small, c in zip(clip.frames, clip.labels, clip.small, clip.confidence[1], strict=True):
            if 0 < frame < len(sequence.frames) - 1:
                found.append(measures(geometry.crop_small(small[1])) or (np.nan, np.nan))
                true_j.append(region_similarity(labels == 1, sequence.labels[frame] == 1))
                sure.append(c)
    return np.array(found), np.array(true_j), np.array(sure)


def fit(parts: list[Scores]) -> np.ndarray:
    """Logistic regression of J (Newton's method), over masks that are not empty."""
    found = np.concatenate([part[0] for part in parts])
    true_j = np.concatenate([part[1] for part in parts])
    empty = np.isnan(found[:, 0])
    inputs, wanted = _inputs(found[~empty]), true_j[~empty]
    weights = np.zeros(inputs.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-inputs @ weights))
        curvature = inputs.T @ (inputs * (p * (1 - p))[:, None]) + 1e-6 * np.eye(len(weights))
        weights += np.linalg.solve(curvature, inputs.T @ (wanted - p))
    return weights


def predict(weights: np.ndarray, part: Scores) -> np.ndarray:
    """Confidence (T,) from measures; of an empty mask, the engine's."""
    found, _, sure = part
    return np.where(np.isnan(found[:, 0]), sure, 1 / (1 + np.exp(-_inputs(np.nan_to_num(found, nan=0.5)) @ weights)))


def _inputs(found: np.ndarray) -> np.ndarray:
    return np.stack([np.ones(len(found)), logit(found[:, 0]), found[:, 1]], 1)


def report(title: str, names: list[str], sure: list[np.ndarray], true_j: list[np.ndarray]) -> None:
    within = {name: spearman(a, b) for name, a, b in zip(names, sure, true_j, strict=True)}
    error = np.abs(np.concatenate(sure) - np.concatenate(true_j)).mean()
    print(
        f"{title}: all frames together {spearman(np.concatenate(sure), np.concatenate(true_j)):.3f}, mean of the "
        f"sequences {np.nanmean(list(within.values())):.3f}, mean distance from J {error:.3f}"
    )
    print("  " + ", ".join(f"{name} {value:.2f}" for name, value in within.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with the training tars")
    parser.add_argument("--weights", type=Path, help="in place of the shipped ones")
    parser.add_argument("--interval", type=int, default=5)
    parser.add_argument("--resolution", type=int, default=480)
    parser.add_argument("--no-distractors", action="store_true", help="look-alikes are not followed")
    parser.add_argument("--pasted", choices=["look-alikes", "reappearance"], help="on the sequences made harder so")
    arguments = parser.parse_args()
    network = load_network(arguments.weights, "cpu")
    settings = PropagationSettings(
        interval=arguments.interval, resolution=arguments.resolution, distractors=not arguments.no_distractors
    )
    sequences = load_validation_sequences(arguments.data)
    if arguments.pasted:
        sequences = PASTED[arguments.pasted](sequences)
    names = [sequence.name for sequence in sequences]
    parts = []
    for sequence in sequences:
        parts.append(scores(network, sequence, settings))
        print(f"{sequence.name}: J {parts[-1][1].mean():.3f}", flush=True)
    true_j = [part[1] for part in parts]
    weights = fit(parts)
    print(f"CALIBRATION = ({', '.join(f'{w:.3f}' for w in weights)})")
    for title, used in (("as it is", np.array(CALIBRATION)), ("fitted to all", weights)):
        report(title, names, [predict(used, part) for part in parts], true_j)
    apart = [predict(fit(parts[:i] + parts[i + 1 :]), parts[i]) for i in range(len(parts))]
    report("each left out of its fit", names, apart, true_j)


if __name__ == "__main__":
    main()
