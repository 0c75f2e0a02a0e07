"""How far results agree with each other, none of which is the right one, and with masks that are there."""

import numpy as np

from core.evaluation.agreement import agreement, agreement_with_masks, frame_agreement, with_the_others
from core.evaluation.metrics import region_similarity
from core.masks.packed_mask import PackedMask

RNG = np.random.default_rng(5)


def test_agreement_is_the_mean_over_objects_and_frames():
    one, other = np.zeros((2, 4, 4), np.uint8), np.zeros((2, 4, 4), np.uint8)
    one[0, :2], other[0, :2, :2] = 1, 1  # half of it
    one[0, 3] = other[0, 3] = 2  # all of it
    assert frame_agreement(one[0], other[0]) == 0.75
    assert frame_agreement(one[1], other[1]) is None
    assert agreement({7: one[0], 8: one[1]}, {8: other[1], 7: other[0]}) == 0.75
    assert agreement({1: one[0]}, {8: other[0]}) is None


def test_it_is_the_mean_similarity_of_each_object():
    one, other = (RNG.choice([0, 1, 2, 7, 254], (9, 11)).astype(np.uint8) for _ in range(2))
    ids = sorted({*np.unique(one), *np.unique(other)} - {0})
    expected = np.mean([region_similarity(one == id, other == id) for id in ids])
    assert np.isclose(frame_agreement(one, other), expected)
    other[other == 2] = 0  # one that is lost counts as nothing in common
    assert np.isclose(frame_agreement(one, other), np.mean([region_similarity(one == id, other == id) for id in ids]))


def test_the_one_that_lost_the_object_is_the_one_that_agrees_least():
    there = np.zeros((6, 6), np.uint8)
    there[1:4, 1:4] = 1
    lost = np.zeros_like(there)
    results = {1: {0: lost}, 5: {0: there}, 15: {0: there}}
    names = list(results)
    pairs = {frozenset((a, b)): agreement(results[a], results[b]) for i, a in enumerate(names) for b in names[i + 1 :]}
    assert [with_the_others(pairs, name) for name in names] == [0.0, 0.5, 0.5]
    assert with_the_others({frozenset((1, 5)): None}, 1) is None
    assert with_the_others({}, 1) is None


def test_only_masks_that_are_there_count():
    labels = np.zeros((4, 6), np.uint8)
    labels[:, :3] = 1
    labels[:, 3:] = 2
    half = np.zeros((4, 6), bool)
    half[:2, :3] = True
    absent = PackedMask.pack(np.zeros((4, 6), bool))
    assert agreement_with_masks({3: labels}, {3: {1: PackedMask.pack(half)}}) == 0.5
    assert agreement_with_masks({3: labels}, {3: {1: PackedMask.pack(half), 2: absent}}) == 0.25
    assert agreement_with_masks({3: labels}, {3: {5: absent}, 9: {1: absent}}) is None
    assert agreement_with_masks({3: labels}, {}) is None
