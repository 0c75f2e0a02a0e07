"""Masks exported and imported again are the same; also large, many or odd ones."""

import json
import zipfile

import numpy as np
import pytest
from exchange_projects import (
    NAMES,
    SIZE,
    STEMS,
    all_labels,
    all_masks,
    array_project,
    bring_in,
    disc,
    empty_project,
    export,
    footage,
    plan,
    put,
)

from core.exchange import registry
from core.masks.packed_mask import PackedMask
from core.media import VideoWriter, open_media
from core.project.model import Cell, ObjectInfo

EXCLUSIVE = [("png", {}), ("davis", {}), ("youtube-vos", {"images": False}), ("mose", {}), ("cvat", {})]
OVERLAPPING = [
    ("png-objects", {}),
    ("png-binary", {"objects": "each"}),
    ("coco", {}),
    ("coco", {"compressed": False}),
    ("youtube-vis", {}),
    ("youtube-vis", {"compressed": False}),
    ("cvat-video", {}),
    ("cvat-video", {"tracks": "mask"}),
]


def target(name, out):
    suffixes = registry.exporter(name).suffixes
    return out / f"result{suffixes[0] if suffixes else ''}"


def read_by(name):
    return {"mose": "youtube-vos", "png-binary": "png-objects"}.get(name, name)


@pytest.mark.parametrize(("name", "options"), EXCLUSIVE + OVERLAPPING)
def test_masks_come_back_equal(name, options, project, other, media, out):
    done = export(name, project, media, target(name, out), options=options)
    assert done == list(range(1, len(STEMS) + 1))
    assert registry.recognise(target(name, out)).name == read_by(name)

    change = bring_in(target(name, out), other, media)
    np.testing.assert_array_equal(all_labels(other), all_labels(project))
    assert {2, 7, 254} <= {info.id for info in other.objects} <= set(NAMES)
    assert all(cell.corrected and cell.in_memory for _, cell in other.cells_in(0, len(STEMS)))
    other.apply(change.inverted())
    assert not all_labels(other).any() and other.objects == ()


@pytest.mark.parametrize(("name", "options"), OVERLAPPING)
def test_overlapping_masks_come_back_each_as_it_was(name, options, project, other, media, out):
    put(project, {(0, 7): Cell(PackedMask.pack(disc(SIZE, 20, 20, 9)))})
    assert np.count_nonzero(project.cell(0, 7).mask.unpack() & project.cell(0, 2).mask.unpack()) > 50
    export(name, project, media, target(name, out), options=options)
    bring_in(target(name, out), other, media)
    assert all_masks(other) == all_masks(project)


def test_a_part_is_written_and_read(project, other, media, out):
    export("png", project, media, out / "png", first=2, last=4, objects=(7, 254))
    assert sorted(path.name for path in (out / "png").iterdir()) == ["00007.png", "00020.png", "00021.png"]
    bring_in(out / "png", other, media)
    wanted = {key: mask for key, mask in all_masks(project).items() if key[0] in (2, 3, 4) and key[1] != 2}
    assert all_masks(other) == wanted


def test_what_is_known_to_be_absent_stays_so(project, other, media, out):
    export("png-objects", project, media, out / "masks")
    bring_in(out / "masks", other, media)
    assert other.cell(3, 7).mask.is_empty
    assert other.cell(0, 7) is None


def test_names_come_along(project, other, media, out):
    for name, target in (("youtube-vis", out / "a.json"), ("youtube-vos", out / "folder")):
        export(name, project, media, target)
        planned = plan(target, other, media)
        named = {info.id: info.name for info in planned.objects}
        assert named == {id: text for id, text in NAMES.items() if id in named}
        assert {2, 7, 254} <= named.keys()


@pytest.mark.parametrize("name", ["png", "coco", "cvat", "png-objects"])
def test_254_objects(name, tmp_path):
    places = np.arange(40 * 32).reshape(32, 40) // 5
    project, media = array_project({id: places == id for id in range(1, 255)}, tmp_path)
    export(name, project, media, target(name, tmp_path))
    with project, empty_project(media, tmp_path / "other.pcvos") as other:
        bring_in(target(name, tmp_path), other, media)
        np.testing.assert_array_equal(all_labels(other), all_labels(project))
        assert len(other.objects) == 254


@pytest.mark.parametrize("size", [(1, 1), (1, 17), (33, 1)])
def test_tiny_and_odd_sizes(size, tmp_path):
    project, media = array_project({1: np.ones(size, bool)}, tmp_path)
    with project:
        for name in ("png", "coco", "youtube-vis", "cvat", "png-objects"):
            export(name, project, media, target(name, tmp_path / name))
            with empty_project(media, tmp_path / f"{name}.pcvos") as other:
                bring_in(target(name, tmp_path / name), other, media)
                assert all_labels(other).all()


def test_4k(tmp_path):
    size = (2160, 3840)
    project, media = array_project({3: disc(size, 1000, 1900, 800)}, tmp_path)
    with project, empty_project(media, tmp_path / "other.pcvos") as other:
        export("coco", project, media, tmp_path / "masks.json")
        export("png", project, media, tmp_path / "masks")
        bring_in(tmp_path / "masks.json", other, media)
        assert all_masks(other) == all_masks(project)
        planned = plan(tmp_path / "masks", other, media)
        assert planned.masks[0] == {3: project.cell(0, 3).mask}


def test_a_video_and_the_names_that_cvat_gives_its_frames(tmp_path):
    with VideoWriter(tmp_path / "clip.mp4", (48, 64), 25) as video:
        for value in range(4):
            video.write(np.full((48, 64, 3), 60 * value, np.uint8))
    with (
        open_media(tmp_path / "clip.mp4") as media,
        empty_project(media, tmp_path / "one.pcvos", [ObjectInfo(5, "disc", (9, 9, 9))]) as project,
        empty_project(media, tmp_path / "two.pcvos") as other,
    ):
        put(project, {(frame, 5): Cell(PackedMask.pack(disc((48, 64), 20, 12 * frame, 9))) for frame in range(1, 4)})
        for name, path in (("cvat", "a.zip"), ("coco", "a.json"), ("davis", "davis"), ("png-objects", "objects")):
            export(name, project, media, tmp_path / path, first=1)
            change = bring_in(tmp_path / path, other, media)
            assert all_masks(other) == all_masks(project), name
            other.apply(change.inverted())
    with zipfile.ZipFile(tmp_path / "a.zip") as file:
        assert "SegmentationObject/frame_000001.png" in file.namelist()
    assert json.loads((tmp_path / "a.json").read_text())["images"][0]["file_name"] == "00001.jpg"
    assert (tmp_path / "davis" / "JPEGImages" / "Full-Resolution" / "clip" / "00001.jpg").is_file()


def test_masks_of_half_the_size_are_enlarged(tmp_path):
    large = footage(tmp_path / "large", (40, 60))
    small = footage(tmp_path / "small", (20, 30))
    info = ObjectInfo(1, "disc", (1, 1, 1))
    with (
        empty_project(small, tmp_path / "small.pcvos", [info]) as project,
        empty_project(large, tmp_path / "large.pcvos") as other,
    ):
        mask = disc((20, 30), 10, 15, 7)
        put(project, {(0, 1): Cell(PackedMask.pack(mask))})
        for name in ("coco", "png"):
            export(name, project, small, target(name, tmp_path / name))
            change = bring_in(target(name, tmp_path / name), other, large)
            np.testing.assert_array_equal(other.cell(0, 1).mask.unpack(), mask.repeat(2, 0).repeat(2, 1))
            other.apply(change.inverted())
