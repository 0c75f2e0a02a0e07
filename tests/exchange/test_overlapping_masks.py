"""Where imported masks of a frame overlap, the files say who is in front: the plan tells it, the picture shows it."""

import json

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from exchange_projects import NAMES, SIZE, STEMS, all_masks, array_project, bring_in, disc, export, plan, put
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from core.cli import app
from core.exchange.overlaps import without_hidden
from core.exchange.rle import encode
from core.masks.label_map import write_label_map
from core.masks.packed_mask import PackedMask
from core.project.model import Cell, Change, ObjectInfo

LEFT, RIGHT, LOW = disc(SIZE, 15, 20, 12), disc(SIZE, 15, 36, 12), disc(SIZE, 28, 28, 10)
OBJECTS = {2: LEFT, 7: RIGHT, 9: LOW}
SQUARE = [10, 5, 50, 5, 50, 40, 10, 40]  # x, y of its corners


def coco_file(path, annotations):
    """A file with frame 0 alone; (object, segmentation) each, in this order."""
    content = {
        "images": [{"id": 1, "file_name": f"{STEMS[0]}.png", "height": SIZE[0], "width": SIZE[1]}],
        "categories": [{"id": id, "name": name} for id, name in NAMES.items()],
        "annotations": [
            {"id": number, "image_id": 1, "category_id": id, "track_id": id, "segmentation": segmentation}
            for number, (id, segmentation) in enumerate(annotations)
        ],
    }
    path.write_text(json.dumps(content))
    return path


def video_file(path, annotations):
    """The same as YouTube-VIS."""
    content = {
        "videos": [
            {"id": 1, "file_names": [f"x/{STEMS[0]}.png"], "height": SIZE[0], "width": SIZE[1], "length": 1},
        ],
        "categories": [{"id": id, "name": name} for id, name in NAMES.items()],
        "annotations": [
            {"id": id, "video_id": 1, "category_id": id, "segmentations": [segmentation]}
            for id, segmentation in annotations
        ],
    }
    path.write_text(json.dumps(content))
    return path


def rle(mask):
    return encode(PackedMask.pack(mask))


def painted(order):
    """The label map of objects drawn in this order."""
    labels = np.zeros(SIZE, np.uint8)
    for id in order:
        labels[OBJECTS[id]] = id
    return labels


@pytest.mark.parametrize("made", [coco_file, video_file])
@pytest.mark.parametrize("order", [(2, 7, 9), (9, 7, 2), (7, 9, 2)])
def test_what_comes_later_in_a_json_file_is_in_front(made, order, other, media, out):
    path = made(out / "masks.json", [(id, rle(OBJECTS[id])) for id in order])
    said = plan(path, other, media).sentences(corrected=True)
    assert "Masks overlap on 1 frame (0): the later one in the file is in front." in said
    bring_in(path, other, media)
    np.testing.assert_array_equal(other.labels(0), painted(order))


def test_what_is_hidden_stays_in_the_project_where_that_can_be(other, media, out):
    bring_in(coco_file(out / "a.json", [(2, rle(LEFT)), (7, rle(RIGHT))]), other, media)
    assert all_masks(other) == {(0, 2): PackedMask.pack(LEFT), (0, 7): PackedMask.pack(RIGHT)}
    bring_in(coco_file(out / "b.json", [(7, rle(RIGHT)), (2, rle(LEFT))]), other, media)
    assert all_masks(other) == {(0, 2): PackedMask.pack(LEFT), (0, 7): PackedMask.pack(RIGHT & ~LEFT)}


@pytest.mark.parametrize("made", [coco_file, video_file])
def test_polygons_and_runs_alike(made, other, media, out):
    path = made(out / "masks.json", [(7, [SQUARE]), (2, rle(LEFT))])
    bring_in(path, other, media)
    labels = other.labels(0)
    assert (labels[LEFT] == 2).all() and labels[30, 45] == 7
    bring_in(made(out / "other.json", [(2, rle(LEFT)), (7, [SQUARE])]), other, media)
    assert (other.labels(0) == 7)[6:40, 11:50].all()


def test_an_object_in_several_pieces_lies_where_its_last_one_does(other, media, out):
    path = coco_file(out / "masks.json", [(2, rle(LEFT)), (7, rle(RIGHT)), (2, rle(LOW))])
    bring_in(path, other, media)
    np.testing.assert_array_equal(other.labels(0), np.select([LEFT | LOW, RIGHT], [2, 7], 0))


def test_of_a_png_per_object_the_higher_id_is_in_front(other, media, out):
    for id in (9, 7, 2):
        (out / "masks" / f"{id:03d}").mkdir(parents=True)
        write_label_map(out / "masks" / f"{id:03d}" / f"{STEMS[0]}.png", OBJECTS[id].astype(np.uint8))
    done = CliRunner().invoke(app, ["import", str(out_of(other)), str(out / "masks"), "--dry-run"])
    assert "Masks overlap on 1 frame (0): the one with the higher id is in front." in done.stdout, done.output
    bring_in(out / "masks", other, media)
    assert {id: mask for (_, id), mask in all_masks(other).items()} == {
        id: PackedMask.pack(mask) for id, mask in OBJECTS.items()
    }
    np.testing.assert_array_equal(other.labels(0), painted((2, 7, 9)))


def out_of(project):
    """Its file, which is there."""
    project.apply(Change("objects", objects=(project.objects, project.objects)))
    return project.path


def test_masks_that_only_touch_are_not_said_to_overlap(project, other, media, out):
    for name, place in (("coco", "a.json"), ("youtube-vis", "b.json"), ("png-objects", "c"), ("png", "d")):
        export(name, project, media, out / place)
        planned = plan(out / place, other, media)
        assert planned.overlapping == () and "overlap" not in " ".join(planned.sentences(True))


def test_the_order_of_the_list_is_not_that_of_the_stack(project, other, media, out):
    put(project, {(0, 2): Cell(PackedMask.pack(LEFT)), (0, 7): Cell(PackedMask.pack(RIGHT))})
    backwards = tuple(reversed(project.objects))
    project.apply(Change("order", objects=(project.objects, backwards)))
    for name in ("youtube-vis", "coco"):
        export(name, project, media, out / f"{name}.json")
        done = bring_in(out / f"{name}.json", other, media)
        assert all_masks(other) == all_masks(project)
        assert [info.id for info in other.objects] == [info.id for info in backwards]
        other.apply(done.inverted())


def test_locked_objects_neither_hide_nor_are_counted(other, media, out):
    locked = ObjectInfo(2, "rabbit", (1, 2, 3), locked=True)
    other.apply(Change("object", objects=((), (locked, ObjectInfo(7, "bird", (3, 2, 1))))))
    planned = plan(coco_file(out / "a.json", [(7, rle(RIGHT)), (2, rle(LEFT))]), other, media)
    assert planned.overlapping == () and planned.masks[0] == {7: PackedMask.pack(RIGHT)}


@settings(max_examples=50)
@given(arrays.arrays(bool, (4, 9, 11)), st.permutations([1, 2, 3, 4]))
def test_the_highest_id_that_is_left_is_the_one_in_front(masks, order):
    packed = {id: PackedMask.pack(masks[id - 1]) for id in order}
    left, overlap = without_hidden(packed)
    assert overlap == (masks.sum(0) > 1).any() and list(left) == order
    wanted, shown = np.zeros((9, 11), np.uint8), np.zeros((9, 11), np.uint8)
    for id in order:
        packed[id].draw(wanted, id)
    for id in sorted(order):
        left[id].draw(shown, id)
        assert not (left[id].unpack() & ~masks[id - 1]).any()
    np.testing.assert_array_equal(shown, wanted)


def test_a_full_house_of_objects_side_by_side(tmp_path):
    places = np.arange(40 * 32).reshape(32, 40) // 5
    project, media = array_project({id: places == id for id in range(1, 255)}, tmp_path)
    with project:
        export("coco", project, media, tmp_path / "masks.json")
        assert plan(tmp_path / "masks.json", project, media).overlapping == ()
