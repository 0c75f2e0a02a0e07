"""Classes of objects out of a project and into another: two people are one category and two instances."""

import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import yaml
from exchange_projects import (
    SIZE,
    STEMS,
    all_labels,
    all_masks,
    array_project,
    bring_in,
    disc,
    empty_project,
    export,
    plan,
    put,
)
from PIL import Image
from typer.testing import CliRunner

from core.cli import app
from core.errors import PCVOSError
from core.masks.packed_mask import PackedMask
from core.project.model import Cell, Change, ObjectInfo

PEOPLE = (
    ObjectInfo(3, "Anna", (10, 20, 30), class_name="person"),
    ObjectInfo(5, "the ball: red, round", (40, 50, 60)),
    ObjectInfo(9, "Bert", (70, 80, 90), class_name="person"),
    ObjectInfo(12, "nobody has seen it", (1, 2, 3), class_name="kite"),
)
KEEPING = [
    ("coco", "a.json", {}),
    ("youtube-vis", "a.json", {}),
    ("cvat", "a.zip", {}),
    ("cvat-video", "a.zip", {}),
    ("cvat-video", "a.xml", {"tracks": "mask"}),
]


@pytest.fixture
def people(media, tmp_path):
    """Two people, a ball that has no class, and a kite on no frame."""
    with empty_project(media, tmp_path / "people.pcvos", PEOPLE) as project:
        cells = {}
        for frame in range(len(media)):
            cells[frame, 3] = Cell(PackedMask.pack(disc(SIZE, 12, 14, 9)), confidence=0.5)
            cells[frame, 9] = Cell(PackedMask.pack(disc(SIZE, 34, 40, 9)), confidence=0.5)
            cells[frame, 5] = Cell(PackedMask.pack(disc(SIZE, 10, 50, 4)), confidence=0.5)
        put(project, cells)
        yield project


@pytest.mark.parametrize(("name", "target", "options"), KEEPING)
def test_classes_names_and_instances_come_back(name, target, options, people, other, media, out):
    export(name, people, media, out / target, options=options)
    bring_in(out / target, other, media)
    assert other.objects == PEOPLE
    assert all_masks(other) == all_masks(people)


def test_two_people_are_one_category_of_coco_and_two_instances(people, media, out):
    export("coco", people, media, out / "a.json")
    content = json.loads((out / "a.json").read_text())
    names = {category["id"]: category["name"] for category in content["categories"]}
    assert sorted(names.values()) == ["kite", "person", "the ball: red, round"]
    people_there = {a["track_id"] for a in content["annotations"] if names[a["category_id"]] == "person"}
    assert people_there == {3, 9}
    export("youtube-vis", people, media, out / "b.json")
    content = json.loads((out / "b.json").read_text())
    assert [names[a["category_id"]] for a in content["annotations"] if a["id"] in (3, 9)] == ["person", "person"]


def test_masks_of_cvat_have_a_colour_a_class_and_one_an_object(people, media, out):
    export("cvat", people, media, out / "a.zip")
    with zipfile.ZipFile(out / "a.zip") as file:
        labels = {}
        for line in file.read("labelmap.txt").decode().splitlines():
            if not line.startswith("#"):
                labels[line.split(":")[0]] = tuple(map(int, line.split(":")[1].split(",")))
        classes, objects = (
            np.array(Image.open(io.BytesIO(file.read(f"{folder}/{STEMS[0]}.png"))))
            for folder in ("SegmentationClass", "SegmentationObject")
        )
    assert labels.keys() == {"background", "person", "kite", "the ball red round"}
    assert tuple(classes[12, 14]) == tuple(classes[34, 40]) == labels["person"]
    assert tuple(objects[12, 14]) != tuple(objects[34, 40])


def test_what_somebody_changed_in_a_zip_of_cvat_is_read_as_any_other(people, other, media, out):
    export("cvat", people, media, out / "a.zip")
    with zipfile.ZipFile(out / "a.zip") as ours, zipfile.ZipFile(out / "b.zip", "w") as theirs:
        for name in ours.namelist():
            data = ours.read(name)
            if name == f"SegmentationObject/{STEMS[0]}.png":
                pixels = np.array(Image.open(io.BytesIO(data)))
                pixels[40:] = (1, 2, 3)
                data = io.BytesIO()
                Image.fromarray(pixels).save(data, "PNG")
                data = data.getvalue()
            theirs.writestr(name, data)
    found = plan(out / "b.zip", other, media).new
    assert {(info.name, info.class_name) for info in found} == {
        (name, name) for name in ("person", "the ball red round")
    }


def test_a_zip_of_cvat_that_cannot_be_unpacked(people, other, media, out):
    export("cvat", people, media, out / "a.zip")
    data = bytearray((out / "a.zip").read_bytes())
    entry = data.index(b"PK\x01\x02")  # in the list of files: the version that unpacks it
    data[entry + 6] = 99
    (out / "a.zip").write_bytes(data)
    with pytest.raises(PCVOSError, match="is no zip that can be read"):
        plan(out / "a.zip", other, media, name="cvat")


def test_yolo_numbers_classes(people, other, media, out):
    people.keep(classes=("car", "person"))
    export("yolo", people, media, out / "yolo")
    assert yaml.safe_load((out / "yolo" / "data.yaml").read_text())["names"] == {
        0: "car",
        1: "person",
        2: "kite",
        3: "the ball: red, round",
    }
    lines = (out / "yolo" / "labels" / f"{STEMS[0]}.txt").read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["1", "3", "1"]
    planned = plan(out / "yolo", other, media)
    assert {(info.name, info.class_name) for info in planned.new} == {
        (name, name) for name in ("person", "the ball: red, round")
    }
    assert "no objects apart" in " ".join(planned.warnings)
    bring_in(out / "yolo", other, media)
    person = next(info.id for info in other.objects if info.name == "person")
    both = people.cell(0, 3).mask.unpack() | people.cell(0, 9).mask.unpack()
    np.testing.assert_array_equal(other.cell(0, person).mask.unpack(), both)


def test_classes_keep_their_numbers_whichever_objects_are_exported(people, media, out):
    people.keep(classes=("car", "person"))
    for objects in ((3,), (5, 9), (12,)):
        export("coco", people, media, out / "a.json", objects=objects, overwrite=True)
        names = [c["name"] for c in json.loads((out / "a.json").read_text())["categories"]]
        assert names[:3] == ["car", "person", "kite"]


def test_the_category_in_youtube_vos_is_the_class(people, other, media, out):
    export("youtube-vos", people, media, out / "set", options={"images": False})
    objects = json.loads((out / "set" / "meta.json").read_text())["videos"]["meadow"]["objects"]
    assert [objects[id]["category"] for id in ("3", "9")] == ["person", "person"]
    bring_in(out / "set", other, media)
    assert [(i.name, i.class_name) for i in other.objects] == [(i.name, i.class_name) for i in PEOPLE]


def somebodys_coco(out, media, project, **changes):
    """A file of another program: two tracks of one category."""
    export("coco", project, media, out / "a.json", objects=(3, 9))
    content = json.loads((out / "a.json").read_text())
    del content["info"], content["tracks"]
    (out / "theirs.json").write_text(json.dumps(content | changes))
    return out / "theirs.json"


def test_categories_of_other_programs_are_classes(people, other, media, out):
    bring_in(somebodys_coco(out, media, people), other, media)
    assert [(info.id, info.class_name) for info in other.objects] == [(3, "person"), (9, "person")]
    assert all_masks(other) == {key: mask for key, mask in all_masks(people).items() if key[1] in (3, 9)}


def test_objects_that_are_there_get_a_class_if_they_have_none(people, other, media, out):
    bare = tuple(replace(info, class_name="child" if info.id == 9 else "") for info in PEOPLE)
    other.apply(Change("objects", objects=((), bare)))
    export("coco", people, media, out / "a.json")
    planned = plan(out / "a.json", other, media)
    said = planned.sentences(corrected=True)
    assert "Class: Anna is person, nobody has seen it is kite." in said and "Anna (3, person)" in said[1]
    change = bring_in(out / "a.json", other, media)
    assert [info.class_name for info in other.objects] == ["person", "", "child", "kite"]
    other.apply(change.inverted())
    assert other.objects == bare


def test_only_classes(people, other, media, out):
    other.apply(Change("objects", objects=((), tuple(replace(info, class_name="") for info in PEOPLE))))
    put(other, {key: replace(cell, corrected=True, in_memory=True) for key, cell in people.cells_in(0, 5)})
    export("coco", people, media, out / "a.json")
    planned = plan(out / "a.json", other, media)
    assert planned.changes(True) and "Class: Anna is person" in " ".join(planned.sentences(True))
    bring_in(out / "a.json", other, media)
    assert [info.class_name for info in other.objects] == ["person", "", "person", "kite"]
    assert "Nothing would change" in plan(out / "a.json", other, media).sentences(True)[0]


def test_the_command_carries_classes_over(people, other, out):
    people.close()
    other.close()

    def pcvos(*arguments):
        done = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert done.exit_code == 0, done.output
        return done.stdout

    where = out / "a.xml"
    pcvos("export", people.path, "--format", "cvat-video", "--output", where, "--option", "unprocessed=skip")
    assert "Anna (3, new, person)" in pcvos("import", other.path, where)
    with type(other).open(other.path) as opened:
        assert opened.objects == PEOPLE


def test_the_command_loads_a_list_of_classes(people, out):
    people.close()
    (out / "classes.txt").write_text("car\nperson\n")

    def pcvos(*arguments):
        return CliRunner().invoke(app, ["import", str(people.path), str(out / "classes.txt"), *arguments])

    def stored():
        with type(people).open(people.path, to_write=False) as opened:
            return opened.content.classes, opened.objects

    tried = pcvos("--dry-run")
    assert tried.exit_code == 0 and "car, person." in tried.stdout and stored() == ((), PEOPLE)
    assert pcvos().exit_code == 0 and stored() == (("car", "person"), PEOPLE)
    (out / "classes.txt").write_bytes(b"\0")
    refused = pcvos("--format", "classes")
    assert refused.exit_code == 2 and "one class a line" in " ".join(refused.stderr.split())
    assert stored() == (("car", "person"), PEOPLE)


def test_files_of_before_there_were_classes(project, other, media, out):
    """Their categories are objects, and no classes."""
    export("coco", project, media, out / "a.json")
    content = json.loads((out / "a.json").read_text())
    del content["tracks"]
    (out / "a.json").write_text(json.dumps(content))
    bring_in(out / "a.json", other, media)
    assert [(i.id, i.name, i.class_name) for i in other.objects] == [(i.id, i.name, "") for i in project.objects]


@pytest.mark.parametrize("pieces", ["joined", "separate"])
def test_polygons_of_yolo_come_back(pieces, tmp_path):
    """Through the centres of pixels: all but the seams between pieces are exact."""
    ring = disc((40, 60), 20, 20, 15) & ~disc((40, 60), 20, 20, 6)
    project, media = array_project({4: ring | disc((40, 60), 20, 50, 6)}, tmp_path)
    with project, empty_project(media, tmp_path / "other.pcvos") as other:
        export("yolo", project, media, tmp_path / "yolo", options={"pieces": pieces})
        bring_in(tmp_path / "yolo", other, media)
        differing = np.count_nonzero((all_labels(other)[0] > 0) != (all_labels(project)[0] > 0))
        assert differing == 0 if pieces == "separate" else differing <= 25
        assert [(info.name, info.class_name) for info in other.objects] == [("Object 4", "")]
