"""The contents of a project, how they change, and that all is there when it is opened again."""

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from project_files import (
    FRAMES,
    SIZE,
    as_killed,
    content,
    execute,
    footage,
    listing,
    mask,
    objects,
    painted,
    predicted,
    rows,
    setting,
)

from core.errors import PCVOSError
from core.masks.packed_mask import PackedMask
from core.project.model import MAX_OBJECTS, Author, Cell, Change, ObjectInfo, RunInfo
from core.project.project import Project
from core.project.tracks import CORRECTED, IN_MEMORY, PREDICTED


def reopened(project: Project) -> Project:
    project.close()
    return Project.open(project.path)


# --- the file


def test_no_file_before_the_first_change(tmp_path, project):
    project.remember(frame=25)
    project.set_index_cache(b"index")
    project.relink(replace(project.footage, frames=FRAMES + 5))
    project.apply(Change("nothing"))
    assert not project.exists
    assert list(tmp_path.iterdir()) == []
    project.apply(listing([1]))
    assert project.exists
    assert project.path.is_file()
    with reopened(project) as again:
        assert again.view.frame == 25
        assert again.index_cache() == b"index"
        assert again.footage.frames == FRAMES + 5
        assert again.objects == objects(1)


def test_only_the_project_is_left_when_it_is_closed(tmp_path, project):
    project.apply(setting({(0, 1): painted(1)}))
    project.close()
    assert list(tmp_path.iterdir()) == [tmp_path / "clip.pcvos"]
    with Project.open(project.path):
        pass
    assert list(tmp_path.iterdir()) == [tmp_path / "clip.pcvos"]


def test_a_project_without_a_change_leaves_nothing(tmp_path, project):
    project.remember(frame=1)
    project.close()
    assert list(tmp_path.iterdir()) == []


def test_everything_is_there_again(tmp_path, project):
    project.apply(Change("objects", objects=((), (ObjectInfo(3, "Häsin 🐇", (1, 2, 3), False, True), *objects(1)))))
    cells = {
        (0, 3): painted(1),
        (0, 1): predicted(2, 0.1),
        (7, 3): Cell(PackedMask.empty(SIZE), True),
        (59, 1): predicted(3, None),
    }
    project.apply(setting(cells))
    before = content(project)
    assert before[1] == cells
    with reopened(project) as again:
        assert content(again) == before
        assert again.object(3) == ObjectInfo(3, "Häsin 🐇", (1, 2, 3), False, True)
        assert again.footage == footage(tmp_path)
        assert not again.read_only
        assert again.warnings == []


@pytest.mark.parametrize("name", ["a b", "ünïcode 🐇", "100% #1?.x", "it's"])
def test_any_name_of_a_folder_and_a_file(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    with Project.new(footage(folder, f"{name}.mp4"), folder / f"{name}.pcvos") as project:
        project.apply(setting({(0, 1): painted(1)}))
        with Project.open(as_killed(project.path, tmp_path / "copy" / f"{name}.pcvos")) as copy:
            assert copy.cell(0, 1) == painted(1)
    with Project.open(folder / f"{name}.pcvos") as project:
        assert project.cell(0, 1) == painted(1)
        assert project.footage.path == folder / f"{name}.mp4"


def test_names_that_are_no_text(project):
    project.apply(Change("", objects=((), (ObjectInfo(1, "bad \udcff name", (0, 0, 0)),))))
    assert project.unsaved == 0
    with reopened(project) as again:
        assert again.objects[0].name == "bad ? name"


def test_254_objects(project):
    everyone = range(1, MAX_OBJECTS + 1)
    project.apply(listing(everyone))
    stripes = {}
    for obj in everyone:
        plane = np.zeros(SIZE, bool)
        plane.reshape(-1)[obj * 10 : obj * 10 + 10] = True
        stripes[5, obj] = Cell(PackedMask.pack(plane), confidence=obj / 255)
    project.apply(setting(stripes))
    with reopened(project) as again:
        labels = again.labels(5).reshape(-1)
        np.testing.assert_array_equal(labels[10:2550], np.repeat(np.arange(1, 255), 10))
        assert again.confidence[5] == np.float32(1 / 255)
        assert len(again.cells(5)) == MAX_OBJECTS


def test_closed_is_closed(project):
    project.apply(setting({(0, 1): painted(1)}))
    project.close()
    project.close()
    with pytest.raises(PCVOSError, match="closed"):
        project.apply(setting({(1, 1): painted(1)}))
    with pytest.raises(PCVOSError, match="closed"):
        project.cell(0, 1)


# --- reading


def test_cells_in_a_range(project):
    cells = {(frame, obj): painted(frame) for frame in range(0, FRAMES, 3) for obj in (2, 9, 1)}
    project.apply(setting(cells))
    assert list(project.cells_in(6, 12)) == [((f, o), painted(f)) for f in (6, 9, 12) for o in (1, 2, 9)]
    assert [key for key, _ in project.cells_in(7, 12, (9, 5))] == [(9, 9), (12, 9)]
    assert [key for key, _ in project.cells_in(-5, 10**9, iter((2,)))] == [(f, 2) for f in range(0, FRAMES, 3)]
    assert dict(project.cells_of(9)) == {key: cell for key, cell in cells.items() if key[1] == 9}
    assert list(project.cells_in(12, 6)) == []
    assert project.cells(3) == {1: painted(3), 2: painted(3), 9: painted(3)}
    assert project.cells(4) == {}
    assert project.cell(3, 4) is project.cell(-1, 1) is project.cell(FRAMES, 1) is None


def test_a_change_while_cells_are_read(project):
    project.apply(setting({(frame, 1): painted(frame) for frame in range(FRAMES)}))
    for (frame, obj), cell in project.cells_of(1):
        project.apply(setting({(frame, obj): replace(cell, in_memory=False)}))
    assert not (project.states & IN_MEMORY).any()


def test_labels_show_what_a_person_painted_above_predictions(project):
    project.apply(listing([1, 2]))
    left, right = np.zeros(SIZE, bool), np.zeros(SIZE, bool)
    left[:, :40], right[:, 20:] = True, True
    cells = {(0, 1): Cell(PackedMask.pack(left), True), (0, 2): Cell(PackedMask.pack(right)), (0, 3): painted(1)}
    project.apply(setting(cells))
    labels = project.labels(0)
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, np.where(left, 1, 2), "and object 3 is not in the list")
    project.apply(setting({(0, 1): Cell(PackedMask.pack(left)), (0, 2): Cell(PackedMask.pack(right), True)}))
    np.testing.assert_array_equal(project.labels(0), np.where(right, 2, 1))
    assert not project.labels(1).any()


def test_permanent_memory(project):
    absent = Cell(PackedMask.empty(SIZE), True, True)
    project.apply(
        setting(
            {
                (4, 1): painted(1),
                (4, 2): absent,
                (9, 1): Cell(mask(2), True),
                (30, 2): painted(3),
                (31, 2): predicted(3),
            }
        )
    )
    assert project.permanent_memory() == {4: {1: mask(1), 2: PackedMask.empty(SIZE)}, 30: {2: mask(3)}}
    project.apply(setting({(4, 1): None}))
    assert project.permanent_memory() == {4: {2: PackedMask.empty(SIZE)}, 30: {2: mask(3)}}


# --- changes


def test_a_change_and_its_inverse(project):
    project.apply(listing([1, 2]))
    project.apply(setting({(0, 1): painted(1), (1, 1): predicted(2)}))
    before = content(project)
    cells = {(0, 1): (painted(1), None), (1, 1): (predicted(2), painted(3)), (2, 2): (None, predicted(4))}
    change = Change("much", cells, (objects(1, 2), objects(2)))
    project.apply(change)
    assert content(project) == (objects(2), {(1, 1): painted(3), (2, 2): predicted(4)})
    project.apply(change.inverted())
    assert content(project) == before
    with reopened(project) as again:
        assert content(again) == before


def test_subscribers_hear_of_changes_after_they_are_made(project):
    heard = []
    end = project.subscribe(lambda change: heard.append((change.text, project.cell(0, 1), project.unsaved)))
    project.apply(setting({(0, 1): painted(1)}, "one"))
    end()
    project.apply(setting({(0, 1): None}, "two"))
    assert heard == [("one", painted(1), 0)]


def test_what_numpy_counts_is_as_good(project):
    project.apply(setting({(np.int64(3), np.uint8(1)): Cell(mask(1), confidence=np.float32(0.25))}))
    assert project.unsaved == 0
    with reopened(project) as again:
        assert content(again)[1] == {(3, 1): predicted(1, 0.25)}


@pytest.mark.parametrize(
    "change",
    [
        setting({(FRAMES, 1): painted(1)}),
        setting({(-1, 1): painted(1)}),
        setting({(0, 0): painted(1)}),
        setting({(0, 255): painted(1)}),
        setting({(0, 1): painted(1, size=(48, 65))}),
        listing([0]),
        listing([255]),
        listing([4, 4]),
    ],
)
def test_what_cannot_be_changes_nothing(project, change):
    with pytest.raises(ValueError, match=r"frame|object|mask"):
        project.apply(change)
    assert not project.exists
    assert content(project) == ((), {})


# --- the timeline


def test_states_and_confidence_of_frames(project):
    assert project.states.tolist() == [0] * FRAMES
    assert np.isnan(project.confidence).all()
    project.apply(
        setting({(1, 1): painted(1), (1, 2): predicted(2, 0.7), (2, 1): predicted(1, 0.9), (2, 2): predicted(1, 0.4)})
    )
    project.apply(setting({(3, 1): Cell(mask(1), True), (4, 2): predicted(1, None)}))
    for shown in (project, reopened(project)):
        assert shown.states[:5].tolist() == [0, CORRECTED | IN_MEMORY | PREDICTED, PREDICTED, CORRECTED, PREDICTED]
        np.testing.assert_array_equal(shown.confidence[:5], np.float32([np.nan, 0.7, 0.4, np.nan, np.nan]))
    shown.apply(setting({(2, 2): None, (1, 1): None}))
    assert shown.states[:3].tolist() == [0, PREDICTED, PREDICTED]
    assert shown.confidence[2] == np.float32(0.9)
    with pytest.raises(ValueError, match="read-only"):
        shown.states[0] = 1
    shown.close()


def test_the_next_corrected_frame(project):
    project.apply(setting({(5, 1): painted(1), (20, 2): painted(1), (10, 1): predicted(1)}))
    assert [project.next_corrected(frame, 1) for frame in (-3, 0, 4, 5, 19, 20, 99)] == [5, 5, 5, 20, 20, None, None]
    assert [project.next_corrected(frame, -1) for frame in (99, 21, 20, 6, 5, 0, -3)] == [
        20,
        20,
        5,
        5,
        None,
        None,
        None,
    ]


# --- settings, runs, footage


def test_runs_and_one_that_was_killed(tmp_path, project):
    run = RunInfo("2026-01-01T10:00:00+01:00", 0, 9, "forward", {"interval": 5})
    first, second = project.start_run(run), project.start_run(run)
    done = replace(run, state="done", frames=10, seconds=2.5, memory_frames=(0, 5))
    project.update_run(first, done)
    assert project.runs() == [(first, done), (second, run)]
    with Project.open(as_killed(project.path, tmp_path / "killed.pcvos")) as killed:
        assert killed.runs() == [(first, done), (second, replace(run, state="stopped"))]
    with Project.open(tmp_path / "killed.pcvos") as killed:
        assert killed.runs()[1][1].state == "stopped"
        assert killed.start_run(run) not in (first, second)


def test_footage_that_moved_with_the_project_is_found(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    (here / "media").mkdir(parents=True)
    clip = here / "media" / "clip.mp4"
    clip.write_bytes(b"film")
    with Project.new(footage(here / "media"), here / "clip.pcvos") as project:
        project.apply(listing([1]))
        assert project.find_footage() == clip
        clip.rename(here / "elsewhere.mp4")
        assert project.find_footage() is None
        (here / "elsewhere.mp4").rename(clip)
    here.rename(there)
    with Project.open(there / "clip.pcvos") as project:
        assert project.find_footage() == there / "media" / "clip.mp4"
        project.relink(replace(project.footage, path=there / "media" / "clip.mp4"))
    there.rename(here)
    with Project.open(here / "clip.pcvos") as project:
        assert project.footage.path == there / "media" / "clip.mp4"
        assert project.find_footage() == clip


def test_footage_that_changed_is_told(tmp_path, project):
    same = footage(tmp_path / "elsewhere")
    assert project.footage.difference(same) is None
    assert "changed" in project.footage.difference(replace(same, fingerprint="other"))
    assert f"{FRAMES + 1} frames" in project.footage.difference(replace(same, frames=FRAMES + 1))
    assert "65x48" in project.footage.difference(replace(same, size=(48, 65)))
    with pytest.raises(PCVOSError, match="65x48"):
        project.relink(replace(same, size=(48, 65)))


def test_a_length_that_is_known_better_later(project):
    project.apply(setting({(10, 1): painted(1), (50, 1): painted(2)}))
    project.relink(replace(project.footage, frames=20, rate=Fraction(25)))
    assert len(project.states) == len(project.confidence) == 20
    assert [key for key, _ in project.cells_of(1)] == [(10, 1)]
    assert any("1 frames lie after the end" in warning for warning in project.warnings)
    with reopened(project) as again:
        again.relink(replace(again.footage, frames=100))
        assert dict(again.cells_of(1)) == {(10, 1): painted(1), (50, 1): painted(2)}
        again.apply(setting({(99, 1): painted(3)}))
        assert again.next_corrected(50, 1) == 99


def test_the_index_cache(project):
    assert project.index_cache() is None
    project.apply(listing([1]))
    project.set_index_cache(bytes(range(256)) * 1000)
    with reopened(project) as again:
        assert again.index_cache() == bytes(range(256)) * 1000


def test_masks_are_not_read_to_fill_the_timeline(tmp_path, monkeypatch):
    frames = 100_000
    with Project.new(footage(tmp_path, frames=frames), tmp_path / "long.pcvos") as project:
        project.apply(setting({(0, 1): predicted(1)}))
    execute(  # masks that would be noticed if anybody read them
        project.path,
        f"""WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {3 * frames - 1})
        INSERT INTO cells SELECT n / 3 * 256 + n % 3 + 1, n / 3, n % 3 + 1, 0, 0, 0.5, zeroblob(1) FROM numbers""",
    )
    monkeypatch.setattr("core.project.database.EXAMINED_BYTES", 0)  # real masks would make it large
    with Project.open(project.path) as project:
        assert (project.states == PREDICTED).all()
        assert (project.confidence == 0.5).all()
        assert project.cell(0, 1) == predicted(1)
        project.apply(setting({(77_777, 2): painted(1)}))
        assert project.next_corrected(0, 1) == 77_777
        assert project.warnings == []


def test_json_of_the_footage_is_plain(tmp_path, project):
    """Other programs may want to know which footage it is."""
    project.apply(listing([1]))
    ((text,),) = rows(project.path, "SELECT value FROM meta WHERE key = 'footage'")
    assert json.loads(text) == {
        "path": str(tmp_path / "clip.mp4"),
        "relative": "clip.mp4",
        "fingerprint": "f00d",
        "frames": FRAMES,
        "size": list(SIZE),
        "rate": "30000/1001",
    }


# --- who makes a change


def by_run(cells: dict) -> Change:
    return replace(setting(cells), made_by=Author.RUN)


def test_a_runs_change_to_a_corrected_cell_is_refused(project):
    project.apply(listing([1, 2]))
    project.apply(setting({(3, 1): painted(1), (4, 1): predicted(1), (5, 1): replace(painted(1), in_memory=False)}))
    before = content(project)
    told = []
    project.subscribe(told.append)
    for key in ((3, 1), (5, 1)):
        with pytest.raises(PCVOSError, match=f"Frame {key[0]} of object 1 is corrected"):
            project.apply(by_run({(4, 1): predicted(2), key: predicted(2)}))
        with pytest.raises(PCVOSError, match="corrected"):
            project.apply(by_run({key: None}))
    assert content(project) == before and told == []
    project.apply(by_run({(4, 1): predicted(2), (3, 2): predicted(2)}))
    assert project.cell(4, 1) == predicted(2)
    with reopened(project) as again:
        assert content(again)[1].items() >= before[1].items() - {((4, 1), predicted(1))}
        with pytest.raises(PCVOSError, match="corrected"):
            again.apply(by_run({(3, 1): predicted(2)}))


def test_a_lock_refuses_a_runs_change_to_what_is_known_and_to_that_only(project):
    (info,) = objects(1)
    project.apply(Change("objects", objects=((), (replace(info, locked=True),))))
    project.apply(setting({(3, 1): predicted(1), (4, 1): Cell(PackedMask.empty(SIZE))}))
    for frame in (3, 4):
        with pytest.raises(PCVOSError, match=f"object 1 is locked.* frame {frame}"):
            project.apply(by_run({(frame, 1): predicted(2)}))
    project.apply(by_run({(5, 1): predicted(2)}))
    assert project.cell(5, 1) == predicted(2)
    project.apply(setting({(3, 1): painted(2)}))  # a person may, also by undoing
    with pytest.raises(PCVOSError, match="list of objects"):
        project.apply(replace(listing([1, 2], project.objects), made_by=Author.RUN))


def test_undoing_a_run_is_a_persons_step(project):
    project.apply(listing([1]))
    run = by_run({(3, 1): predicted(1)})
    project.apply(run)
    project.apply(setting({(3, 1): painted(2)}))
    project.apply(run.inverted())
    assert run.inverted().made_by is Author.PERSON and project.cell(3, 1) is None


# --- undo that is kept


def test_undo_is_kept_over_closing_until_another_change(project):
    project.apply(listing([1, 2]))
    project.apply(setting({(3, 1): predicted(1), (4, 1): painted(1)}))
    before = content(project)
    first = project.cell(3, 1)
    project.apply(Change("run", {(3, 1): (first, predicted(2)), (5, 1): (None, predicted(3))}), keep_undo=True)
    second = project.cell(3, 1)
    project.apply(Change("run", {(3, 1): (second, predicted(4)), (6, 2): (None, predicted(5))}), keep_undo=True)
    project.remember(frame=2)
    with reopened(project) as again:
        undo = again.kept_undo()
        assert set(undo.cells) == {(3, 1), (5, 1), (6, 2)}
        after = content(again)
        again.apply(undo.inverted())
        assert content(again) == before
        again.apply(undo)
        assert content(again) == after
        assert again.kept_undo() is None
        with reopened(again) as later:
            assert later.kept_undo() is None and rows(later.path, "SELECT count(*) FROM earlier_cells") == [(0,)]


def test_a_persons_change_makes_kept_undo_void(project):
    project.apply(listing([1]))
    project.apply(Change("run", {(3, 1): (None, predicted(2))}), keep_undo=True)
    with reopened(project) as again:
        again.apply(setting({(3, 1): painted(2)}))
        with reopened(again) as later:
            assert later.kept_undo() is None
            later.apply(Change("run", {(5, 1): (None, predicted(2))}), keep_undo=True)
            assert set(later.kept_undo().cells) == {(5, 1)}
            later.apply(Change("another run begins"))
            later.apply(Change("run", {(6, 1): (None, predicted(2))}), keep_undo=True)
            with reopened(later) as last:
                assert set(last.kept_undo().cells) == {(6, 1)}


def test_kept_undo_that_is_damaged_is_none(project):
    project.apply(listing([1]))
    project.apply(setting({(3, 1): predicted(1)}))
    project.apply(Change("run", {(3, 1): (project.cell(3, 1), predicted(2))}), keep_undo=True)
    project.close()
    execute(project.path, "UPDATE earlier_cells SET mask = x'00'")
    with Project.open(project.path) as again:
        assert again.kept_undo() is None and again.cell(3, 1) == predicted(2)
