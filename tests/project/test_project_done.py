"""Stretches that are done, and absent cells, in the file: of the version before, damaged, recovered."""

import pytest
from project_files import TO_VERSION_5, content, execute, listing, mask, objects, painted, predicted, rows, setting

from core.masks.packed_mask import PackedMask
from core.project import schema
from core.project.database import DamagedProject
from core.project.model import Cell, Change, DoneStretch
from core.project.project import Project
from core.project.recovery import recover
from core.project.tracks import ABSENT, PREDICTED

CELLS = {(0, 1): painted(1), (1, 1): predicted(2), (2, 1): Cell(PackedMask.empty(mask(1).size), confidence=0.5)}
DONE = (DoneStretch(1, 3, 9), DoneStretch(2, 0, 59))


@pytest.fixture
def path(project):
    project.apply(listing((1, 2)))
    project.apply(setting(CELLS))
    project.apply(Change("done", done=((), DONE)))
    project.close()
    return project.path


def test_a_project_of_version_4_is_brought_up_to_date_and_loses_nothing(path):
    execute(path, *TO_VERSION_5, "DROP TABLE done", "DROP INDEX absent_cells", "PRAGMA user_version = 4")
    with Project.open(path, to_write=False) as project:  # as it is
        assert content(project) == (objects(1, 2), CELLS) and project.done == ()
        assert project.flags_of(1)[:3].tolist()[1:] == [PREDICTED, PREDICTED | ABSENT]
    assert rows(path, "PRAGMA user_version") == [(4,)]
    with Project.open(path) as project:
        assert content(project) == (objects(1, 2), CELLS) and project.done == ()
        assert project.flags_of(1)[:3].tolist()[1:] == [PREDICTED, PREDICTED | ABSENT]
        assert project.states[2] == PREDICTED, "of any object: none of them is absent"
    assert rows(path, "PRAGMA user_version") == [(len(schema.MIGRATIONS),)]


def test_it_is_recovered(path):
    with path.open("r+b") as file:
        file.write(b"\xa5" * schema.PAGE_SIZE)
    with Project.open(recover(path).path) as project:
        assert content(project) == (objects(1, 2), CELLS) and project.done == DONE


def test_a_stretch_that_cannot_be_is_damage(path):
    execute(path, "UPDATE done SET last = 'x' WHERE object = 1")
    with pytest.raises(DamagedProject, match="what is done in it"):
        Project.open(path)
    with Project.open(recover(path).path) as project:
        assert project.done == DONE[1:]
