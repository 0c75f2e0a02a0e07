"""Every video format gives what went in: its colours, the shape of its pixels, its times."""

import json
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from exchange_projects import empty_project, export
from matte_projects import INFOS, make_matted
from PIL import Image

from core.media import open_media

SUFFIXES = {"prores": ".mov", "vp9": ".webm", "animation": ".mov", "ffv1": ".mkv"}
OVERLAYS = {"overlay": ".mp4", "overlay of QuickTime": ".mov", "overlay of Matroska": ".mkv"}
# largest and mean difference of RGB: what 8-bit 4:2:0 of each quality rounds away, or 10-bit 4:4:4, or nothing
BOUNDS = {"ffv1": (0, 0), "animation": (0, 0), "prores": (3, 0.3), "vp9": (24, 3), "overlay": (24, 3)}
TAGS = {
    "PQ": (9, 16, 9),
    "HLG": (9, 18, 9),
    "BT.2020": (9, 14, 9),
    "Display P3": (12, 13, 1),
    "BT.709": (1, 1, 1),
    "BT.601 of 525 lines": (6, 6, 6),
    "BT.601 of 625 lines": (5, 1, 5),
    "untagged": (2, 2, 2),
}

pytestmark = pytest.mark.skipif(
    not {"prores_ks", "libvpx-vp9", "libx264", "qtrle", "ffv1"} <= set(av.codecs_available),
    reason="this PyAV lacks encoders",
)


def probe(path: Path) -> dict:
    if shutil.which("ffprobe") is None:
        pytest.skip("no ffprobe")
    command = ["ffprobe", "-v", "warning", "-select_streams", "v", "-show_streams", "-of", "json", str(path)]
    run = subprocess.run(command, capture_output=True, check=True, text=True)
    assert run.stderr == ""
    return json.loads(run.stdout)["streams"][0]


def smooth(frame: int, size: tuple[int, int]) -> np.ndarray:
    y, x = np.mgrid[: size[0], : size[1]]
    rows, columns = (side - 1 for side in size)
    return np.dstack([30 + 190 * x / columns, 20 + 200 * y / rows, 210 - 170 * x / columns + frame]).astype(np.uint8)


def write_smooth(path: Path, size=(48, 64), tags=(1, 1, 1), matrix=1, aspect=None, count=3) -> Path:
    """A video of `smooth`, encoded by one matrix and tagged (primaries, transfer, matrix); 10 bits, limited range."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25, options={"crf": "1"})
        stream.height, stream.width, stream.pix_fmt = *size, "yuv420p10le"
        context = stream.codec_context
        context.color_primaries, context.color_trc, context.colorspace = tags
        if aspect:
            context.sample_aspect_ratio = aspect
        for frame in range(count):
            image = av.VideoFrame.from_ndarray(smooth(frame, size), format="rgb24")
            image = image.reformat(format="yuv420p10le", dst_colorspace=matrix, dst_color_range=1)
            image.pts = frame
            output.mux(stream.encode(image))
        output.mux(stream.encode(None))
    return path


def write_out(clip: Path, name: str, target: Path) -> Path:
    """Export it with an empty project; an overlay without objects is the footage itself."""
    with open_media(clip) as media, empty_project(media, target.with_suffix(".pcvos"), INFOS) as project:
        export(name.split()[0], project, media, target)
    return target


def formats() -> dict[str, str]:
    return SUFFIXES | OVERLAYS


@pytest.mark.parametrize("tags", TAGS.values(), ids=list(TAGS))
@pytest.mark.parametrize("name", SUFFIXES | OVERLAYS)
def test_numbers_of_all_colours_come_out_as_they_went_in(tmp_path, name, tags):
    clip = write_smooth(tmp_path / "clip.mp4", tags=tags, matrix={9: 9, 1: 1}.get(tags[2], 5))
    target = write_out(clip, name, tmp_path / f"out{formats()[name]}")
    most, mean = BOUNDS[name.split()[0]]
    with open_media(clip) as media, open_media(target) as out:
        away = [np.abs(media.read(frame).astype(int) - out.read(frame)) for frame in range(3)]
        assert np.max(away) <= most and np.mean(away) <= mean
        assert np.abs(media.read(1).astype(int) - smooth(1, (48, 64))).mean() < 3, "it was read by its own matrix"
        assert out.colour == media.colour
    found = probe(target)
    names = {9: "bt2020", 12: "smpte432", 1: "bt709", 2: "bt709", 6: "smpte170m", 5: "bt470bg"}
    assert found["color_primaries"] == names[tags[0]]
    if name in ("animation", "ffv1"):
        assert found["color_space"] == "gbr"
    else:
        matrices = {9: "bt2020nc", 12: "bt709", 1: "bt709", 2: "bt709", 6: "smpte170m", 5: "bt470bg"}
        assert found["color_space"] == matrices[tags[0]] and found["color_range"] == "tv"


@pytest.mark.parametrize(
    ("size", "matrix", "primaries"),
    [
        ((720, 64), 1, 1),
        ((64, 1280), 1, 1),
        ((48, 64), 5, 1),
        ((480, 64), 5, 6),
        ((576, 64), 5, 5),
        ((540, 960), 5, 1),
    ],
)
def test_untagged_footage_is_taken_as_players_take_it(tmp_path, size, matrix, primaries):
    clip = write_smooth(tmp_path / "clip.mp4", size, (2, 2, 2), matrix, count=2)
    for name in ("ffv1", "overlay"):
        target = write_out(clip, name, tmp_path / f"out{formats()[name]}")
        with open_media(clip) as media, open_media(target) as out:
            assert np.abs(media.read(1).astype(int) - smooth(1, size)).mean() < 3, "by another matrix it is 5 and more"
            assert np.abs(media.read(1).astype(int) - out.read(1)).mean() <= BOUNDS[name][1]
            assert media.colour.primaries == out.colour.primaries == primaries


def test_a_matrix_that_nothing_here_can_undo_is_said(tmp_path):
    with open_media(write_smooth(tmp_path / "ictcp.mp4", tags=(9, 16, 14), matrix=9)) as media:
        assert media.read(2).shape == (48, 64, 3)
        assert len(media.warnings) == 1 and "cannot be shown exactly" in media.warnings[0]


@pytest.mark.parametrize("aspect", [Fraction(64, 45), Fraction(8, 9), Fraction(2)])
@pytest.mark.parametrize("name", SUFFIXES | OVERLAYS | {"green-screen": ".mkv"})
def test_the_shape_of_pixels_comes_out_as_it_went_in(tmp_path, name, aspect):
    clip = write_smooth(tmp_path / "clip.mp4", (96, 120), aspect=aspect)
    with open_media(clip) as media:
        assert media.sample_aspect_ratio == aspect and media.size == (96, 120)
    target = write_out(clip, name, tmp_path / f"out{(formats() | {'green-screen': '.mkv'})[name]}")
    found = Fraction(probe(target)["sample_aspect_ratio"].replace(":", "/"))
    with open_media(target) as out:
        assert out.size == (96, 120) and out.sample_aspect_ratio == found and len(out) == 3
        assert out.read(2).shape == (96, 120, 3)
    exact = target.suffix in (".mp4", ".mov")  # Matroska tells a size in whole pixels
    assert found == aspect if exact else abs(found - aspect) <= Fraction(1, 120)


SLOW = {"an hour": Fraction(1, 3600), "a day": Fraction(1, 86_400), "a month": Fraction(1, 30 * 86_400)}


@pytest.mark.parametrize("rate", SLOW.values(), ids=list(SLOW))
@pytest.mark.parametrize("name", SUFFIXES | OVERLAYS)
def test_a_frame_an_hour_and_slower(tmp_path, name, rate):
    folder = tmp_path / "footage"
    folder.mkdir()
    for number in range(6):
        Image.fromarray(smooth(number, (48, 64))).save(folder / f"{number}.png")
    target = tmp_path / f"out{formats()[name]}"
    with open_media(folder, folder_rate=rate) as media, empty_project(media, tmp_path / "p.pcvos", INFOS) as project:
        export(name.split()[0], project, media, target)
    with open_media(target) as out:
        assert out.rate == rate
        assert list(out.timestamps) == [number / rate for number in range(6)]


@pytest.mark.parametrize("name", SUFFIXES | OVERLAYS)
def test_a_pause_of_hours_is_kept(tmp_path, name):
    times = [0, 40, 80, 80 + 20 * 3_600_000, 120 + 20 * 3_600_000, 400 + 20 * 3_600_000]
    clip = make_matted(tmp_path, suffix=".mkv", count=len(times), times=times, sound=None)
    target = tmp_path / f"out{formats()[name]}"
    export(name.split()[0], clip.project, clip.media, target)
    with open_media(target) as out:
        np.testing.assert_allclose([float(time) for time in out.timestamps], np.array(times) / 1000, atol=0.0011)
