"""Label maps read from every kind of PNG, and written."""

import errno
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from core.errors import PCVOSError, ResourceError
from core.masks.label_map import read_label_map, read_label_maps, write_grey, write_label_map
from core.masks.palette import DAVIS_PALETTE

INDEXED, GREY, RGB, GREY_ALPHA, RGBA = 3, 0, 2, 4, 6


def png(path: Path, values: list[int], bits: int, colour_type: int, width: int | None = None) -> Path:
    """A PNG built by hand from its samples, so that no library decides on the mode; one row unless `width` is given."""
    channels = {GREY: 1, INDEXED: 1, GREY_ALPHA: 2, RGB: 3, RGBA: 4}[colour_type]
    width = width or len(values) // channels
    height = len(values) // channels // width
    rows = np.array(values).reshape(height, -1)
    raw = b""
    for row in rows:
        text = "".join(format(value, f"0{bits}b") for value in row.tolist())
        text += "0" * (-len(text) % 8)
        raw += b"\0" + bytes(int(text[i : i + 8], 2) for i in range(0, len(text), 8))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    palette = chunk(b"PLTE", bytes(range(3 * 2**bits)) if bits < 8 else bytes(768)) if colour_type == INDEXED else b""
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + palette
        + chunk(b"IDAT", zlib.compress(raw))
        + chunk(b"IEND", b"")
    )
    return path


@pytest.mark.parametrize(
    ("values", "bits", "colour_type", "expected"),
    [
        pytest.param([0, 1, 1, 0], 1, INDEXED, [0, 1, 1, 0], id="indexed 1 bit"),
        pytest.param([0, 3, 2, 1], 2, INDEXED, [0, 3, 2, 1], id="indexed 2 bits"),
        pytest.param([0, 15, 7, 1], 4, INDEXED, [0, 15, 7, 1], id="indexed 4 bits"),
        pytest.param([0, 7, 254, 255], 8, INDEXED, [0, 7, 254, 0], id="indexed 8 bits, void, gaps"),
        pytest.param([0, 255, 255, 0], 8, INDEXED, [0, 0, 0, 0], id="indexed 0 and 255: void, no object"),
        pytest.param([0, 1, 1, 0], 1, GREY, [0, 1, 1, 0], id="1-bit black and white"),
        pytest.param([0, 3, 3, 0], 2, GREY, [0, 1, 1, 0], id="grey 2 bits black and white"),
        pytest.param([0, 3, 2, 1], 2, GREY, [0, 3, 2, 1], id="grey 2 bits ids"),
        pytest.param([0, 15, 7, 1], 4, GREY, [0, 15, 7, 1], id="grey 4 bits ids"),
        pytest.param([0, 255, 255, 0], 8, GREY, [0, 1, 1, 0], id="grey black and white"),
        pytest.param([255, 255], 8, GREY, [1, 1], id="grey all white"),
        pytest.param([0, 0], 8, GREY, [0, 0], id="grey all black"),
        pytest.param([0, 1, 1, 0], 8, GREY, [0, 1, 1, 0], id="grey 0 and 1"),
        pytest.param([0, 2, 254, 255], 8, GREY, [0, 2, 254, 0], id="grey ids and void"),
        pytest.param([0, 5, 254, 255], 16, GREY, [0, 5, 254, 0], id="grey 16 bits ids"),
        pytest.param([0, 65535], 16, GREY, [0, 1], id="grey 16 bits black and white"),
        pytest.param([0, 9, 255, 9, 255, 0], 8, GREY_ALPHA, [0, 1, 1], id="grey with alpha, black and white"),
        pytest.param([0, 9, 4, 0, 3, 255], 8, GREY_ALPHA, [0, 4, 3], id="grey with alpha, ids"),
        pytest.param([0, 0, 0, 128, 0, 0, 0, 128, 0, 224, 224, 192], 8, RGB, [0, 1, 2, 0], id="DAVIS colours, void"),
        pytest.param([0, 0, 0, 0, 128, 0, 0, 255], 8, RGBA, [0, 1], id="alpha dropped, also over colour"),
        pytest.param([0, 0, 0, 255, 255, 255], 8, RGB, [0, 1], id="colour black and white"),
    ],
)
def test_every_kind_of_png(tmp_path, values, bits, colour_type, expected):
    mask = read_label_map(png(tmp_path / "mask.png", values, bits, colour_type))
    assert mask.labels.dtype == np.uint8
    assert mask.labels.tolist() == [expected]
    assert mask.ids == tuple(sorted(set(expected) - {0}))
    assert (mask.colours is not None) == (colour_type in (RGB, RGBA))


def test_other_colours_get_ids_in_ascending_rgb_order(tmp_path):
    pixels = [255, 0, 0, 0, 255, 1, 0, 255, 0, 0, 0, 0, 255, 0, 0, 0, 0, 9]
    mask = read_label_map(png(tmp_path / "mask.png", pixels, 8, RGB, width=3))
    assert mask.labels.tolist() == [[4, 3, 2], [0, 4, 1]]
    assert mask.colours == {1: (0, 0, 9), 2: (0, 255, 0), 3: (0, 255, 1), 4: (255, 0, 0)}


def test_one_foreign_colour_takes_the_davis_ids_from_all(tmp_path):
    # (0, 0, 128) is id 4 of the palette, but (1, 2, 3) is no colour of it: ascending order for both.
    mask = read_label_map(png(tmp_path / "mask.png", [1, 2, 3, 0, 0, 128], 8, RGB))
    assert mask.labels.tolist() == [[2, 1]]


def test_a_colour_means_the_same_id_in_all_files(tmp_path):
    red_blue = png(tmp_path / "a.png", [255, 0, 0, 0, 0, 255], 8, RGB)
    green = png(tmp_path / "b.png", [0, 0, 0, 0, 255, 0], 8, RGB)
    red = png(tmp_path / "c.png", [255, 0, 0, 0, 0, 0], 8, RGB)
    indexed = png(tmp_path / "d.png", [0, 7], 8, INDEXED)
    masks = read_label_maps([red_blue, green, red, indexed])
    assert [mask.labels.tolist() for mask in masks] == [[[3, 1]], [[0, 2]], [[3, 0]], [[0, 7]]]
    assert [mask.ids for mask in masks] == [(1, 3), (2,), (3,), (7,)]
    assert masks[0].colours == masks[2].colours == {1: (0, 0, 255), 2: (0, 255, 0), 3: (255, 0, 0)}
    assert masks[3].colours is None


def test_davis_colours_only_if_all_files_have_them(tmp_path):
    davis = png(tmp_path / "a.png", [0, 0, 0, 0, 0, 128], 8, RGB)
    assert read_label_maps([davis])[0].ids == (4,)
    other = png(tmp_path / "b.png", [0, 0, 0, 1, 1, 1], 8, RGB)
    assert [mask.ids for mask in read_label_maps([davis, other])] == [(1,), (2,)]


def test_too_many_colours(tmp_path):
    def greys(first: int, count: int) -> list[int]:
        return [channel for value in range(first, first + count) for channel in (value, 0, 1)]

    most = png(tmp_path / "most.png", [0, 0, 0, *greys(0, 254)], 8, RGB)
    assert read_label_map(most).ids == tuple(range(1, 255))
    with pytest.raises(PCVOSError, match=r"over\.png holds 255 colours.*254"):
        read_label_map(png(tmp_path / "over.png", greys(0, 255), 8, RGB))
    # Each file alone has few enough.
    halves = [png(tmp_path / f"{i}.png", greys(i * 128, 128), 8, RGB) for i in range(2)]
    with pytest.raises(PCVOSError, match=r"256 colours.*254"):
        read_label_maps(halves)
    noise = np.random.default_rng(0).integers(0, 256, 300 * 3).tolist()
    with pytest.raises(PCVOSError, match=r"noise\.png holds \d+ colours"):
        read_label_map(png(tmp_path / "noise.png", noise, 8, RGB))


def test_sixteen_bit_ids_over_254(tmp_path):
    with pytest.raises(PCVOSError, match=r"m\.png holds the object id 300.*1 to 254"):
        read_label_map(png(tmp_path / "m.png", [0, 1, 300], 16, GREY))
    with pytest.raises(PCVOSError, match=r"m\.png holds 399 object ids"):
        read_label_map(png(tmp_path / "m.png", list(range(401)), 16, GREY))  # 1..400 without the void 255


def test_sixteen_bit_grey_with_alpha_is_refused_rather_than_read_as_zero(tmp_path):
    with pytest.raises(PCVOSError, match=r"m\.png is 16-bit grey with alpha"):
        read_label_map(png(tmp_path / "m.png", [1, 65535], 16, GREY_ALPHA))


def test_a_png_cut_anywhere_is_an_error_that_names_it(tmp_path):
    whole = png(tmp_path / "whole.png", [0, 1, 2, 3] * 50, 8, INDEXED, width=20).read_bytes()
    cut = tmp_path / "cut.png"
    for length in range(len(whole) - 4):  # the last 4 bytes are the end marker's checksum
        cut.write_bytes(whole[:length])
        with pytest.raises(PCVOSError, match=r"cut\.png is (not a PNG|damaged or cut short)"):
            read_label_map(cut)


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_damage_is_an_error_or_harmless_and_never_a_crash(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("damage") / "mask.png"
    whole = bytearray(png(path, [0, 1, 2, 3] * 10, 8, INDEXED, width=8).read_bytes())
    position = data.draw(st.integers(0, len(whole) - 5))
    whole[position] ^= data.draw(st.integers(1, 255))
    path.write_bytes(whole)
    try:
        mask = read_label_map(path)
    except PCVOSError as error:  # every chunk carries a checksum
        assert "mask.png" in str(error)
    else:  # but damage to the end marker touches no pixel, and readers differ in whether they mind
        assert position >= len(whole) - 12
        assert mask.labels.ravel().tolist() == [0, 1, 2, 3] * 10


def test_not_a_png(tmp_path):
    Image.new("L", (8, 8)).save(tmp_path / "photo.png", format="JPEG")
    with pytest.raises(PCVOSError, match=r"photo\.png is not a PNG"):
        read_label_map(tmp_path / "photo.png")
    with pytest.raises(PCVOSError, match=r"none\.png cannot be read: No such file"):
        read_label_map(tmp_path / "none.png")
    with pytest.raises(PCVOSError, match="cannot be read"):
        read_label_map(tmp_path)


@given(labels=hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40), elements=st.integers(0, 254)))
@settings(max_examples=50, deadline=None)
def test_what_is_written_is_read(tmp_path_factory, labels):
    path = tmp_path_factory.mktemp("labels") / "mask.png"
    write_label_map(path, labels)
    mask = read_label_map(path)
    assert np.array_equal(mask.labels, labels)
    assert mask.ids == tuple(sorted(set(labels.ravel().tolist()) - {0}))


def test_written_maps_are_8_bit_indexed_with_the_davis_palette(tmp_path):
    write_label_map(tmp_path / "mask.png", np.eye(5, dtype=np.uint8))
    data = (tmp_path / "mask.png").read_bytes()
    assert (data[24], data[25]) == (8, INDEXED)
    with Image.open(tmp_path / "mask.png") as image:
        assert image.mode == "P"
        assert bytes(image.getpalette("RGB")) == DAVIS_PALETTE.tobytes()


def test_written_through_colour_and_back(tmp_path):
    labels = np.arange(255, dtype=np.uint8).reshape(15, 17)
    write_label_map(tmp_path / "mask.png", labels)
    Image.open(tmp_path / "mask.png").convert("RGB").save(tmp_path / "colour.png")
    assert np.array_equal(read_label_map(tmp_path / "colour.png").labels, labels)


def test_a_view_that_is_not_contiguous_is_written_as_seen(tmp_path):
    labels = np.arange(200, dtype=np.uint8).reshape(10, 20)[::-1, ::3]
    write_label_map(tmp_path / "mask.png", labels)
    assert np.array_equal(read_label_map(tmp_path / "mask.png").labels, labels)


def test_grey_is_written_as_8_bit_grey(tmp_path):
    soft = np.arange(256, dtype=np.uint8).reshape(16, 16)
    write_grey(tmp_path / "soft.png", soft)
    with Image.open(tmp_path / "soft.png") as image:
        assert image.mode == "L"
        assert np.array_equal(np.array(image), soft)


def test_only_label_maps_are_written(tmp_path):
    for wrong in (np.zeros((4, 4), np.int64), np.zeros((4, 4, 3), np.uint8)):
        with pytest.raises(ValueError, match="expected uint8"):
            write_label_map(tmp_path / "mask.png", wrong)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "mask.png"
    write_label_map(path, np.ones((4, 4), np.uint8))
    before = path.read_bytes()

    def full(self, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ResourceError, match="disk is full"):
        write_label_map(path, np.zeros((4, 4), np.uint8))
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["mask.png"]


def test_no_folder_to_write_to(tmp_path):
    with pytest.raises(PCVOSError, match="cannot be written"):
        write_grey(tmp_path / "none" / "soft.png", np.zeros((4, 4), np.uint8))
