"""Edits of a person in a project, without a window."""

import numpy as np
import pytest
from studio_projects import SIZE, make_project, put, square

from core.studio import edits


@pytest.fixture
def project(tmp_path):
    """Objects 1 and 2, the latter locked, both predicted on frames 0 and 1; 1 is corrected on frame 1."""
    with make_project(tmp_path, 2) as project:
        for frame in (0, 1):
            put(project, frame, 1, corrected=frame == 1)
            put(project, frame, 2)
        yield project


def test_computing_changes_nothing(project):
    before = dict(project.cells_in(0, 1))
    edits.clear(project, "clear", 0, 1)
    edits.delete_object(project, "delete", 1)
    edits.merge_objects(project, "merge", 1, 2)
    edits.accept(project, "accept", 0)
    edits.replace_mask(project, "mask", 0, 1, np.ones(SIZE, bool))
    assert dict(project.cells_in(0, 1)) == before and len(project.objects) == 2


def test_accepting_and_clearing_spare_what_is_locked(project):
    accepted = edits.accept(project, "accept", 0)
    assert accepted.text == "accept" and set(accepted.cells) == {(0, 1)}
    assert accepted.cells[0, 1][1].corrected and accepted.cells[0, 1][1].in_memory
    assert not edits.accept(project, "accept", 1).cells, "it is in memory already"
    assert set(edits.clear(project, "clear", 0, 1).cells) == {(0, 1)}, "corrections stay"
    assert set(edits.clear(project, "clear", 0, 1, corrections=True).cells) == {(0, 1), (1, 1)}
    assert not edits.clear(project, "clear", 0, 1, (2,), corrections=True).cells


def test_memory_is_left_and_entered_with_the_mask_as_it_is(project):
    change = edits.set_in_memory(project, "out", 1, (1, 2), in_memory=False)
    assert set(change.cells) == {(1, 1)}, "the other one is not in memory"
    before, after = change.cells[1, 1]
    assert after.corrected and not after.in_memory and after.mask == before.mask


def test_a_mask_keeps_off_locked_pixels(project):
    locked = edits.locked_pixels(project, project.labels(0), 0)
    assert locked.sum() == (project.labels(0) == 2).sum() > 0
    change = edits.replace_mask(project, "mask", 0, 1, np.ones(SIZE, bool))
    assert set(change.cells) == {(0, 1)}
    np.testing.assert_array_equal(change.cells[0, 1][1].mask.unpack(), ~locked)


def test_an_object_leaves_with_its_masks_or_gives_them_away(project):
    gone = edits.delete_object(project, "delete", 1)
    assert {key: cells[1] for key, cells in gone.cells.items()} == {(0, 1): None, (1, 1): None}
    assert [o.id for o in gone.objects[1]] == [2]
    merged = edits.merge_objects(project, "merge", 1, 2)
    united = merged.cells[1, 2][1]
    np.testing.assert_array_equal(united.mask.unpack(), square(4).unpack() | square(8).unpack())
    assert united.corrected and merged.cells[1, 1][1] is None and [o.id for o in merged.objects[1]] == [2]
