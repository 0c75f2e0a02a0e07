"""Soft masks in the project file: with their cells, undone with them, and never in the way of a mask."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from project_files import TO_VERSION_5, content, execute, footage, listing, painted, predicted, rows, setting

from core.masks.soft_mask import SoftMask
from core.project.model import Change
from core.project.project import Project
from core.project.recovery import recover
from core.project.schema import MIGRATIONS, PAGE_SIZE


def soft(seed: int) -> SoftMask:
    levels = np.random.default_rng(seed).integers(0, 256, (60, 80), np.uint8)  # more than a page
    return SoftMask.pack(levels, (0, 0, 240, 320))


def with_soft(frame: int):
    return replace(predicted(frame), soft=soft(frame))


CELLS = {(frame, 1): with_soft(frame) for frame in range(20)} | {(3, 2): painted(3), (4, 2): predicted(4)}


@pytest.fixture
def path(tmp_path) -> Path:
    """A closed project of cells with soft masks and without."""
    with Project.new(footage(tmp_path), tmp_path / "clip.pcvos") as project:
        project.apply(listing([1, 2]))
        project.apply(setting(CELLS))
    return project.path


def test_they_are_there_again_with_their_cells(path):
    with Project.open(path) as project:
        assert content(project)[1] == CELLS
        assert project.cell(7, 1).soft == soft(7)
        assert project.cells(3)[2].soft is None


def test_they_go_with_their_cells_and_come_back(path):
    corrected = replace(painted(50), soft=soft(5))
    change = Change("change", {(5, 1): (CELLS[5, 1], corrected), (6, 1): (CELLS[6, 1], None)})
    change.cells[7, 1] = (CELLS[7, 1], replace(CELLS[7, 1], soft=None))
    with Project.open(path) as project:
        project.apply(change)
        assert project.cell(5, 1) == corrected and project.cell(7, 1) == replace(CELLS[7, 1], soft=None)
    assert rows(path, "SELECT count(*) FROM soft_masks") == [(18,)]
    with Project.open(path) as project:
        project.apply(change.inverted())
    with Project.open(path) as project:
        assert content(project)[1] == CELLS


def test_they_wait_with_their_cells_while_nothing_can_be_written(path, tmp_path):
    with Project.open(path) as project:
        moved = path.rename(tmp_path / "moved.pcvos")
        project.apply(setting({(30, 1): with_soft(30)}))
        assert project.unsaved == 1 and project.cell(30, 1).soft == soft(30)
        moved.rename(path)
        assert project.retry_save()
    with Project.open(path) as project:
        assert project.cell(30, 1) == with_soft(30)


OLDER = (
    *TO_VERSION_5,
    "DROP TABLE soft_masks",
    "DROP TABLE earlier_cells",
    "ALTER TABLE objects DROP COLUMN class",
    "DROP INDEX absent_cells",
    "DROP TABLE done",
)
"""Statements that take a project's tables back to those of version 1."""


def test_a_project_of_version_1_is_brought_up_to_date(path):
    execute(path, *OLDER, "PRAGMA user_version = 1")
    with Project.open(path) as project:
        assert content(project)[1] == {key: replace(cell, soft=None) for key, cell in CELLS.items()}
        project.apply(setting({(8, 1): CELLS[8, 1]}))
    assert rows(path, "PRAGMA user_version") == [(len(MIGRATIONS),)]
    with Project.open(path) as project:
        assert project.cell(8, 1) == CELLS[8, 1] and project.cell(9, 1) == replace(CELLS[9, 1], soft=None)


def test_a_project_of_version_1_is_recovered(path):
    execute(path, *OLDER, "PRAGMA user_version = 1")
    _overwrite(path, 1)
    with Project.open(recover(path).path) as project:
        assert content(project)[1] == {key: replace(cell, soft=None) for key, cell in CELLS.items()}


def test_a_damaged_one_leaves_the_mask(path):
    execute(path, "UPDATE soft_masks SET data = x'00' WHERE id = 7 * 256 + 1")
    with Project.open(path) as project:
        assert project.warnings == []
        assert project.cell(7, 1) == replace(CELLS[7, 1], soft=None)


def test_a_damaged_table_leaves_the_masks_of_a_large_project(path, monkeypatch):
    monkeypatch.setattr("core.project.database.EXAMINED_BYTES", 0)
    _overwrite(path, _root(path))
    with Project.open(path) as project:
        assert content(project)[1] == {key: replace(cell, soft=None) for key, cell in CELLS.items()}


@pytest.mark.parametrize("place", ["first page", "root of soft_masks", "nowhere"])
def test_recovery_brings_them_back(path, place):
    pages = {"first page": 1, "root of soft_masks": _root(path)}
    if place in pages:
        _overwrite(path, pages[place])
    with Project.open(recover(path).path) as project:
        assert content(project)[1] == CELLS


def test_recovery_takes_masks_without_them_where_their_pages_are_gone(path):
    before = Path(shutil.copyfile(path, path.with_name("whole.pcvos"))).read_bytes()
    begin = before.index(CELLS[7, 1].soft.data[1000:1100])
    _overwrite(path, begin // PAGE_SIZE + 1)
    with Project.open(recover(path).path) as project:
        found = content(project)[1]
    assert found.keys() == CELLS.keys()
    assert all(found[key] in (cell, replace(cell, soft=None)) for key, cell in CELLS.items())
    assert found[7, 1].soft is None and sum(cell.soft is not None for cell in found.values()) >= 15


def _root(path: Path, table: str = "soft_masks") -> int:
    return rows(path, f"SELECT rootpage FROM sqlite_master WHERE name = '{table}'")[0][0]


def _overwrite(path: Path, page: int) -> None:
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE_SIZE)
        file.write(b"\xa5" * PAGE_SIZE)
