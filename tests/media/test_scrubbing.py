"""Steps and jumps through footage: the same pixels, sooner, and something to see at once."""

import threading

import av
import numpy as np
import pytest
from footage_files import CLIPS, COUNT, decode_straight, picture, write_video
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from core.media import FrameSource, open_media, stream
from core.progress import UNWATCHED, Cancelled, Progress

CANCELLED = Progress(is_cancelled=lambda: True)
LONG = "bframes=3:b-pyramid=normal:b-adapt=0:keyint=80:min-keyint=80:scenecut=0"
SCRUBBED = {
    **CLIPS,
    "plain-b-frames.mp4": {"options": {"x264-params": "bframes=2:b-pyramid=none:b-adapt=0:keyint=30:scenecut=0"}},
    "refresh.mp4": {"options": {"x264-params": "intra-refresh=1:keyint=12:bframes=0"}},
}
TIMES = 3  # what a clip of COUNT frames lacks to be one to jump about in


@pytest.fixture(scope="module", params=SCRUBBED, ids=list(SCRUBBED))
def clip(request, tmp_path_factory):
    arguments = SCRUBBED[request.param]
    if arguments.get("codec", "libx264") not in av.codecs_available:
        pytest.skip(f"this PyAV has no {arguments['codec']}")
    if "times" in arguments:
        arguments = {**arguments, "times": np.cumsum(np.arange(COUNT * TIMES) % 7 * 13 + 20).tolist()}
    path = write_video(tmp_path_factory.mktemp("clip") / request.param, COUNT * TIMES, **arguments)
    return path, decode_straight(path)[1]


@pytest.fixture
def long_clip(video):
    """Two groups of pictures of 80 frames each, and what straight decoding gives."""
    path = video("long.mp4", count=160, options={"x264-params": LONG})
    return path, decode_straight(path)[1]


def stop_after(looks: int):
    """Progress that is cancelled after some looks."""
    left = iter(range(looks))
    return Progress(is_cancelled=lambda: next(left, None) is None)


def without_decoding(monkeypatch) -> None:
    monkeypatch.delattr(stream.OpenVideo, "decode")


@settings(max_examples=25, deadline=None)
@given(
    moves=st.lists(
        st.tuples(
            st.one_of(st.integers(0, COUNT * TIMES - 1), st.sampled_from(["back", "on"])),
            st.none() | st.integers(0, 30),
            st.none() | st.integers(0, 30),
        ),
        min_size=1,
        max_size=10,
    ),
    cache=st.sampled_from([0, 60_000, 2**28]),
)
def test_however_one_jumps_and_stops_every_frame_is_exact(clip, moves, cache):
    path, frames = clip
    at = 0
    with open_media(path, cache_bytes=cache, interactive=True) as media:
        for move, looks, prepared in moves:
            at = min(max(at + {"back": -1, "on": 1}[move], 0), len(frames) - 1) if isinstance(move, str) else move
            try:
                pixels = media.read(at, UNWATCHED if looks is None else stop_after(looks))
                np.testing.assert_array_equal(pixels, frames[at], err_msg=f"frame {at} of {moves}")
            except Cancelled:
                assert looks is not None
            if prepared is not None:
                media.prepare(at, stop_after(prepared))
            number, pixels = media.nearest_decoded(at)
            np.testing.assert_array_equal(pixels, frames[number], err_msg=f"nearest to {at} of {moves}")
        assert media.warnings == []


@pytest.mark.parametrize("step", [1, -1, 17, -17])
def test_passes_are_exact_with_and_without_preparation(clip, step):
    path, frames = clip
    for prepares in (False, True):
        with open_media(path, cache_bytes=120_000, interactive=True) as media:
            for index in list(range(len(frames)))[::step]:
                np.testing.assert_array_equal(media.read(index), frames[index])
                if prepares:
                    media.prepare(index)
            assert media.warnings == []


def test_a_stopped_read_keeps_what_it_decoded_and_is_taken_up_again(long_clip):
    path, frames = long_clip
    with open_media(path, interactive=True) as media:
        with pytest.raises(Cancelled):
            media.read(150, CANCELLED)
        number, pixels = media.nearest_decoded(150)
        assert 80 <= number < 150  # of the group of pictures that the frame is in
        np.testing.assert_array_equal(pixels, frames[number])
        with pytest.raises(Cancelled):
            media.read(150, stop_after(20))
        assert number < media.nearest_decoded(150)[0] < 150
        np.testing.assert_array_equal(media.read(150), frames[150])
        assert media.nearest_decoded(150)[0] == 150


def test_a_frame_at_hand_is_given_even_to_one_who_would_stop(long_clip):
    path, frames = long_clip
    with open_media(path, interactive=True) as media:
        media.read(100)
        np.testing.assert_array_equal(media.read(100, CANCELLED), frames[100])


def test_what_is_decoded_is_had_while_another_thread_decodes(long_clip):
    path, frames = long_clip
    decoding, go_on = threading.Event(), threading.Event()

    def hold() -> bool:
        decoding.set()
        assert go_on.wait(60)
        return False

    with open_media(path, interactive=True) as media:
        media.read(3)
        got = []
        thread = threading.Thread(target=lambda: got.append(media.read(140, Progress(is_cancelled=hold))))
        thread.start()
        try:
            assert decoding.wait(60)
            np.testing.assert_array_equal(media.read(3), frames[3])
            number, pixels = media.nearest_decoded(20)
            np.testing.assert_array_equal(pixels, frames[number])
            with pytest.raises(Cancelled):  # a frame that must be decoded waits, and can stop waiting
                media.read(60, CANCELLED)
            media.prepare(3, CANCELLED)
        finally:
            go_on.set()
            thread.join()
        np.testing.assert_array_equal(got[0], frames[140])


def test_a_prepared_neighbourhood_needs_no_decoding(long_clip, monkeypatch):
    path, frames = long_clip
    for index in (84, 40, 0, 159):
        with open_media(path, interactive=True) as media:
            media.read(index)
            media.prepare(index)
            with monkeypatch.context() as patched:
                without_decoding(patched)
                for number in range(max(0, index - 12), min(160, index + 9)):
                    np.testing.assert_array_equal(media.read(number), frames[number])


def test_going_back_with_preparation_begins_at_each_key_packet_once(long_clip, monkeypatch):
    path, frames = long_clip
    begun = []
    seek = stream.OpenVideo.packets_from
    with open_media(path, interactive=True) as media:
        media.read(159)
        media.prepare(159)
        monkeypatch.setattr(stream.OpenVideo, "packets_from", lambda self, key: begun.append(key) or seek(self, key))
        for index in reversed(range(159)):
            np.testing.assert_array_equal(media.read(index), frames[index])
            media.prepare(index)
    assert len(begun) == len(set(begun)) <= 2


def test_a_jump_passes_over_frames_that_nobody_needs(long_clip, monkeypatch):
    path, frames = long_clip
    decoded = []
    decode = stream.OpenVideo.decode

    def counted(self, packet):
        given = decode(self, packet)
        decoded.extend(given)
        return given

    monkeypatch.setattr(stream.OpenVideo, "decode", counted)
    counts = []
    for interactive in (False, True):
        with open_media(path, interactive=interactive) as media:
            decoded.clear()
            np.testing.assert_array_equal(media.read(150), frames[150])
            counts.append(len(decoded))
    assert counts[1] < 0.7 * counts[0]


def test_damage_is_met_the_same_way(video):
    path = video("clip.mov", count=60, codec="png", pixels="rgb24")
    with av.open(str(path)) as container:
        packet = [bytes(packet) for packet in container.demux(video=0) if packet.size][30]
    path.write_bytes(path.read_bytes().replace(packet, bytes(len(packet))))
    with open_media(path, interactive=True) as media:
        media.prepare(28)
        np.testing.assert_array_equal(media.read(31), picture(31))
        with pytest.raises(Cancelled):
            media.read(30, CANCELLED)
        np.testing.assert_array_equal(media.read(30), picture(29))
        media.prepare(30)
        np.testing.assert_array_equal(media.read(29), picture(29))
        assert len(media.warnings) == 1 and "frame 29 stands in" in media.warnings[0]


@pytest.mark.parametrize("interactive", [False, True])
def test_a_closed_video_is_not_read(long_clip, interactive):
    media = open_media(long_clip[0], interactive=interactive)
    media.read(5)
    media.close()
    for index in (5, 100):
        with pytest.raises(ValueError, match="closed"):
            media.read(index)
    assert media.nearest_decoded(5) is None


def test_folders_stop_too_and_have_nothing_decoded(tmp_path):
    for number in range(3):
        Image.fromarray(picture(number)).save(tmp_path / f"{number}.png")
    media: FrameSource = open_media(tmp_path, interactive=True)
    with pytest.raises(Cancelled):
        media.read(1, CANCELLED)
    np.testing.assert_array_equal(media.read(1, UNWATCHED), picture(1))
    media.prepare(1)
    assert media.nearest_decoded(1) is None
