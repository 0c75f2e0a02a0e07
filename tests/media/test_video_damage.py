"""Truncated, damaged and missing footage: what is there is used, and one sentence says what is not."""

import subprocess
import sys
import wave
from pathlib import Path

import av
import numpy as np
import pytest
from footage_files import decode_straight, packet_bytes, picture
from PIL import Image

from core.errors import PCVOSError
from core.media import open_media

ROOT = Path(__file__).parents[2]


def cut(path: Path, length: int) -> Path:
    path.write_bytes(path.read_bytes()[:length])
    return path


def assert_one_sentence(error: PCVOSError, path: Path) -> None:
    message = str(error)
    assert str(path) in message and "\n" not in message and message.endswith(".")
    assert error.exit_code == 2


@pytest.mark.parametrize("share", [0.3, 0.5, 0.8, 0.99])
def test_a_truncated_mp4_gives_every_frame_that_is_there(video, share):
    whole = video("whole.mp4", count=80, container={"movflags": "+faststart"}, options={"x264-params": "bframes=3"})
    _, frames = decode_straight(whole)
    packets = packet_bytes(whole)
    data = whole.read_bytes()
    path = cut(whole, int(len(data) * share))
    complete = sum(data.index(packet) + len(packet) <= path.stat().st_size for packet in packets)
    with open_media(path, cache_bytes=0) as media:
        assert len(media) == complete < 80
        assert len(media.warnings) == 1 and "truncated" in media.warnings[0] and str(complete) in media.warnings[0]
        # Packets are stored in another order than shown: a frame of the last mini-group can be missing among them.
        sure = complete - 4
        for index in [*range(sure), *reversed(range(sure))]:
            np.testing.assert_array_equal(media.read(index), frames[index])
        for index in range(sure, complete):
            assert any(np.array_equal(media.read(index), frame) for frame in frames[sure:])


@pytest.mark.parametrize("share", [0.3, 0.6])
def test_a_truncated_matroska_gives_the_frames_it_has(video, share):
    path = video("clip.mkv", count=80)
    cut(path, int(path.stat().st_size * share))
    _, frames = decode_straight(path)
    with open_media(path) as media:
        assert len(media) == len(frames) < 80
        assert len(media.warnings) == 1 and "truncated" in media.warnings[0]
        for index, frame in enumerate(frames):
            np.testing.assert_array_equal(media.read(index), frame)


@pytest.mark.parametrize("damaged", [(7, 8, 15), (25, 26, 40), (44, 45, 57)], ids=["begin", "middle", "end"])
def test_a_frame_that_cannot_be_decoded_does_not_shift_the_others(video, damaged):
    path = video("clip.mov", count=60, codec="png", pixels="rgb24")
    data = path.read_bytes()
    for number in damaged:
        packet = packet_bytes(path)[number]
        data = data.replace(packet, bytes(len(packet)))
    path.write_bytes(data)
    one, two, three = damaged
    stand_ins = {one: one - 1, two: one - 1, three: three - 1}
    for order in (range(60), range(59, -1, -1), [two, three, one, 3]):
        with open_media(path, cache_bytes=0) as media:
            assert len(media) == 60
            for index in order:
                np.testing.assert_array_equal(media.read(index), picture(stand_ins.get(index, index)))
            assert len(media.warnings) == 2
            told = " ".join(media.warnings)
            assert f"Frames {one} to {two} " in told and f"frame {one - 1} stands in" in told
            assert f"Frame {three} " in told and f"frame {three - 1} stands in" in told


def test_damage_stays_within_its_group_of_pictures(video):
    path = video(count=60, keyframes=12, options={"x264-params": "keyint=12:min-keyint=12:scenecut=0:bframes=2"})
    _, frames = decode_straight(path)
    packet = packet_bytes(path)[26]
    path.write_bytes(path.read_bytes().replace(packet, packet[:8] + b"\xff" * (len(packet) - 8)))
    for order in (range(60), range(59, -1, -1)):
        with open_media(path, cache_bytes=0) as media:
            assert len(media) == 60
            for index in order:
                if index // 12 != 2:
                    np.testing.assert_array_equal(media.read(index), frames[index])
                else:
                    assert media.read(index).shape == (48, 64, 3)


def test_footage_that_begins_between_keyframes_begins_with_the_first_decodable_frame(video, tmp_path):
    path = tmp_path / "joined.ts"
    with av.open(str(video(count=40))) as source, av.open(str(path), "w") as output:
        stream = output.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(source.demux(video=0)):
            if packet.dts is not None and number >= 5:
                packet.stream = stream
                output.mux(packet)
    times, frames = decode_straight(path)
    with open_media(path, cache_bytes=0) as media:
        assert list(media.timestamps) == times
        assert len(media) < 35
        for index in reversed(range(len(frames))):
            np.testing.assert_array_equal(media.read(index), frames[index])


def test_no_such_file(tmp_path):
    path = tmp_path / "missing.mp4"
    with pytest.raises(PCVOSError, match="does not exist") as error:
        open_media(path)
    assert_one_sentence(error.value, path)


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("empty.mp4", b"", "an empty file"),
        ("notes.txt", b"take the rabbit from the left\n" * 50, "a text file"),
        ("notes.mp4", b"take the rabbit from the left\n" * 50, "a text file"),
        ("noise.mp4", np.random.default_rng(0).bytes(4096), "unknown content"),
    ],
)
def test_not_a_video(tmp_path, name, content, found):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(PCVOSError, match=found) as error:
        open_media(path)
    assert_one_sentence(error.value, path)


def test_a_recording_that_broke_off(video):
    path = video(count=40)
    cut(path, path.stat().st_size // 2)
    with pytest.raises(PCVOSError, match="without its index") as error:
        open_media(path)
    assert_one_sentence(error.value, path)


def test_sound_alone(tmp_path):
    path = tmp_path / "sound.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(16_000))
    with pytest.raises(PCVOSError, match="no video") as error:
        open_media(path)
    assert_one_sentence(error.value, path)


@pytest.mark.parametrize("name", ["one.png", "one.jpg"])
def test_a_single_image(tmp_path, name):
    path = tmp_path / name
    Image.fromarray(picture(0)).save(path)
    with pytest.raises(PCVOSError, match="single image") as error:
        open_media(path)
    assert_one_sentence(error.value, path)


def test_an_animated_webp_is_not_called_a_single_image(tmp_path):
    path = tmp_path / "moving.webp"
    first, *others = (Image.fromarray(picture(number)) for number in range(4))
    first.save(path, save_all=True, append_images=others, duration=100)
    with pytest.raises(PCVOSError, match="an animated WebP") as error:
        open_media(path)
    assert_one_sentence(error.value, path)
    first.save(path)
    with pytest.raises(PCVOSError, match="single image"):
        open_media(path)


def test_zero_frames(video):
    path = video("clip.mov", count=4, codec="png", pixels="rgb24")
    data = path.read_bytes()
    for packet in packet_bytes(path):
        data = data.replace(packet, bytes(len(packet)))
    path.write_bytes(data)
    with pytest.raises(PCVOSError, match="no frame") as error:
        open_media(path)
    assert_one_sentence(error.value, path)


def test_names_with_special_characters(video, monkeypatch):
    for name in ("a b%03d.mp4", "12:30 früh.mp4", "#1?.mp4"):
        path = video(name, count=3)
        monkeypatch.chdir(path.parent)
        for given in (path, Path(name)):
            with open_media(given) as media:
                assert len(media) == 3


def test_without_pyav_folders_can_be_read_and_videos_say_what_is_missing(video, tmp_path):
    folder = tmp_path / "frames"
    folder.mkdir()
    Image.fromarray(picture(0)).save(folder / "0.png")
    code = """
import sys
sys.modules["av"] = None
from core.media import VideoWriter, open_media
print(len(open_media(sys.argv[1])))
for use in (lambda: open_media(sys.argv[2]), lambda: VideoWriter(sys.argv[2], (8, 8), 25).__enter__()):
    try:
        use()
    except Exception as error:
        print(type(error).__name__, "pip install av" in str(error))
"""
    command = [sys.executable, "-c", code, str(folder), str(video())]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.splitlines() == ["1", "PCVOSError True", "PCVOSError True"]
