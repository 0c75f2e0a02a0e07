"""Annotations that have no mask are left out and counted: they never take away a mask that is there."""

import json

import numpy as np
import pytest
from exchange_projects import NAMES, SIZE, STEMS, bring_in, disc, plan, put

from core.exchange.registry import recognise
from core.exchange.rle import encode
from core.masks.packed_mask import PackedMask
from core.project.model import Cell

DISC = disc(SIZE, 20, 30, 9)
SQUARE = [10, 5, 50, 5, 50, 40, 10, 40]
NOTHING = {
    "a box alone": [],
    "null": None,
    "a point": [[3, 4]],
    "a line": [[3, 4, 9, 9]],
    "no numbers": [[]],
    "outside of the picture": [[900, 900, 950, 900, 950, 950]],
    "an empty RLE": {"size": list(SIZE), "counts": [SIZE[0] * SIZE[1]]},
}


def coco(path, segmentations):
    """On frame 0, one an object."""
    content = {
        "images": [{"id": 1, "file_name": f"{STEMS[0]}.png", "height": SIZE[0], "width": SIZE[1]}],
        "categories": [{"id": id, "name": name} for id, name in NAMES.items()],
        "annotations": [
            {"id": i, "image_id": 1, "category_id": id, "track_id": id, "bbox": [1, 2, 3, 4], "segmentation": value}
            for i, (id, value) in enumerate(segmentations.items())
        ],
    }
    path.write_text(json.dumps(content))
    return path


def youtube_vis(path, segmentations):
    content = {
        "videos": [{"id": 1, "file_names": [f"x/{STEMS[0]}.png"], "height": SIZE[0], "width": SIZE[1], "length": 1}],
        "categories": [{"id": id, "name": name} for id, name in NAMES.items()],
        "annotations": [
            {"id": id, "video_id": 1, "category_id": id, "segmentations": [value]}
            for id, value in segmentations.items()
        ],
    }
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize("write", [coco, youtube_vis])
@pytest.mark.parametrize("nothing", NOTHING.values(), ids=NOTHING.keys())
def test_what_has_no_mask_leaves_the_mask_that_is_there(write, nothing, project, media, out):
    if write is youtube_vis and nothing is None:
        return  # there null is no annotation at all
    put(project, {(0, 2): Cell(PackedMask.pack(DISC), corrected=True, in_memory=True)})
    path = write(out / "masks.json", {2: nothing, 7: [SQUARE]})
    planned = plan(path, project, media)
    assert list(planned.masks[0]) == [7]
    (warning,) = planned.warnings
    assert "Annotations without a mask" in warning and "left out: 1" in warning and "annotations[0]" in warning
    bring_in(path, project, media)
    assert not project.cell(0, 7).mask.is_empty
    np.testing.assert_array_equal(project.cell(0, 2).mask.unpack() | project.cell(0, 7).mask.unpack(), DISC | square())


def square():
    mask = np.zeros(SIZE, bool)
    mask[5:40, 10:50] = True
    return mask


def test_a_line_beside_a_polygon_costs_nothing(project, media, out):
    planned = plan(coco(out / "masks.json", {7: [[3, 4, 9, 9], SQUARE]}), project, media)
    assert planned.warnings == () and not planned.masks[0][7].is_empty


def test_a_mask_that_vanishes_at_the_footages_size_is_counted(project, media, out):
    path = coco(out / "masks.json", {2: [], 7: [SQUARE]})
    content = json.loads(path.read_text())
    content["images"][0] |= {"height": SIZE[0] * 5, "width": SIZE[1] * 5}
    speck = np.zeros((SIZE[0] * 5, SIZE[1] * 5), bool)
    speck[0, 0] = True
    content["annotations"][0]["segmentation"] = encode(PackedMask.pack(speck))
    path.write_text(json.dumps(content))
    assert "left out: 1" in plan(path, project, media).warnings[0]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-8-sig", "utf-8"])
def test_json_saved_on_windows(encoding, project, media, out):
    path = coco(out / "masks.json", {7: [SQUARE]})
    text = path.read_text()
    path.write_bytes(("\ufeff" + text if encoding == "utf-16-be" else text).encode(encoding))
    assert recognise(path).name == "coco"
    assert list(plan(path, project, media).masks[0]) == [7]
