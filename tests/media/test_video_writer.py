"""Video that was written reads back as it was meant."""

from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from footage_files import picture
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import PCVOSError, ResourceError
from core.media import VideoWriter, open_media, writer
from core.media.recipes import H264


def write(path, frames, rate=25, times=None, **choices):
    with VideoWriter(path, frames[0].shape[:2], rate, **choices) as output:
        for number, frame in enumerate(frames):
            output.write(frame, None if times is None else times[number])


@pytest.mark.parametrize("rate", [25, Fraction(30000, 1001), Fraction(24000, 1001), 12.5, 1])
def test_a_constant_rate_is_exact(tmp_path, rate):
    path = tmp_path / "clip.mp4"
    write(path, [picture(i) for i in range(12)], rate)
    with open_media(path) as media:
        assert len(media) == 12
        assert media.rate == Fraction(rate).limit_denominator(1001)
        assert list(media.timestamps) == [i / Fraction(rate) for i in range(12)]


@settings(max_examples=15, deadline=None)
@given(
    gaps=st.lists(st.fractions(Fraction(1, 500), 2, max_denominator=90_000), min_size=1, max_size=12),
    start=st.integers(0, 9),
)
def test_a_variable_rate_is_kept_from_time_zero(tmp_path_factory, gaps, start):
    path = tmp_path_factory.mktemp("variable") / "clip.mp4"
    times = [start + sum(gaps[:i], Fraction(0)) for i in range(len(gaps) + 1)]
    write(path, [picture(i) for i in range(len(times))], times=times)
    with open_media(path) as media:
        assert len(media) == len(times)
        assert all(abs(got - (want - start)) < 16e-6 for got, want in zip(media.timestamps, times, strict=True))


@pytest.mark.parametrize("size", [(48, 64), (49, 64), (48, 65), (49, 65), (1, 1)])
def test_odd_sizes_are_filled_up_to_even_ones(tmp_path, size):
    frame = np.full((*size, 3), (30, 160, 90), np.uint8)
    path = tmp_path / "clip.mp4"
    write(path, [frame] * 3)
    with open_media(path) as media:
        assert media.size == (size[0] + size[0] % 2, size[1] + size[1] % 2)
        assert np.abs(media.read(2).astype(int) - (30, 160, 90)).max() <= 4


def test_colours_survive_and_are_tagged_as_bt709(tmp_path):
    colours = [(200, 50, 30), (20, 180, 90), (10, 20, 240), (255, 255, 255), (0, 0, 0)]
    frame = np.repeat(np.array(colours, np.uint8), 32, 0)[None].repeat(64, 0)
    path = tmp_path / "clip.mp4"
    write(path, [frame] * 3)
    with open_media(path) as media:
        assert np.abs(media.read(1)[:, 16::32].astype(int) - np.array(colours)).max() <= 6
    with av.open(str(path)) as container:
        first = next(container.decode(video=0))
        assert (first.colorspace, first.color_range, first.color_primaries, first.color_trc) == (1, 1, 1, 1)
        assert first.format.name == "yuv420p" and container.streams.video[0].codec_context.name == "h264"


def test_pictures_survive(tmp_path):
    path = tmp_path / "clip.mp4"
    blurred = [picture(i).repeat(2, 0).repeat(2, 1) for i in range(20)]
    write(path, blurred)
    with open_media(path) as media:
        for index, frame in enumerate(blurred):
            assert np.abs(media.read(index).astype(int) - frame).mean() < 8
            assert np.abs(media.read(index).astype(int) - blurred[index - 1]).mean() > 20


def test_an_error_leaves_nothing_and_keeps_what_was_there(tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"an older film")
    with pytest.raises(KeyboardInterrupt), VideoWriter(path, (48, 64), 25) as output:
        for index in range(30):
            output.write(picture(index))
        raise KeyboardInterrupt
    assert [file.name for file in tmp_path.iterdir()] == ["clip.mp4"]
    assert path.read_bytes() == b"an older film"


def test_nothing_is_there_under_the_name_until_all_is(tmp_path):
    path = tmp_path / "clip.mp4"
    with VideoWriter(path, (48, 64), 25) as output:
        output.write(picture(0))
        assert not path.exists()
    assert [file.name for file in tmp_path.iterdir()] == ["clip.mp4"]


def test_no_frames_is_an_error(tmp_path):
    with pytest.raises(PCVOSError, match="no frame to write"), VideoWriter(tmp_path / "clip.mp4", (48, 64), 25):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_a_resource_error(tmp_path, monkeypatch):
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")

    @contextmanager
    def onto_a_full_disk(path):
        yield full

    monkeypatch.setattr(writer, "atomic_path", onto_a_full_disk)
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    with pytest.raises(ResourceError, match="disk is full") as error:
        write(tmp_path / "clip.mp4", [np.roll(noise, i * 7, 1) for i in range(30)])
    assert "clip.mp4" in str(error.value) and error.value.exit_code == 1


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(PCVOSError, match="cannot be written"), VideoWriter(tmp_path / "no" / "clip.mp4", (48, 64), 25):
        pass


def test_other_suffixes_are_refused(tmp_path):
    with pytest.raises(PCVOSError, match=r"\.mp4"):
        VideoWriter(tmp_path / "clip.png", (48, 64), 25)


def test_frames_that_do_not_fit_are_refused(tmp_path):
    with pytest.raises(ValueError, match="expected"), VideoWriter(tmp_path / "clip.mp4", (48, 64), 25) as output:
        output.write(picture(0, 48, 66))
    with pytest.raises(ValueError, match="not later"), VideoWriter(tmp_path / "clip.mp4", (48, 64), 25) as output:
        output.write(picture(0), Fraction(1))
        output.write(picture(1), Fraction(1))
    assert list(tmp_path.iterdir()) == []


def test_without_x264_another_encoder_writes(tmp_path):
    path = tmp_path / "clip.mp4"
    write(path, [picture(i) for i in range(10)], recipe=replace(H264, encoders=("an_encoder_nobody_has", "mpeg4")))
    with open_media(path) as media:
        assert len(media) == 10
        assert np.abs(media.read(4).astype(int) - picture(4)).mean() < 25
