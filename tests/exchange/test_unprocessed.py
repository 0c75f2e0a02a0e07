"""Frames that no run has reached and nobody has annotated: counted, asked about, and never exported unsaid."""

import json

import pytest
from exchange_projects import STEMS, all_masks, bring_in, export, put, request, tree
from typer.testing import CliRunner

from core.cli import app
from core.errors import PCVOSError
from core.exchange import registry
from core.exchange.export_run import run_export
from core.exchange.exporter import export_request
from core.masks.packed_mask import PackedMask
from core.project.model import Cell, Change
from core.project.project import Project

ALL = [known.name for known in registry.EXPORTERS]
# Of `filled_project`: 2 is known on all six frames, 7 on 1, 2, 3 (absent) and 5, 9 on none, 254 on 4.
KNOWN = {2: set(range(6)), 7: {1, 2, 3, 5}, 9: set(), 254: {4}}


def place(name, out):
    suffixes = registry.exporter(name).suffixes
    return out / f"result{suffixes[0] if suffixes else ''}"


def images(folder, suffix=".png"):
    return sorted(path.name for path in folder.rglob(f"*{suffix}"))


def test_they_are_counted_for_each_object_and_range(project):
    for first, last in ((0, 5), (2, 4), (3, 3)):
        found = project.unprocessed(first, last)
        assert {obj: set(frames.tolist()) for obj, frames in found.items()} == {
            obj: set(range(first, last + 1)) - known for obj, known in KNOWN.items()
        }
    assert list(project.unprocessed(0, 5, (7,))) == [7]
    project.apply(Change("forget", {(1, 7): (project.cell(1, 7), None)}))
    assert project.unprocessed(0, 2, (7,))[7].tolist() == [0, 1]
    with Project.open(project.path, to_write=False) as opened:
        assert opened.unprocessed(0, 2, (7,))[7].tolist() == [0, 1]


@pytest.mark.parametrize("name", ALL)
def test_every_format_stops_unless_told_what_to_do(name, project, media, out):
    wanted = export_request(registry.exporter(name), project, media, place(name, out))
    with pytest.raises(
        PCVOSError, match=r"Never processed, of 6 frames: bird \(7\) on 2, nowhere \(9\) on 6"
    ) as caught:
        run_export(registry.exporter(name), wanted)
    assert caught.value.code == "unprocessed"
    assert tree(out) == {"notes.txt": b"mine"}
    export(name, project, media, place(name, out), options={"unprocessed": "empty"})


@pytest.mark.parametrize("name", ALL)
def test_nothing_is_asked_where_all_is_known(name, project, media, out):
    wanted = export_request(registry.exporter(name), project, media, place(name, out), objects=(2,))
    assert wanted.about_unknown == ""
    run_export(registry.exporter(name), wanted)
    assert place(name, out).exists()


@pytest.mark.parametrize("name", ALL)
def test_every_format_can_skip(name, project, media, out):
    """1 to 3 are known of both: where others lie before and after, a video is cut to these."""
    wanted = {"objects": (2, 7), "first": 0, "last": 4, "options": {"unprocessed": "skip"}}
    export(name, project, media, place(name, out), **wanted)
    assert place(name, out).exists()


def test_without_them_there_is_no_file(project, media, out):
    export("png", project, media, out / "png", objects=(2, 7), options={"unprocessed": "skip"})
    assert images(out / "png") == [f"{STEMS[frame]}.png" for frame in (1, 2, 3, 5)]
    for name, options in (("png-objects", {}), ("png-binary", {"objects": "each"}), ("matte", {})):
        folder = out / name
        export(name, project, media, folder, options={"unprocessed": "skip", **options})
        for obj, known in KNOWN.items():
            assert images(folder / f"{obj:03d}") == [f"{STEMS[frame]}.png" for frame in sorted(known)], name
    export("png-objects", project, media, out / "absent", options={"unprocessed": "empty"})
    assert all(len(images(out / "absent" / f"{obj:03d}")) == 6 for obj in KNOWN)


def test_what_an_earlier_export_said_of_them_goes(project, media, out):
    export("png", project, media, out / "png", objects=(2, 7))
    assert len(images(out / "png")) == 6
    export("png", project, media, out / "png", objects=(2, 7), overwrite=True, options={"unprocessed": "skip"})
    assert len(images(out / "png")) == 4


def test_data_sets_say_it_in_their_own_way(project, media, out):
    chosen = {"objects": (2, 7), "options": {"unprocessed": "skip"}}
    export("coco", project, media, out / "a.json", **chosen)
    content = json.loads((out / "a.json").read_text())
    assert [image["id"] for image in content["images"]] == [1, 2, 3, 5]
    assert {annotation["image_id"] for annotation in content["annotations"]} == {1, 2, 3, 5}
    export("youtube-vis", project, media, out / "b.json", **chosen)
    content = json.loads((out / "b.json").read_text())
    assert content["videos"][0]["length"] == 4 == len(content["annotations"][0]["segmentations"])
    export("youtube-vos", project, media, out / "yvos", **chosen)  # frames without a mask are not annotated there
    assert len(images(out / "yvos" / "JPEGImages", ".jpg")) == 6 and len(images(out / "yvos" / "Annotations")) == 4
    objects = json.loads((out / "yvos" / "meta.json").read_text())["videos"]["meadow"]["objects"]
    assert objects["2"]["frames"] == [STEMS[frame] for frame in (1, 2, 3, 5)]
    export("yolo", project, media, out / "yolo", **chosen)  # an image without a file is a background there
    assert len(images(out / "yolo", ".jpg")) == 4 == len(images(out / "yolo" / "labels", ".txt"))


def test_they_stay_unknown_when_they_come_back(project, other, media, out):
    export("png-objects", project, media, out / "masks")
    bring_in(out / "masks", other, media)
    assert all_masks(other) == all_masks(project)
    unknown = {obj: frames.tolist() for obj, frames in other.unprocessed(0, 5).items()}
    assert unknown == {obj: frames.tolist() for obj, frames in project.unprocessed(0, 5).items()}


def test_a_video_has_no_gaps(project, media, out):
    with pytest.raises(PCVOSError, match="Frame 4 was never processed and lies between others"):
        export("overlay", project, media, out / "a.mp4", objects=(2, 7), options={"unprocessed": "skip"})


def test_an_object_that_is_known_nowhere_takes_no_frames(project, media, out):
    """It was added, and not marked yet."""
    export("coco", project, media, out / "a.json", objects=(2, 7, 9), options={"unprocessed": "skip"})
    assert len(json.loads((out / "a.json").read_text())["images"]) == 4


def test_nothing_left(project, media, out):
    with pytest.raises(PCVOSError, match="Without these no frame is left"):
        request("png-objects", project, media, out / "masks", objects=(9,))
    with pytest.raises(PCVOSError, match="Without these no frame is left"):
        request("png", project, media, out / "masks", options={"unprocessed": "skip"})


def test_the_command_stops_says_and_obeys(project, out):
    project.close()

    def pcvos(*arguments):
        words = ["export", str(project.path), "--output", str(out / "masks"), *arguments]
        done = CliRunner().invoke(app, words)
        return done.exit_code, " ".join((done.stderr + done.stdout).split())

    code, said = pcvos("--format", "png")
    assert code == 2 and "bird (7) on 2" in said and "--option unprocessed=empty" in said
    assert not (out / "masks").exists()
    code, said = pcvos("--format", "png", "--objects", "2,7", "--option", "unprocessed=skip")
    assert code == 0 and "bird (7) on 2. Left out: 2 of 6 frames." in said
    assert "4 of the frames 1 to 5 are in" in said
    code, said = pcvos("--format", "png", "--overwrite", "--option", "unprocessed=empty")
    assert code == 0 and "Written as absent there" in said
    code, said = pcvos("--format", "png", "--overwrite", "--objects", "2")
    assert code == 0 and "Never processed" not in said


def test_an_object_nobody_has_seen_since_another_was_run(project, media, out):
    """A run of one object leaves the other one unknown, which is marked on the first frame only."""
    with Project.new(project.footage, out / "b.pcvos") as fresh:
        fresh.apply(Change("objects", objects=((), project.objects[:2])))
        mask = project.cell(0, 2).mask
        put(fresh, {(frame, 2): Cell(mask, confidence=0.9) for frame in range(6)})
        put(fresh, {(0, 7): Cell(PackedMask.empty(media.size), corrected=True)})
        wanted = export_request(registry.exporter("coco"), fresh, media, out / "a.json")
        assert wanted.stops and wanted.about_unknown == "Never processed, of 6 frames: bird (7) on 5."
