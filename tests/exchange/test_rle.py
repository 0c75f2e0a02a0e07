"""Masks as COCO writes them: there and back, as pycocotools has them, and what is none."""

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco

from core.errors import PCVOSError
from core.exchange.json_fields import Node
from core.exchange.rle import decode, encode, runs_of_text
from core.masks.packed_mask import PackedMask

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # in pycocotools

MASKS = arrays.arrays(bool, arrays.array_shapes(min_dims=2, max_dims=2, max_side=40))


def node(value):
    return Node(value, "masks.json", "annotations[0].segmentation")


@settings(max_examples=60)
@given(MASKS, st.booleans())
def test_there_and_back(mask, compressed):
    rle = encode(PackedMask.pack(mask), compressed=compressed)
    np.testing.assert_array_equal(decode(node(rle), mask.shape), mask)


@settings(max_examples=40)
@given(MASKS)
def test_as_pycocotools_has_them(mask):
    rle = encode(PackedMask.pack(mask))
    np.testing.assert_array_equal(coco.decode(rle), mask)
    plain = encode(PackedMask.pack(mask), compressed=False)
    assert coco.frPyObjects(plain, *mask.shape)["counts"].decode() == rle["counts"]


def test_the_example_of_the_format():
    mask = np.zeros((4, 6), bool)
    mask[1:3, 2:5] = True
    assert encode(PackedMask.pack(mask)) == {"size": [4, 6], "counts": "9220003"}
    assert encode(PackedMask.pack(mask), compressed=False)["counts"] == [9, 2, 2, 2, 2, 2, 5]
    assert runs_of_text("9220003") == [9, 2, 2, 2, 2, 2, 5]


@given(st.text(max_size=12))
def test_text_that_is_no_mask_is_refused_in_a_sentence(text):
    try:
        mask = decode(node({"size": [3, 5], "counts": text}))
    except PCVOSError as error:
        assert str(error).startswith("masks.json: annotations[0].segmentation.counts ")
    else:
        assert coco.decode({"size": [3, 5], "counts": text.encode()}).tolist() == mask.tolist()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"size": [4, 6], "counts": "9"}, ["segmentation.counts", "fills 9 pixels", "24"]),
        ({"size": [4, 6], "counts": [9, 2]}, ["segmentation.counts", "fills 11 pixels"]),
        ({"size": [4, 6], "counts": [30, -6]}, ["segmentation.counts", "negative"]),
        ({"size": [4, 6], "counts": [9, "2"]}, ["segmentation.counts[1]", "whole number"]),
        ({"size": [4, 6], "counts": "é"}, ["segmentation.counts"]),
        ({"size": [6, 4], "counts": [24]}, ["segmentation.size", "[6, 4]", "[4, 6]"]),
        ({"size": [4], "counts": [24]}, ["segmentation.size"]),
        ({"size": [10**9, 10**9], "counts": [24]}, ["segmentation.size"]),
        ({"counts": [24]}, ["segmentation.size", "missing"]),
        ({"size": [4, 6]}, ["segmentation.counts", "missing"]),
        ([[0, 0, 3, 0, 3]], ["segmentation[0]", "5 numbers"]),
        ([[0, 0, 3, 0, 3, 3], [0, 0, "x", 0, 3, 3]], ["segmentation[1][2]", "number"]),
        ([[0, 0, 3, 0, 3, float("nan")]], ["segmentation[0]"]),
        ([[0, 0, 3, 0, 3, 10**400]], ["segmentation[0]"]),
        ([1, 2, 3, 4, 5, 6], ["segmentation[0]", "list"]),
        ("9220003", ["segmentation", "object or a list"]),
    ],
)
def test_what_is_wrong_is_named(value, words):
    with pytest.raises(PCVOSError) as caught:
        decode(node(value), (4, 6))
    assert str(caught.value).startswith("masks.json: annotations[0].")
    assert all(word in str(caught.value) for word in words), caught.value


def test_polygons_are_filled_as_pycocotools_does():
    mask = decode(node([[2, 1, 12, 1, 12, 9, 2, 9], [15.0, 3.5, 18, 3.5, 18, 6]]), (12, 20))
    assert mask[1:9, 2:12].all() and mask[:, 12:15].sum() == 0 and mask[:, 15:].any()
    assert not decode(node([]), (12, 20)).any()
    assert not decode(node([[0, 0, 3, 0], [5, 5], []]), (12, 20)).any(), "points and lines have no pixel"
    np.testing.assert_array_equal(decode(node([[0, 0, 3, 0], [2, 1, 12, 1, 12, 9]]), (12, 20))[1:8, 11], True)
    assert decode(node([[-1e300, -5, 1e300, -5, 1e300, 1e300, -1e300, 1e300]]), (12, 20)).all()
