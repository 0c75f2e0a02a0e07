"""An object without a mask comes back from every format that has a place for it; where there is none, that is said."""

import json
import zipfile

import pytest
from exchange_projects import NAMES, SIZE, STEMS, bring_in, disc, empty_project, export, plan, put, request
from typer.testing import CliRunner

from core.cli import app
from core.exchange import registry
from core.masks.label_map import write_label_map
from core.masks.packed_mask import PackedMask
from core.project.model import Cell, ObjectInfo

ID, NAME, COLOUR = "id", "name", "colour"
KEPT = [
    ("png-objects", "masks", {}, {ID}),
    ("png-binary", "masks", {"objects": "each"}, {ID}),
    ("youtube-vos", "set", {"images": False}, {ID, NAME}),
    ("mose", "set", {"images": False}, {ID, NAME}),
    ("coco", "masks.json", {}, {ID, NAME, COLOUR}),
    ("youtube-vis", "masks.json", {}, {ID, NAME, COLOUR}),
    ("cvat", "masks.zip", {}, {ID, NAME}),
    ("cvat-video", "masks.xml", {}, {ID, NAME, COLOUR}),
    ("cvat-video", "masks.zip", {"tracks": "mask"}, {ID, NAME, COLOUR}),
]


@pytest.mark.parametrize(("name", "place", "options", "kept"), KEPT)
def test_it_comes_back_with_what_the_format_can_say(name, place, options, kept, project, other, media, out):
    export(name, project, media, out / place, options=options)
    bring_in(out / place, other, media)
    assert [info.id for info in other.objects] == list(NAMES), "in the order of the list"
    found, there = other.object(9), project.object(9)
    assert (found.name == there.name, found.colour == there.colour) == (NAME in kept, COLOUR in kept)
    assert all(cell.mask.is_empty for _, cell in other.cells_of(9))


@pytest.mark.parametrize("name", ["coco", "youtube-vis", "cvat", "cvat-video", "youtube-vos", "png-objects"])
def test_also_if_all_are_without_masks(name, media, other, tmp_path, out):
    with empty_project(media, tmp_path / "bare.pcvos", [ObjectInfo(4, "bird", (1, 2, 3))]) as bare:
        suffixes = {"coco": ".json", "youtube-vis": ".json", "cvat": ".zip", "cvat-video": ".xml"}
        target = out / f"masks{suffixes.get(name, '')}"
        if name == "png-objects":  # a folder with nothing but folders is not recognised
            put(bare, {(1, 4): Cell(PackedMask.empty(SIZE), corrected=True)})
        export(name, bare, media, target)
    planned = plan(target, other, media)
    assert [info.id for info in planned.new] == [4]
    done = bring_in(target, other, media)
    if name != "png-objects":
        assert planned.sentences(corrected=True)[0] == "No masks, only objects that are new."
        assert done.text == f"Import objects from {target.name}"
    again = plan(target, other, media)
    assert again.sentences(corrected=True)[0].startswith("Nothing would change")
    assert [info.id for info in other.objects] == [4] and not any(
        not cell.mask.is_empty for _, cell in other.cells_in(0, 5)
    )


def test_it_comes_back_from_a_folder_that_was_there(project, other, media, out):
    export("png-objects", project, media, out / "masks", objects=(2, 7))
    export("png-objects", project, media, out / "masks", objects=(9, 254))
    assert (out / "masks" / "009").is_dir()
    bring_in(out / "masks", other, media)
    assert {info.id for info in other.objects} == set(NAMES)


@pytest.mark.parametrize("name", ["png", "davis"])
def test_label_maps_have_no_place_for_it_which_is_said_before(name, project, media, out):
    exporter = registry.exporter(name)
    (said,) = exporter.notes(request(name, project, media, out / "masks"))
    assert "nowhere (9)" in said and "not in the files" in said
    (said,) = exporter.notes(request(name, project, media, out / "masks", first=0, last=0))
    assert "bird (7), nowhere (9), rabbit (254)" in said, "on these frames"
    assert exporter.notes(request(name, project, media, out / "masks", objects=(2, 7))) == ()
    command = ["export", str(project.path), "--format", name, "--output", str(out / "masks")]
    done = CliRunner().invoke(app, [*command, "--option", "unprocessed=empty"])
    assert done.exit_code == 0 and "not in the files: nowhere (9)" in " ".join(done.stderr.split())


def test_categories_of_other_programs_without_a_mask_are_no_objects(project, other, media, out):
    export("coco", project, media, out / "masks.json")
    content = json.loads((out / "masks.json").read_text())
    content["info"] = {"description": "somebody's"}
    content["categories"][1]["color"] = "#123456"  # not as COCO has it
    (out / "masks.json").write_text(json.dumps(content))
    planned = plan(out / "masks.json", other, media)
    assert [info.id for info in planned.new] == [2, 7, 254]
    assert [planned.new[0].colour, planned.new[2].colour] == [(2, 253, 7), (254, 1, 7)]
    assert planned.new[1].colour != project.object(7).colour


def test_labels_of_a_task_without_a_mask_are_no_objects(project, other, media, out):
    export("cvat", project, media, out / "masks.zip")
    with zipfile.ZipFile(out / "masks.zip") as ours, zipfile.ZipFile(out / "theirs.zip", "w") as theirs:
        for name in ours.namelist():
            data = ours.read(name)
            if name == "labelmap.txt":
                lines = data.splitlines(keepends=True)
                data = b"".join([lines[0], *(line for line in lines[1:] if not line.startswith(b"#"))])
            theirs.writestr(name, data)
    assert [info.id for info in plan(out / "theirs.zip", other, media).new] == [2, 7, 254]


def test_tracks_of_one_category_do_not_share_its_colour(project, other, media, out):
    export("coco", project, media, out / "masks.json")
    content = json.loads((out / "masks.json").read_text())
    for annotation in content["annotations"]:
        annotation["category_id"] = 7
    (out / "masks.json").write_text(json.dumps(content))
    new = plan(out / "masks.json", other, media).new
    assert [(info.id, info.name) for info in new] == [(2, "bird"), (7, "bird"), (254, "bird")]
    assert len({info.colour for info in new}) == 3


def test_meta_files_of_others_name_objects_that_are_on_no_frame(other, media, out):
    (out / "set/Annotations/meadow").mkdir(parents=True)
    labels = disc(SIZE, 20, 20, 9).astype("uint8") * 2
    write_label_map(out / f"set/Annotations/meadow/{STEMS[0]}.png", labels)
    listed = {"2": {"category": "cat", "frames": ["00003"]}, "5": {"frames": []}, "300": {"category": "too many"}}
    (out / "set/meta.json").write_text(json.dumps({"videos": {"meadow": {"objects": listed}}}))
    assert [(info.id, info.name) for info in plan(out / "set", other, media).new] == [(2, "cat"), (5, "Object 5")]
