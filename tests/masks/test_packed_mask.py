"""Packed masks: what goes in comes out, equal masks are equal, and damage is noticed."""

import struct
import zlib

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from core.masks.packed_mask import PackedMask, pack_labels

SIZES = array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40)
MASKS = SIZES.flatmap(lambda shape: arrays(bool, shape))


@st.composite
def boxes_of_ones(draw):
    """A mask that is one rectangle, so that boxes at every border and of every width occur."""
    height, width = draw(SIZES)
    top, left = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
    mask = np.zeros((height, width), bool)
    mask[top : draw(st.integers(top + 1, height)), left : draw(st.integers(left + 1, width))] = True
    return mask


@given(MASKS | boxes_of_ones())
def test_round_trip(mask):
    packed = PackedMask.pack(mask)
    assert packed.size == mask.shape
    assert packed.unpack().dtype == bool
    np.testing.assert_array_equal(packed.unpack(), mask)
    assert packed.is_empty == (not mask.any())
    again = PackedMask.from_bytes(packed.to_bytes())
    assert again == packed and hash(again) == hash(packed)
    np.testing.assert_array_equal(again.unpack(), mask)


@given(MASKS | boxes_of_ones(), st.integers(0, 5), st.integers(0, 5))
def test_a_part_of_a_frame_is_packed_as_the_whole(part, top, left):
    whole = np.zeros((part.shape[0] + 7, part.shape[1] + 6), bool)
    whole[top : top + part.shape[0], left : left + part.shape[1]] = part
    assert PackedMask.pack_part(part, whole.shape, top, left) == PackedMask.pack(whole)


@given(MASKS | boxes_of_ones())
def test_the_box_is_the_smallest(mask):
    packed = PackedMask.pack(mask)
    rows, columns = np.nonzero(mask)
    if not len(rows):
        assert packed.box == (0, 0, 0, 0)
        return
    top, left, bottom, right = rows.min(), columns.min(), rows.max(), columns.max()
    assert packed.box == (top, left, bottom - top + 1, right - left + 1)
    np.testing.assert_array_equal(packed.inside(), mask[top : bottom + 1, left : right + 1])


@given(st.data(), SIZES)
def test_equal_means_equal_pixels(data, shape):
    one, other = data.draw(arrays(bool, shape)), data.draw(arrays(bool, shape))
    assert (PackedMask.pack(one) == PackedMask.pack(other)) == bool((one == other).all())
    assert PackedMask.pack(one.astype(np.uint8) * 255) == PackedMask.pack(one), "any value but 0 is inside"
    assert PackedMask.pack(np.asfortranarray(one)) == PackedMask.pack(one)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (7, 8), (1080, 1921)])
def test_full_and_empty(shape):
    full = PackedMask.pack(np.ones(shape, bool))
    assert full.box == (0, 0, *shape)
    assert full.unpack().all()
    empty = PackedMask.pack(np.zeros(shape, bool))
    assert empty == PackedMask.empty(shape) == PackedMask.from_bytes(empty.to_bytes())
    assert empty.is_empty and not empty.unpack().any()
    assert empty.unpack().shape == shape
    assert empty != PackedMask.empty((shape[0] + 1, shape[1]))


def test_large_masks_stay_small():
    rows, columns = np.ogrid[:2160, :3840]
    disc = (rows - 1000) ** 2 + (columns - 2000) ** 2 < 400**2
    assert len(PackedMask.pack(disc).to_bytes()) < 20_000


@given(MASKS, st.integers(1, 255))
def test_draw_sets_its_pixels_and_no_others(mask, value):
    labels = np.full(mask.shape, 7, np.uint8)
    PackedMask.pack(mask).draw(labels, value)
    np.testing.assert_array_equal(labels, np.where(mask, value, 7))


@given(SIZES.flatmap(lambda shape: arrays(np.uint8, shape)))
def test_pack_labels_takes_a_map_apart(labels):
    packed = pack_labels(labels)
    assert set(packed) == set(np.unique(labels).tolist()) - {0}
    together = np.zeros_like(labels)
    for value, mask in packed.items():
        mask.draw(together, value)
    np.testing.assert_array_equal(together, labels)


# --- damage


@given(MASKS | boxes_of_ones(), st.data())
def test_any_changed_byte_is_noticed(mask, data):
    good = bytearray(PackedMask.pack(mask).to_bytes())
    place = data.draw(st.integers(0, len(good) - 1))
    good[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ValueError, match="damaged"):
        PackedMask.from_bytes(bytes(good))


@given(MASKS | boxes_of_ones(), st.data())
def test_too_few_and_too_many_bytes_are_noticed(mask, data):
    good = PackedMask.pack(mask).to_bytes()
    with pytest.raises(ValueError, match="damaged"):
        PackedMask.from_bytes(good[: data.draw(st.integers(0, len(good) - 1))])
    with pytest.raises(ValueError, match="damaged"):
        PackedMask.from_bytes(good + data.draw(st.binary(min_size=1, max_size=9)))


@given(st.binary(max_size=200))
def test_other_bytes_are_no_mask(data):
    assume(len(data) < 4 or struct.unpack("<I", data[:4])[0] != zlib.crc32(data[4:]))
    with pytest.raises(ValueError, match="damaged"):
        PackedMask.from_bytes(data)


def sealed(size, box, bits):
    """Bytes with a right checksum, whatever they say."""
    content = struct.pack("<6I", *size, *box) + bits
    return struct.pack("<I", zlib.crc32(content)) + content


@pytest.mark.parametrize(
    ("size", "box", "bits"),
    [
        ((4, 4), (0, 0, 5, 4), zlib.compress(bytes(5))),
        ((4, 4), (3, 0, 2, 4), zlib.compress(bytes(2))),
        ((4, 4), (0, 1, 4, 4), zlib.compress(bytes(4))),
        ((4, 4), (0, 0, 4, 4), b""),
        ((4, 4), (0, 0, 0, 0), zlib.compress(b"")),
    ],
)
def test_a_box_that_does_not_fit_is_damage(size, box, bits):
    with pytest.raises(ValueError, match="damaged"):
        PackedMask.from_bytes(sealed(size, box, bits))


@pytest.mark.parametrize("bits", [b"no zlib data", zlib.compress(bytes(3)), zlib.compress(bytes(10**7))])
def test_bits_that_are_not_the_boxes_are_damage_when_drawn(bits):
    mask = PackedMask.from_bytes(sealed((4, 4), (0, 0, 4, 4), bits))
    with pytest.raises(ValueError, match="damaged"):
        mask.unpack()


@given(SIZES.flatmap(lambda shape: arrays(np.uint8, shape)))
def test_maps_of_many_objects_too(labels):
    packed = pack_labels(labels)
    assert packed.keys() == set(np.unique(labels).tolist()) - {0}
    assert all(packed[i] == PackedMask.pack(labels == i) for i in packed)
