"""Codecs whose decoders fill in what is damaged without a word: any frame is what decoding in order gives."""

from pathlib import Path

import av
import numpy as np
import pytest
from footage_files import decode_straight, flip_bytes, packet_bytes, write_video

from core.media import open_media
from core.media.ffv1_checksums import holds

SIZE = (144, 176)
KEYS = (24, 36)
# name: settings for `write_video`, the seed of damage, and whether damage can be seen at all
FILES = {
    "ffv1.mkv": ({"codec": "ffv1", "options": {"level": "3"}}, 1, True),
    "ffv1.avi": ({"codec": "ffv1", "options": {"level": "3"}, "keyframes": 1}, 1, True),
    "without-checksums.mkv": ({"codec": "ffv1", "options": {"level": "1"}}, 1, False),
    "msmpeg4.avi": ({"codec": "msmpeg4"}, 1, True),
    "qtrle.mov": ({"codec": "qtrle", "pixels": "rgb24"}, 1, False),
}


def frames_in_order(path: Path) -> tuple[list[np.ndarray], list[str]]:
    with open_media(path, cache_bytes=0) as media:
        return [media.read(number) for number in range(len(media))], media.warnings


@pytest.mark.parametrize("name", FILES)
def test_a_frame_alone_is_the_frame_in_order(tmp_path, name):
    arguments, seed, is_seen = FILES[name]
    path = write_video(tmp_path / name, 60, size=SIZE, **arguments)
    flip_bytes(path, KEYS, seed)
    frames, told = frames_in_order(path)
    expected = decode_straight(path, threads=False)[1] if "ffv1" in str(arguments) else frames
    np.testing.assert_array_equal(frames, expected)
    assert bool(told) == is_seen and all("is damaged" in sentence for sentence in told)
    index = None
    for number in (47, 24, 36, 31, 40, 59):
        with open_media(path, cache_bytes=0, index=index) as media:
            np.testing.assert_array_equal(media.read(number), frames[number], err_msg=f"frame {number}")
            index = media.stored_index()


@pytest.mark.parametrize("name", FILES)
def test_without_damage_nothing_is_told(tmp_path, name):
    path = write_video(tmp_path / name, 30, size=SIZE, **FILES[name][0])
    frames, told = frames_in_order(path)
    with open_media(path, cache_bytes=0) as media:
        for number in (29, 13, 20, 0, 24):
            np.testing.assert_array_equal(media.read(number), frames[number])
        assert told == media.warnings == []


def test_packets_that_are_called_keys_and_are_none(tmp_path):
    """FFmpeg says so of every H.263 in an AVI."""
    path = write_video(tmp_path / "clip.avi", 40, codec="h263", size=SIZE)
    frames, _ = frames_in_order(path)
    for number in (39, 9, 14):
        with open_media(path, cache_bytes=0) as media:
            np.testing.assert_array_equal(media.read(number), frames[number], err_msg=f"frame {number}")
            assert media.warnings == [], "nothing is damaged"


def test_checksums_of_ffv1(tmp_path):
    path = write_video(tmp_path / "clip.mkv", 4, codec="ffv1", size=SIZE, options={"level": "3", "slicecrc": "1"})
    for packet in packet_bytes(path):
        assert holds(packet)
        assert not holds(packet[:-1]) and not holds(packet[:99] + bytes([packet[99] ^ 1]) + packet[100:])
    path = write_video(tmp_path / "without.mkv", 4, codec="ffv1", size=SIZE, options={"level": "3", "slicecrc": "0"})
    assert not any(holds(packet) for packet in packet_bytes(path))


pytestmark = pytest.mark.skipif(
    not {"ffv1", "msmpeg4", "qtrle", "h263"} <= set(av.codecs_available), reason="this PyAV lacks encoders"
)
