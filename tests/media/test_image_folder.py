"""Folders of images as footage."""

import struct
from fractions import Fraction

import cv2
import numpy as np
import pytest
from footage_files import picture
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from core.errors import PCVOSError
from core.media import open_media, open_provisionally
from core.media.images import natural_key


def save(path, pixels: np.ndarray, **settings) -> None:
    Image.fromarray(pixels).save(path, **settings)


def read_one(path) -> np.ndarray:
    with open_media(path.parent) as media:
        assert len(media) == 1
        return media.read(0)


def test_natural_order_and_everything_a_source_tells(tmp_path):
    for number in (10, 9, 1, 100, 2):
        save(tmp_path / f"shot{number}.png", picture(number))
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / ".hidden.png").write_bytes(b"no image")
    (tmp_path / "sub.png").mkdir()
    with open_media(tmp_path, folder_rate=Fraction(24)) as media:
        assert list(media.stems) == ["shot1", "shot2", "shot9", "shot10", "shot100"]
        assert not media.is_video and media.size == (48, 64) and media.warnings == []
        assert media.rate == 24 and list(media.timestamps) == [Fraction(i, 24) for i in range(5)]
        for index, number in enumerate((1, 2, 9, 10, 100)):
            np.testing.assert_array_equal(media.read(index), picture(number))
        for index in (-1, 5):
            with pytest.raises(IndexError):
                media.read(index)
    assert open_media(tmp_path).rate == 25


@given(st.lists(st.integers(0, 10**6), unique=True, min_size=2))
def test_numbers_in_names_sort_as_numbers(numbers):
    names = [f"take_{number}b" for number in numbers]
    assert sorted(names, key=natural_key) == [f"take_{number}b" for number in sorted(numbers)]


@given(st.lists(st.text(), unique=True).flatmap(lambda names: st.tuples(st.just(names), st.permutations(names))))
def test_any_names_have_one_order(names):
    assert sorted(names[0], key=natural_key) == sorted(names[1], key=natural_key)


@pytest.mark.parametrize("name", ["a.png", "a.PNG", "a.bmp", "a.tif", "a.TIFF"])
def test_lossless_formats(tmp_path, name):
    save(tmp_path / name, picture(3))
    pixels = read_one(tmp_path / name)
    assert pixels.dtype == np.uint8 and pixels.flags.c_contiguous and pixels.flags.writeable
    np.testing.assert_array_equal(pixels, picture(3))


@pytest.mark.parametrize("name", ["a.jpg", "a.JPEG", "a.webp"])
def test_lossy_formats_as_opencv_reads_them(tmp_path, name):
    save(tmp_path / name, picture(3))
    np.testing.assert_array_equal(read_one(tmp_path / name), cv2.imread(str(tmp_path / name))[..., ::-1])


def test_lossless_webp(tmp_path):
    save(tmp_path / "a.webp", picture(3), lossless=True)
    np.testing.assert_array_equal(read_one(tmp_path / "a.webp"), picture(3))


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_16_bit_keeps_the_high_byte(tmp_path, suffix, channels):
    samples = np.random.default_rng(channels).integers(0, 2**16, (20, 30, channels), dtype=np.uint16)
    bgr = samples[..., [2, 1, 0, 3][:channels]] if channels > 1 else samples
    cv2.imwrite(str(tmp_path / f"a{suffix}"), bgr)
    expected = np.broadcast_to(samples[..., :3] >> 8, (20, 30, 3)).astype(np.uint8)
    np.testing.assert_array_equal(read_one(tmp_path / f"a{suffix}"), expected)


def test_grey_palette_alpha_and_one_bit(tmp_path):
    grey = picture(3)[..., 0]
    alpha = np.dstack([picture(3), grey])
    palette = Image.fromarray(picture(3)).quantize(16)
    bits = Image.fromarray(grey > 128)
    for name, image, expected in (
        ("grey", Image.fromarray(grey), np.repeat(grey[..., None], 3, 2)),
        ("grey and alpha", Image.fromarray(alpha[..., 2:]), np.repeat(alpha[..., 2:3], 3, 2)),
        ("alpha", Image.fromarray(alpha), picture(3)),
        ("palette", palette, np.asarray(palette.convert("RGB"))),
        ("bits", bits, np.repeat(np.where(grey > 128, 255, 0)[..., None], 3, 2)),
    ):
        (tmp_path / name).mkdir()
        image.save(tmp_path / name / "a.png")
        np.testing.assert_array_equal(read_one(tmp_path / name / "a.png"), expected, err_msg=name)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".png"])
def test_exif_orientation_as_opencv_applies_it(tmp_path, orientation, suffix):
    exif = Image.Exif()
    exif[0x0112] = orientation
    save(tmp_path / f"a{suffix}", picture(3), exif=exif)
    expected = cv2.imread(str(tmp_path / f"a{suffix}"))[..., ::-1]
    with open_media(tmp_path) as media:
        assert media.size == ((48, 64) if orientation < 5 else (64, 48))
        np.testing.assert_array_equal(media.read(0), expected)


def with_late_exif(data: bytes) -> bytes:
    """A PNG with its eXIf chunk moved behind the pixels."""
    begin = data.index(b"eXIf") - 4
    end = begin + 12 + int.from_bytes(data[begin : begin + 4], "big")
    last = data.index(b"IEND") - 4
    return data[:begin] + data[end:last] + data[begin:end] + data[last:]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_behind_the_pixels_counts(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = "x" * 60_000  # a description
    path = tmp_path / "a.png"
    save(path, picture(3, 300, 400), exif=exif)
    path.write_bytes(with_late_exif(path.read_bytes()))
    expected = cv2.imread(str(path))[..., ::-1]
    with open_media(tmp_path) as media:
        assert media.size == expected.shape[:2] == ((300, 400) if orientation < 5 else (400, 300))
        np.testing.assert_array_equal(media.read(0), expected)
    assert open_provisionally(tmp_path).size == expected.shape[:2]


def test_negative_samples_are_black(tmp_path):
    samples = np.linspace(-70_000, 65_535, 600).astype(np.int32).reshape(20, 30)
    save(tmp_path / "a.tif", samples)
    expected = np.repeat((samples.clip(0) >> 8).astype(np.uint8)[..., None], 3, 2)
    np.testing.assert_array_equal(read_one(tmp_path / "a.tif"), expected)
    assert expected.max() == 255 and expected[0].max() == 0


def test_large_samples_without_a_sign_are_not_taken_for_negative_ones(tmp_path):
    save(tmp_path / "a.tif", np.full((20, 30), -5, np.int32))
    data = (tmp_path / "a.tif").read_bytes()
    signed = struct.pack("<HHIHH", 339, 3, 1, 2, 0)
    assert signed in data
    (tmp_path / "a.tif").write_bytes(data.replace(signed, struct.pack("<HHIHH", 339, 3, 1, 1, 0)))
    with pytest.raises(PCVOSError, match="more than 16 bits"):
        read_one(tmp_path / "a.tif")


def test_links_that_lead_nowhere_are_told(tmp_path):
    for number in range(3):
        save(tmp_path / f"{number}.png", picture(number))
    (tmp_path / "more").mkdir()
    save(tmp_path / "more" / "4.png", picture(4))
    (tmp_path / "4.png").symlink_to(tmp_path / "more" / "4.png")
    assert open_media(tmp_path).warnings == []
    (tmp_path / "3.png").symlink_to(tmp_path / "gone.png")
    (tmp_path / "notes.txt").symlink_to(tmp_path / "gone.txt")
    with open_media(tmp_path) as media:
        assert list(media.stems) == ["0", "1", "2", "4"]
        assert len(media.warnings) == 1 and "3.png" in media.warnings[0] and "nowhere" in media.warnings[0]
        again = open_media(tmp_path, index=media.stored_index())
        assert again.warnings == media.warnings
    for number in range(5, 12):
        (tmp_path / f"{number}.png").symlink_to(tmp_path / "gone.png")
    assert "3.png, 5.png, 6.png and 5 more" in open_media(tmp_path).warnings[0]


def test_nothing_but_links_that_lead_nowhere(tmp_path):
    (tmp_path / "0.png").symlink_to(tmp_path / "gone.png")
    with pytest.raises(PCVOSError, match=r"0\.png .*nowhere"):
        open_media(tmp_path)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "group4", "jpeg"])
def test_a_damaged_tiff_says_nothing_but_its_one_sentence(tmp_path, capfd, compression):
    noise = np.random.default_rng(0).integers(0, 256, (96, 96, 3), np.uint8)
    image = Image.fromarray(noise).convert("1" if compression == "group4" else "RGB")
    image.save(tmp_path / "a.tif", compression=compression)
    data = (tmp_path / "a.tif").read_bytes()
    for begin in (8, 300, 400):
        (tmp_path / "a.tif").write_bytes(data[:begin] + b"\xff" * 60 + data[begin + 60 :])
        try:
            read_one(tmp_path / "a.tif")
        except PCVOSError as error:
            assert "a.tif" in str(error) and "\n" not in str(error)
    assert capfd.readouterr() == ("", "")


def test_names_beyond_ascii(tmp_path):
    folder = tmp_path / "фильм 映画"
    folder.mkdir()
    save(folder / "é1.png", picture(1))
    np.testing.assert_array_equal(read_one(folder / "é1.png"), picture(1))


def test_no_images(tmp_path):
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(PCVOSError, match="holds no images"):
        open_media(tmp_path)


def test_the_first_image_of_another_size_is_named(tmp_path):
    for number in range(12):
        save(tmp_path / f"{number}.png", picture(number, 48, 64 if number < 9 else 66))
    with pytest.raises(PCVOSError, match=r"9\.png is 66x48 while 0\.png is 64x48"):
        open_media(tmp_path)


def test_two_images_of_one_stem(tmp_path):
    save(tmp_path / "a.png", picture(0))
    save(tmp_path / "a.jpg", picture(0))
    with pytest.raises(PCVOSError, match=r"a\.jpg.*a\.png|a\.png.*a\.jpg"):
        open_media(tmp_path)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.bmp", "a.webp", "a.tif"])
def test_a_truncated_image_is_named(tmp_path, name):
    path = tmp_path / name
    save(path, picture(0, 96, 96))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(PCVOSError, match=name) as error:
        read_one(path)
    assert "\n" not in str(error.value) and error.value.exit_code == 2


def test_a_file_that_is_no_image_is_named(tmp_path):
    save(tmp_path / "0.png", picture(0))
    (tmp_path / "1.png").write_bytes(b"no image")
    with pytest.raises(PCVOSError, match=r"1\.png cannot be read"):
        open_media(tmp_path)


def test_samples_beyond_16_bits_are_refused(tmp_path):
    save(tmp_path / "a.tif", np.linspace(0, 1, 600, dtype=np.float32).reshape(20, 30))
    with pytest.raises(PCVOSError, match="floating point"):
        read_one(tmp_path / "a.tif")
    save(tmp_path / "a.tif", np.full((20, 30), 2**20, np.int32))
    with pytest.raises(PCVOSError, match="more than 16 bits"):
        read_one(tmp_path / "a.tif")


def test_the_fingerprint_changes_with_the_images(tmp_path):
    for number in range(3):
        save(tmp_path / f"{number}.png", picture(number))
    before = open_media(tmp_path).fingerprint()
    assert open_media(tmp_path).fingerprint() == before
    save(tmp_path / "1.png", picture(1), compress_level=0)
    changed = open_media(tmp_path).fingerprint()
    (tmp_path / "2.png").unlink()
    assert len({before, changed, open_media(tmp_path).fingerprint()}) == 3


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate"])
def test_a_damaged_tiff_is_told_by_one_sentence_only(tmp_path, capfd, compression):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "0.tif", compression=compression)
    data = bytearray((tmp_path / "0.tif").read_bytes())
    data[200:-300:37] = bytes(byte ^ 0xFF for byte in data[200:-300:37])
    (tmp_path / "0.tif").write_bytes(data)
    with open_media(tmp_path) as media, pytest.raises(PCVOSError, match=r"0\.tif cannot be read as an image"):
        media.read(0)
    assert capfd.readouterr().err == ""
