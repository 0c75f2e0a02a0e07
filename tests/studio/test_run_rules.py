"""The rules of a run of a project, what it reads and may change, without a network and without a window."""

from dataclasses import replace

import pytest
from studio_projects import FRAMES, make_project, put, square

from core.project.model import Author, Change
from core.project.project import Project
from core.studio.runs import NothingToDraw, Predicted, RunResults, plan_run

END = FRAMES - 1


@pytest.fixture
def make(tmp_path):
    opened = []

    def make(*locked: int) -> Project:
        opened.append(make_project(tmp_path, *locked))
        return opened[-1]

    yield make
    for project in opened:
        project.close()


def lock(project: Project, *ids: int) -> None:
    infos = tuple(replace(info, locked=info.id in ids) for info in project.objects)
    project.apply(Change("lock", objects=(project.objects, infos)))


def draw(project: Project, results: RunResults, *keys: tuple[int, int], provisional: bool = False) -> set:
    """Apply a clip that has found each of these cells in the same place; the cells that it changed."""
    change = results.change({key: Predicted(square(20), 0.9) for key in keys}, provisional)
    assert change.made_by is Author.RUN
    project.apply(change)
    return set(change.cells)


# --- locks


def test_a_locked_object_is_drawn_where_nothing_is_known_of_it(make):
    project = make(1)
    put(project, 0, 1, corrected=True)
    put(project, 3, 1)
    plan = plan_run(project, 0, END, "forward")
    assert plan.objects == {1} and set(plan.keep) == {0, 3}
    results = RunResults(project, plan.objects, "run")
    assert draw(project, results, *((frame, 1) for frame in range(FRAMES))) == {(f, 1) for f in range(FRAMES)} - {
        (0, 1),
        (3, 1),
    }
    assert project.cell(3, 1).mask == square(4), "what was known stays"


@pytest.mark.parametrize(
    ("direction", "marked", "known", "carried"),
    [
        ("forward", 5, range(5, FRAMES), False),  # before frame 5 it does not exist
        ("forward", 5, range(6, END), True),
        ("backward", 5, range(0, 6), False),
        ("backward", 5, range(1, 6), True),
        ("both", 5, range(0, FRAMES), False),
        ("both", 5, range(5, FRAMES), True),
    ],
)
def test_a_locked_object_takes_part_only_where_the_run_may_draw_it(make, direction, marked, known, carried):
    project = make(1)
    put(project, 0, 2, corrected=True)
    for frame in known:
        put(project, frame, 1)
    put(project, marked, 1, corrected=True)
    assert plan_run(project, 0, END, direction).objects == ({1, 2} if carried else {2})


def test_nothing_to_draw_is_told_apart(make):
    project = make(1)
    with pytest.raises(NothingToDraw, match="Mark an object first"):
        plan_run(project, 0, END, "forward")
    for frame in range(FRAMES):
        put(project, frame, 1, corrected=frame == 0)
    with pytest.raises(NothingToDraw, match=r"locked.*unlock"):
        plan_run(project, 0, END, "forward")


def test_the_pass_that_counts_draws_a_locked_object_and_only_once(make):
    project = make(1)
    put(project, 4, 1, corrected=True)
    put(project, 4, 2, corrected=True)
    results = RunResults(project, plan_run(project, 0, END, "both").objects, "run")
    assert draw(project, results, (2, 1), (2, 2), provisional=True) == {(2, 2)}
    assert draw(project, results, (2, 1), (2, 2)) == {(2, 1), (2, 2)}
    assert draw(project, results, (2, 1), (2, 2)) == {(2, 2)}


def test_an_object_that_is_locked_meanwhile_keeps_what_it_has_and_its_pixels(make):
    project = make()
    put(project, 0, 1, corrected=True)
    put(project, 0, 2, corrected=True)
    put(project, 3, 2, square(16))
    results = RunResults(project, {1, 2}, "run")
    lock(project, 2)
    assert draw(project, results, (3, 1), (3, 2), (4, 2)) == {(3, 1), (4, 2)}
    assert project.cell(3, 1).mask == square(24, 4), "the pixels of object 2 are spared"


def test_corrections_and_deleted_objects_are_left_alone(make):
    project = make()
    put(project, 0, 1, corrected=True)
    results = RunResults(project, {1, 2}, "run")
    put(project, 5, 1, corrected=True)  # during the run
    put(project, 6, 1, corrected=True)
    cell = project.cell(6, 1)
    project.apply(Change("out of memory", {(6, 1): (cell, replace(cell, in_memory=False))}))
    both = project.objects
    project.apply(Change("delete", objects=(both, both[:1])))
    results.forget_deleted()
    project.apply(Change("another", objects=(both[:1], both)))
    assert draw(project, results, (5, 1), (6, 1), (7, 1), (7, 2)) == {(7, 1)}
