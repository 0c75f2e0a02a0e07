"""J and F over sequences in memory, whose every frame has a mask: the held-out ones of the training data."""

from collections.abc import Callable, Sequence

import numpy as np

from core.evaluation.results import RunResults
from core.evaluation.scores import means, summarize_objects
from core.evaluation.sequence_runner import Round, SequenceRunner, Variant, judge_masks
from core.evaluation.truth import Truth
from core.masks.packed_labels import PackedLabels
from core.media.arrays import ArraySource, LabelledSequence
from core.network.pcvos import PCVOS
from core.propagation import PropagationSettings

Label = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Label maps uint8 (T, H, W), from frames uint8 (T, H, W, 3) and the label map uint8 (H, W) of the first."""


def propagate_all(
    network: PCVOS, sequences: Sequence[LabelledSequence], variants: Sequence[Variant]
) -> list[RunResults]:
    """Scores of sequences, carried forward from the mask of their first frame, for
    each of `variants`."""
    results = [RunResults(variant.name, variant.settings.interval, variant.without) for variant in variants]
    for sequence in sequences:
        runner = _runner(network, sequence)  # finds the features of the frames once
        for result, variant in zip(results, variants, strict=True):
            result.rounds[sequence.name] = list(runner.run(variant))
    return results


def label_all(name: str, sequences: Sequence[LabelledSequence], label: Label) -> RunResults:
    """Scores of the same sequences, labelled in another way; `name` is what it is called."""
    results = RunResults(name)
    for sequence in sequences:
        labels = label(sequence.frames, sequence.labels[0])
        masks = {frame: PackedLabels(own) for frame, own in enumerate(labels)}
        results.rounds[sequence.name] = [Round(judge_masks(sequence.name, _truth(sequence), masks))]
    return results


def mean_j(
    network: PCVOS, sequences: Sequence[LabelledSequence], settings: PropagationSettings, report: Callable[[str], None]
) -> float:
    """Mean J over sequences, from the mask of their first frame."""
    values = []
    for sequence in sequences:
        (found,) = _runner(network, sequence, with_f=False).run(Variant(settings))
        j = means(summarize_objects(found.scores)).j.mean
        report(f"{sequence.name}: J {j:.4f}")
        values.append(j)
    return float(np.mean(values))


def _runner(network: PCVOS, sequence: LabelledSequence, with_f: bool = True) -> SequenceRunner:
    media = ArraySource(sequence.frames, sequence.name)
    return SequenceRunner(network, sequence.name, media, _truth(sequence), with_f=with_f)


def _truth(sequence: LabelledSequence) -> Truth:
    """With the objects of the first frame: no other is given."""
    truth = Truth.from_array(sequence.labels)
    return Truth(truth.masks, {obj: frame for obj, frame in truth.given.items() if frame == 0})
