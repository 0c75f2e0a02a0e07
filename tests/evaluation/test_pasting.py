"""Harder sequences made of easy ones."""

import numpy as np
import pytest

from core.evaluation.pasted_sequences import HOLD, PASTED, SLIDE
from core.media.arrays import LabelledSequence

COUNT, SIZE = 60, (48, 80)


def sequence(name: str, colour: tuple[int, int, int], ground: int) -> LabelledSequence:
    """A square that walks over plain ground: pixels tell whose they are."""
    frames = np.full((COUNT, *SIZE, 3), ground, np.uint8)
    labels = np.zeros((COUNT, *SIZE), np.uint8)
    for i in range(COUNT):
        x = 6 + i // 4
        frames[i, 8:24, x : x + 14] = colour
        labels[i, 8:24, x : x + 14] = 1
    return LabelledSequence(name, frames, labels)


@pytest.fixture
def originals() -> list[LabelledSequence]:
    return [sequence("red", (250, 0, 0), 90), sequence("green", (0, 250, 0), 120), sequence("blue", (0, 0, 250), 150)]


def is_colour(frames: np.ndarray, channel: int) -> np.ndarray:
    return frames[..., channel].astype(int) - frames[..., channel - 1] > 150


@pytest.mark.parametrize("kind", PASTED)
def test_what_they_are_made_of_stays_and_they_are_always_the_same(kind: str, originals: list[LabelledSequence]):
    before = [(s.frames.copy(), s.labels.copy()) for s in originals]
    made, again = PASTED[kind](originals), PASTED[kind](originals)
    for original, (frames, labels) in zip(originals, before, strict=True):
        assert np.array_equal(original.frames, frames) and np.array_equal(original.labels, labels)
    for one, other, original in zip(made, again, originals, strict=True):
        assert np.array_equal(one.frames, other.frames) and np.array_equal(one.labels, other.labels)
        assert one.frames.shape == original.frames.shape and one.labels.shape == original.labels.shape
        assert not np.array_equal(one.frames, original.frames)


@pytest.mark.parametrize(("kind", "count"), [("two", 2), ("three", 3)])
def test_every_object_has_its_pixels(kind: str, count: int, originals: list[LabelledSequence]):
    red = PASTED[kind](originals)[0]
    assert np.unique(red.labels).tolist() == list(range(count + 1))
    for number in range(1, count + 1):
        own = red.labels == number
        assert own.any((1, 2)).all()
        assert is_colour(red.frames, number - 1)[own].mean() > 0.8


def test_a_look_alike_is_in_the_picture_and_not_in_the_labels(originals: list[LabelledSequence]):
    red = PASTED["look-alikes"](originals)[0]
    assert np.array_equal(red.labels, originals[0].labels)
    beside = is_colour(red.frames, 0) & (red.labels == 0)
    assert (beside.sum((1, 2)) > 0.4 * (red.labels == 1).sum((1, 2))).all()
    assert is_colour(red.frames, 0)[red.labels == 1].all(), "the object itself lies in front"


def test_an_object_leaves_and_returns(originals: list[LabelledSequence]):
    red, original = PASTED["reappearance"](originals)[0], originals[0]
    shown = red.labels.any((1, 2))
    hidden = np.nonzero(~shown)[0]
    assert HOLD <= len(hidden) <= HOLD + 2
    assert hidden[0] == COUNT // 3 + SLIDE and np.all(np.diff(hidden) == 1)
    assert not is_colour(red.frames, 0)[hidden].any()
    untouched = [*range(COUNT // 3), *range(COUNT // 3 + 2 * SLIDE + HOLD, COUNT)]
    assert np.array_equal(red.labels[untouched], original.labels[untouched])
    assert np.array_equal(red.frames[untouched], original.frames[untouched])


def test_an_object_that_is_nowhere_is_hidden_by_nothing(originals: list[LabelledSequence]):
    gone = LabelledSequence("gone", originals[0].frames, np.zeros_like(originals[0].labels))
    made = PASTED["reappearance"]([gone, originals[1]])[0]
    assert np.array_equal(made.frames, gone.frames)
