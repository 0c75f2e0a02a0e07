"""Damaged projects: never shown as empty ones, never changed, and read as far as they can be."""

import random
import shutil
from pathlib import Path

import pytest
from project_files import FRAMES, as_killed, content, execute, footage, mask, painted, rows, setting

from core.errors import PCVOSError
from core.project.database import DamagedProject
from core.project.model import Cell, Change, ObjectInfo, RunInfo
from core.project.project import Project
from core.project.recovery import recover
from core.project.schema import PAGE_SIZE
from core.project.tracks import CORRECTED, IN_MEMORY

LIST = (ObjectInfo(9, "rabbit", (1, 2, 3), locked=True), ObjectInfo(2, "bird", (200, 0, 0), visible=False))
AREA = (960, 1280)
# Large ones that fill pages of their own, and small ones.
CELLS = {(f, 9): Cell(mask(f, AREA, noisy=True), confidence=f / (FRAMES - 1)) for f in range(FRAMES)}
CELLS |= {(frame, 2): painted(frame, size=AREA) for frame in range(FRAMES)}


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> Path:
    """A sound project."""
    folder = tmp_path_factory.mktemp("sound")
    with Project.new(footage(folder, size=AREA), folder / "clip.pcvos") as project:
        project.apply(Change("objects", objects=((), LIST)))
        for key, cell in CELLS.items():
            project.apply(setting({key: cell}))
        project.remember(frame=2)
        project.start_run(RunInfo("2026-01-01T10:00:00Z", 0, 9, "forward", {"interval": 5}, "done"))
    return project.path


@pytest.fixture
def path(sound, tmp_path) -> Path:
    """A copy of it, to be damaged."""
    return Path(shutil.copyfile(sound, tmp_path / "clip.pcvos"))


def refused_and_recovered(path):
    """Check that the damage is noticed and the file left alone; the report, and what is in the new project."""
    before = path.read_bytes()
    with pytest.raises(DamagedProject, match=r"clip\.pcvos is damaged"):
        Project.open(path)
    report = recover(path)
    assert path.read_bytes() == before
    assert report.source == path and report.path == path.with_name("clip-recovered.pcvos")
    left = {file.name for file in path.parent.iterdir() if not file.name.endswith(("-wal", "-shm"))}
    assert left == {"clip.pcvos", "clip-recovered.pcvos"}
    with Project.open(report.path) as project:
        assert project.warnings == []
        found = content(project)
        assert report.objects == len(found[0])
        assert report.cells == len(found[1])
        assert report.frames == len({frame for frame, _ in found[1]})
        assert project.footage == footage(project.footage.path.parent, size=AREA)
    assert found[1].items() <= CELLS.items(), "nothing is made up"
    assert str(report.path) in report.summary and str(report.cells) in report.summary
    return report, found


def overwrite(path, begin, data):
    with path.open("r+b") as file:
        file.seek(begin)
        file.write(data)


def pages_of(path):
    return path.stat().st_size // PAGE_SIZE


def root_page(path, table):
    return rows(path, f"SELECT rootpage FROM sqlite_master WHERE name = '{table}'")[0][0]


# --- the beginning


@pytest.mark.parametrize("length", [16, 100, PAGE_SIZE])
@pytest.mark.parametrize("fill", [b"\0", b"\xa5"])
def test_a_header_or_first_page_that_is_gone(path, length, fill):
    overwrite(path, 0, fill * length)
    report, found = refused_and_recovered(path)
    assert found == (LIST, dict(sorted(CELLS.items())))
    assert report.lost_cells == () and report.lost == ()
    with Project.open(report.path) as project:
        assert project.view.frame == 2
        assert project.runs()[0][1].settings == {"interval": 5}


@pytest.mark.parametrize("content", [b"", bytes(10), bytes(10 * PAGE_SIZE), b"no project\n" * 5000])
def test_nothing_to_be_read_makes_no_project(tmp_path, content):
    path = tmp_path / "clip.pcvos"
    path.write_bytes(content)
    with pytest.raises(DamagedProject):
        Project.open(path)
    with pytest.raises(PCVOSError, match=r"Nothing .*clip\.pcvos"):
        recover(path)
    assert [file.name for file in tmp_path.iterdir()] == ["clip.pcvos"]


# --- pages


@pytest.mark.parametrize("table", ["cells", "cell_flags", "objects", "meta", "settings", "runs"])
def test_the_root_of_a_table_that_is_gone(path, table):
    page = root_page(path, table)
    overwrite(path, (page - 1) * PAGE_SIZE, b"\xa5" * PAGE_SIZE)
    if table == "meta":
        with pytest.raises(DamagedProject):
            Project.open(path)
        report = recover(path)
        with Project.open(report.path) as project:
            assert content(project) == (LIST, dict(sorted(CELLS.items())))
            assert project.footage.size == AREA
        assert any("footage" in sentence for sentence in report.lost)
        shutil.copyfile(path, path.with_name("again.pcvos"))
        known = footage(path.parent, size=AREA)
        with Project.open(recover(path.with_name("again.pcvos"), known).path) as project:
            assert project.footage == known
        return
    report, (listed, cells) = refused_and_recovered(path)
    assert cells == CELLS
    assert report.lost_cells == ()
    if table == "objects":
        assert [info.id for info in listed] == [2, 9]
        assert len(report.lost) == 2
    else:
        assert listed == LIST


@pytest.mark.parametrize("seed", range(12))
def test_pages_that_are_overwritten_anywhere(path, seed):
    random_ = random.Random(seed)
    count = random_.choice([1, 1, 3, 8])
    for page in random_.sample(range(1, pages_of(path)), count):
        overwrite(path, page * PAGE_SIZE, random_.choice([bytes(PAGE_SIZE), random_.randbytes(PAGE_SIZE)]))
    try:
        with Project.open(path) as project:
            # Only the insides of masks were hit: those are named, and all else is there.
            _, cells = content(project)
            assert len(project.warnings) == len(CELLS) - len(cells) > 0
            assert cells.items() <= CELLS.items()
    except DamagedProject:
        report = recover(path)
        with Project.open(report.path) as project:
            _, cells = content(project)
        assert cells.items() <= CELLS.items()
        known = not any("Other masks" in sentence for sentence in report.lost)
        assert set(report.lost_cells) == CELLS.keys() - cells.keys() or not known
    # A page holds a part of one mask, or the beginnings of some.
    assert len(cells) >= len(CELLS) - 25 * count


@pytest.mark.parametrize("part", [0.9, 0.5, 0.25])
def test_a_file_that_was_cut_off(path, part):
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(int(size * part))
    _, (listed, cells) = refused_and_recovered(path)
    assert listed == LIST
    assert len(cells) > len(CELLS) * part * 0.4


# --- one mask


def test_one_damaged_mask_is_told_and_the_rest_opens(path):
    bad = bytearray(CELLS[14, 9].mask.to_bytes())
    bad[len(bad) // 2] ^= 0x10
    execute(path, f"UPDATE cells SET mask = x'{bad.hex()}' WHERE frame = 14 AND object = 9")
    others = {key: cell for key, cell in CELLS.items() if key != (14, 9)}
    with Project.open(path) as project:
        assert [w for w in project.warnings if "rabbit on frame 14 is damaged" in w] == project.warnings != []
        assert content(project) == (LIST, dict(sorted(others.items())))
        assert project.cell(14, 9) is None
        assert project.labels(14).any(), "the bird is there"
        assert project.states[14] == CORRECTED | IN_MEMORY, "only the bird is"
        project.apply(setting({(14, 9): CELLS[14, 9]}))
    with Project.open(path) as project:
        assert project.warnings == []
        assert project.cell(14, 9) == CELLS[14, 9]


def test_recovery_leaves_a_damaged_mask_out(path):
    execute(path, "UPDATE cells SET mask = x'00' WHERE frame = 14 AND object = 9")
    overwrite(path, 0, bytes(100))
    report, (_, cells) = refused_and_recovered(path)
    assert report.lost_cells == ((14, 9),)
    assert cells.keys() == CELLS.keys() - {(14, 9)}
    assert "1 mask is lost" in report.summary


# --- the log


def test_the_log_of_a_killed_process_counts(tmp_path):
    with Project.new(footage(tmp_path, size=AREA), tmp_path / "clip.pcvos") as project:
        project.apply(Change("objects", objects=((), LIST)))
        for key, cell in CELLS.items():
            project.apply(setting({key: cell}))
        project.apply(setting({(0, 2): None}))
        killed = as_killed(project.path, tmp_path / "killed" / "clip.pcvos")
    assert Path(f"{killed}-wal").stat().st_size > PAGE_SIZE
    overwrite(killed, 0, bytes(2 * PAGE_SIZE))
    log = Path(f"{killed}-wal").read_bytes()
    report = recover(killed)
    assert Path(f"{killed}-wal").read_bytes() == log
    with Project.open(report.path) as project:
        expected = {key: cell for key, cell in CELLS.items() if key != (0, 2)}
        assert content(project) == (LIST, dict(sorted(expected.items())))


# --- circumstances


def test_what_was_deleted_does_not_come_back(path):
    with Project.open(path) as project:
        project.apply(Change("delete", {key: (cell, None) for key, cell in CELLS.items() if key[1] == 9}))
    overwrite(path, (root_page(path, "cells") - 1) * PAGE_SIZE, bytes(PAGE_SIZE))
    _, (_, cells) = refused_and_recovered(path)
    assert cells == {key: cell for key, cell in CELLS.items() if key[1] == 2}


def test_recovering_twice_gives_two_files(path):
    overwrite(path, 0, bytes(100))
    assert recover(path).path.name == "clip-recovered.pcvos"
    assert recover(path).path.name == "clip-recovered-2.pcvos"


def test_a_project_that_is_open_is_not_recovered(path):
    with Project.open(path), pytest.raises(PCVOSError, match="another window"):
        recover(path)


def test_recovering_where_nothing_can_be_written(path, disk, user_data):
    overwrite(path, 0, bytes(100))
    place = Path(shutil.copyfile(path, disk.place / "clip.pcvos"))
    disk.remount("ro")
    with pytest.raises(DamagedProject):
        Project.open(place)
    report = recover(place)
    assert report.path.parent == user_data / "projects"
    assert report.cells == len(CELLS)


def test_a_sound_project_is_recovered_whole(path):
    report = recover(path)
    with Project.open(report.path) as project:
        assert content(project) == (LIST, dict(sorted(CELLS.items())))
    assert report.lost_cells == () == report.lost


def test_damage_of_a_large_file_is_met_when_it_is_read(path, monkeypatch):
    monkeypatch.setattr("core.project.database.EXAMINED_BYTES", 0)
    overwrite(path, (root_page(path, "cells") - 1) * PAGE_SIZE, b"\xa5" * PAGE_SIZE)
    with Project.open(path) as project:
        assert project.states.any()
        with pytest.raises(DamagedProject, match="recover"):
            project.labels(0)
