"""Runs as proposals: what they changed, what is taken back, and a reference beside them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from studio_projects import FRAMES, SIZE, make_project, put, square

from core.errors import PCVOSError
from core.evaluation.scores import Judge
from core.masks.label_map import write_label_map
from core.masks.packed_mask import PackedMask
from core.media.arrays import ArraySource
from core.project.model import Change
from core.project.project import Project
from core.studio.comparison import (
    OfRun,
    Present,
    compare,
    note_reference,
    noted_reference,
    read_reference,
    score,
    score_in_words,
    take,
)
from core.studio.recorded_run import RecordedRun
from core.studio.run_records import make_room, pin, run_records
from core.studio.runs import Predicted, plan_run

LAST = FRAMES - 1


@pytest.fixture
def project(tmp_path):
    """Object 1 marked on frame 0 and drawn on all others, object 2 beside it."""
    made = make_project(tmp_path)
    put(made, 0, 1, corrected=True)
    for frame in range(FRAMES):
        put(made, frame, 2, square(20))
    draw(made, dict.fromkeys(range(1, FRAMES), 4))
    yield made
    made.close()


def draw(project: Project, places: dict[int, int], state: str = "done") -> int:
    """A run that draws object 1 at these places, by frame."""
    run = RecordedRun(project, "run", plan_run(project, 0, LAST, "forward"), {"interval": 3})
    run.note_weights("abc")
    change = run.change({(f, 1): Predicted(square(left), 0.8) for f, left in places.items()}, provisional=False)
    project.apply(change)
    run.note_clip(tuple(sorted(places)), places)
    run.end(state, ())
    return run.id


def test_what_a_run_changed_is_listed_by_stretch_most_first(project):
    run = draw(project, {1: 4, 2: 6, 3: 6, 4: 4, 8: 9})
    found = compare(Present(project), OfRun(project, run, before=True), FRAMES)
    assert found.agreement[1][[1, 2, 4]] == pytest.approx([1, 0.6, 1]) and np.isnan(found.agreement[1][5])
    first, second = found.differences
    assert (first.object, first.first, first.last) == (1, 2, 3) and (second.first, second.last, second.frame) == (
        8,
        8,
        8,
    )
    assert found.lowest[8] == pytest.approx(3 / 13)
    assert compare(Present(project), OfRun(project, 99), FRAMES).differences == []


def test_a_stretch_is_left_as_it_was_in_one_step_and_corrections_stay(project):
    run = draw(project, {2: 6, 3: 6, 8: 9})
    put(project, 3, 1, square(12), corrected=True)
    change = take(project, "as it was", OfRun(project, run, before=True), 2, 5).change
    assert set(change.cells) == {(2, 1)}
    project.apply(change)
    assert project.cell(2, 1).mask == square(4) and project.cell(8, 1).mask == square(9)
    project.apply(change.inverted())
    assert project.cell(2, 1).mask == square(6)


def test_any_runs_masks_come_back_per_object(project):
    first = draw(project, {5: 18})  # two columns into object 2
    draw(project, {5: 4})
    before = OfRun(project, first, before=True)
    assert take(project, "back", OfRun(project, first), 0, LAST, (2,)).change.cells == {}
    taken = take(project, "back", OfRun(project, first), 0, LAST, (1,))
    project.apply(taken.change)
    back = project.cell(5, 1)
    assert back.mask == square(18) and back.confidence == 0.8 and not back.corrected
    assert project.cell(5, 2).mask == square(26, 2) and taken.adapted == {2} and not taken.in_the_way
    infos = tuple(replace(info, locked=True) for info in project.objects)
    project.apply(Change("lock", objects=(project.objects, infos)))
    assert take(project, "back", before, 0, LAST).change.cells == {}


def draw_both(project: Project, one: PackedMask, two: PackedMask) -> OfRun:
    """A run that draws both objects on frame 5; what was there before it."""
    put(project, 0, 2, square(20), corrected=True)
    run = RecordedRun(project, "run", plan_run(project, 0, LAST, "forward"), {})
    project.apply(run.change({(5, 1): Predicted(one, 0.8), (5, 2): Predicted(two, 0.8)}, provisional=False))
    return OfRun(project, run.id, before=True)


@pytest.mark.parametrize(
    ("now", "left"),
    [
        ((square(4, 3), square(7, 21)), (square(4), square(12, 16))),  # object 2 has grown into object 1
        ((square(4, 20), square(24, 4)), (square(4), square(20))),  # object 1 has grown into object 2
    ],
)
def test_an_object_left_as_it_was_is_exactly_that_and_no_hole_stays_beside_it(project, now, left):
    before = draw_both(project, *now)
    taken = take(project, "as it was", before, 5, 5, (1,))
    project.apply(taken.change)
    assert (project.cell(5, 1).mask, project.cell(5, 2).mask) == left and taken.adapted == {2}
    project.apply(taken.change.inverted())
    assert (project.cell(5, 1).mask, project.cell(5, 2).mask) == now


def test_what_was_corrected_keeps_its_pixels_beside_an_object_left_as_it_was(project):
    before = draw_both(project, square(4, 3), square(7, 21))
    put(project, 5, 2, square(10, 18), corrected=True)
    taken = take(project, "as it was", before, 5, 5, (1,))
    assert {key: after.mask for key, (_, after) in taken.change.cells.items()} == {(5, 1): square(4, 6)}
    assert taken.in_the_way == {2} and not taken.adapted


def test_runs_are_kept_within_bounds_the_oldest_that_is_not_pinned_goes_first(project):
    second, third = draw(project, {5: 18}), draw(project, {5: 4})
    records = run_records(project)
    assert [one.id for one in records] == [third, second, 1] and all(one.has_masks for one in records)
    assert records[0].info.weights == "abc" and records[0].settings.interval == 3
    pin(project, 1)
    assert make_room(project, records[0].info.kept_bytes + records[2].info.kept_bytes) == [second]
    assert [one.has_masks for one in run_records(project)] == [True, False, True]
    assert make_room(project, 0) == [], "neither what is pinned, nor the newest"
    assert dict(project.kept_runs.cells(second, 0, LAST)) == {}


def test_weights_that_are_gone_are_told(project, tmp_path):
    (record, *_) = run_records(project)
    gone = replace(record, info=replace(record.info, settings={"weights": str(tmp_path / "gone.safetensors")}))
    assert (
        record.missing_weights == ""
        and "are gone" in gone.missing_weights
        and "gone.safetensors" in gone.missing_weights
    )


# --- a reference


def write_masks(folder: Path, count: int = FRAMES, size: tuple[int, int] = SIZE) -> Path:
    folder.mkdir()
    for frame in range(count):
        labels = np.zeros(size, np.uint8)
        labels[4:12, 5:13] = 1
        write_label_map(folder / f"{frame:05d}.png", labels)
    return folder


@pytest.fixture
def media():
    return ArraySource(np.zeros((FRAMES, *SIZE, 3), np.uint8), "clip")


def test_a_reference_is_scored_as_the_evaluation_scores(project, media, tmp_path):
    reference = read_reference(write_masks(tmp_path / "reference", FRAMES - 2), media)
    scores = score(project, reference)
    judge = Judge("", reference.truth)
    for frame in range(FRAMES):
        judge.see(frame, project.labels(frame))
    assert np.array_equal(scores.objects[0].j, judge.scores().objects[0].j) and scores.frames == tuple(
        range(FRAMES - 2)
    )
    assert scores.objects[0].j[3] == pytest.approx(7 / 9)
    assert "J 0.778" in score_in_words(scores, lambda id: f"object {id}")
    assert compare(Present(project), reference, FRAMES).lowest[3] == pytest.approx(7 / 9)
    project.apply(take(project, "theirs", reference, 4, 4).change)
    assert project.cell(4, 1).mask == square(5)


def test_a_reference_that_does_not_fit_is_told(media, tmp_path):
    with pytest.raises(PCVOSError, match="no folder"):
        read_reference(tmp_path / "none", media)
    with pytest.raises(PCVOSError, match=r"64x48.*32x24"):
        read_reference(write_masks(tmp_path / "large", 2, (48, 64)), media)
    with pytest.raises(PCVOSError, match="belongs to no frame"):
        read_reference(write_masks(tmp_path / "long", FRAMES + 3), media)
    (tmp_path / "empty").mkdir()
    with pytest.raises(PCVOSError, match="holds no PNG"):
        read_reference(tmp_path / "empty", media)


def test_where_the_reference_is_is_kept_and_found_again_beside_a_project_that_moved(project, tmp_path):
    folder = project.path.parent / "reference"
    assert noted_reference(project) is None
    note_reference(project, write_masks(folder))
    path = project.path
    project.close()
    moved = tmp_path / "moved"
    moved.mkdir()
    for one in (path, folder):
        one.rename(moved / one.name)
    with Project.open(moved / path.name) as again:
        assert noted_reference(again) == moved / "reference"
        (moved / "reference").rename(moved / "elsewhere")
        assert noted_reference(again) == folder, "where it was"
        for broken in ({"path": 3}, {"path": "a\0b", "relative": None}, {"path": "a", "relative": [1]}):
            again.remember(reference=broken)
            assert noted_reference(again) is None
        note_reference(again, None)
        assert noted_reference(again) is None
