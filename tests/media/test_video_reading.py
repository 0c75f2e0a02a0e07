"""Any frame of any file, read in any order, is the frame that decoding from the start gives."""

import threading
from fractions import Fraction

import av
import numpy as np
import pytest
from footage_files import CLIPS, COUNT, IRREGULAR, decode_straight, picture, set_edits, set_matrix, write_video
from hypothesis import given, settings
from hypothesis import strategies as st

from core.media import open_media, stream
from core.media.source import FrameNumbers

TICKS_PER_FRAME = 512  # of an MP4 at 25 frames a second, as PyAV writes it


@pytest.fixture(scope="module", params=CLIPS, ids=list(CLIPS))
def clip(request, tmp_path_factory):
    arguments = CLIPS[request.param]
    if arguments.get("codec", "libx264") not in av.codecs_available:
        pytest.skip(f"this PyAV has no {arguments['codec']}")
    path = write_video(tmp_path_factory.mktemp("clip") / request.param, COUNT, **arguments)
    return path, *decode_straight(path)


def test_has_the_frames_and_times_decoding_gives(clip):
    path, times, frames = clip
    with open_media(path) as media:
        assert len(media) == len(frames) == COUNT
        assert media.is_video and media.size == frames[0].shape[:2]
        assert media.warnings == []
        if None not in times and times == sorted(times):
            assert list(media.timestamps) == times
        else:  # an index in the order of decoding has only the rate to go by
            assert list(media.timestamps) == [Fraction(i, 25) for i in range(COUNT)]


@settings(max_examples=20, deadline=None)
@given(order=st.lists(st.integers(0, COUNT - 1), min_size=1, max_size=12), cache=st.sampled_from([0, 40_000, 2**28]))
def test_any_order_gives_what_straight_decoding_gives(clip, order, cache):
    path, _, frames = clip
    with open_media(path, cache_bytes=cache) as media:
        for index in order:
            np.testing.assert_array_equal(media.read(index), frames[index], err_msg=f"frame {index} of {order}")


@pytest.mark.parametrize("cache", [0, 60_000, 2**28])
@pytest.mark.parametrize("step", [1, -1, 7, -7])
def test_passes_in_steps_give_what_straight_decoding_gives(clip, step, cache):
    path, _, frames = clip
    with open_media(path, cache_bytes=cache) as media:
        for index in list(range(COUNT))[::step]:
            np.testing.assert_array_equal(media.read(index), frames[index])
        assert media.warnings == []


def test_without_whole_keyframes_a_refresh_is_awaited(video):
    path = video(count=60, options={"x264-params": "intra-refresh=1:keyint=12:bframes=0"})
    _, frames = decode_straight(path)
    with open_media(path, cache_bytes=0) as media:
        for index in reversed(range(60)):
            np.testing.assert_array_equal(media.read(index), frames[index])
        assert media.warnings == []


def test_variable_times_are_kept(video):
    with open_media(video("variable.mkv", count=COUNT, times=IRREGULAR)) as media:
        assert list(media.timestamps) == [Fraction(t, 1000) for t in IRREGULAR]
        seconds = Fraction(IRREGULAR[-1] - IRREGULAR[0], 1000)
        assert float(media.rate) == pytest.approx((COUNT - 1) / seconds, rel=1e-3)
        assert media.timestamps[2:4] == [Fraction(t, 1000) for t in IRREGULAR[2:4]]


def test_going_backwards_decodes_each_group_of_pictures_once(video, monkeypatch):
    path = video(count=60, keyframes=12)
    begun = []
    seek = stream.OpenVideo.packets_from
    with open_media(path) as media:
        monkeypatch.setattr(stream.OpenVideo, "packets_from", lambda self, key: begun.append(key) or seek(self, key))
        for index in reversed(range(60)):
            media.read(index)
    assert len(begun) == len(set(begun)) <= 7


def test_going_forwards_never_seeks(video, monkeypatch):
    path = video(count=60, keyframes=12)
    with open_media(path, cache_bytes=0) as media:
        monkeypatch.delattr(stream.OpenVideo, "packets_from")
        monkeypatch.delattr(stream.OpenVideo, "reopen")
        for index in range(60):
            media.read(index)


def test_threads_may_read_at_once(video):
    path = video(count=COUNT)
    _, frames = decode_straight(path)
    wrong = []

    def read_all(media, order):
        wrong.extend(index for index in order if not np.array_equal(media.read(index), frames[index]))

    with open_media(path, cache_bytes=0) as media:
        orders = [range(COUNT), range(COUNT - 1, -1, -1), range(0, COUNT, 3), range(20, COUNT)]
        threads = [threading.Thread(target=read_all, args=(media, order)) for order in orders]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


def test_a_frame_is_the_callers_own(video):
    for path in (video(), video("rgb.mov", codec="png", pixels="rgb24")):
        with open_media(path) as media:
            first = media.read(0)
            assert first.dtype == np.uint8 and first.flags.c_contiguous and first.flags.writeable
            expected = first.copy()
            first[:] = 0
            np.testing.assert_array_equal(media.read(0), expected)


def test_indices_outside_are_refused(video):
    with open_media(video(count=5)) as media:
        for index in (-1, 5, 1000):
            with pytest.raises(IndexError, match="0 to 4"):
                media.read(index)


def test_reading_after_close_is_refused(video):
    media = open_media(video(count=5))
    media.read(4)
    media.close()
    with pytest.raises(ValueError, match="closed"):
        media.read(4)


EDITS = {
    "a later start": [(800, 1024 + 15 * TICKS_PER_FRAME)],
    "a cut out of the middle": [(600, 1024), (600, 1024 + 20 * TICKS_PER_FRAME)],
    "a passage twice": [(600, 1024 + 5 * TICKS_PER_FRAME), (600, 1024 + 5 * TICKS_PER_FRAME)],
    "the end first": [(600, 1024 + 20 * TICKS_PER_FRAME), (600, 1024)],
    "a delay": [(500, -1), (1000, 1024)],
}


@pytest.mark.parametrize("edits", EDITS.values(), ids=list(EDITS))
def test_edit_lists_decide_which_frames_there_are(video, edits):
    path = set_edits(video(count=COUNT), edits)
    times, frames = decode_straight(path)
    with open_media(path, cache_bytes=0) as media:
        assert len(media) == len(frames)
        assert list(media.timestamps) == times
        for index in np.random.default_rng(0).permutation(len(frames)):
            np.testing.assert_array_equal(media.read(int(index)), frames[index])


def test_a_trimmed_clip_begins_with_the_frame_it_was_trimmed_to(video):
    path = video(count=COUNT)
    _, whole = decode_straight(path)
    with open_media(set_edits(path, EDITS["a later start"])) as media:
        assert len(media) == 20
        assert media.warnings == []
        np.testing.assert_array_equal(media.read(0), whole[15])
        np.testing.assert_array_equal(media.read(19), whole[34])


TURNS = {
    "upright": ((1, 0, 0, 1), lambda pixels: pixels),
    "clockwise": ((0, 1, -1, 0), lambda pixels: np.rot90(pixels, -1)),
    "upside down": ((-1, 0, 0, -1), lambda pixels: np.rot90(pixels, 2)),
    "counterclockwise": ((0, -1, 1, 0), np.rot90),
    "mirrored": ((-1, 0, 0, 1), np.fliplr),
    "flipped": ((1, 0, 0, -1), np.flipud),
    "transposed": ((0, 1, 1, 0), lambda pixels: pixels.swapaxes(0, 1)),
}


@pytest.mark.parametrize(("matrix", "turn"), TURNS.values(), ids=list(TURNS))
def test_the_display_matrix_is_applied(video, matrix, turn):
    path = set_matrix(video(count=3), *matrix)
    _, coded = decode_straight(path)
    with open_media(path) as media:
        shown = media.read(1)
        assert media.size == shown.shape[:2]
        assert shown.flags.c_contiguous
        np.testing.assert_array_equal(shown, turn(coded[1]))


def test_the_sample_aspect_ratio_is_not_applied(video):
    with open_media(video(aspect=Fraction(2, 1))) as media:
        assert media.size == media.read(0).shape[:2] == (48, 64)


def test_the_sample_aspect_ratio_is_told_as_it_is_shown(video):
    aspect = Fraction(64, 45)
    for name in ("clip.mp4", "clip.mkv"):
        with open_media(video(name, count=3, aspect=aspect)) as media:
            assert media.sample_aspect_ratio == aspect
    for matrix, _ in TURNS.values():
        path = set_matrix(video(count=3, aspect=aspect), *matrix)
        with open_media(path) as media:
            assert media.sample_aspect_ratio == (1 / aspect if media.size == (64, 48) else aspect)
    with open_media(video(count=3)) as media:
        assert media.sample_aspect_ratio == 1


@pytest.mark.parametrize(
    ("codec", "pixels", "matrix", "full_range"),
    [("libx264", "yuv420p", 1, 1), ("libx264", "yuv420p", 5, 1), ("mjpeg", "yuvj420p", 5, 2)],
    ids=["bt709", "bt601", "full range"],
)
def test_colours_follow_the_tags_of_the_file(tmp_path, codec, pixels, matrix, full_range):
    red = (200, 50, 30)
    plane = np.full((32, 32, 3), red, np.uint8)
    path = tmp_path / "flat.mkv"
    with av.open(str(path), "w") as output:
        out = output.add_stream(codec, rate=25)
        out.width, out.height, out.pix_fmt = 32, 32, pixels
        out.codec_context.colorspace, out.codec_context.color_range = matrix, full_range
        frame = av.VideoFrame.from_ndarray(plane, format="rgb24")
        frame = frame.reformat(format=pixels, dst_colorspace=matrix, dst_color_range=full_range)
        output.mux(out.encode(frame))
        output.mux(out.encode(None))
    with open_media(path) as media:
        assert np.abs(media.read(0).astype(int) - red).max() <= 4


def test_frames_are_named_by_five_digits(video):
    with open_media(video(count=12)) as media:
        assert list(media.stems) == [f"{i:05d}" for i in range(12)]
        assert media.stems[3:5] == ["00003", "00004"]
        assert "00011" in media.stems and "00012" not in media.stems
    assert FrameNumbers(300_000)[123_456] == "123456"


def test_the_fingerprint_tells_footage_apart(video, tmp_path):
    one = video("one.mp4")
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(one.read_bytes())
    other = video("other.mp4", options={"crf": "30"})
    prints = []
    for path in (one, copy, other):
        with open_media(path) as media:
            prints.append(media.fingerprint())
    assert prints[0] == prints[1] != prints[2]


def test_the_first_frame_is_the_first_picture(video):
    """The reference decoding itself is sound: frames come out in the order they were put in."""
    with open_media(video("rgb.mov", codec="png", pixels="rgb24", count=5)) as media:
        for index in range(5):
            np.testing.assert_array_equal(media.read(index), picture(index))
