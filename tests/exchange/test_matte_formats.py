"""Mattes and cut-outs as pictures, read by other libraries."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from exchange_projects import SIZE, cancelled_after, export, request
from matte_projects import ball, box, make_matted, picture
from PIL import Image

from core.errors import PCVOSError
from core.exchange import registry
from core.exchange.export_run import run_export
from core.exchange.formats.exr import layer_names
from core.media import open_media
from core.progress import Cancelled


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return make_matted(tmp_path_factory.mktemp("matted"), sound=None)


def read(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.array(image)


def rises(alpha: np.ndarray) -> int:
    """How many of the levels in between there are."""
    return int(((alpha > 0) & (alpha < alpha.max())).sum())


@pytest.mark.parametrize(("depth", "white"), [("8", 255), ("16", 65535)])
def test_mattes_are_soft_at_edges_and_sure_elsewhere(clip, tmp_path, depth, white):
    done = export("matte", clip.project, clip.media, tmp_path / "out", options={"depth": depth}, first=2, last=5)
    assert done == [1, 2, 3, 4]
    for frame in range(2, 6):
        one, three = (read(tmp_path / "out" / id / f"0000{frame}.png") for id in ("001", "003"))
        assert one.dtype == (np.uint8 if white == 255 else np.uint16)
        assert (one.astype(int) + three <= white).all()
        mask = ball(frame) & ~box()
        assert rises(one) > 20
        assert abs(one.sum() / white - mask.sum()) < 0.1 * mask.sum()
        agrees = (one > white / 2) == mask
        assert agrees.mean() > 0.98
        y, x = np.argwhere(mask).mean(0).astype(int)
        assert one[y, x] == white and three[24, 4] == white and one[2, 2] == 0
    about = json.loads((tmp_path / "out" / "export.json").read_text())
    assert about["white"] == white and about["folders"] == {"001": 1, "003": 3}
    assert about["frames"] == {"first": 2, "last": 5} and about["rate"] == "24000/1001"


def test_an_object_that_is_not_there_is_black(clip, tmp_path):
    export("matte", clip.project, clip.media, tmp_path / "out", first=10, last=11)
    assert read(tmp_path / "out/003/00010.png").any() and not read(tmp_path / "out/003/00011.png").any()


def test_all_objects_in_one_have_no_seam(clip, tmp_path):
    export("matte", clip.project, clip.media, tmp_path / "out", first=0, last=0, options={"objects": "one"})
    alpha = read(tmp_path / "out/00000.png")
    assert (ball(0) | box())[20:29, 2:20].all() and (alpha[20:29, 6:18] == 255).all(), "they touch at column 12"


def test_hard_edges_are_the_mask(clip, tmp_path):
    export("matte", clip.project, clip.media, tmp_path / "out", last=0, options={"edges": "hard"})
    np.testing.assert_array_equal(read(tmp_path / "out/003/00000.png"), box() * np.uint8(255))


def test_options_change_the_edge_as_they_say(clip, tmp_path):
    sums = {}
    for name, options in {
        "plain": {},
        "grown": {"grow": 2.5},
        "shrunk": {"grow": -2.0},
        "feathered": {"feather": 6.0},
        "opaque": {"gamma": 2.0},
        "thin": {"gamma": 0.5},
    }.items():
        export("matte", clip.project, clip.media, tmp_path / name, first=4, last=4, options=options)
        alpha = read(tmp_path / name / "001/00004.png") / 255
        sums[name] = alpha.sum(), rises(alpha)
    assert sums["shrunk"][0] < sums["thin"][0] < sums["plain"][0] < sums["opaque"][0] < sums["grown"][0]
    assert sums["feathered"][1] > 1.5 * sums["plain"][1]


def test_footage_with_alpha_keeps_its_colours_under_it(clip, tmp_path):
    export("rgba", clip.project, clip.media, tmp_path / "out", first=3, last=6)
    for frame in range(3, 7):
        found = read(tmp_path / "out" / f"0000{frame}.png")
        np.testing.assert_array_equal(found[..., :3], clip.media.read(frame))
        assert ((found[..., 3] > 127) == (ball(frame) | box())).mean() > 0.98
        assert rises(found[..., 3]) > 20
    assert json.loads((tmp_path / "out/export.json").read_text())["alpha"] == "straight"


def test_stems_with_gaps_and_odd_sizes(project, media, tmp_path):
    export("matte", project, media, tmp_path / "out")
    for id in (2, 7, 9, 254):
        names = [path.name for path in sorted((tmp_path / f"out/{id:03d}").iterdir())]
        assert names == [f"{stem}.png" for stem in media.stems]
    assert not any(read(path).any() for path in (tmp_path / "out/009").iterdir()), "object 9 is on no frame"
    assert read(tmp_path / "out/002/00007.png").shape == SIZE
    about = json.loads((tmp_path / "out/export.json").read_text())
    assert about["frames"]["names"] == list(media.stems)
    export("rgba", project, media, tmp_path / "rgba")
    assert read(tmp_path / "rgba/00100.png").shape == (*SIZE, 4)


def test_estimates_are_near(clip, tmp_path):
    for name in ("matte", "rgba"):
        wanted = request(name, clip.project, clip.media, tmp_path / name)
        guess = registry.exporter(name).estimate(wanted)
        run_export(registry.exporter(name), wanted)
        size = sum(path.stat().st_size for path in (tmp_path / name).rglob("*.png"))
        assert 0.5 < guess / size < 2


@pytest.mark.parametrize("name", ["matte", "rgba", "exr"])
def test_cancelling_leaves_nothing(clip, tmp_path, name):
    if name == "exr":
        pytest.importorskip("OpenEXR")
    wanted = request(name, clip.project, clip.media, tmp_path / "out")
    with pytest.raises(Cancelled):
        run_export(registry.exporter(name), wanted, progress=cancelled_after(1))
    assert list(tmp_path.iterdir()) == []


def test_previews_show_what_will_be_written(clip, tmp_path):
    for name, channels in (("matte", 3), ("rgba", 4), ("green-screen", 3), ("prores", 4)):
        target = tmp_path / f"x{(registry.exporter(name).suffixes or ('',))[0]}"
        wanted = request(name, clip.project, clip.media, target)
        shown = registry.exporter(name).preview(wanted, 4)
        assert shown.shape == (*clip.media.size, channels) and shown.dtype == np.uint8
    export("rgba", clip.project, clip.media, tmp_path / "out", first=4, last=4)
    wanted = request("rgba", clip.project, clip.media, tmp_path / "other")
    np.testing.assert_array_equal(registry.exporter("rgba").preview(wanted, 4), read(tmp_path / "out/00004.png"))


# --- OpenEXR


def test_openexr_has_linear_premultiplied_colours_and_a_layer_an_object(clip, tmp_path):
    exr = pytest.importorskip("OpenEXR")
    export("exr", clip.project, clip.media, tmp_path / "out", first=2, last=3)
    with exr.File(str(tmp_path / "out/00003.exr"), separate_channels=True) as file:
        channels = {name: channel.pixels for name, channel in file.channels().items()}
    assert set(channels) == {"R", "G", "B", "A", "ball.A", "box_left.A"}
    assert all(plane.dtype == np.float16 and plane.shape == tuple(clip.media.size) for plane in channels.values())
    total = channels["ball.A"].astype(float) + channels["box_left.A"]
    assert total.max() <= 1 and ((channels["ball.A"] > 0.5) == (ball(3) & ~box())).mean() > 0.98
    np.testing.assert_allclose(channels["A"], total, atol=1e-3)
    assert not any(channels[name][channels["A"] == 0].any() for name in "RGB"), "premultiplied"
    inside = channels["A"] == 1
    red = clip.media.read(3)[..., 0][inside] / 255
    np.testing.assert_allclose(channels["R"][inside], ((red + 0.055) / 1.055) ** 2.4, atol=2e-3)
    about = json.loads((tmp_path / "out/export.json").read_text())
    assert about["alpha"] == "premultiplied" and about["layers"] == {"ball": 1, "box_left": 3}


def test_openexr_of_mattes_alone(project, media, tmp_path):
    exr = pytest.importorskip("OpenEXR")
    export("exr", project, media, tmp_path / "out", options={"colours": False})
    with exr.File(str(tmp_path / "out/00021.exr"), separate_channels=True) as file:
        assert set(file.channels()) == {"rabbit_2.A", "bird.A", "nowhere.A", "rabbit_254.A"}
        assert file.channels()["bird.A"].pixels.shape == SIZE


def test_layer_names_differ_whatever_the_objects_are_called(clip, tmp_path):
    wanted = request("exr", clip.project, clip.media, tmp_path / "out")
    from dataclasses import replace

    first = wanted.objects[0]
    named = [replace(first, id=id, name=name) for id, name in ((1, "x"), (2, "x"), (3, "x_1"), (4, "雪"), (5, "a.b"))]
    names = layer_names(replace(wanted, objects=tuple(named)))
    assert names == {1: "x_1_", 2: "x_2", 3: "x_1", 4: "object", 5: "a_b"}


def test_without_the_package_a_sentence_says_how_to_get_it(clip, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "OpenEXR", None)
    with pytest.raises(PCVOSError, match=r"pip install .pcvos-studio\[exr\]"):
        export("exr", clip.project, clip.media, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_the_footage_of_these_tests_is_what_it_should_be(clip):
    with open_media(clip.media.path) as media:
        assert np.abs(media.read(5).astype(int) - picture(5)).mean() < 6
