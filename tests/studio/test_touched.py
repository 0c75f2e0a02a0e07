"""The next run of a project: the corrections since the last one, and how far it may go."""

from dataclasses import replace

import pytest
from studio_projects import FRAMES, make_project, put, square

from core.project.project import Project
from core.propagation.ways import Way
from core.studio.interrupted import find, note
from core.studio.recorded_run import RecordedRun
from core.studio.run_settings import Range, RunSettings
from core.studio.runs import plan_run
from core.studio.touched import ProjectMasks, Touched, find_touched, marked_since, touched_again

LAST = FRAMES - 1
SETTINGS = RunSettings(direction="both")


@pytest.fixture
def project(tmp_path):
    """Object 1 marked on frame 0, and a run through everything that is done."""
    made = make_project(tmp_path)
    put(made, 0, 1, corrected=True)
    for frame in range(1, FRAMES):
        put(made, frame, 1)
    run(made, 0, LAST)
    yield made
    made.close()


def run(project: Project, start: int, end: int, state: str = "done") -> None:
    RecordedRun(project, "run", plan_run(project, start, end, "both"), {}).end(state, ())


def correct(project: Project, frame: int, id: int = 1) -> None:
    put(project, frame, id, square(10 + frame), corrected=True)


def spans(touched: Touched | None) -> list[tuple[int, int, int | None]]:
    """First and last frame of each way outward, and the corrected frame that ends it."""
    ways = () if touched is None else touched.ways
    return [(way.frames[0], way.frames[-1], way.until) for way in ways if not way.is_back]


def test_a_run_goes_outward_from_what_was_corrected_until_another_corrected_frame(project):
    assert find_touched(project, SETTINGS) is None, "nothing was corrected since"
    correct(project, 6)
    touched = find_touched(project, SETTINGS)
    assert spans(touched) == [(6, 1, 0), (6, LAST, None)]
    assert touched.extent == (1, LAST) and touched.frames_at_most == LAST - 1
    assert "frame 6" in touched.in_words and "at most" in touched.in_words
    correct(project, 8)
    assert spans(find_touched(project, SETTINGS)) == [(6, 1, 0), (6, 7, 8), (8, 7, 6), (8, LAST, None)]
    run(project, 0, LAST)
    assert find_touched(project, SETTINGS) is None
    correct(project, 8)
    assert find_touched(project, SETTINGS) is None, "the same mask again"
    put(project, 8, 1, square(1), corrected=True)
    assert find_touched(project, SETTINGS).frames == (8,)


@pytest.mark.parametrize("state", ["stopped", "failed"])
def test_a_run_that_did_not_come_to_its_end_has_taken_nothing_in(project, state):
    correct(project, 6)
    run(project, 0, LAST, state)
    assert find_touched(project, SETTINGS).frames == (6,)


def test_a_run_elsewhere_leaves_a_correction_to_be_run(project):
    correct(project, 9)
    run(project, 0, 4)
    assert find_touched(project, SETTINGS).frames == (9,)


@pytest.mark.parametrize(
    "settings",
    [replace(SETTINGS, range=Range.IN_OUT), replace(SETTINGS, range=Range.ONE_CLIP), RunSettings(exact=True)],
)
def test_a_range_that_was_chosen_is_drawn_whole(project, settings):
    correct(project, 6)
    assert find_touched(project, settings) is None


def test_an_object_that_was_never_drawn_is_drawn_everywhere(project):
    correct(project, 6, id=2)
    assert find_touched(project, SETTINGS) is None


def test_frames_on_which_nothing_is_known_are_drawn_in_the_direction_of_the_settings_alone(tmp_path):
    project = make_project(tmp_path / "other")
    put(project, 3, 1, corrected=True)
    run(project, 3, 8)
    for frame in range(4, 9):
        put(project, frame, 1)
    correct(project, 7)
    assert spans(find_touched(project, RunSettings(direction="forward")))[1] == (7, LAST, None)
    assert spans(find_touched(project, RunSettings(direction="backward")))[1] == (7, 8, None)
    project.close()


def test_a_frame_that_speaks_for_other_objects_ends_no_way(project):
    for frame in range(FRAMES):
        put(project, frame, 2, square(20))
    put(project, 3, 2, square(22), corrected=True)
    run(project, 0, LAST)
    correct(project, 6)
    assert spans(find_touched(project, SETTINGS)) == [(6, 1, 0), (6, LAST, None)]


def test_a_project_of_before_is_drawn_whole_once(project):
    project.keep(memory_read={})
    correct(project, 6)
    assert find_touched(project, SETTINGS) is None


def test_an_interrupted_one_goes_on_from_the_same_frames(project):
    correct(project, 6)
    touched = find_touched(project, SETTINGS)
    plan = plan_run(project, *touched.extent, "both", ways=touched.ways)
    recorded = RecordedRun(project, "run", plan, {"interval": 5})
    recorded.note_clip((7, 8), (7, 8))
    left = find(project)
    assert left.around == (6,) and list(left.finished) == [7, 8]
    assert touched_again(project, SETTINGS, left.around) == touched
    note(project, 99, left.finished, None)
    assert touched_again(project, SETTINGS, (5,)) is None, "it is in memory no more"


def test_what_is_there_is_of_the_objects_that_the_run_carries(project):
    put(project, 4, 2, square(20))
    there = ProjectMasks(project.snapshot(), frozenset({1}))
    assert set(there.labels(4).ravel().tolist()) == {0, 1} and there.small(4) == {}
    put(project, 5, 1)
    assert ProjectMasks(project.snapshot(), frozenset({2})).labels(5) is None
    there.close()
    assert Way(range(3, 5)).until is None


def test_objects_that_were_marked_since_are_those_with_corrections_that_no_run_has_read(project):
    assert marked_since(project) == set()
    put(project, 5, 1, square(20))
    assert marked_since(project) == set(), "a mask that another run drew is no correction"
    correct(project, 6)
    assert marked_since(project) == {1}
    put(project, 6, 1)
    assert marked_since(project) == set(), "undone"
    put(project, 2, 2, corrected=True)
    assert marked_since(project) == {2}
    run(project, 0, LAST)
    assert marked_since(project) == set()


def test_nobody_knows_what_was_marked_since_a_run_that_was_never_noted(tmp_path):
    made = make_project(tmp_path)
    put(made, 0, 1, corrected=True)
    put(made, 1, 1)
    assert marked_since(made) == set()
    made.close()
