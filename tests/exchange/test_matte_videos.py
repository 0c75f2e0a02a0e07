"""Videos with mattes, read by FFmpeg's own programs and by PyAV."""

import json
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.codec import Codec
from av.codec.codec import UnknownCodecError
from exchange_projects import cancelled_after, export, footage, request
from matte_projects import COUNT, RATE, SIZE, make_matted, matted

from core.errors import PCVOSError
from core.exchange import registry
from core.exchange.export_run import run_export
from core.progress import Cancelled

SUFFIXES = {"green-screen": ".mp4", "prores": ".mov", "vp9": ".webm", "animation": ".mov", "ffv1": ".mkv"}
ALPHA = ("prores", "vp9", "animation", "ffv1")
# codec, pixel format, tag
KINDS = {
    "green-screen": ("h264", "yuv420p", "avc1"),
    "prores": ("prores", "yuva444p12le", "ap4h"),
    "vp9": ("vp9", "yuv420p", None),
    "animation": ("qtrle", "argb", "rle "),
    "ffv1": ("ffv1", "bgra", None),
}

pytestmark = pytest.mark.skipif(
    not {"prores_ks", "libvpx-vp9", "libx264", "qtrle", "ffv1"} <= set(av.codecs_available),
    reason="this PyAV lacks encoders",
)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return make_matted(tmp_path_factory.mktemp("matted"))


@pytest.fixture(scope="module")
def written(clip, tmp_path_factory) -> dict[str, Path]:
    """Frames 2 to 9 in every format."""
    folder = tmp_path_factory.mktemp("written")
    for name, suffix in SUFFIXES.items():
        export(name, clip.project, clip.media, folder / f"{name}{suffix}", first=2, last=9)
    return {name: folder / f"{name}{suffix}" for name, suffix in SUFFIXES.items()}


def decoded(path: Path) -> list[np.ndarray]:
    """uint8 (H, W, 4) RGBA of all frames."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        if stream.codec_context.name != "vp9":
            frames = list(container.decode(stream))
        else:
            decoder = av.CodecContext.create("libvpx-vp9", "r")  # the other one drops the alpha
            frames = [
                frame for packet in container.demux(stream) for frame in decoder.decode(packet if packet.size else None)
            ]
        return [frame.reformat(format="rgba", src_colorspace=1, dst_color_range=2).to_ndarray() for frame in frames]


def expected(name: str, clip, target: Path, frames=range(2, 10)) -> list[np.ndarray]:
    wanted = request(name, clip.project, clip.media, target)
    return [registry.exporter(name).preview(wanted, frame) for frame in frames]


def probe(path: Path, *more: str) -> dict:
    if shutil.which("ffprobe") is None:
        pytest.skip("no ffprobe")
    command = ["ffprobe", "-v", "error", "-show_streams", "-show_format", *more, "-of", "json", str(path)]
    return json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


def stream(path: Path, kind: str = "video") -> dict:
    return next(found for found in probe(path)["streams"] if found["codec_type"] == kind)


# --- pictures


@pytest.mark.parametrize("name", ALPHA)
def test_alpha_comes_back(clip, written, name):
    frames, wanted = decoded(written[name]), expected(name, clip, written[name])
    assert len(frames) == len(wanted)
    most = 1 if name == "prores" else 0
    for found, given in zip(frames, wanted, strict=True):
        assert np.abs(found[..., 3].astype(int) - given[..., 3]).max() <= most
        assert len(np.unique(given[..., 3])) > 10, "the edge is soft"


@pytest.mark.parametrize(("name", "most"), [("animation", 0), ("ffv1", 0), ("prores", 2.0), ("vp9", 6.0)])
def test_colours_come_back_also_where_alpha_is_0(clip, written, name, most):
    for found, given in zip(decoded(written[name]), expected(name, clip, written[name]), strict=True):
        outside = given[..., 3] == 0
        away = np.abs(found[..., :3].astype(float) - given[..., :3])
        assert away.mean() <= most and away[outside].mean() <= most


def test_the_green_screen_is_green_around_the_objects(clip, written):
    found = decoded(written["green-screen"])[3][..., :3].astype(int)
    wanted = expected("green-screen", clip, written["green-screen"])[3].astype(int)
    assert np.abs(found - wanted).mean() < 6
    assert tuple(wanted[2, 40]) == (0, 177, 64)
    assert (wanted[24, 29] == clip.media.read(5)[24, 29]).all(), "the ball is as it was"


@pytest.mark.parametrize("name", ["vp9", "prores"])
def test_the_ffmpeg_program_reads_the_alpha(clip, written, name):
    if shutil.which("ffmpeg") is None:
        pytest.skip("no ffmpeg")
    decoder = ["-c:v", "libvpx-vp9"] if name == "vp9" else []
    command = ["ffmpeg", "-v", "error", *decoder, "-i", str(written[name]), "-vf", "alphaextract", "-f", "rawvideo"]
    run = subprocess.run([*command, "-pix_fmt", "gray16le", "-"], capture_output=True)
    if run.returncode:
        pytest.skip("this ffmpeg lacks what it takes")
    alpha = np.frombuffer(run.stdout, np.uint16).reshape(-1, *SIZE) / 65535
    wanted = np.stack(expected(name, clip, written[name]))[..., 3] / 255
    assert np.abs(alpha - wanted).max() <= 1 / 255


# --- what the files say of themselves


@pytest.mark.parametrize("name", SUFFIXES)
def test_ffprobe_tells_codec_rate_and_colours(written, name):
    found = stream(written[name])
    codec, pixels, tag = KINDS[name]
    assert found["codec_name"] == codec
    assert found["pix_fmt"] == pixels or (name == "prores" and found["pix_fmt"].startswith("yuva444p"))
    assert tag is None or found["codec_tag_string"] == tag
    assert found["r_frame_rate"] == "24000/1001"
    assert (found["width"], found["height"]) == SIZE[::-1]
    if name != "animation":  # QuickTime's oldest has no place for them
        assert found["color_primaries"] == "bt709" and found["color_transfer"] == "bt709"
    if name in ("green-screen", "prores", "vp9"):
        assert found["color_space"] == "bt709" and found["color_range"] == "tv"
    if name == "vp9":
        assert {key.lower(): value for key, value in found["tags"].items()}["alpha_mode"] == "1"


@pytest.mark.parametrize(
    ("name", "kept"), [("green-screen", "aac"), ("prores", "aac"), ("ffv1", "aac"), ("vp9", "opus")]
)
def test_sound_is_cut_to_the_frames(clip, written, name, kept):
    assert stream(written[name], "audio")["codec_name"] == kept
    with av.open(str(written[name])) as container:
        times = [frame.pts * frame.time_base for frame in container.decode(audio=0)]
    assert abs(times[0]) < 0.05 and abs(times[-1] - 8 / RATE) < 0.06
    original, copy = (
        _pitch(path, Fraction(1, 6), offset) for path, offset in ((clip.media.path, 2 / RATE), (written[name], 0))
    )
    assert abs(original - copy) < 25, "the tone rises by 4,000 Hz a second: the two are within 6 ms"


def _pitch(path: Path, at: Fraction, offset: Fraction) -> float:
    """Pitch of the tone around a time, Hz, by its zero crossings."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler("fltp", "mono", 48000)
        samples, begin = [], None
        for frame in container.decode(audio=0):
            begin = frame.pts * frame.time_base if begin is None else begin
            samples += [part.to_ndarray()[0] for part in resampler.resample(frame)]
    wave = np.concatenate(samples)
    centre = int((at + offset - begin) * 48000)
    part = wave[centre - 1200 : centre + 1200]
    crossings = np.flatnonzero((part[:-1] < 0) & (part[1:] >= 0))
    return 48000 * (len(crossings) - 1) / (crossings[-1] - crossings[0])


def test_sound_can_be_left_out(clip, tmp_path):
    export("prores", clip.project, clip.media, tmp_path / "x.mov", last=1, options={"sound": False})
    assert [found["codec_type"] for found in probe(tmp_path / "x.mov")["streams"]] == ["video"]


def without_opus(name: str, mode: str = "r") -> Codec:
    """As PyAV is where its FFmpeg was built without an encoder for Opus."""
    if (name, mode) == ("libopus", "w"):
        raise UnknownCodecError(name)
    return Codec(name, mode)


def test_sound_that_cannot_come_along_is_said(clip, tmp_path, monkeypatch):
    wanted = request("vp9", clip.project, clip.media, tmp_path / "x.webm")
    assert any("aac" in note and "becomes Opus" in note for note in registry.exporter("vp9").notes(wanted))
    monkeypatch.setattr("av.codec.Codec", without_opus)
    assert any("left out" in note for note in registry.exporter("vp9").notes(wanted))
    run_export(registry.exporter("vp9"), request("vp9", clip.project, clip.media, tmp_path / "x.webm", last=2))
    assert [found["codec_type"] for found in probe(tmp_path / "x.webm")["streams"]] == ["video"]


def test_the_sidecar_says_how(clip, written):
    about = json.loads(written["prores"].with_name("prores.mov.json").read_text())
    assert about["format"] == "prores" and about["alpha"] == "straight"
    assert about["colour"] == {"primaries": 1, "transfer": 1, "matrix": 1, "range": "limited"}
    assert about["frames"] == {"first": 2, "last": 9} and about["rate"] == "24000/1001"
    assert about["options"]["edges"] == "picture" and [one["id"] for one in about["objects"]] == [1, 3]


# --- footage of other kinds


@pytest.mark.parametrize("name", SUFFIXES)
def test_a_variable_rate_keeps_its_times(tmp_path, name):
    times = [0, 40, 100, 133, 300, 340, 345, 500]
    clip = make_matted(tmp_path, count=len(times), times=times, sound=None)
    target = tmp_path / f"out{SUFFIXES[name]}"
    export(name, clip.project, clip.media, target, first=1, last=6)
    with av.open(str(target)) as container:
        found = [float(frame.pts * frame.time_base) for frame in container.decode(video=0)]
    np.testing.assert_allclose(found, (np.array(times[1:7]) - times[1]) / 1000, atol=0.0011)


def test_milliseconds_of_a_container_do_not_make_a_steady_rate_variable(tmp_path):
    clip = make_matted(tmp_path, suffix=".mkv", sound=None)
    export("prores", clip.project, clip.media, tmp_path / "out.mov")
    found = stream(tmp_path / "out.mov")
    assert found["avg_frame_rate"] == found["r_frame_rate"] == "24000/1001" and int(found["nb_frames"]) == COUNT


@pytest.mark.parametrize("name", SUFFIXES)
def test_odd_sizes(tmp_path, name):
    clip = make_matted(tmp_path, size=(47, 63), sound=None, count=3)
    target = tmp_path / f"out{SUFFIXES[name]}"
    export(name, clip.project, clip.media, target)
    even = name in ("green-screen", "vp9")
    found = stream(target)
    assert (found["width"], found["height"]) == ((64, 48) if even else (63, 47))
    notes = registry.exporter(name).notes(request(name, clip.project, clip.media, tmp_path / f"x{SUFFIXES[name]}"))
    assert any("64x48" in note for note in notes) == even
    if name in ALPHA:
        frames, wanted = decoded(target), expected(name, clip, target, range(3))
        assert np.abs(frames[1][:47, :63, 3].astype(int) - wanted[1][..., 3]).max() <= 1
        assert (frames[1][: SIZE[0], -1, 3] == frames[1][: SIZE[0], 62, 3]).all()


def test_colours_of_wide_gamut_footage_are_passed_on(tmp_path):
    clip = make_matted(tmp_path, colours=(9, 18, 9), sound=None, count=3)
    export("prores", clip.project, clip.media, tmp_path / "out.mov")
    found = stream(tmp_path / "out.mov")
    assert (found["color_primaries"], found["color_transfer"], found["color_space"]) == (
        "bt2020",
        "arib-std-b67",
        "bt2020nc",
    )


def test_a_folder_of_images_becomes_a_video(tmp_path):
    media = footage(tmp_path / "pictures", SIZE)
    clip = matted(media, tmp_path / "p.pcvos")
    export("ffv1", clip.project, media, tmp_path / "out.mkv")
    frames = decoded(tmp_path / "out.mkv")
    assert len(frames) == len(media)
    np.testing.assert_array_equal(frames[4][..., :3], media.read(4))


# --- trouble


@pytest.mark.parametrize("name", SUFFIXES)
def test_cancelling_leaves_nothing(clip, tmp_path, name):
    wanted = request(name, clip.project, clip.media, tmp_path / f"out{SUFFIXES[name]}")
    with pytest.raises(Cancelled):
        run_export(registry.exporter(name), wanted, progress=cancelled_after(2))
    assert list(tmp_path.iterdir()) == []


def test_neither_file_is_overwritten_unasked(clip, tmp_path):
    target = tmp_path / "out.mov"
    (tmp_path / "out.mov.json").write_text("mine")
    with pytest.raises(PCVOSError, match=r"out\.mov\.json exists"):
        export("prores", clip.project, clip.media, target, last=1)
    export("prores", clip.project, clip.media, target, last=1, overwrite=True)
    assert json.loads((tmp_path / "out.mov.json").read_text())["format"] == "prores"
