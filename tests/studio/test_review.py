"""Review: stretches of doubt, their reasons, their order, and what is ticked off."""

import numpy as np
import pytest
from studio_projects import FRAMES, make_project, put, square

from core.masks.packed_mask import PackedMask
from core.project.model import Author, Cell, Change
from core.project.project import Project
from core.studio.recorded_run import RecordedRun
from core.studio.review import (
    Reason,
    Stretch,
    doubtful_stretches,
    in_frame_order,
    next_doubtful,
    reason_of,
    stretch_at,
    tick_off,
)
from core.studio.runs import PermanentFrame, Predicted, RunPlan

NOTHING = PackedMask.pack(np.zeros((24, 32), bool))


@pytest.fixture
def project(tmp_path):
    made = make_project(tmp_path)
    put(made, 0, 1, corrected=True)
    yield made
    made.close()


def draw(
    project: Project, confidence: dict[int, float], id: int = 1, masks: dict[int, PackedMask] | None = None
) -> None:
    """Predictions of an object, by frame."""
    cells = {}
    for frame, value in confidence.items():
        mask = (masks or {}).get(frame, square(4))
        cells[frame, 1] = (project.cell(frame, 1), Cell(mask, confidence=value))
    project.apply(Change("drawn", cells, made_by=Author.RUN))


def extents(project: Project) -> list[tuple[int, int, int]]:
    return [(s.object, s.first, s.last) for s in doubtful_stretches(project)]


def test_neighbouring_frames_of_doubt_are_one_stretch_and_the_worst_comes_first(project):
    draw(project, dict.fromkeys(range(1, FRAMES), 0.9) | {2: 0.5, 4: 0.4, 10: 0.1})
    assert extents(project) == [(1, 10, 10), (1, 2, 4)]
    first, second = doubtful_stretches(project)
    assert (first.frame, second.frame) == (10, 4) and first.doubt > second.doubt
    put(project, 10, 1, corrected=True)
    assert extents(project) == [(1, 2, 4)], "a person has seen to it"
    put(project, 3, 1, corrected=True)
    assert extents(project) == [(1, 4, 4), (1, 2, 2)], "what is corrected between them parts them"


def test_frames_that_nothing_was_drawn_on_come_last(project):
    assert extents(project) == [], "before a run nobody asks"
    draw(project, {1: 0.9, 2: 0.3, 3: 0.9})
    assert extents(project) == [(1, 2, 2), (1, 4, FRAMES - 1)]
    assert reason_of(project, doubtful_stretches(project)[-1]) is Reason.NEVER_PROCESSED


@pytest.mark.parametrize(
    ("mask", "reason"),
    [
        (NOTHING, Reason.NOT_SEEN),
        (square(4, 5), Reason.PART_LOST),
        (square(20), Reason.SOMETHING_ELSE),
    ],
)
def test_reasons(project, mask: PackedMask, reason: Reason):
    draw(project, dict.fromkeys(range(1, FRAMES), 0.9) | {5: 0.2}, masks={5: mask})
    (stretch,) = doubtful_stretches(project)
    assert reason_of(project, stretch) is reason


def test_a_part_is_lost_by_what_a_person_marked_nearest_and_not_by_what_was_drawn_before(project):
    half = dict.fromkeys(range(3, FRAMES), square(4, 4))
    draw(project, dict.fromkeys(range(1, FRAMES), 0.9) | {5: 0.2}, masks=half)
    (stretch,) = doubtful_stretches(project)
    assert reason_of(project, stretch) is Reason.PART_LOST, "it was lost before"
    put(project, 7, 1, square(4, 4), corrected=True)
    assert reason_of(project, stretch) is Reason.SOMETHING_ELSE, "it has become smaller"
    put(project, 6, 1, NOTHING, corrected=True)
    assert reason_of(project, stretch) is Reason.SOMETHING_ELSE, "where it is absent nothing is told of its size"


def test_the_next_one_in_the_order_of_frames_and_round_the_end(project):
    draw(project, dict.fromkeys(range(1, FRAMES), 0.9) | {3: 0.5, 9: 0.1})
    found = in_frame_order(doubtful_stretches(project))
    visited = [next_doubtful(found, frame, 1, 1).frame for frame in (0, 3, 9)]
    assert visited == [3, 9, 3]
    assert [next_doubtful(found, frame, 1, -1).frame for frame in (11, 9, 3)] == [9, 3, 9]
    assert next_doubtful([], 0, 1, 1) is None


def test_a_frame_is_in_the_narrowest_stretch_around_it():
    doubtful, missing = Stretch(1, 2, 9, 3, 1.0, 0.2), Stretch(1, 5, 6, 5, 0.0, float("nan"))
    found = [stretch_at((doubtful, missing), frame) for frame in (1, 2, 5, 6, 7, 10)]
    assert found == [None, doubtful, missing, missing, doubtful, None]


def test_every_object_of_a_frame_is_visited():
    both = [Stretch(obj, 2, 4, 3, 1.0, 0.2) for obj in (2, 1)]
    found = in_frame_order([*both, Stretch(1, 9, 9, 9, 0.5, 0.3), Stretch(2, 9, 9, 9, 0.5, 0.3, ticked=True)])
    at, seen = (0, 1), []
    for step in (1, 1, 1, 1, -1, -1):
        stretch = next_doubtful(found, *at, step)
        at = stretch.frame, stretch.object
        seen.append(at)
    assert seen == [(3, 1), (3, 2), (9, 1), (3, 1), (9, 1), (3, 2)]


def test_what_was_ticked_off_stays_so_until_a_run_draws_it_anew(project):
    draw(project, dict.fromkeys(range(1, FRAMES), 0.9) | {3: 0.5, 9: 0.1})
    tick_off(project, doubtful_stretches(project)[0])
    path = project.path
    project.close()
    with Project.open(path) as again:
        found = doubtful_stretches(again)
        assert [(s.frame, s.ticked) for s in found] == [(3, False), (9, True)], "it stands at the end"
        assert next_doubtful(in_frame_order(found), 3, 1, 1).frame == 3
        tick_off(again, found[1], False)
        assert not any(s.ticked for s in doubtful_stretches(again))
        tick_off(again, doubtful_stretches(again)[0])
        draw(again, {9: 0.2})
        assert not any(s.ticked for s in doubtful_stretches(again))


def test_what_was_ticked_off_stays_so_where_a_run_draws_the_same_again(project):
    there = dict.fromkeys(range(1, FRAMES), 0.9) | dict.fromkeys((3, 4), 0.5) | {9: 0.1}
    draw(project, there, masks={3: NOTHING, 4: NOTHING})
    for stretch in doubtful_stretches(project):
        tick_off(project, stretch)

    def run(confidence: dict[int, float], masks: dict[int, PackedMask]) -> list[tuple[int, bool]]:
        """A run that draws these frames; what is found then, with what is ticked."""
        plan = RunPlan(0, FRAMES - 1, "forward", (PermanentFrame(0, {1: square(4)}),), {})
        recorded = RecordedRun(project, "run", plan, {})
        found = {(f, 1): Predicted(masks.get(f, square(4)), sure) for f, sure in confidence.items()}
        change = recorded.change(found, provisional=False)
        project.apply(change)
        recorded.end("done", (0,))
        seen = [(s.first, s.ticked) for s in sorted(doubtful_stretches(project), key=lambda s: s.first)]
        project.apply(change.inverted())
        assert all(s.ticked for s in doubtful_stretches(project)), "undo brings back what was ticked"
        return seen

    assert run({3: 0.4, 4: 0.45, 9: 0.2}, {3: NOTHING, 4: NOTHING}) == [(3, True), (9, True)]
    assert run({3: 0.42, 4: 0.9, 9: 0.21}, {3: NOTHING, 4: NOTHING, 9: square(7)}) == [(3, True), (9, False)]
    assert run({3: 0.41, 4: 0.47}, {3: NOTHING}) == [(3, False), (9, True)], "on frame 4 something is seen now"
    assert run(dict.fromkeys(range(3, 8), 0.44), {3: NOTHING, 4: NOTHING}) == [(3, False)], "more than was ticked"
