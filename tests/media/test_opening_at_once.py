"""Opening at once: the stored index, the provisional opening, and a scan that tells how far it is."""

import os
import threading
from contextlib import contextmanager
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest
from footage_files import CLIPS, COUNT, packet_bytes, picture, set_edits, set_matrix, write_video
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from core.errors import PCVOSError
from core.media import open_media, open_provisionally
from core.media.frame_index import FrameIndex
from core.media.stream import KeyPacket
from core.media.video_index import build_index
from core.progress import Cancelled, Progress

VIDEO_SCAN = "core.media.video.build_index"


def assert_same(one: FrameIndex, other: FrameIndex) -> None:
    for name in ("ticks", "key"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        assert getattr(one, name).dtype == getattr(other, name).dtype
    for name in ("time_base", "keys", "rate", "truncated", "damaged"):
        assert getattr(one, name) == getattr(other, name)


def fail(*_, **__):
    raise AssertionError("the footage was scanned again")


@pytest.fixture(scope="module", params=CLIPS, ids=list(CLIPS))
def clip(request, tmp_path_factory):
    arguments = CLIPS[request.param]
    if arguments.get("codec", "libx264") not in av.codecs_available:
        pytest.skip(f"this PyAV has no {arguments['codec']}")
    return write_video(tmp_path_factory.mktemp("clip") / request.param, COUNT, **arguments)


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "frames"
    path.mkdir()
    for number in range(20):
        Image.fromarray(picture(number)).save(path / f"{number}.png")
    return path


@contextmanager
def nonsense_in_all_but(folder, name):
    """Other files of the folder hold nothing that could be read, but are of the same size and age as ever."""
    whole = {file: (file.read_bytes(), file.stat()) for file in folder.iterdir() if file.name != name}

    def write(nonsense):
        for file, (data, status) in whole.items():
            file.write_bytes(bytes(len(data)) if nonsense else data)
            os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))

    write(nonsense=True)
    yield
    write(nonsense=False)


# the index as bytes


def test_an_index_survives_being_stored(clip):
    index = build_index(clip)
    assert_same(FrameIndex.from_bytes(index.to_bytes()), index)


@given(
    gaps=st.lists(st.integers(1, 2**40), min_size=1, max_size=20),
    start=st.integers(-(2**40), 2**40),
    keys=st.lists(st.builds(KeyPacket, st.integers(-(2**40), 2**40), st.none() | st.integers(-9, 9), st.booleans())),
    fractions=st.tuples(*[st.fractions(Fraction(1, 10**6), 10**6)] * 2),
    flags=st.tuples(st.booleans(), st.booleans()),
    data=st.data(),
)
def test_any_index_survives_and_no_damage_goes_unnoticed(gaps, start, keys, fractions, flags, data):
    ticks = start + np.cumsum(gaps, dtype=np.int64)
    key = np.arange(len(ticks), dtype=np.int32) // 3
    index = FrameIndex(ticks, fractions[0], key, tuple(keys), fractions[1], *flags)
    stored = index.to_bytes()
    assert_same(FrameIndex.from_bytes(stored), index)
    place = data.draw(st.integers(0, len(stored) - 1))
    flipped = stored[:place] + bytes([stored[place] ^ data.draw(st.integers(1, 255))]) + stored[place + 1 :]
    for damaged in (flipped, stored[:place], stored + b"\0"):
        with pytest.raises(ValueError, match="index"):
            FrameIndex.from_bytes(damaged)


def test_a_long_index_is_small():
    count = 270_000
    key = np.arange(count, dtype=np.int32) // 30
    keys = tuple(KeyPacket(i * 30 * 512, i * 30 * 512 - 1024, False) for i in range(count // 30))
    ticks = np.arange(count, dtype=np.int64) * 512
    index = FrameIndex(ticks, Fraction(1, 12800), key, keys, Fraction(25), False, False)
    assert len(index.to_bytes()) < 100_000


# opening with it


def test_with_its_index_a_video_opens_without_a_scan(clip, monkeypatch):
    with open_media(clip) as first:
        frames = [first.read(index) for index in range(len(first))]
        monkeypatch.setattr(VIDEO_SCAN, fail)
        with open_media(clip, index=first.stored_index(), interactive=True) as second:
            assert list(second.timestamps) == list(first.timestamps)
            assert (second.size, second.rate, second.warnings) == (first.size, first.rate, first.warnings)
            assert second.stored_index() == first.stored_index()
            assert second.fingerprint() == first.fingerprint()
            for index in np.random.default_rng(0).permutation(len(frames)):
                np.testing.assert_array_equal(second.read(int(index)), frames[index])


def test_two_sources_of_one_file_are_read_at_once(video):
    path = video(count=60)
    with open_media(path) as one, open_media(path, index=one.stored_index(), interactive=True) as other:
        frames = [one.read(index) for index in range(60)]
        wrong = []

        def check(media, order):
            wrong.extend(index for index in order if not np.array_equal(media.read(index), frames[index]))

        orders = [(one, range(60)), (other, range(59, -1, -1)), (other, range(0, 60, 7))]
        threads = [threading.Thread(target=check, args=order) for order in orders]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong


def test_an_index_of_another_file_or_a_damaged_one_is_ignored(video):
    path, other = video("clip.mp4", count=40), video("other.mp4", count=25)
    with open_media(path) as media, open_media(other) as second:
        stored, foreign = media.stored_index(), second.stored_index()
    for index in (foreign, b"", b"nonsense", stored[:-1], stored[:40], stored[:-9] + bytes(9)):
        with open_media(path, index=index) as media:
            assert len(media) == 40
            assert media.stored_index() == stored


@pytest.mark.parametrize("touched", [False, True])
def test_an_index_of_what_the_file_was_before_is_ignored(video, tmp_path, touched):
    path = video("clip.mp4", count=40)
    with open_media(path) as media:
        stored = media.stored_index()
    before = path.stat()
    path.write_bytes(write_video(tmp_path / "new.mp4", 30).read_bytes().ljust(before.st_size, b"\0"))
    if not touched:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with open_media(path, index=stored) as media:
        assert len(media) == 30


def test_an_index_follows_its_file_to_another_place(video, tmp_path, monkeypatch):
    path = video("clip.mp4", count=80, container={"movflags": "+faststart"})
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with open_media(path) as media:
        stored, count = media.stored_index(), len(media)
    moved = path.rename(tmp_path / "moved.mp4")
    monkeypatch.setattr(VIDEO_SCAN, fail)
    with open_media(moved, index=stored) as media:
        assert len(media) == count
        assert len(media.warnings) == 1 and str(moved) in media.warnings[0] and "truncated" in media.warnings[0]


def test_with_its_index_a_folder_opens_without_looking_into_its_files(folder):
    with open_media(folder) as media:
        stored = media.stored_index()
    with nonsense_in_all_but(folder, "7.png"), open_media(folder, index=stored) as media:
        assert media.size == (48, 64) and len(media) == 20
        np.testing.assert_array_equal(media.read(7), picture(7))
        assert media.stored_index() == stored
    for damaged in (stored[:-1], stored.replace(b"(48", b"(49"), stored[1:], b""):
        assert open_media(folder, index=damaged).size == (48, 64)
    Image.fromarray(picture(3, 48, 66)).save(folder / "3.png")
    with pytest.raises(PCVOSError, match=r"3\.png is 66x48"):
        open_media(folder, index=stored)


# before it is opened


def assert_provisional(path) -> None:
    early = open_provisionally(path)
    with open_media(path) as media:
        np.testing.assert_array_equal(early.first, media.read(0))
        assert early.first.dtype == np.uint8 and early.first.flags.c_contiguous
        assert early.size == media.size and early.path == path and early.is_video == media.is_video


def test_the_first_frame_is_there_before_the_scan(clip, monkeypatch):
    assert_provisional(clip)
    monkeypatch.setattr(VIDEO_SCAN, fail)
    early = open_provisionally(clip)
    assert early.frames >= 1 and early.rate > 0 and not early.is_exact


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.webm"])
def test_the_length_is_about_right(video, name):
    codec = {"codec": "libvpx-vp9", "options": {"cpu-used": "8"}} if name.endswith("webm") else {}
    early = open_provisionally(video(name, count=50, **codec))
    assert abs(early.frames - 50) <= 2 and early.rate == 25


def test_the_first_frame_of_cut_turned_and_broken_footage(video, tmp_path):
    assert_provisional(set_edits(video("cut.mp4", count=40), [(800, 15 * 512)]))
    assert_provisional(set_matrix(video("turned.mp4", count=4), 0, 1, -1, 0))
    broken = video("broken.mov", count=12, codec="png", pixels="rgb24")
    for number in (0, 1):
        packet = packet_bytes(broken)[number]
        broken.write_bytes(broken.read_bytes().replace(packet, bytes(len(packet))))
    assert_provisional(broken)
    joined = tmp_path / "joined.ts"
    with av.open(str(video("whole.mp4", count=40))) as source, av.open(str(joined), "w") as output:
        stream = output.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(source.demux(video=0)):
            if packet.dts is not None and number >= 5:
                packet.stream = stream
                output.mux(packet)
    assert_provisional(joined)


def test_a_folder_is_shown_before_its_files_are_looked_into(folder):
    assert_provisional(folder)
    with nonsense_in_all_but(folder, "0.png"):
        early = open_provisionally(folder, folder_rate=30)
    assert (early.frames, early.rate, early.is_exact) == (20, 30, True)


def test_what_cannot_be_shown_is_said_as_by_opening_it(tmp_path, video):
    (tmp_path / "notes.txt").write_text("take the rabbit from the left")
    (tmp_path / "empty").mkdir()
    blank = video("blank.mov", count=2, codec="png", pixels="rgb24")
    for packet in packet_bytes(blank):
        blank.write_bytes(blank.read_bytes().replace(packet, bytes(len(packet))))
    for path in (tmp_path / "missing.mp4", tmp_path / "notes.txt", tmp_path / "empty", blank):
        said = []
        for opening in (open_media, open_provisionally):
            with pytest.raises(PCVOSError) as error:
                opening(path)
            said.append(str(error.value))
        assert said[0] == said[1] and str(path) in said[0]


# the scan


def test_the_scan_tells_how_far_it_is(clip):
    told: list[float] = []
    with open_media(clip, progress=Progress(lambda done, total: told.append(done / total))) as media:
        assert len(media) == COUNT
    assert told[-1] == 1.0 and all(0 <= share <= 1 for share in told)
    assert sum(one > other for one, other in pairwise(told)) <= 1  # it may have to begin again
    assert len(told) >= 3


@pytest.mark.parametrize("looks", [0, 1, 20, 41])
def test_the_scan_can_be_stopped(clip, looks):
    left = iter(range(looks))
    with pytest.raises(Cancelled):
        open_media(clip, progress=Progress(is_cancelled=lambda: next(left, None) is None))
    with open_media(clip, progress=Progress(is_cancelled=lambda: False)) as media:
        assert len(media) == COUNT


def test_a_folder_tells_and_stops_too(folder):
    told: list[float] = []
    open_media(folder, progress=Progress(lambda done, total: told.append(done / total)))
    assert told == sorted(told) and told[-1] == 1.0 and len(told) > 10
    with pytest.raises(Cancelled):
        open_media(folder, progress=Progress(is_cancelled=lambda: len(told) > 0))
