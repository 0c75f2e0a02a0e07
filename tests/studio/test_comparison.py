"""Runs as proposals: what they changed, what is taken back, and a reference beside them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from studio_projects import FRAMES, SIZE, make_project, put, square

from core.errors import PCVOSError
from core.evaluation.scores import Judge
from core.masks.label_map import write_label_map
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
    change = take(project, "as it was", OfRun(project, run, before=True), 2, 5)
    assert set(change.cells) == {(2, 1)}
    project.apply(change)
    assert project.cell(2, 1).mask == square(4) and project.cell(8, 1).mask == square(9)
    project.apply(change.inverted())
    assert project.cell(2, 1).mask == square(6)


def test_any_runs_masks_come_back_per_object_without_taking_pixels_of_others(project):
    first = draw(project, {5: 18})  # two pixels into object 2
    draw(project, {5: 4})
    assert take(project, "back", OfRun(project, first), 0, LAST, (2,)).cells == {}
    project.apply(take(project, "back", OfRun(project, first), 0, LAST, (1,)))
    kept = project.cell(5, 1)
    assert np.count_nonzero(kept.mask.unpack()) == 8 * 2 and kept.confidence == 0.8 and not kept.corrected
    infos = tuple(replace(info, locked=True) for info in project.objects)
    project.apply(Change("lock", objects=(project.objects, infos)))
    assert take(project, "back", OfRun(project, first, before=True), 0, LAST).cells == {}


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
    project.apply(take(project, "theirs", reference, 4, 4))
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
