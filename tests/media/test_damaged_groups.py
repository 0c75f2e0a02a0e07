"""Files of which key frames are damaged: any frame is what decoding in order gives, and the damage is told."""

import re
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from footage_files import CLIPS, COUNT, cut_out, flip_bytes, write_video
from hypothesis import given, settings
from hypothesis import strategies as st

from core.media import open_media

SIZE = (144, 176)
X264 = "keyint=12:min-keyint=12:scenecut=0:bframes=2"
DAMAGED = (24, 36)  # packets: key frames, and frames of theirs where groups are open


def flip_stream(path: Path, numbers: tuple[int, ...]) -> Path:
    """As `flip_bytes` where packets are cut into those of a program stream: some bytes all along its middle."""
    data = bytearray(path.read_bytes())
    for place in np.random.default_rng(5).integers(len(data) // 3, len(data) * 2 // 3, 6 * len(numbers)):
        data[place] ^= 0x55
    path.write_bytes(data)
    return path


def decode_what_there_is(path: Path) -> dict[Fraction, np.ndarray]:
    """RGB of the frames that come out of decoding the file in order on one thread, by their times."""
    found = {}
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        for packet in container.demux(stream):
            try:
                frames = stream.decode(packet)
            except av.FFmpegError:
                continue
            for frame in frames:
                # Of a damaged ProRes frame FFmpeg leaves what was in memory where it cannot be read.
                if not (frame.is_corrupt and path.suffix == ".mov"):
                    found[frame.pts * frame.time_base] = frame.to_ndarray(format="rgb24")
    return found


# name: what is done to it, and settings for `write_video`
FILES = {
    "h264.mp4": (flip_bytes, {"options": {"x264-params": X264}}),
    "h264.mkv": (flip_bytes, {"options": {"x264-params": X264}}),
    "slices.mp4": (flip_bytes, {"options": {"x264-params": X264 + ":slices=4"}}),
    "open.mp4": (flip_bytes, {"options": {"x264-params": X264 + ":cabac=0:open-gop=1"}}),
    "pyramid.mp4": (flip_bytes, {"options": {"x264-params": "keyint=12:bframes=5:b-adapt=0:b-pyramid=normal:ref=4"}}),
    "mpeg2.mpg": (flip_stream, {"codec": "mpeg2video", "options": {"bf": "2"}}),
    "mpeg4.avi": (flip_bytes, {"codec": "mpeg4", "options": {"bf": "2"}}),
    "hevc.mp4": (flip_bytes, {"codec": "libx265", "options": {"x265-params": "keyint=12:log-level=none"}}),
    "prores.mov": (flip_bytes, {"codec": "prores_ks", "pixels": "yuv422p10le"}),
    "cut.ts": (lambda path, numbers: cut_out(path, 2), {"options": {"x264-params": X264}}),
}


@pytest.fixture(scope="module", params=FILES, ids=list(FILES))
def damaged(request, tmp_path_factory) -> tuple[Path, list[np.ndarray]]:
    """A damaged file, and its frames read in order."""
    spoil, arguments = FILES[request.param]
    if arguments.get("codec", "libx264") not in av.codecs_available:
        pytest.skip(f"this PyAV has no {arguments['codec']}")
    path = write_video(tmp_path_factory.mktemp("damaged") / request.param, 60, size=SIZE, **arguments)
    spoil(path, DAMAGED)
    with open_media(path, cache_bytes=0) as media:
        return path, [media.read(index) for index in range(len(media))]


def test_decoding_in_order_is_what_ffmpeg_gives(damaged):
    path, frames = damaged
    straight = decode_what_there_is(path)
    assert len(frames) == 60
    with open_media(path) as media:
        times = list(media.timestamps)
    expected = None
    for frame, time in zip(frames, times, strict=True):
        expected = straight.get(time, expected)  # the one before stands in for one that does not come out
        np.testing.assert_array_equal(frame, expected)


@pytest.mark.parametrize("interactive", [False, True])
def test_a_frame_alone_is_the_frame_in_order(damaged, interactive):
    path, frames = damaged
    index = None
    for number in [*range(20, 60, 3), 0, 24, 36]:
        with open_media(path, cache_bytes=0, interactive=interactive, index=index) as media:
            np.testing.assert_array_equal(media.read(number), frames[number], err_msg=f"frame {number}")
            index = media.stored_index()


@settings(max_examples=8, deadline=None)
@given(
    order=st.lists(st.integers(0, 59), min_size=1, max_size=12),
    cache=st.sampled_from([0, 500_000, 2**28]),
    interactive=st.booleans(),
)
def test_any_order_gives_what_decoding_in_order_gives(damaged, order, cache, interactive):
    path, frames = damaged
    with open_media(path, cache_bytes=cache, interactive=interactive) as media:
        for number in order:
            np.testing.assert_array_equal(media.read(number), frames[number], err_msg=f"frame {number} of {order}")
            media.prepare(number)


def test_backwards_gives_what_decoding_in_order_gives(damaged):
    path, frames = damaged
    with open_media(path, cache_bytes=0) as media:
        for number in reversed(range(60)):
            np.testing.assert_array_equal(media.read(number), frames[number], err_msg=f"frame {number}")


def test_damage_is_told_once_for_each_group(damaged):
    path, _ = damaged
    for order in (range(60), range(59, -1, -1)):
        with open_media(path, cache_bytes=0) as media:
            for number in [*order, *order]:
                media.read(number)
            assert 1 <= len(media.warnings) == len(set(media.warnings)) <= 5
            for warning in media.warnings:
                assert str(path) in warning and re.search(r"is damaged|stands in", warning)
    with open_media(path, cache_bytes=0) as media:
        for number in range(12):
            media.read(number)
        assert media.warnings == [], "nothing is damaged there"


def test_the_end_of_a_long_damaged_stretch(tmp_path):
    """One damaged group after another: each stands on the one before."""
    path = write_video(tmp_path / "clip.mp4", 96, size=SIZE, options={"x264-params": X264})
    flip_bytes(path, range(24, 96, 12))
    with open_media(path, cache_bytes=0) as media:
        frames = [media.read(number) for number in range(96)]
    for number in (95, 84, 47, 60):
        with open_media(path, cache_bytes=0) as media:
            np.testing.assert_array_equal(media.read(number), frames[number])


def test_a_decoder_fills_in_what_it_kept_from_long_before(tmp_path):
    """Short groups of pictures: what is left in the buffers of H.264 is older than the last of them."""
    path = write_video(tmp_path / "clip.mp4", 120, size=SIZE, options={"x264-params": X264.replace("12", "8")})
    flip_bytes(path, (80,))
    with open_media(path, cache_bytes=0) as media:
        frames = [media.read(number) for number in range(120)]
    for number in (80, 84, 87):
        with open_media(path, cache_bytes=0) as media:
            np.testing.assert_array_equal(media.read(number), frames[number], err_msg=f"frame {number}")


def test_a_damaged_table_of_streams_that_promises_more_of_them(tmp_path):
    path = write_video(tmp_path / "clip.ts", 48, size=(96, 128), options={"x264-params": X264})
    random, data = np.random.default_rng([7, 7]), bytearray(path.read_bytes())
    for place in random.integers(len(data) // 4, len(data) * 3 // 4, 46):
        data[place] ^= int(random.integers(1, 256))
    path.write_bytes(data)
    with open_media(path) as media:
        assert len(media) > 40
        media.read(len(media) - 1)


@pytest.mark.parametrize("seed", [1, 3])
def test_slices_that_several_threads_would_not_tell_of(tmp_path, seed):
    path = write_video(tmp_path / "clip.mpg", 48, size=(96, 128), codec="mpeg1video")
    random, data = np.random.default_rng([seed, 9]), bytearray(path.read_bytes())
    for place in random.integers(len(data) // 4, len(data) * 3 // 4, 4 + 6 * seed):
        data[place] ^= int(random.integers(1, 256))
    path.write_bytes(data)
    with open_media(path, cache_bytes=0) as media:
        frames, index = [media.read(number) for number in range(len(media))], media.stored_index()
        assert media.warnings
    for number in range(2, len(frames), 5):
        with open_media(path, cache_bytes=0, index=index) as media:
            np.testing.assert_array_equal(media.read(number), frames[number], err_msg=f"frame {number}")


def test_a_lost_chunk_of_an_avi_does_not_shift_frames(tmp_path):
    """AVI counts its timestamps: after a chunk that cannot be read, by seeking to others than by reading."""
    path = write_video(tmp_path / "clip.avi", 40, size=SIZE, codec="mjpeg", pixels="yuvj420p")
    with av.open(str(path)) as container:
        place = [packet.pos for packet in container.demux(video=0) if packet.size][10]
    with path.open("r+b") as file:
        file.seek(place - 8)
        file.write(b"\0" * 24)
    with open_media(path, cache_bytes=0) as media:
        frames = [media.read(number) for number in range(len(media))]
    assert len(frames) == 39
    for number in (9, 12, 30):
        with open_media(path, cache_bytes=0) as media:
            np.testing.assert_array_equal(media.read(number), frames[number], err_msg=f"frame {number}")


def test_a_file_without_damage_is_not_called_damaged(tmp_path):
    for name in ("open-gop.ts", "long-gop.mp4", "interlaced.mp4", "hevc.mp4", "mpeg2.mpg", "hidden-frames.webm"):
        if CLIPS[name].get("codec", "libx264") in av.codecs_available:
            path = write_video(tmp_path / name, COUNT, **CLIPS[name])
            with open_media(path, cache_bytes=0) as media:
                for number in np.random.default_rng(0).permutation(COUNT):
                    media.read(int(number))
                assert media.warnings == [], name
