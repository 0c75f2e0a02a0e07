"""An import says what it will do, asks what it cannot know, does it as one step, and spares what is locked."""

from dataclasses import replace

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from exchange_projects import (
    NAMES,
    SIZE,
    STEMS,
    all_masks,
    array_project,
    bring_in,
    disc,
    empty_project,
    export,
    plan,
    put,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from core.commands.hints import hint
from core.errors import PCVOSError
from core.exchange.plan import change
from core.masks.label_map import write_label_map
from core.masks.packed_mask import PackedMask
from core.masks.palette import DAVIS_PALETTE, DISPLAY_PALETTE
from core.masks.soft_mask import SoftMask
from core.project.model import Cell, Change, ObjectInfo

ORANGE, GREEN = (255, 128, 0), (0, 255, 0)


def painted(mask, **fields):
    return Cell(PackedMask.pack(mask), **({"corrected": True, "in_memory": True} | fields))


def label_file(folder, frame=0, **masks):
    """A label map of a frame; `_3=mask` draws object 3."""
    folder.mkdir(exist_ok=True)
    labels = np.zeros(SIZE, np.uint8)
    for id, mask in masks.items():
        labels[mask] = int(id[1:])
    write_label_map(folder / f"{STEMS[frame]}.png", labels)
    return folder


def colour_file(folder, frame, masks):
    folder.mkdir(exist_ok=True)
    picture = np.zeros((*SIZE, 3), np.uint8)
    for colour, mask in masks.items():
        picture[mask] = colour
    Image.fromarray(picture).save(folder / f"{STEMS[frame]}.png")
    return folder


LEFT, RIGHT, LOW = disc(SIZE, 15, 15, 10), disc(SIZE, 15, 45, 10), disc(SIZE, 38, 30, 8)


def test_the_plan_says_frames_objects_and_conflicts(project, media, out):
    label_file(out / "masks", 0, _2=LEFT, _5=RIGHT)
    label_file(out / "masks", 1, _2=LEFT)
    label_file(out / "masks", 5, _7=LEFT)
    before = all_masks(project)
    planned = plan(out / "masks", project, media)
    assert planned.frames == (0, 1, 5)
    assert [info.id for info in planned.objects] == [2, 5, 7]
    assert planned.new == (ObjectInfo(5, "Object 5", tuple(map(int, DISPLAY_PALETTE[5]))),)
    assert planned.replaced_corrected == ((0, 2), (1, 2)) and planned.replaced == ((5, 7),)
    said = " ".join(planned.sentences(corrected=True))
    assert "3 frames (0 to 1, 5)" in said and "Object 5 (5, new)" in said
    assert "Replaces corrected masks on 2 frames (0 to 1)." in said
    assert "Leaves alone the corrected masks on 2 frames" in " ".join(planned.sentences(corrected=False))
    assert all_masks(project) == before


def test_it_is_one_step_that_can_be_taken_back(project, media, out):
    label_file(out / "masks", 0, _2=LEFT, _5=RIGHT)
    label_file(out / "masks", 3, _2=RIGHT)
    before, objects = dict(project.cells_in(0, 5)), project.objects
    done = bring_in(out / "masks", project, media)
    assert done.frames == (0, 3) and done.text == "Import 2 frames from masks"
    assert project.cell(0, 2) == painted(LEFT) and project.object(5).name == "Object 5"
    project.apply(done.inverted())
    assert dict(project.cells_in(0, 5)) == before and project.objects == objects


def test_not_corrected_they_are_predictions_and_corrections_stay(project, media, out):
    label_file(out / "masks", 0, _2=RIGHT, _7=LOW)
    label_file(out / "masks", 1, _7=LOW)
    kept = project.cell(0, 2)
    bring_in(out / "masks", project, media, corrected=False)
    assert project.cell(0, 2) == kept
    assert project.cell(0, 7) == Cell(PackedMask.pack(LOW)) and project.cell(1, 7) == Cell(PackedMask.pack(LOW))


def test_what_is_imported_takes_its_pixels_from_others_but_not_from_locked_ones(project, media, out):
    put(project, {(0, 2): painted(LEFT), (0, 7): Cell(PackedMask.pack(RIGHT), confidence=0.7)})
    lock(project, 2)
    cover = disc(SIZE, 15, 30, 14)
    label_file(out / "masks", 0, _5=cover)
    bring_in(out / "masks", project, media)
    assert project.cell(0, 2) == painted(LEFT)
    np.testing.assert_array_equal(project.cell(0, 5).mask.unpack(), cover & ~LEFT)
    assert project.cell(0, 7) == Cell(PackedMask.pack(RIGHT & ~cover), confidence=0.7)


@settings(max_examples=25)
@given(arrays.arrays(bool, (3, 9, 11)), st.booleans())
def test_pixels_are_taken_one_by_one(tmp_path_factory, masks, corrected):
    before, taken, locked = masks
    folder = tmp_path_factory.mktemp("plan")
    project, media = array_project({1: before, 2: locked}, folder)
    with project:
        lock(project, 2)
        (folder / "masks").mkdir()
        write_label_map(folder / "masks" / "00000.png", taken.astype(np.uint8) * 3)
        planned = plan(folder / "masks", project, media)
        if not taken.any():
            assert planned.masks == {0: {}}
            return
        project.apply(change(planned, corrected))
        np.testing.assert_array_equal(project.cell(0, 3).mask.unpack(), taken & ~locked)
        np.testing.assert_array_equal(project.cell(0, 1).mask.unpack(), before & ~(taken & ~locked))
        np.testing.assert_array_equal(project.cell(0, 2).mask.unpack(), locked)


def test_locked_objects_are_left_out_and_named(project, media, out):
    lock(project, 2)
    before = project.cell(0, 2)
    label_file(out / "masks", 0, _2=RIGHT, _7=LOW)
    planned = plan(out / "masks", project, media)
    assert [info.name for info in planned.locked] == ["rabbit"] and [info.id for info in planned.objects] == [7]
    assert "Locked and left out: rabbit." in planned.sentences(True)
    project.apply(change(planned))
    assert project.cell(0, 2) == before and project.cell(0, 7) == painted(LOW & ~before.mask.unpack())


def test_nothing_left_to_import_is_said(project, media, out):
    export("png", project, media, out / "masks", first=0, last=0)
    planned = plan(out / "masks", project, media)
    assert planned.sentences(True)[0] == "Nothing would change: all of it is in the project already."
    with pytest.raises(PCVOSError, match=r"Nothing to import from .*masks"):
        change(planned, corrected=True)


@pytest.mark.parametrize(("frame", "changes"), [(0, ()), (1, (True,)), (4, (True,))])
def test_equal_masks_change_what_they_are_called_or_nothing(frame, changes, project, media, out):
    """2 is corrected everywhere, 7 and 254 are predicted."""
    export("coco", project, media, out / "masks.json", first=frame, last=frame)
    planned = plan(out / "masks.json", project, media)
    for corrected in (True, False):
        assert planned.changes(corrected) == (corrected in changes)
        said = planned.sentences(corrected)
        assert said[0].startswith("Nothing would change") == (corrected not in changes)
        if corrected in changes:
            assert change(planned, corrected).cells
        else:
            with pytest.raises(PCVOSError, match="Nothing to import"):
                change(planned, corrected)


def test_equal_masks_that_take_pixels_from_others_change_these(project, media, out):
    export("png", project, media, out / "masks", first=0, last=0, objects=(2,))
    assert not plan(out / "masks", project, media).changes(corrected=True)
    put(project, {(0, 7): Cell(PackedMask.pack(disc(SIZE, 20, 20, 9)))})
    planned = plan(out / "masks", project, media)
    assert planned.changes(corrected=True) and planned.sentences(True)[0].startswith("Masks for 1 frame (0)")


def test_why_nothing_would_change(project, media, out):
    label_file(out / "other", 0, _2=RIGHT)
    said = plan(out / "other", project, media).sentences(corrected=False)
    assert said[0] == "Nothing would change: all of it is in the project already or corrected there."
    assert "Leaves alone the corrected masks on 1 frame (0)." in said
    lock(project, 2)
    said = plan(out / "other", project, media).sentences(corrected=True)
    assert said[0] == "Nothing would change: all of it is locked." and "Locked and left out: rabbit." in said
    label_file(out / "blank", 0)
    said = plan(out / "blank", project, media).sentences(corrected=True)
    assert said[0] == "Nothing would change: there are no masks in it."


def test_what_locked_objects_keep_is_no_change(project, media, out):
    """The mask is cut as it was when it was imported before."""
    lock(project, 2)
    label_file(out / "masks", 0, _7=LEFT | RIGHT)
    bring_in(out / "masks", project, media)
    planned = plan(out / "masks", project, media)
    assert not planned.changes(corrected=True)
    assert not any("Replaces" in sentence for sentence in planned.sentences(corrected=True))


def lock(project, id):
    locked = tuple(replace(info, locked=info.id == id) for info in project.objects)
    project.apply(Change("lock", objects=(project.objects, locked)))


def test_complete_files_say_that_the_others_are_absent(project, other, media, out):
    label_file(out / "masks", 0, _2=LEFT, _7=RIGHT)
    label_file(out / "masks", 1, _2=LEFT)
    label_file(out / "masks", 2)
    bring_in(out / "masks", other, media)
    assert other.cell(1, 7) is None and other.cell(2, 2) is None
    bring_in(out / "masks", project, media, complete=True)
    assert project.cell(1, 7) == project.cell(2, 2) == painted(np.zeros(SIZE, bool))
    assert project.cell(4, 254) is not None


# --- colours


def test_colours_of_the_palette_are_ids(project, media, out):
    colour_file(out / "masks", 0, {tuple(map(int, DAVIS_PALETTE[7])): LEFT, tuple(map(int, DAVIS_PALETTE[5])): RIGHT})
    planned = plan(out / "masks", project, media)
    assert planned.masks[0] == {5: PackedMask.pack(RIGHT), 7: PackedMask.pack(LEFT)}
    assert "#800080 = 5" in planned.notes[0]


def test_colours_of_the_objects_are_theirs(project, media, out):
    colour_file(out / "masks", 0, {(7, 248, 7): LEFT, (254, 1, 7): RIGHT})  # as `filled_project` paints 7 and 254
    assert plan(out / "masks", project, media).masks[0] == {7: PackedMask.pack(LEFT), 254: PackedMask.pack(RIGHT)}


def test_colours_in_an_empty_project_become_objects_of_that_colour(other, media, out):
    colour_file(out / "masks", 0, {ORANGE: LEFT})
    colour_file(out / "masks", 1, {GREEN: RIGHT, ORANGE: LOW})
    bring_in(out / "masks", other, media)
    green, orange = other.objects
    assert (green.id, green.colour, orange.id, orange.colour) == (1, GREEN, 2, ORANGE)
    assert all_masks(other) == {
        (0, 2): PackedMask.pack(LEFT),
        (1, 1): PackedMask.pack(RIGHT),
        (1, 2): PackedMask.pack(LOW),
    }


def test_other_colours_are_asked_for_and_answers_are_taken(project, media, out):
    colour_file(out / "masks", 0, {ORANGE: LEFT, GREEN: RIGHT, (9, 9, 9): LOW})
    planned = plan(out / "masks", project, media)
    assert [question.key for question in planned.questions] == ["#00ff00", "#090909", "#ff8000"]
    answers = [answer for answer, _ in planned.questions[0].choices]
    assert answers == [*map(str, NAMES), "new", "skip"] and planned.questions[0].proposal == "new"
    with pytest.raises(PCVOSError, match=r"Which object is the colour #ff8000\?") as caught:
        change(planned)
    assert "'#ff8000=…'" in hint(caught.value, {"--answer"})

    given = {"#ff8000": "7", "#00ff00": "new", "#090909": "skip"}
    planned = plan(out / "masks", project, media, answers=given)
    assert planned.questions == () and planned.masks[0] == {7: PackedMask.pack(LEFT), 1: PackedMask.pack(RIGHT)}
    assert planned.new == (ObjectInfo(1, "Object 1", GREEN),)


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"#ff8000": "3"}, "#ff8000 cannot be 3: answer with an object's id, new or skip"),
        ({"#123456": "7"}, "Nothing is called #123456 .*: #ff8000 are"),
    ],
)
def test_answers_that_are_none(answers, words, project, media, out):
    colour_file(out / "masks", 0, {ORANGE: LEFT})
    with pytest.raises(PCVOSError, match=words):
        plan(out / "masks", project, media, answers=answers)


def test_an_answer_also_moves_ids(project, media, out):
    Image.fromarray(np.where(LEFT, 255, 0).astype(np.uint8)).save(out / "00007.png")
    planned = plan(out / "00007.png", project, media, answers={"1": "7"})
    assert planned.masks == {2: {7: PackedMask.pack(LEFT)}} and planned.new == ()


def test_two_that_are_one_object_are_joined(project, media, out):
    colour_file(out / "masks", 0, {ORANGE: LEFT, GREEN: RIGHT})
    planned = plan(out / "masks", project, media, answers={"#ff8000": "9", "#00ff00": "9"})
    assert planned.masks[0] == {9: PackedMask.pack(LEFT | RIGHT)}


# --- names and numbers


def test_names_find_their_object_and_others_are_asked_for(project, media, tmp_path):
    info = (ObjectInfo(4, "bird", (1, 1, 1)), ObjectInfo(7, "stone", (2, 2, 2)), ObjectInfo(5, "tree", (3, 3, 3)))
    with empty_project(media, tmp_path / "names.pcvos", info) as source:
        put(source, {(0, 4): painted(LEFT), (0, 7): painted(RIGHT), (0, 5): painted(LOW)})
        export("coco", source, media, tmp_path / "masks.json")
    planned = plan(tmp_path / "masks.json", project, media)
    (question,) = planned.questions  # bird is 7 here, tree is new; but stone has the number of the bird
    assert question.key == "stone" and question.proposal == "new"
    planned = plan(tmp_path / "masks.json", project, media, answers={"stone": "new"})
    assert planned.masks[0] == {7: PackedMask.pack(LEFT), 1: PackedMask.pack(RIGHT), 5: PackedMask.pack(LOW)}
    assert [(o.id, o.name) for o in planned.new] == [(1, "stone"), (5, "tree")], "in the order of the list"
    assert planned.notes == ("stone becomes object 1, as 7 cannot be used.",)


def test_folders_called_by_name_or_from_zero(other, media, out):
    for folder in ("000", "001", "left hand"):
        (out / "masks" / folder).mkdir(parents=True)
        write_label_map(out / "masks" / folder / "00003.png", LEFT.astype(np.uint8))
    bring_in(out / "masks", other, media)
    assert {info.name for info in other.objects} == {"Object 0", "Object 1", "left hand"}
    assert sorted(info.id for info in other.objects) == [1, 2, 3]


def test_more_than_254_objects(tmp_path):
    places = np.arange(40 * 32).reshape(32, 40) // 5
    project, media = array_project({id: places == id for id in range(1, 255)}, tmp_path)
    with project:
        picture = np.zeros((32, 40, 3), np.uint8)
        picture[places == 0] = ORANGE
        (tmp_path / "masks").mkdir()
        Image.fromarray(picture).save(tmp_path / "masks" / "00000.png")
        with pytest.raises(PCVOSError, match="more than 254 objects") as caught:
            plan(tmp_path / "masks", project, media, answers={"#ff8000": "new"})
        assert caught.value.code == "too many objects"


# --- data sets with several sequences


def test_the_sequence_called_like_the_footage_or_the_one_that_is_answered(project, other, media, out):
    for name in ("beach", "forest"):
        label_file(out / "x", 0, _1=LOW)
        folder = out / "set" / "Annotations" / "480p" / name
        folder.parent.mkdir(parents=True, exist_ok=True)
        (out / "x").rename(folder)
    (question,) = plan(out / "set", other, media).questions
    assert question.key == "sequence" and [answer for answer, _ in question.choices] == ["beach", "forest"]
    planned = plan(out / "set", other, media, answers={"sequence": "forest"})
    assert planned.masks == {0: {1: PackedMask.pack(LOW)}}
    with pytest.raises(PCVOSError, match=r"no sequence desert in .*beach, forest"):
        plan(out / "set", other, media, answers={"sequence": "desert"})

    label_file(out / "x", 0, _2=LEFT)
    (out / "x").rename(folder.with_name("meadow"))
    assert plan(out / "set", other, media).masks == {0: {2: PackedMask.pack(LEFT)}}


def test_a_plan_made_before_something_changed_still_tells_the_change_what_was_there(project, media, out):
    label_file(out / "masks", 0, _7=LOW)
    planned = plan(out / "masks", project, media)
    put(project, {(0, 7): painted(RIGHT)})
    made = change(planned)
    assert made.cells[0, 7] == (painted(RIGHT), painted(LOW))
    project.apply(made)
    project.apply(made.inverted())
    assert project.cell(0, 7) == painted(RIGHT)


def test_soft_masks_of_the_network_stay_with_the_frame(project, media, out):
    soft = SoftMask.pack(np.full((12, 16), 128, np.uint8), (0, 0, 47, 63))
    put(project, {(0, 7): Cell(PackedMask.pack(RIGHT), confidence=0.5, soft=soft)})
    bring_in(label_file(out / "masks", 0, _7=LOW), project, media)
    assert project.cell(0, 7) == painted(LOW, soft=soft)
