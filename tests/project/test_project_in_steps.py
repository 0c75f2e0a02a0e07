"""Large changes are written piece by piece, in one transaction; and a project is read on another thread meanwhile."""

import threading

import pytest
from project_files import FRAMES, content, footage, listing, mask, objects, painted, setting
from test_project_survives import fill

from core.errors import PCVOSError
from core.project.model import Cell, Change
from core.project.project import Project

IDS = (1, 2, 3)
PIECES = 3  # steps at least, of so many cells


def large(first: int = 0) -> Change:
    """A mask for every frame and object."""
    return setting({(frame, id): painted(first + frame + id) for frame in range(FRAMES) for id in IDS})


def cells(change: Change) -> dict:
    return {key: after for key, (_, after) in sorted(change.cells.items())}


def on_disk(project: Project) -> tuple:
    with Project.open(project.path, to_write=False) as seen:
        return content(seen)


def test_reading_finds_it_at_once_others_when_all_of_it_is_there(project):
    project.apply(listing(IDS))
    before, told = on_disk(project), []
    project.subscribe(told.append)
    project.apply(large(), in_steps=True)
    assert project.is_saving and content(project) == (objects(*IDS), cells(large())) and told == [large()]
    steps = 0
    while project.is_saving:
        assert on_disk(project) == before, "nothing of it, or all"
        project.save_more()
        steps += 1
    assert steps >= PIECES
    assert on_disk(project) == content(project) and not project.unsaved


def test_what_is_written_next_comes_after_it(project):
    project.apply(listing(IDS))
    project.apply(large(), in_steps=True)
    project.save_more()
    project.apply(setting({(5, 2): None, (6, 1): painted(99)}))
    assert not project.is_saving
    expected = cells(large()) | {(6, 1): painted(99)}
    del expected[5, 2]
    assert on_disk(project) == content(project) == (objects(*IDS), expected)
    project.apply(large(7), in_steps=True)
    project.save_more()
    project.close()
    with Project.open(project.path) as again:
        assert content(again) == (objects(*IDS), cells(large(7))), "closing waits for it"


def test_the_first_change_of_all_can_be_large(project):
    project.apply(large(), in_steps=True)
    project.finish_saving()
    assert project.exists and on_disk(project)[1] == cells(large())


def test_a_disk_that_is_full_when_half_is_written(disk):
    project = Project.new(footage(disk.place), disk.place / "clip.pcvos")
    project.apply(listing(IDS))
    before = content(project)
    change = setting({(f, id): Cell(mask(f * id, noisy=True)) for f in range(FRAMES) for id in IDS})
    project.apply(change, in_steps=True)
    project.save_more()
    filler = fill(disk)
    project.finish_saving()
    assert project.unsaved == 1 and "disk is full" in project.save_error
    assert content(project)[1] == cells(change) and on_disk(project) == before
    filler.unlink()
    assert project.retry_save()
    project.close()
    with Project.open(project.path) as again:
        assert content(again)[1] == cells(change)


def test_a_snapshot_is_read_on_another_thread(project):
    project.apply(listing(IDS))
    project.apply(large())
    project.apply(large(3), in_steps=True)
    project.save_more()
    snapshot, found = project.snapshot(), []
    project.apply(listing([1]))
    reader = threading.Thread(target=lambda: found.append(content(snapshot)))
    reader.start()
    reader.join()
    assert found == [(objects(*IDS), cells(large(3)))], "also what is not in the file yet"
    with pytest.raises(PCVOSError):
        snapshot.apply(large())
    snapshot.close()
    assert content(project)[0] == objects(1)


def test_a_snapshot_of_a_project_without_a_file(project):
    with project.snapshot() as snapshot:
        assert content(snapshot) == ((), {}) and not snapshot.exists
    assert not project.exists
