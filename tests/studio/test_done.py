"""Frames that are done: runs, edits and imports leave them alone until they are opened again; counts, and undo."""

import pytest
from studio_projects import FRAMES, make_project, put, square

from core.errors import PCVOSError
from core.project.model import DoneStretch
from core.project.project import Project
from core.studio import edits
from core.studio.done import done_share, not_done_in_words, set_done
from core.studio.runs import NothingToDraw, Predicted, RunResults, plan_run


@pytest.fixture
def project(tmp_path):
    made = make_project(tmp_path)
    for frame in range(6):
        put(made, frame, 1, corrected=frame == 0)
    put(made, 0, 2, corrected=True)
    yield made
    made.close()


def declare(project: Project, first: int, last: int, *ids: int, is_done: bool = True):
    change = set_done(project, "done", ids, first, last, is_done)
    project.apply(change)
    return change


def test_stretches_join_part_and_are_undone(project):
    declare(project, 2, 4, 1)
    change = declare(project, 5, 8, 1, 2)
    assert project.done == (DoneStretch(1, 2, 8), DoneStretch(2, 5, 8))
    declare(project, 4, 5, 1, is_done=False)
    assert project.done == (DoneStretch(1, 2, 3), DoneStretch(1, 6, 8), DoneStretch(2, 5, 8))
    project.apply(set_done(project, "open", (1, 2), 0, FRAMES - 1, False))
    assert project.done == () and set_done(project, "open", (1,), 0, 3, False).done is None
    project.apply(change)
    project.apply(change.inverted())
    assert project.done == (DoneStretch(1, 2, 4),)


def test_what_is_done_is_there_when_the_project_is_opened_again(project):
    declare(project, 0, FRAMES - 1, 2)
    path = project.path
    project.close()
    with Project.open(path) as again:
        assert again.done == (DoneStretch(2, 0, FRAMES - 1),) and again.done_on(3) == {2}
        copy = again.snapshot()
        assert copy.done == again.done
        copy.close()


def test_edits_leave_what_is_done(project):
    declare(project, 2, 3, 1)
    before = project.cell(3, 1)
    project.apply(edits.clear(project, "clear", 0, FRAMES - 1))
    assert project.frames_of(1).tolist() == [0, 2, 3]
    assert not edits.accept(project, "accept", 3).cells
    assert edits.locked_pixels(project, project.labels(3), 3).sum() == 64
    with pytest.raises(PCVOSError, match="Object 1 is done on frame 3: open it again"):
        project.apply(edits.replace_mask(project, "mask", 3, 1, square(20).unpack()))
    painted = edits.replace_mask(project, "mask", 3, 2, square(4, 12).unpack())
    project.apply(painted)
    assert project.cell(3, 1) == before and project.cell(3, 2).mask == square(12, 4), "its pixels are not taken"
    declare(project, 3, 3, 1, is_done=False)
    project.apply(edits.replace_mask(project, "mask", 3, 1, square(20).unpack()))
    assert project.cell(3, 1).mask == square(20)


def test_deleting_an_object_and_undoing_it_brings_back_what_was_done(project):
    declare(project, 2, 3, 1)
    change = edits.delete_object(project, "delete", 1)
    project.apply(change)
    assert project.done == ()
    project.apply(change.inverted())
    assert project.done == (DoneStretch(1, 2, 3),) and len(project.frames_of(1)) == 6


def test_a_run_leaves_what_is_done_and_its_pixels(project):
    declare(project, 2, 3, 1)
    plan = plan_run(project, 0, 5, "forward")
    assert plan.objects == {1, 2} and sorted(plan.keep) == [2, 3]
    results = RunResults(project, plan.objects, "run")
    declare(project, 4, 4, 1)  # while it goes on
    found = {(frame, 1): Predicted(square(20), 0.9) for frame in (3, 4, 5)}
    found |= {(4, 2): Predicted(square(4, 12), 0.9)}
    change = results.change(found)
    project.apply(change)
    assert sorted(change.cells) == [(4, 2), (5, 1)]
    assert project.cell(4, 2).mask == square(12, 4)


def test_where_all_is_done_there_is_nothing_to_draw(project):
    declare(project, 0, FRAMES - 1, 1, 2)
    with pytest.raises(NothingToDraw, match="or are done there"):
        plan_run(project, 0, 5, "both")


def test_how_much_is_done_and_what_is_not(project):
    assert done_share(project).percent == 0 and not_done_in_words(project, None, 0, 5) == "", "nobody hands over"
    declare(project, 0, 5, 1)
    assert (done_share(project).done, done_share(project).total) == (6, 2 * FRAMES)
    assert done_share(project, (1,), 0, 5).percent == 100
    not_done = "Not done yet: Object 1 on 2 frames (6 to 7); Object 2 on all of these frames."
    assert not_done_in_words(project, None, 4, 7) == not_done
    assert not_done_in_words(project, (2,), 0, FRAMES - 1) == "Not done yet: Object 2 on all frames."
    assert not_done_in_words(project, (1,), 0, 5) == ""
    declare(project, 6, FRAMES - 1, 1)
    assert done_share(project, (1,)).percent == 100
