"""Exported files, read by other programs and libraries."""

import json
import zipfile
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from exchange_projects import (
    NAMES,
    SIZE,
    STEMS,
    all_labels,
    all_masks,
    array_project,
    disc,
    empty_project,
    export,
    footage,
    put,
    request,
    tree,
)
from matte_projects import make_matted
from PIL import Image
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from core.evaluation.dataset import find_sequences
from core.exchange import registry
from core.masks.packed_mask import PackedMask
from core.masks.palette import DAVIS_PALETTE
from core.media import VideoWriter, open_media
from core.project.model import Cell, ObjectInfo


def pixels(path):
    with Image.open(path) as image:
        return np.array(image)


def test_pillow_reads_ids_and_the_palette(project, media, out):
    export("png", project, media, out / "png")
    assert sorted(path.stem for path in (out / "png").iterdir()) == sorted(STEMS)
    for stem, labels in zip(STEMS, all_labels(project), strict=True):
        with Image.open(out / "png" / f"{stem}.png") as image:
            assert image.mode == "P"
            assert image.getpalette() == DAVIS_PALETTE.ravel().tolist()
            np.testing.assert_array_equal(np.array(image), labels)


def test_pillow_reads_one_picture_per_object(project, media, out):
    export("png-objects", project, media, out / "objects")
    export("png-binary", project, media, out / "each", options={"objects": "each"})
    export("png-binary", project, media, out / "one")
    assert sorted(path.name for path in (out / "each").iterdir()) == ["002", "007", "009", "254"]
    assert sorted(path.stem for path in (out / "objects" / "007").iterdir()) == ["00004", "00007", "00020", "00100"]
    for (frame, obj), mask in all_masks(project).items():
        np.testing.assert_array_equal(pixels(out / f"objects/{obj:03d}/{STEMS[frame]}.png"), mask.unpack())
        np.testing.assert_array_equal(pixels(out / f"each/{obj:03d}/{STEMS[frame]}.png"), mask.unpack() * 255)
    assert not pixels(out / "each/009/00003.png").any()
    for stem, labels in zip(STEMS, all_labels(project), strict=True):
        np.testing.assert_array_equal(pixels(out / "one" / f"{stem}.png"), np.where(labels, 255, 0))


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # in pycocotools
@pytest.mark.parametrize("compressed", [True, False])
def test_pycocotools_reads_coco(project, media, out, compressed):
    export("coco", project, media, out / "masks.json", options={"compressed": compressed})
    coco = COCO(out / "masks.json")
    names = {image["id"]: image["file_name"] for image in coco.loadImgs(coco.getImgIds())}
    assert names == {frame: f"{stem}.png" for frame, stem in enumerate(STEMS)}
    known = coco.loadCats(coco.getCatIds())
    assert {c["id"]: c["name"] for c in known} == NAMES and known[2]["color"] == [9, 246, 7]
    found = {}
    for annotation in coco.loadAnns(coco.getAnnIds()):
        mask = coco.annToMask(annotation)
        rle = coco.annToRLE(annotation)
        assert annotation["area"] == coco_mask.area(rle) == mask.sum()
        assert annotation["bbox"] == coco_mask.toBbox(rle).tolist()
        found[annotation["image_id"], annotation["category_id"]] = PackedMask.pack(mask)
    assert found == all_masks(project)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_pycocotools_reads_the_masks_of_youtube_vis(project, media, out):
    export("youtube-vis", project, media, out / "masks.json")
    content = json.loads((out / "masks.json").read_text())
    (video,) = content["videos"]
    assert video["length"] == len(STEMS) and (video["height"], video["width"]) == SIZE
    assert video["file_names"] == [f"meadow/{stem}.png" for stem in STEMS]
    found = {}
    for annotation in content["annotations"]:
        assert len(annotation["segmentations"]) == len(annotation["areas"]) == len(annotation["bboxes"]) == len(STEMS)
        for frame, rle in enumerate(annotation["segmentations"]):
            assert (rle is None) == (annotation["areas"][frame] is None) == (annotation["bboxes"][frame] is None)
            if rle is not None:
                assert annotation["areas"][frame] == coco_mask.area(rle)
                assert annotation["bboxes"][frame] == coco_mask.toBbox(rle).tolist()
                found[frame, annotation["category_id"]] = PackedMask.pack(coco_mask.decode(rle))
    assert found == all_masks(project)
    assert [a["segmentations"] for a in content["annotations"] if a["id"] == 9] == [[None] * len(STEMS)]


@pytest.mark.parametrize(("name", "layout"), [("davis", "davis"), ("youtube-vos", "ytvos"), ("mose", "mose")])
def test_evaluation_finds_the_sequence_and_several_share_a_folder(name, layout, project, media, tmp_path):
    export(name, project, media, tmp_path / "set")
    beach = footage(tmp_path / "footage" / "beach")
    with empty_project(beach, tmp_path / "beach.pcvos", [ObjectInfo(1, "dog", (1, 1, 1))]) as second:
        put(second, {(2, 1): Cell(PackedMask.pack(disc(SIZE, 9, 9, 5)))})
        export(name, second, beach, tmp_path / "set")
    found = {sequence.name: sequence for sequence in find_sequences(tmp_path / "set", layout)}
    assert found.keys() == {"meadow", "beach"}
    with open_media(found["meadow"].frames) as frames:
        assert list(frames.stems) == list(STEMS) and frames.size == SIZE
    for stem, labels in zip(STEMS, all_labels(project), strict=True):
        np.testing.assert_array_equal(pixels(found["meadow"].masks / f"{stem}.png"), labels)
    if layout == "davis":
        assert (tmp_path / "set/ImageSets/2017/val.txt").read_text() == "meadow\nbeach\n"
    else:
        assert found["meadow"].first == {2: "00003", 7: "00004", 254: "00021"}
        assert found["beach"].first == {1: "00007"}
        (meta,) = (tmp_path / "set").glob("meta*.json")
        objects = json.loads(meta.read_text())["videos"]["meadow"]["objects"]
        assert objects["7"] == {"category": "bird", "frames": ["00004", "00007", "00100"]}


def test_jpegs_of_the_footage_are_copied_as_they_are(tmp_path):
    media = footage(tmp_path / "meadow", suffix=".jpg")
    with empty_project(media, tmp_path / "a.pcvos", [ObjectInfo(1, "x", (1, 1, 1))]) as project:
        export("youtube-vos", project, media, tmp_path / "set")
    assert tree(tmp_path / "set/JPEGImages/meadow") == tree(tmp_path / "meadow")


def test_cvat_holds_colours_that_its_label_map_names(project, media, out):
    export("cvat", project, media, out / "masks.zip")
    with zipfile.ZipFile(out / "masks.zip") as file:
        assert file.testzip() is None
        lines = file.read("labelmap.txt").decode().splitlines()
        assert file.read("ImageSets/Segmentation/default.txt").decode().split() == list(STEMS)
        for folder in ("SegmentationClass", "SegmentationObject"):
            for stem, labels in zip(STEMS, all_labels(project), strict=True):
                with file.open(f"{folder}/{stem}.png") as png, Image.open(png) as image:
                    assert image.mode == "RGB"
                    np.testing.assert_array_equal(np.array(image), DAVIS_PALETTE[labels])
    assert lines[1].startswith("#")
    assert lines[2:] == [
        "background:0,0,0::",
        "rabbit:0,128,0::",
        "bird:128,128,128::",
        "nowhere:64,0,0::".replace("64,0,0", ",".join(map(str, DAVIS_PALETTE[9]))),
        f"rabbit 254:{','.join(map(str, DAVIS_PALETTE[254]))}::",
    ]


def as_ultralytics_fills(text, size):
    """Label maps of the classes, from 1: corners are scaled, cut to whole pixels, and filled."""
    labels = np.zeros(size, np.uint8)
    for line in text.splitlines():
        number, *shares = line.split()
        corners = np.array(shares, np.float32).reshape(-1, 2) * (size[1], size[0])
        assert (np.array(shares, float) >= 0).all() and (np.array(shares, float) <= 1).all() and len(corners) >= 3
        cv2.fillPoly(labels, [corners.astype(np.int32)], int(number) + 1)
    return labels


@pytest.mark.parametrize("pieces", ["joined", "separate"])
def test_yolo_polygons_fill_the_masks(project, media, out, pieces):
    export("yolo", project, media, out / "yolo", objects=(2, 7), options={"pieces": pieces})
    for stem, labels in zip(STEMS, all_labels(project), strict=True):
        text = (out / "yolo/labels" / f"{stem}.txt").read_text()
        wanted = np.select([labels == 2, labels == 7], [1, 2], 0)
        np.testing.assert_array_equal(as_ultralytics_fills(text, SIZE), wanted)
        assert (out / "yolo/images" / f"{stem}.jpg").is_file()
    yaml = (out / "yolo/data.yaml").read_text()
    assert '  0: "rabbit"\n  1: "bird"\n' in yaml and "train: images\n" in yaml


def test_yolo_objects_in_pieces_with_holes(tmp_path):
    mask = (disc((60, 80), 30, 25, 20) & ~disc((60, 80), 25, 20, 5) & ~disc((60, 80), 38, 30, 4)) | disc(
        (60, 80), 30, 65, 8
    )
    mask[2, 70] = mask[57, 3] = True  # pieces of one pixel
    project, media = array_project({3: mask}, tmp_path)
    with project:
        lines = {}
        for pieces in ("joined", "separate", "largest"):
            export("yolo", project, media, tmp_path / pieces, options={"pieces": pieces, "images": False})
            lines[pieces] = (tmp_path / pieces / "labels" / "00000.txt").read_text()
        assert [len(text.splitlines()) for text in lines.values()] == [1, 4, 1]
        np.testing.assert_array_equal(as_ultralytics_fills(lines["separate"], mask.shape), mask)
        joined = as_ultralytics_fills(lines["joined"], mask.shape)
        assert (joined[mask] == 1).all() and np.count_nonzero(joined[~mask]) < 150  # the seams, a pixel wide
        largest = as_ultralytics_fills(lines["largest"], mask.shape)
        np.testing.assert_array_equal(largest, mask & disc(mask.shape, 30, 25, 21))

        export("yolo", project, media, tmp_path / "coarse", options={"tolerance": 1.0, "pieces": "separate"})
        text = (tmp_path / "coarse/labels/00000.txt").read_text()
        coarse = as_ultralytics_fills(text, mask.shape).astype(bool)
        assert len(text) < len(lines["separate"]) / 2
        assert np.count_nonzero(coarse & mask) / np.count_nonzero(coarse | mask) > 0.9


def test_overlay_video_of_a_range_of_footage_with_its_own_pace(tmp_path):
    ticks = [0, 40, 110, 150, 400]
    with VideoWriter(tmp_path / "clip.mp4", (48, 64), 25) as video:
        for tick in ticks:
            video.write(np.full((48, 64, 3), 90, np.uint8), Fraction(tick, 1000))
    with (
        open_media(tmp_path / "clip.mp4") as media,
        empty_project(media, tmp_path / "clip.pcvos", [ObjectInfo(1, "disc", (200, 100, 0))]) as project,
    ):
        put(project, {(2, 1): Cell(PackedMask.pack(disc((48, 64), 24, 32, 12)))})
        export("overlay", project, media, tmp_path / "overlay.mp4", first=1, options={"opacity": 100})
        wanted = request("overlay", project, media, tmp_path / "x.mp4", options={"opacity": 100})
        shown = registry.exporter("overlay").preview(wanted, 2)
    with av.open(str(tmp_path / "overlay.mp4")) as file:
        assert file.streams.video[0].codec_context.name == "h264"
        frames = [(float(f.time), f.to_ndarray(format="rgb24").astype(int)) for f in file.decode(video=0)]
    np.testing.assert_allclose([time for time, _ in frames], [0, 0.07, 0.11, 0.36], atol=1e-3)
    assert shown[24, 32].tolist() == [200, 100, 0]
    assert abs(frames[1][1][24, 32] - shown[24, 32]).max() < 12
    assert abs(frames[0][1][24, 32] - 90).max() < 12


@pytest.mark.parametrize("sound", [True, False])
def test_overlay_video_has_the_sound_of_its_frames(sound, tmp_path):
    source = make_matted(tmp_path)
    with source.media, source.project:
        where = {"first": 2, "last": 5, "options": {"sound": sound}}
        export("overlay", source.project, source.media, tmp_path / "overlay.mp4", **where)
        rate = source.media.rate
    with av.open(str(tmp_path / "overlay.mp4")) as file:
        assert len(file.streams.audio) == sound
        assert file.streams.video[0].average_rate == rate
        if sound:
            times = [float(frame.time) for frame in file.decode(audio=0)]
            assert abs(times[0]) < 0.05 and abs(times[-1] - 4 / float(rate)) < 0.06


def test_overlay_says_that_odd_sides_are_filled_up(project, media, out):
    wanted = request("overlay", project, media, out / "x.mp4")
    assert registry.exporter("overlay").notes(wanted) == ("H.264 needs even sides: the video is 64x48.",)


def test_estimates_are_near_what_is_written(project, media, out):
    for name in ("png", "png-objects", "png-binary", "davis", "youtube-vos", "coco", "youtube-vis", "cvat", "yolo"):
        exporter = registry.exporter(name)
        place = out / f"{name}{exporter.suffixes[0] if exporter.suffixes else ''}"
        estimate = exporter.estimate(request(name, project, media, place))
        export(name, project, media, place)
        written = sum(path.stat().st_size for path in ([place] if place.is_file() else place.rglob("*.*")))
        assert 0.5 < estimate / written < 2, (name, estimate, written)


@pytest.mark.parametrize(("name", "options"), [("png-objects", {}), ("png-binary", {"objects": "each"})])
def test_estimates_are_near_also_where_only_some_of_many_objects_are_looked_at(name, options, tmp_path):
    places = np.arange(64 * 80).reshape(64, 80) // 128
    project, media = array_project({id: places == id - 1 for id in range(1, 41)}, tmp_path)
    with project:
        estimate = registry.exporter(name).estimate(request(name, project, media, tmp_path / "out", options=options))
        export(name, project, media, tmp_path / "out", options=options)
        written = sum(path.stat().st_size for path in (tmp_path / "out").rglob("*.png"))
        assert 0.8 < estimate / written < 1.25, (estimate, written)
