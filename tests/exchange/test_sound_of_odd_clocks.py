"""Sound of footage whose clock begins anew, runs over, or is damaged."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from exchange_projects import export
from matte_projects import COUNT, RATE, Matted, matted, write_clip

from core.errors import PCVOSError
from core.media import VideoWriter, open_media

SUFFIXES = {"overlay": ".mp4", "overlay of Matroska": ".mkv", "vp9": ".webm", "prores": ".mov"}
PARTS = 3
TURN = Fraction(2**33, 90_000)

pytestmark = pytest.mark.skipif(
    not {"prores_ks", "libvpx-vp9", "libx264", "libopus"} <= set(av.codecs_available), reason="this PyAV lacks encoders"
)


def pitch(path: Path, at: float) -> float:
    """Pitch of the tone around a time, Hz, by its zero crossings."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler("fltp", "mono", 48000)
        wave = np.zeros(48000 * 10, np.float32)
        for frame in container.decode(audio=0):
            for part in resampler.resample(frame):
                begin = max(0, round(part.pts * part.time_base * 48000))
                wave[begin : begin + part.samples] = part.to_ndarray()[0]
    part = wave[int(at * 48000) - 1200 : int(at * 48000) + 1200]
    crossings = np.flatnonzero((part[:-1] < 0) & (part[1:] >= 0))
    return 48000 * (len(crossings) - 1) / (crossings[-1] - crossings[0])


def pitch_of_part(seconds: float) -> float:
    """Pitch of `matte_projects`' rising tone: 300 Hz and 4,000 Hz a second more."""
    return 300 + 4000 * seconds


def written(folder: Path, data: bytes) -> Matted:
    path = folder / "joined.ts"
    path.write_bytes(data)
    return matted(open_media(path), folder / "p.pcvos")


@pytest.fixture(scope="module")
def joined(tmp_path_factory) -> Matted:
    """The same recording thrice in a row, as cameras that split recordings are put together with `cat`."""
    folder = tmp_path_factory.mktemp("joined")
    part = write_clip(folder / "part.ts", sound="aac")
    return written(folder, part.read_bytes() * PARTS)


def test_frames_of_joined_recordings_follow_one_another(joined):
    media = joined.media
    assert len(media) == PARTS * COUNT and media.warnings == []
    gaps = np.diff([float(time) for time in media.timestamps])
    np.testing.assert_allclose(gaps, float(1 / RATE), atol=2e-5)
    for frame in (0, COUNT, 2 * COUNT + 3, 5):
        np.testing.assert_array_equal(media.read(frame), media.read(frame % COUNT))


@pytest.mark.parametrize("name", SUFFIXES)
@pytest.mark.parametrize(("first", "last"), [(0, PARTS * COUNT - 1), (COUNT + 3, PARTS * COUNT - 1), (2, COUNT + 9)])
def test_sound_of_joined_recordings_stays_with_its_frames(joined, tmp_path, name, first, last):
    target = tmp_path / f"out{SUFFIXES[name]}"
    export(name.split()[0], joined.project, joined.media, target, first=first, last=last)
    for frame in range(first + 3, last - 2):
        place = (frame % COUNT) / RATE
        if Fraction(1, 10) < place < Fraction(4, 10):  # away from the joints
            assert abs(pitch(target, float((frame - first) / RATE)) - pitch_of_part(float(place))) < 60, frame


def begun_at(part: Path, seconds: Fraction) -> bytes:
    """The same recording, had it begun at another time of its clock."""
    path = part.with_name("begun-later.ts")
    with av.open(str(part)) as source, av.open(str(path), "w", container_options={"mpegts_copyts": "1"}) as output:
        streams = {stream.index: output.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.size:
                shift = round(seconds / packet.time_base)
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                packet.stream = streams[packet.stream_index]
                output.mux(packet)
    return path.read_bytes()


@pytest.mark.parametrize("begins", [(100, 5), (5, 100, 30_000, 2), (TURN - Fraction(1, 4), 3000), (1, 1, 1.3)], ids=str)
def test_sound_of_clocks_that_jump(tmp_path, begins):
    """Back and forth, and back while they run over; FFmpeg takes the first for a clock that runs over."""
    part = write_clip(tmp_path / "part.ts", sound="aac")
    clip = written(tmp_path, b"".join(begun_at(part, seconds) for seconds in begins))
    assert len(clip.media) == len(begins) * COUNT and clip.media.warnings == []
    np.testing.assert_allclose(np.diff([float(time) for time in clip.media.timestamps]), float(1 / RATE), atol=2e-5)
    export("overlay", clip.project, clip.media, tmp_path / "out.mp4")
    for frame in range(len(clip.media)):
        place = (frame % COUNT) / RATE
        if Fraction(1, 10) < place < Fraction(4, 10):
            assert abs(pitch(tmp_path / "out.mp4", float(frame / RATE)) - pitch_of_part(float(place))) < 60, frame


@pytest.mark.parametrize("name", SUFFIXES)
def test_a_clock_that_runs_over(tmp_path, name):
    """The 33 bits of a transport stream's clock last for 26.5 hours, wherever they begin."""
    part = write_clip(tmp_path / "part.ts", sound="aac")
    path = tmp_path / "wrap.ts"
    path.write_bytes(begun_at(part, TURN - Fraction(1, 4)))
    with open_media(path) as media, open_media(part) as plain:
        assert len(media) == COUNT and media.warnings == []
        assert media.timestamps[0] < 0
        clip = matted(media, tmp_path / "p.pcvos")
        for frame in reversed(range(COUNT)):
            np.testing.assert_array_equal(media.read(frame), plain.read(frame))
        target = tmp_path / f"out{SUFFIXES[name]}"
        export(name.split()[0], clip.project, media, target, first=2)
    assert abs(pitch(target, 0.2) - pitch_of_part(0.2 + 2 / float(RATE))) < 60


@pytest.mark.parametrize("name", SUFFIXES)
def test_damaged_sound_does_not_stop_an_export(tmp_path, name):
    part = bytearray(write_clip(tmp_path / "part.ts", sound="aac").read_bytes())
    random = np.random.default_rng(2)
    for begin in range(0, len(part), 188):  # packets of the transport stream; those of the second stream are its sound
        if (int.from_bytes(part[begin + 1 : begin + 3], "big") & 0x1FFF) == 0x101 and random.random() < 0.3:
            part[begin + 60 : begin + 120] = random.bytes(60)
    clip = written(tmp_path, bytes(part))
    target = tmp_path / f"out{SUFFIXES[name]}"
    export(name.split()[0], clip.project, clip.media, target)
    with open_media(target) as out:
        assert len(out) == COUNT


def test_only_an_error_of_the_disk_is_called_one(tmp_path):
    with (
        pytest.raises(PCVOSError, match="FFmpeg refuses what it is to hold") as error,
        VideoWriter(tmp_path / "x.mp4", (48, 64), 25) as video,
    ):
        video.write(np.zeros((48, 64, 3), np.uint8))
        raise av.ArgumentError(22, "Invalid argument")
    assert "another place" not in str(error.value) and list(tmp_path.iterdir()) == []
