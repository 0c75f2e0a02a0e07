"""Runs with the shipped weights: rounds of corrections, parts switched off, features computed once."""

from collections.abc import Iterable

import numpy as np
import pytest
import torch
from dataset_folders import disc_and_square

from core.errors import PCVOSError
from core.evaluation.held_out import label_all, mean_j, propagate_all
from core.evaluation.sequence_runner import SequenceRunner, counted_frames, too_short, variants, without_refinement
from core.evaluation.truth import Truth
from core.media.arrays import ArraySource, LabelledSequence
from core.network.checkpoint import load_network
from core.network.pcvos import PCVOS
from core.propagation import ClipResult, PropagationSettings, Propagator

SETTINGS = PropagationSettings(interval=3, progressive=2, resolution=112)


class ReadFrames(ArraySource):
    """Footage that notes which frames were read."""

    def __init__(self, frames: np.ndarray):
        super().__init__(frames)
        self.read_frames: list[int] = []

    def _read(self, index: int) -> np.ndarray:
        self.read_frames.append(index)
        return super()._read(index)


@pytest.fixture(scope="module")
def network() -> PCVOS:
    return load_network(None, "cpu")


def collect(clips: Iterable[ClipResult]) -> dict[int, np.ndarray]:
    return {f: own for clip in clips if not clip.provisional for f, own in zip(clip.frames, clip.labels, strict=True)}


def test_variants_are_what_was_asked_for():
    def found(*args, **options):
        return [(v.settings.interval, v.without) for v in variants(SETTINGS, *args, **options)]

    assert found([5, 10, 5]) == [(5, ()), (10, ())]
    both = ("progressive", "refinement")
    assert found([5], ("refinement", "progressive")) == [(5, both)]
    assert found([5, 9], ("refinement",), True) == [(i, off) for off in ((), ("refinement",)) for i in (5, 9)]
    assert found([5], (), True) == [(5, off) for off in ((), ("progressive",), ("refinement",), both)]
    with pytest.raises(PCVOSError, match="--without decoder is no part"):
        found([5], ("decoder",))
    with pytest.raises(PCVOSError, match="Memory interval is 51"):
        found([51])


def test_what_comes_to_the_same_is_known_to():
    short, long, plain_short, plain_long = variants(SETTINGS, [2, 4], ("progressive",), ablations=True)
    assert short.effective == plain_short.effective
    assert long.effective != plain_long.effective
    assert plain_long.effective[0].progressive == 0


def test_without_refinement_nothing_is_exchanged_within_a_clip(network: PCVOS):
    bare = without_refinement(network)
    local, readout = torch.rand(1, network.config.local_dim, 2, 7, 7), torch.rand(1, network.config.value_dim, 2, 7, 7)
    other = readout.clone()
    other[:, :, 1] = 0
    refined, bare_refined = network.refine(local, readout), bare.refine(local, readout)
    assert not torch.equal(refined[:, :, 0], network.refine(local, other)[:, :, 0])
    assert torch.equal(bare_refined[:, :, 0], bare.refine(local, other)[:, :, 0])
    assert bare_refined.shape == refined.shape and not torch.equal(bare_refined, refined)
    assert torch.equal(network.refine(local, readout), refined)  # it is what it was
    assert bare.decoder is network.decoder and bare.weights_fingerprint == network.weights_fingerprint


@pytest.fixture(scope="module")
def scene() -> tuple[np.ndarray, np.ndarray]:
    return disc_and_square(9, square_from=2)


def test_rounds_are_runs_of_the_tool(network: PCVOS, scene):
    frames, labels = scene
    media, truth = ReadFrames(frames), Truth.from_array(labels)
    drawn: dict[int, dict[int, np.ndarray]] = {0: {}, 1: {}}

    def take(number: int, frame: int, own: np.ndarray) -> None:
        drawn[number][frame] = own.copy()

    (variant,) = variants(SETTINGS, [3])
    first, second = SequenceRunner(network, "scene", media, truth).run(variant, 1, take)
    # The first round goes forward from the frames on which the objects appear.
    propagator = Propagator(network, ArraySource(frames), SETTINGS)
    propagator.memory.add(0, labels[0], [1])
    propagator.memory.add(2, labels[2], [2])
    expected = collect(propagator.run())
    assert all(np.array_equal(drawn[0][frame], expected[frame]) for frame in range(9))
    # The worst frame on which nothing was given was then given, for both objects, and the run went both ways.
    means = first.scores.frame_means()
    worst = min((f for f in range(9) if f not in (0, 2)), key=lambda f: means[f])
    assert (first.corrected, second.corrected) == (None, worst)
    propagator.memory.add(worst, labels[worst], [1, 2] if worst > 2 else [1])
    expected = collect(propagator.run(direction="both"))
    assert all(np.array_equal(drawn[1][frame], expected[frame]) for frame in range(2, 9))
    assert not any((drawn[1][frame] == 2).any() for frame in range(2))  # the square is not given yet
    assert np.array_equal(drawn[1][worst], labels[worst])
    for before, after in zip(first.scores.objects, second.scores.objects, strict=True):
        gone = set(np.flatnonzero(before.counted)) - set(np.flatnonzero(after.counted))
        assert gone <= {worst} and not after.counted[worst]
        assert not after.counted.all() and (after.counted <= before.counted).all()
    assert not np.isnan(first.scores.objects[0].confidence[first.scores.objects[0].counted]).any()


def test_features_are_computed_once_for_all_rounds_and_variants(network: PCVOS, scene):
    frames, labels = scene
    media = ReadFrames(frames)
    runner = SequenceRunner(network, "scene", media, Truth.from_array(labels), with_f=False)
    one, other = variants(SETTINGS, [3, 5])
    list(runner.run(one, 1))
    before = len(media.read_frames)
    list(runner.run(other))
    # Again are read at most the frames that enter memory for the first time.
    assert len(media.read_frames) - before <= 3
    assert before < 2 * len(frames)


def test_sequences_in_which_nothing_would_be_left_to_score():
    truth = Truth.from_array(disc_and_square(6, square_from=2)[1])
    assert counted_frames(truth) == [1, 2, 3, 4]  # on 2 the disc counts
    assert too_short(truth, 0) is None and too_short(truth, 2) is None
    assert "3 frames that count can be corrected" in too_short(truth, 3)
    only = Truth.from_array(disc_and_square(3, square_from=1)[1])
    assert counted_frames(only) == [1] and too_short(only, 0) is None and too_short(only, 1) is not None
    assert "no frame" in too_short(Truth.from_array(disc_and_square(2)[1]), 0)


def test_sequences_in_memory(network: PCVOS):
    frames, labels = disc_and_square(5)
    sequences = [LabelledSequence("disc", frames, labels)]
    (variant,) = variants(SETTINGS, [3])
    (found,) = propagate_all(network, sequences, [variant])
    said: list[str] = []
    j = mean_j(network, sequences, SETTINGS, said.append)
    assert j == pytest.approx(found.means().j.mean) and 0 < j <= 1
    assert said == [f"disc: J {j:.4f}"]
    perfect = label_all("truth", sequences, lambda images, first: labels)
    assert perfect.means().j_and_f == 1 and perfect.summaries()[0].frames == 3
    frozen = label_all("first mask", sequences, lambda images, first: np.stack([first] * len(images)))
    assert frozen.means().j.mean < 1
