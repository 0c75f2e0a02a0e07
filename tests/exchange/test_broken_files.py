"""Files that are broken, or not what they are taken for, end in one sentence that names the file and the field."""

import json
import zipfile

import numpy as np
import pytest
from exchange_projects import SIZE, STEMS, all_masks, export, plan
from PIL import Image

from core.errors import PCVOSError
from core.media import VideoWriter


def refused(path, project, media, *words, name=None):
    """The one sentence that reading ends with."""
    before = all_masks(project)
    with pytest.raises(PCVOSError) as caught:
        plan(path, project, media, name=name)
    sentence = str(caught.value)
    assert str(path) in sentence and "\n" not in sentence, sentence
    assert all(word in sentence for word in words), sentence
    assert all_masks(project) == before


@pytest.fixture
def coco(project, media, out):
    export("coco", project, media, out / "masks.json")
    return out / "masks.json"


@pytest.fixture
def vis(project, media, out):
    export("youtube-vis", project, media, out / "masks.json")
    return out / "masks.json"


def edit(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_pngs(project, media, out):
    export("png", project, media, out / "masks")
    good = (out / "masks" / "00007.png").read_bytes()
    for data, word in (
        (good[:-20], "damaged or cut short"),
        (good[:60], "damaged"),
        (b"GIF89a", "not a PNG"),
        (b"", ""),
    ):
        (out / "masks" / "00007.png").write_bytes(data)
        refused(out / "masks", project, media, "00007.png", word)
    (out / "masks" / "00007.png").rename(out / "masks" / "00008.png")
    (out / "masks" / "00008.png").write_bytes(good)
    refused(out / "masks", project, media, "00008.png", "belongs to no frame")


def test_pngs_of_another_shape_or_with_soft_edges(project, media, out):
    (out / "masks").mkdir()
    Image.fromarray(np.ones((10, 90), np.uint8)).save(out / "masks/00003.png")
    refused(out / "masks", project, media, "00003.png", "90x10", "63x47")
    noise = np.random.default_rng(0).integers(0, 256, (47, 63, 3), np.uint8)
    Image.fromarray(noise).save(out / "masks/00003.png")
    refused(out / "masks", project, media, "colours", "at most 254")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c.pop("images"), ["images is missing"]),
        (lambda c: c.update(annotations={"1": 2}), ["annotations is not a list"]),
        (lambda c: c["annotations"][2].pop("segmentation"), ["annotations[2].segmentation is missing"]),
        (lambda c: c["annotations"][1]["segmentation"].update(size=[63, 47]), ["annotations[1].segmentation.size"]),
        (lambda c: c["annotations"][1]["segmentation"].update(counts="00"), ["annotations[1].segmentation.counts"]),
        (lambda c: c["annotations"][1].update(segmentation=[[1, 2, 3, 4, 5, 6, 7]]), ["segmentation[0]", "7 numbers"]),
        (lambda c: c["annotations"][3].update(image_id=99), ["annotations[3].image_id is 99"]),
        (lambda c: c["annotations"][3].update(category_id=99), ["annotations[3].category_id is 99"]),
        (lambda c: c["annotations"][3].update(category_id="2"), ["annotations[3].category_id", "whole number"]),
        (lambda c: c["images"][2].pop("file_name"), ["images[2].file_name is missing"]),
        (lambda c: c["images"][2].update(height=True), ["images[2].height is not a whole number"]),
        (lambda c: [i.update(file_name="zebra.jpg") for i in c["images"]], ["images[0].file_name", "zebra", "00003"]),
        (lambda c: c["categories"].append(3), ["categories[4] is not an object"]),
    ],
)
def test_coco_of_another_schema(coco, change, words, project, media):
    edit(coco, change)
    refused(coco, project, media, *words, name="coco")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c["annotations"][1]["segmentations"].pop(), ["annotations[1].segmentations has 5 entries", "6"]),
        (
            lambda c: c["annotations"][0]["segmentations"][3].update(counts=[1, 2]),
            ["segmentations[3].counts", "fills 3"],
        ),
        (lambda c: c["annotations"][0]["segmentations"].__setitem__(2, 7), ["annotations[0].segmentations[2]"]),
        (lambda c: c["annotations"][0].pop("video_id"), ["annotations[0].video_id is missing"]),
        (lambda c: c["videos"][0].pop("file_names"), ["videos[0].file_names is missing"]),
        (lambda c: c["videos"][0].update(width=[63]), ["videos[0].width is not a whole number"]),
        (lambda c: c["videos"].clear(), ["videos is empty"]),
        (lambda c: c["annotations"][0].update(category_id=77), ["annotations[0].category_id is 77"]),
    ],
)
def test_youtube_vis_of_another_schema(vis, change, words, project, media):
    edit(vis, change)
    refused(vis, project, media, *words, name="youtube-vis")


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[1, 2]", b"null", b"\xff\xfe", b'{"images": 3', b"[" * 100_000, b'{"images": NaN}']
)
def test_files_that_are_no_json(data, project, media, out):
    (out / "masks.json").write_bytes(data)
    for name in ("coco", "youtube-vis"):
        refused(out / "masks.json", project, media, name=name)


def test_one_schema_is_not_the_other(coco, project, media):
    refused(coco, project, media, "videos is missing", name="youtube-vis")


def test_youtube_vos_with_a_broken_list_of_objects(project, media, out):
    export("youtube-vos", project, media, out / "set", options={"images": False})
    meta = out / "set" / "meta.json"
    good = meta.read_text()
    for change, words in (
        (lambda c: c["videos"].update(meadow=[]), ["videos.meadow is not an object"]),
        (lambda c: c["videos"]["meadow"].pop("objects"), ["videos.meadow.objects is missing"]),
        (lambda c: c["videos"]["meadow"]["objects"]["2"].update(category=4), ["videos.meadow.objects.2.category"]),
        (lambda c: c["videos"]["meadow"]["objects"].update(dog={}), ["videos.meadow.objects.dog"]),
    ):
        meta.write_text(good)
        edit(meta, change)
        with pytest.raises(PCVOSError, match=r"meta\.json") as caught:
            plan(out / "set", project, media)
        assert all(word in str(caught.value) for word in words), caught.value
    meta.write_text("{")
    with pytest.raises(PCVOSError, match=r"meta\.json is no JSON"):
        export("youtube-vos", project, media, out / "set", overwrite=True)
    assert meta.read_text() == "{"


def test_zips(project, media, out):
    export("cvat", project, media, out / "good.zip")
    good = (out / "good.zip").read_bytes()
    path = out / "masks.zip"
    for data in (b"", b"no zip at all", good[: len(good) // 2], good[:-10]):
        path.write_bytes(data)
        refused(path, project, media, "is no zip that can be read, or is cut short", name="cvat")
    at = good.index(b"SegmentationClass") + 60
    path.write_bytes(good[:at] + bytes(8) + good[at + 8 :])
    refused(path, project, media, name="cvat")


def test_a_zip_whose_packed_bytes_are_damaged(project, media, out):
    """Other programs pack their zips, and what is damaged cannot be unpacked."""
    export("cvat", project, media, out / "good.zip")
    path = out / "masks.zip"
    with zipfile.ZipFile(out / "good.zip") as good, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for info in good.infolist():
            packed.writestr(info.filename, good.read(info))
        first = packed.infolist()[0]
    data = bytearray(path.read_bytes())
    begin = first.header_offset + 30 + len(first.filename)
    data[begin : begin + first.compress_size] = b"\xff" * first.compress_size
    path.write_bytes(data)
    refused(path, project, media, "is no zip that can be read, or is cut short", name="cvat")


@pytest.mark.parametrize(
    ("replaced", "words"),
    [
        ({"labelmap.txt": None}, ["holds no labelmap.txt"]),
        ({"labelmap.txt": b"rabbit\n"}, ["labelmap.txt, line 1 has no colour"]),
        ({"labelmap.txt": b"background:0,0,0::\nrabbit:0,300,0::\n"}, ["labelmap.txt, line 2 has no colour"]),
        ({"labelmap.txt": b"background:0,0,0::\nrabbit:1,2,3::\n"}, ["#008000", "no line of labelmap.txt"]),
        ({f"SegmentationClass/{stem}.png": None for stem in STEMS}, ["no PNG in SegmentationClass"]),
        ({"SegmentationClass/00007.png": b"\x89PNG"}, ["SegmentationClass/00007.png", "not a PNG"]),
        ({"SegmentationClass/zebra.png": b""}, ["SegmentationClass/zebra.png", "belongs to no frame"]),
    ],
)
def test_zips_that_are_not_cvats(replaced, words, project, media, out):
    export("cvat", project, media, out / "good.zip")
    with zipfile.ZipFile(out / "good.zip") as good, zipfile.ZipFile(out / "masks.zip", "w") as bad:
        for name in {*good.namelist(), *replaced}:
            data = replaced[name] if name in replaced else good.read(name)
            if data is not None:
                bad.writestr(name, data)
    refused(out / "masks.zip", project, media, *words)


def test_names_in_a_zip_cannot_leave_it(project, media, out):
    export("cvat", project, media, out / "good.zip")
    before = {path.name for path in out.parent.rglob("*")}
    with zipfile.ZipFile(out / "good.zip", "a") as file:
        file.writestr("SegmentationClass/../../../00003.png", b"x")
    with pytest.raises(PCVOSError):
        plan(out / "good.zip", project, media)
    assert {path.name for path in out.parent.rglob("*")} == before


def test_what_is_no_format_at_all(project, media, out):
    refused(out / "gone", project, media, "does not exist")
    refused(out / "notes.txt", project, media, "is like none of the formats", "COCO JSON")
    (out / "empty").mkdir()
    refused(out / "empty", project, media, "is like none of the formats")
    refused(out / "empty", project, media, "holds no folder", name="png-objects")
    refused(out / "empty", project, media, "holds no folder", name="youtube-vos")
    refused(out / "empty", project, media, "holds no folder", name="davis")
    with VideoWriter(out / "clip.mp4", SIZE, 25) as video:
        video.write(np.zeros((*SIZE, 3), np.uint8))
    refused(out / "clip.mp4", project, media, "is like none of the formats")
    refused(out / "clip.mp4", project, media, "is not a PNG", name="png")
    for name in ("png-objects", "davis", "youtube-vos"):
        refused(out / "clip.mp4", project, media, "is a file", "is read from a folder", name=name)
        refused(out / "gone", project, media, "does not exist", name=name)
    for name in ("coco", "youtube-vis"):
        refused(out / "clip.mp4", project, media, "is no JSON", name=name)
        refused(out / "empty", project, media, "is a folder", "is read from a file", name=name)
    refused(out / "clip.mp4", project, media, "is no zip", name="cvat")
    with zipfile.ZipFile(out / "empty.zip", "w"):
        pass
    refused(out / "empty.zip", project, media, "holds no labelmap.txt", name="cvat")
    with pytest.raises(PCVOSError, match="No format tiff can be read; those that can: cvat"):
        plan(out, project, media, name="tiff")
