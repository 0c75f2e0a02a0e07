"""Fit the confidence to true J: prints the constants of core/propagation/confidence.py and doubt.py, or writes them,
and what appearance says (`core/propagation/appearance.py`) into its weights file.

    python scripts/calibrate_confidence.py --data DATA --data FURTHER --write

To be run after the weights have changed. It draws the six held-out sequences, these with a second object in each
(`core/evaluation/pasted_sequences.py`), the hard clips that the folders hold (`core/training/hard_clips.py`), and clips
of the sequences that are trained on, and fits the constants to all of them, each with the root of its rows. Printed are
rank correlation and falls of J as `pcvos eval` has them: with the constants as they are, as they are fitted, and with
what shares footage with a sequence left out of the fit that it is judged by.
"""

import argparse
import random
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from make_hard_clips import render

from core.errors import PCVOSError
from core.evaluation.pasted_sequences import three_objects, two_objects
from core.evaluation.scores import Judge, ObjectScores, SequenceScores, confidence_correlation, flagged_falls
from core.evaluation.truth import Truth
from core.media.arrays import ArraySource, LabelledSequence
from core.network import PCVOS, load_network
from core.propagation import PropagationSettings, Propagator
from core.propagation.appearance import DEFAULT_APPEARANCE, save_appearance
from core.propagation.confidence import Absence, Evidence, Mask, confidence
from core.propagation.doubt import LOW_CONFIDENCE
from core.training import data as training_data
from core.training.data import IGNORE, load_hard_sequences, load_training_data, load_validation_sequences
from core.training.hard_clips import HARD_CLIPS

ROOT = Path(__file__).resolve().parents[1]

MOST_DOUBT = 0.2
"""Share of the held-out sequences' frames without a fall that may be in doubt, as they are, and as many with a second
object."""

ONE, TWO, HARD, TRAINED_ON = "held out", "held out, with a second object", "hard", "trained on"
CLIPS, CLIP_FRAMES, CLIP_RESOLUTIONS = 100, 30, (480, 480, 360, 240)
"""How many clips of the sequences that are trained on, how long at most, and what they are drawn at."""

RIDGE, APPEARANCE_RIDGE = 0.001, 0.03
"""Penalty on each weight but the constants, squared, a row; of appearance where its features have a variance of 1."""

Constants = Mapping[type[Evidence], Sequence[float]]


@dataclass(frozen=True, eq=False)
class Fit:
    """What was fitted: see `CALIBRATION` and `load_appearance`."""

    constants: Constants
    appearance: np.ndarray | None


@dataclass(frozen=True, eq=False)
class Drawn:
    """A sequence that was drawn: its scores, and the evidence by object and frame.

    Attributes:
        kind: `ONE`, `TWO`, `HARD` or `TRAINED_ON`. footage: names of the sequences that it is made of.
    """

    kind: str
    footage: frozenset[str]
    scores: SequenceScores
    evidence: Mapping[tuple[int, int], Evidence]

    def rows(self, own: ObjectScores) -> Iterator[tuple[int, Evidence]]:
        """The places of an object's counted frames, and the evidence there."""
        for i in np.flatnonzero(own.counted):
            yield int(i), self.evidence[own.object, self.scores.frames[i]]

    def judged_by(self, fit: Fit) -> SequenceScores:
        """Its scores with the confidence that is fitted so."""
        objects = []
        for own in self.scores.objects:
            sure = own.confidence.copy()
            for i, evidence in self.rows(own):
                sure[i] = confidence(evidence, fit.appearance, fit.constants)
            objects.append(replace(own, confidence=sure))
        return replace(self.scores, objects=tuple(objects))


def draw(network: PCVOS, sequence: LabelledSequence, settings: PropagationSettings, kind: str) -> Drawn:
    """Propagate the first frame's mask through a sequence."""
    truth = Truth.from_array(np.where(sequence.labels == IGNORE, np.uint8(0), sequence.labels))
    truth = Truth(truth.masks, {obj: frame for obj, frame in truth.given.items() if frame == 0})
    propagator = Propagator(network, ArraySource(sequence.frames, sequence.name), settings)
    propagator.memory.add(0, truth.labels(0))
    judge, evidence = Judge(sequence.name, truth, with_f=False), {}
    for clip in propagator.run():
        for i, frame in enumerate(clip.frames):
            judge.see(frame, clip.labels[i], {obj: float(own[i]) for obj, own in clip.confidence.items()})
            evidence |= {(obj, frame): own for obj, own in clip.evidence[i].items()}
    name = sequence.name.partition("-")[2] if kind == HARD else sequence.name
    return Drawn(kind, frozenset(name.split(" + ")), judge.scores(), evidence)


def hard_clips(folders: Sequence[Path]) -> Iterator[LabelledSequence]:
    sequences = load_hard_sequences(*folders)
    for clip in HARD_CLIPS:
        if clip.sequence in sequences:
            frames, labels = zip(*render(clip, *sequences[clip.sequence]), strict=True)
            yield LabelledSequence(f"{clip.kind}-{clip.sequence}", np.stack(frames), np.stack(labels))


def clips_trained_on(folders: Sequence[Path], rng: random.Random) -> Iterator[LabelledSequence]:
    """Clips of the sequences that have a mask on every frame, slow and fast; half of those of one object with one or
    two more pasted over it."""
    sequences = [own for own in load_training_data(*folders).sequences if not own.is_sparse]
    for _ in range(CLIPS):
        clip = _clip(rng.choice(sequences), rng)
        if clip.labels.max() == 1 and rng.random() < 0.5:
            others = [_clip(rng.choice(sequences), rng) for _ in range(rng.choice((1, 2)))]
            clip = (two_objects if len(others) == 1 else three_objects)([clip, *others])[0]
        yield clip


def _clip(sequence: training_data.Sequence, rng: random.Random) -> LabelledSequence:
    """Every frame, or every second or third, from a frame that has an object."""
    seen = [i for i, labels in enumerate(sequence.labels) if _objects(labels)]
    first, step = rng.choice(seen[: max(1, len(seen) - CLIP_FRAMES // 2)]), rng.choice((1, 1, 2, 3))
    chosen = range(first, len(sequence.frames), step)[:CLIP_FRAMES]
    number = np.zeros(256, np.uint8)
    for new, old in enumerate(_objects(sequence.labels[first]), 1):
        number[old] = new
    frames, labels = (np.stack([pixels[i] for i in chosen]) for pixels in (sequence.frames, sequence.labels))
    return LabelledSequence(sequence.name, frames, number[labels])


def _objects(labels: np.ndarray) -> list[int]:
    return [int(obj) for obj in np.unique(labels) if obj not in (0, IGNORE)]


def draw_all(network: PCVOS, arguments: argparse.Namespace) -> list[Drawn]:
    settings = PropagationSettings(
        interval=arguments.interval, resolution=arguments.resolution, precision=arguments.precision, cache_bytes=0
    )
    held_out: list[LabelledSequence] = []
    for folder in arguments.data:
        try:
            held_out += load_validation_sequences(folder)
        except PCVOSError:
            continue  # another folder has them
    rng = random.Random(0)
    kinds = {
        ONE: held_out,
        TWO: two_objects(held_out),
        HARD: hard_clips(arguments.data),
        TRAINED_ON: clips_trained_on(arguments.data, rng),
    }
    drawn = []
    for kind, sequences in kinds.items():
        for sequence in sequences:
            own = replace(settings, resolution=rng.choice(CLIP_RESOLUTIONS)) if kind == TRAINED_ON else settings
            drawn.append(draw(network, sequence, own, kind))
            print(f"{sequence.name}: rank correlation {confidence_correlation([drawn[-1].scores]):.3f}", flush=True)
    return drawn


def fit(drawn: Iterable[Drawn]) -> Fit:
    """Logistic regression of J (Newton's method), of masks and of absences."""
    rows: dict[type[Evidence], list[tuple[float, float, Evidence]]] = {Mask: [], Absence: []}
    for sequence in drawn:
        found = [(e, own.j[i]) for own in sequence.scores.objects for i, e in sequence.rows(own)]
        for evidence, j in found:
            rows[type(evidence)].append((len(found) ** -0.5, float(j), evidence))
    constants: dict[type[Evidence], np.ndarray] = {}
    appearance = None
    for kind, of_kind in rows.items():
        counts, wanted = np.array([row[0] for row in of_kind]), np.array([row[1] for row in of_kind])
        inputs = np.array([evidence.inputs for _, _, evidence in of_kind])
        ridge = [0.0] + [RIDGE] * (inputs.shape[1] - 1)
        appearances = [e.appearance for _, _, e in of_kind if isinstance(e, Mask) and e.appearance is not None]
        if len(appearances) < len(of_kind):
            constants[kind] = _regression(counts, wanted, inputs, ridge)
            continue
        mean, spread = np.mean(appearances, 0), np.std(appearances, 0) + 1e-6
        ridge += [APPEARANCE_RIDGE] * len(mean)
        weights = _regression(counts, wanted, np.hstack([inputs, (appearances - mean) / spread]), ridge)
        constants[kind], of_features = weights[: inputs.shape[1]], weights[inputs.shape[1] :] / spread
        appearance = np.append(of_features, -of_features @ mean).astype(np.float32)
    return Fit(constants, appearance)


def _regression(counts: np.ndarray, wanted: np.ndarray, inputs: np.ndarray, ridge: Sequence[float]) -> np.ndarray:
    """Weights (M,) of inputs (N, M); `counts` (N,): how much each row does; `ridge` (M,): penalties."""
    counts = counts / counts.mean()
    penalty = len(wanted) * np.diag(ridge)
    weights = np.zeros(inputs.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-inputs @ weights))
        curvature = inputs.T @ (inputs * (counts * p * (1 - p))[:, None]) + penalty
        weights += np.linalg.solve(curvature, inputs.T @ (counts * (wanted - p)) - penalty @ weights)
    return weights


def of_kind(kind: str, drawn: Sequence[Drawn], scores: Sequence[SequenceScores]) -> list[SequenceScores]:
    return [own for one, own in zip(drawn, scores, strict=True) if one.kind == kind]


def lowest(scores: Sequence[SequenceScores]) -> float:
    """The highest confidence, in thousandths, below which a frame deserves a look and few others do."""
    return max(low / 1000 for low in range(400, 1000) if flagged_falls(scores, low / 1000).of_others <= MOST_DOUBT)


def report(title: str, drawn: Sequence[Drawn], scores: Sequence[SequenceScores], low: float) -> None:
    print(f"{title}, in doubt below {low:.3f}")
    for kind in (ONE, TWO, HARD):
        if some := of_kind(kind, drawn, scores):
            of_falls = flagged_falls(some, low)
            print(
                f"  {kind}: rank correlation {confidence_correlation(some):.3f}; of {of_falls.falls} falls "
                f"{of_falls.of_falls:.2f} in doubt, of others {of_falls.of_others:.2f}"
            )
            print("    " + ", ".join(f"{own.sequence} {confidence_correlation([own]):.2f}" for own in some))


def write(fitted: Fit, low: float, features: str) -> None:
    """Put the constants in the place of those that are in the code, and write what appearance of these features says
    (`PCVOS.features_fingerprint`)."""
    folder = ROOT / "core" / "propagation"
    if fitted.appearance is not None:
        save_appearance(ROOT / "weights" / DEFAULT_APPEARANCE.name, fitted.appearance, features)
    for kind, values in fitted.constants.items():
        _replace(folder / "confidence.py", rf"(    {kind.__name__}: )\(.*\)", rf"\g<1>({_words(values)})")
    _replace(folder / "doubt.py", r"(LOW_CONFIDENCE = ).*", rf"\g<1>{low:.3f}")


def _replace(path: Path, old: str, new: str) -> None:
    text, count = re.subn(old, new, path.read_text())
    if count != 1:
        sys.exit(f"{path} does not have {old} once: write the constants there by hand.")
    path.write_text(text)


def _words(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.3f}" for value in values)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, action="append", default=[], help="folder with training tars; several")
    parser.add_argument("--weights", type=Path, help="in place of the shipped ones")
    parser.add_argument("--interval", type=int, default=5)
    parser.add_argument("--resolution", type=int, default=480)
    parser.add_argument("--precision", default="auto", help="auto, fp32 or bf16")
    parser.add_argument("--write", action="store_true", help="put the constants into the code")
    arguments = parser.parse_args()
    network = load_network(arguments.weights, "cpu")
    drawn = draw_all(network, arguments)
    left_out = {one.footage for one in drawn if one.kind != TRAINED_ON}
    fits = {footage: fit([one for one in drawn if not one.footage & footage]) for footage in left_out}
    apart = [one.judged_by(fits[one.footage]) if one.footage in fits else one.scores for one in drawn]
    fitted = fit(drawn)
    fitted = replace(fitted, constants={kind: np.round(weights, 3) for kind, weights in fitted.constants.items()})
    as_fitted = [one.judged_by(fitted) for one in drawn]
    low = min(lowest(of_kind(kind, drawn, as_fitted)) for kind in (ONE, TWO))
    report("As it is", drawn, [one.scores for one in drawn], LOW_CONFIDENCE)
    report("Fitted to all", drawn, as_fitted, low)
    report("Its footage left out of the fit", drawn, apart, low)
    for kind, values in fitted.constants.items():
        print(f"{kind.__name__}: ({_words(values)})")
    print(f"LOW_CONFIDENCE = {low:.3f}")
    if arguments.write:
        write(fitted, low, network.features_fingerprint)


if __name__ == "__main__":
    main()
