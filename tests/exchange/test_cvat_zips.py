"""CVAT's mask zips as CVAT and other programs pack them: the same labels come out, whatever the pictures are."""

import io
import zipfile

import numpy as np
import pytest
from exchange_projects import SIZE, STEMS, disc, plan
from PIL import Image

from core.errors import PCVOSError
from core.masks.packed_mask import PackedMask

LEAF, STEM, VOID = disc(SIZE, 15, 20, 9), disc(SIZE, 30, 45, 9), disc(SIZE, 8, 50, 4)
COLOURS = {"background": (0, 0, 0), "stem": (250, 50, 83), "leaf": (51, 221, 255)}
TEXT = "# label:color_rgb:parts:actions\nbackground:0,0,0::\nstem:250,50,83::\nleaf:51,221,255::\n"


def values(leaf, stem, void=None):
    labels = np.zeros(SIZE, np.uint8)
    labels[LEAF], labels[STEM] = leaf, stem
    if void is not None:
        labels[VOID] = void
    return labels


def indexed(labels, palette):
    picture = Image.fromarray(labels, "P")
    picture.putpalette([channel for colour in palette for channel in colour])
    return picture


def coloured(leaf=COLOURS["leaf"], stem=COLOURS["stem"]):
    picture = np.zeros((*SIZE, 3), np.uint8)
    picture[LEAF], picture[STEM] = leaf, stem
    return Image.fromarray(picture)


def zipped(path, picture, text=TEXT, names=("labelmap.txt", "SegmentationClass/00003.png"), **others):
    data = io.BytesIO()
    picture.save(data, "PNG")
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(names[0], text)
        file.writestr(names[1], data.getvalue())
        for name, content in others.items():
            file.writestr(name, content)
    return path


def found(path, other, media):
    """The masks of frame 0 by name of their object."""
    planned = plan(path, other, media)
    assert not planned.questions
    names = {info.id: info.name for info in planned.objects}
    return {names[id]: mask for id, mask in planned.masks[0].items()}


BOTH = {"leaf": PackedMask.pack(LEAF), "stem": PackedMask.pack(STEM)}
VOC = [(0, 0, 0), (128, 0, 0), (0, 128, 0)]


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(coloured(), id="colours"),
        pytest.param(indexed(values(2, 1), [*COLOURS.values()]), id="indexed, in the order of lines"),
        pytest.param(indexed(values(1, 2), [(0, 0, 0), *[*COLOURS.values()][:0:-1]]), id="indexed, in another order"),
        pytest.param(
            indexed(values(255, 7), [COLOURS["stem"] if i == 7 else (0, 0, 0) for i in range(255)] + [COLOURS["leaf"]]),
            id="indexed, with a label at 255",
        ),
        pytest.param(indexed(values(2, 1), VOC), id="indexed, another palette: the numbers of lines"),
        pytest.param(indexed(values(2, 1, 255), VOC * 85 + [(224, 224, 192)]), id="and void"),
        pytest.param(Image.fromarray(values(2, 1)), id="grey: the numbers of lines"),
        pytest.param(Image.fromarray(values(2, 1).astype(np.uint16)), id="grey of 16 bits"),
        pytest.param(Image.fromarray(values(2, 1, 255)), id="grey and void"),
        pytest.param(coloured().convert("RGBA"), id="with alpha"),
        pytest.param(Image.fromarray(values(2, 1)).convert("LA"), id="grey with alpha"),
    ],
)
def test_pictures_of_every_kind(picture, other, media, out):
    assert found(zipped(out / "a.zip", picture), other, media) == BOTH


@pytest.mark.parametrize(
    ("lines", "picture"),
    [
        (["leaf:51,221,255::", "stem:250,50,83::"], Image.fromarray(values(1, 2))),
        (["leaf:51,221,255::", "stem:250,50,83::"], coloured()),
        (["leaf:9,9,9::", "background:0,0,0::", "stem:8,8,8::"], coloured((9, 9, 9), (8, 8, 8))),
        (["Hintergrund:0,0,0::", "leaf:51,221,255::", "stem:250,50,83::"], Image.fromarray(values(1, 2))),
        (["leaf:255,255,255::", "stem:128,128,128::"], Image.fromarray(values(255, 128))),
    ],
)
def test_label_maps_without_a_background_or_with_it_elsewhere(lines, picture, other, media, out):
    assert found(zipped(out / "a.zip", picture, "\n".join(lines)), other, media) == BOTH


def test_black_and_white(other, media, out):
    white = Image.fromarray(values(255, 0))
    planned = plan(zipped(out / "a.zip", white, "background:0,0,0::\nleaf:51,221,255::\n"), other, media)
    assert planned.masks[0] == {1: BOTH["leaf"]} and "white is leaf" in planned.warnings[0]
    with pytest.raises(PCVOSError, match=r"black and white, but labelmap\.txt has 2 labels and none of them is white"):
        plan(zipped(out / "b.zip", white), other, media)


def test_values_without_a_line(other, media, out):
    with pytest.raises(PCVOSError, match=r"SegmentationClass holds 3, but no line of labelmap\.txt has it"):
        plan(zipped(out / "a.zip", Image.fromarray(values(3, 1))), other, media)
    with pytest.raises(PCVOSError, match=r"holds #0a0b0c, but no line"):
        plan(zipped(out / "a.zip", coloured((10, 11, 12))), other, media)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_label_map_saved_on_windows(encoding, other, media, out):
    """As in the shared case `cvat-labelmap-bom`; there the first line is the background's."""
    text = TEXT.partition("\n")[2].replace("leaf", "Blätter").replace("\n", "\r\n")
    masks = found(zipped(out / "a.zip", coloured(), text.encode(encoding)), other, media)
    assert masks == {"Blätter": BOTH["leaf"], "stem": BOTH["stem"]}


@pytest.mark.parametrize(
    "names",
    [
        ("task_7/labelmap.txt", "task_7/SegmentationClass/00003.png"),
        ("a/b/Labelmap.txt", "a/b/segmentationclass/00003.PNG"),
        ("labelmap.txt", "SegmentationClass\\00003.png"),
        ("task 7\\labelmap.txt", "task 7\\SegmentationClass\\00003.png"),
        ("labelmap.txt", "SegmentationClass/meadow/00003.png"),
    ],
)
def test_folders_backslashes_and_capitals(names, other, media, out):
    hidden = {"__MACOSX/SegmentationClass/._00003.png": b"x", "SegmentationClass/.DS_Store": b"x"}
    assert found(zipped(out / "a.zip", coloured(), names=names, **hidden), other, media) == BOTH


def test_two_tasks_in_one_zip(other, media, out):
    path = zipped(out / "a.zip", coloured(), names=("a/labelmap.txt", "a/SegmentationClass/00003.png"))
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("b/labelmap.txt", TEXT)
    with pytest.raises(PCVOSError, match=r"holds a/labelmap\.txt and b/labelmap\.txt"):
        plan(path, other, media)


def test_masks_of_half_the_size(other, media, out):
    small = coloured().resize((SIZE[1] // 2, SIZE[0] // 2), Image.Resampling.NEAREST)
    planned = plan(zipped(out / "a.zip", small), other, media)
    assert "resized" in planned.warnings[0] and len(planned.masks[0]) == 2
    assert len(STEMS) == len(media)
