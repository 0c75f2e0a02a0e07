"""Label maps held compressed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from core.masks.packed_labels import PackedLabels, values_of

maps = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=40), elements=st.integers(0, 255))


@given(maps)
def test_a_label_map_comes_back_as_it_was(labels: np.ndarray):
    before = labels.copy()
    packed = PackedLabels(labels)
    labels[:] = 1
    assert packed.shape == before.shape
    found = packed.unpack()
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, before)
    found[:] = 7
    np.testing.assert_array_equal(packed.unpack(), before, "each is the caller's own")


@given(maps, st.sampled_from([np.s_[::-1], np.s_[:, ::-1], np.s_[::2, ::3]]))
def test_also_one_that_is_a_view(labels: np.ndarray, part: tuple):
    np.testing.assert_array_equal(PackedLabels(labels[part]).unpack(), labels[part])
    np.testing.assert_array_equal(PackedLabels(labels.T).unpack(), labels.T)


@given(maps, st.integers(0, 5), st.integers(0, 5))
def test_a_part_stands_where_it_is_in_the_whole(labels: np.ndarray, top: int, left: int):
    height, width = labels.shape
    whole = np.zeros((height + 7, width + 6), np.uint8)
    whole[top : top + height, left : left + width] = labels
    packed = PackedLabels.of_part(labels, whole.shape, top, left)
    np.testing.assert_array_equal(packed.unpack(), whole)
    part, row, column = packed.part()
    assert np.count_nonzero(part) == np.count_nonzero(whole)
    np.testing.assert_array_equal(whole[row : row + part.shape[0], column : column + part.shape[1]], part)


def test_it_takes_little():
    labels = np.zeros((1080, 1920), np.uint8)
    labels[300:700, 500:900] = 3
    labels[650:900, 800:1500] = 9
    assert PackedLabels(labels).bytes < labels.size / 50


@pytest.mark.parametrize("wrong", [np.zeros((2, 3), np.int64), np.zeros((2, 3, 1), np.uint8), np.zeros(4, np.uint8)])
def test_nothing_else_is_taken(wrong: np.ndarray):
    with pytest.raises(ValueError, match="uint8"):
        PackedLabels(wrong)


@given(arrays(np.uint8, array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=9)))
def test_values_are_those_that_occur(labels: np.ndarray):
    assert values_of(labels) == np.unique(labels).tolist()
    assert values_of(labels[::-1, ...]) == np.unique(labels).tolist()
