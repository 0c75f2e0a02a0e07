"""Opening: one writer, folders that cannot be written, other versions, and files that are no project."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from project_files import as_killed, content, execute, footage, listing, objects, painted, rows, setting

from core.errors import PCVOSError
from core.project import schema
from core.project.database import DamagedProject
from core.project.model import RunInfo
from core.project.project import Project


@pytest.fixture
def path(tmp_path) -> Path:
    """A closed project with one cell."""
    with Project.new(footage(tmp_path), tmp_path / "clip.pcvos") as project:
        project.apply(listing([1]))
        project.apply(setting({(0, 1): painted(1)}))
    return project.path


# --- one writer


def test_looking_keeps_nobody_from_writing(path):
    with Project.open(path, to_write=False) as looks:
        assert looks.read_only and not looks.warnings
        with pytest.raises(PCVOSError, match="only to be read"):
            looks.apply(setting({(1, 1): painted(2)}))
        with Project.open(path) as writes:
            assert not writes.read_only
            run = writes.start_run(RunInfo("2026-01-01T10:00:00Z", 0, 9, "forward", {}))
            writes.apply(setting({(1, 1): painted(2)}))
            looks.refresh()
            assert content(looks) == content(writes)
            assert dict(looks.runs())[run].state == "running", "it may well be"
        assert looks.cell(1, 1) == painted(2)


def test_a_second_window_only_looks(path):
    first = Project.open(path)
    second = Project.open(path)
    assert not first.read_only and second.read_only
    assert "another window" in second.warnings[0]
    assert content(second) == content(first)
    for refused in (
        lambda: second.apply(setting({(1, 1): painted(2)})),
        lambda: second.remember(frame=1),
        lambda: second.set_index_cache(b""),
        lambda: second.start_run(RunInfo("", 0, 1, "forward", {})),
    ):
        with pytest.raises(PCVOSError, match="another window"):
            refused()
    first.apply(setting({(1, 1): painted(2)}))
    first.start_run(RunInfo("2026-01-01T10:00:00Z", 0, 9, "forward", {}))
    second.refresh()
    assert content(second) == content(first)
    assert second.states[1]
    assert second.runs()[0][1].state == "running", "it runs in the other window"
    assert len(second.warnings) == 1
    second.close()
    first.apply(setting({(2, 1): painted(3)}))
    first.close()
    with Project.open(path) as third:
        assert not third.read_only
        assert third.cell(2, 1) == painted(3)


def test_the_first_window_closes_first(path):
    first, second = Project.open(path), Project.open(path)
    first.close()
    assert second.read_only and second.cell(0, 1) == painted(1)
    second.close()
    with Project.open(path) as third:
        assert not third.read_only and third.cell(0, 1) == painted(1)


def test_a_second_process_only_looks(path):
    code = "import sys; from core.project.project import Project; print(Project.open(sys.argv[1]).read_only)"
    command = [sys.executable, "-c", code, str(path)]
    root = Path(__file__).resolve().parents[2]
    seen = []
    with Project.open(path):
        seen.append(subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout.strip())
    seen.append(subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout.strip())
    assert seen == ["True", "False"]


def test_a_link_is_the_same_project(path, tmp_path):
    (tmp_path / "link.pcvos").symlink_to(path)
    with Project.open(path), Project.open(tmp_path / "link.pcvos") as second:
        assert second.read_only


def test_two_windows_that_begin_a_project_under_one_name(tmp_path):
    first = Project.new(footage(tmp_path), tmp_path / "clip.pcvos")
    second = Project.new(footage(tmp_path), tmp_path / "clip.pcvos")
    first.apply(setting({(0, 1): painted(1)}))
    second.apply(setting({(0, 1): painted(2)}))
    assert second.path == tmp_path / "clip-2.pcvos"
    assert "clip-2.pcvos" in second.warnings[0]
    first.close()
    second.close()
    for path, seed in ((first.path, 1), (second.path, 2)):
        with Project.open(path) as project:
            assert project.cell(0, 1) == painted(seed)


# --- places that cannot be written


def test_a_folder_that_cannot_be_written(path, monkeypatch):
    access = os.access
    monkeypatch.setattr(os, "access", lambda place, mode: access(place, mode) and not mode & os.W_OK)
    with Project.open(path) as project:
        assert project.read_only
        assert "cannot be written" in project.warnings[0]
        assert project.cell(0, 1) == painted(1)
        with pytest.raises(PCVOSError, match="cannot be written"):
            project.apply(setting({(1, 1): painted(2)}))


@pytest.mark.parametrize("killed", [False, True])
def test_a_disk_that_cannot_be_written(path, tmp_path, disk, killed):
    place = disk.place / "clip.pcvos"
    if killed:
        with Project.open(path) as project:
            project.apply(setting({(1, 1): painted(2)}))
            as_killed(path, place)
        assert Path(f"{place}-wal").stat().st_size
    else:
        as_killed(path, place)
    before = {file.name: file.read_bytes() for file in disk.place.iterdir()}
    disk.remount("ro")
    with Project.open(place) as project:
        assert project.read_only
        assert content(project)[1] == {(0, 1): painted(1)} | ({(1, 1): painted(2)} if killed else {})
    assert {file.name: file.read_bytes() for file in disk.place.iterdir()} == before
    disk.remount("rw")
    with Project.open(place) as project:
        assert not project.read_only


def test_a_new_project_where_nothing_can_be_written(disk, user_data):
    disk.remount("ro")
    with Project.new(footage(disk.place), disk.place / "clip.pcvos") as project:
        project.apply(setting({(0, 1): painted(1)}))
        assert project.unsaved == 0
        assert project.path.parent == user_data / "projects"
        assert str(project.path) in project.warnings[0]
    with Project.open(project.path) as again:
        assert again.cell(0, 1) == painted(1)


# --- versions


def test_a_newer_version_is_refused_as_it_is(path):
    execute(path, "PRAGMA user_version = 99")
    before = path.read_bytes()
    with pytest.raises(PCVOSError, match=r"newer PCVOS Studio.*99.*update") as caught:
        Project.open(path)
    assert not isinstance(caught.value, DamagedProject)
    assert path.read_bytes() == before


NEXT = ("ALTER TABLE objects ADD COLUMN note TEXT NOT NULL DEFAULT 'none'", "UPDATE meta SET value = value")


def test_an_older_version_is_brought_up_to_date(path, monkeypatch):
    old = len(schema.MIGRATIONS)
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, NEXT))
    with Project.open(path) as project:
        assert content(project) == (objects(1), {(0, 1): painted(1)})
    assert rows(path, "PRAGMA user_version") == [(old + 1,)]
    assert rows(path, "SELECT note FROM objects") == [("none",)]
    with Project.open(path) as project:
        assert content(project) == (objects(1), {(0, 1): painted(1)})


def test_a_step_that_fails_leaves_the_file_as_it_was(path, monkeypatch):
    tables = rows(path, "SELECT name, sql FROM sqlite_master")
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, NEXT, ("UPDATE nowhere SET a = 1",)))
    with pytest.raises(PCVOSError):
        Project.open(path)
    monkeypatch.undo()
    assert rows(path, "SELECT name, sql FROM sqlite_master") == tables
    with Project.open(path) as project:
        assert not project.read_only
        assert content(project) == (objects(1), {(0, 1): painted(1)})


def test_an_older_version_that_cannot_be_written(path, monkeypatch):
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, NEXT))
    monkeypatch.setattr(os, "access", lambda *_: False)
    before = path.read_bytes()
    for how in ({}, {"to_write": False}):
        with Project.open(path, **how) as project, project.snapshot() as snapshot:
            assert project.read_only
            assert content(project) == content(snapshot) == (objects(1), {(0, 1): painted(1)})
    assert path.read_bytes() == before, "a copy is brought up to date"


def test_steps_lead_from_nothing_to_a_project(tmp_path):
    with closing(sqlite3.connect(tmp_path / "new", isolation_level=None)) as connection:
        schema.migrate(connection)
        schema.migrate(connection)
        assert schema.version(connection) == len(schema.MIGRATIONS)
        assert connection.execute("PRAGMA application_id").fetchone() == (schema.APPLICATION_ID,)


# --- no project


def test_no_such_project(tmp_path):
    with pytest.raises(PCVOSError, match=r"no project .*none\.pcvos"):
        Project.open(tmp_path / "none.pcvos")
    with pytest.raises(PCVOSError, match="folder"):
        Project.open(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_another_programs_database(tmp_path):
    execute(tmp_path / "other.pcvos", "CREATE TABLE t (x)")
    with pytest.raises(PCVOSError, match="another program") as caught:
        Project.open(tmp_path / "other.pcvos")
    assert not isinstance(caught.value, DamagedProject)


@pytest.mark.parametrize("text", [b"", b"a text\n" * 1000])
def test_a_file_that_is_no_database(tmp_path, text):
    (tmp_path / "letter.txt").write_bytes(text)
    with pytest.raises(PCVOSError, match=r"letter\.txt is not a PCVOS Studio project") as caught:
        Project.open(tmp_path / "letter.txt")
    assert not isinstance(caught.value, DamagedProject)
    (tmp_path / "letter.pcvos").write_bytes(text)
    with pytest.raises(DamagedProject, match=r"letter\.pcvos"):
        Project.open(tmp_path / "letter.pcvos")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER surprise AFTER INSERT ON cells BEGIN DELETE FROM objects; END",
        "CREATE VIEW surprise AS SELECT * FROM cells",
    ],
)
def test_what_no_project_holds_is_not_opened(path, statement):
    execute(path, statement)
    with pytest.raises(PCVOSError, match="surprise"):
        Project.open(path)


def test_a_mask_of_another_size_is_left_out(path):
    with Project.open(path) as project:
        project.apply(setting({(1, 1): painted(2)}))
    other = painted(1, size=(10, 10)).mask.to_bytes().hex()
    execute(path, f"UPDATE cells SET mask = x'{other}' WHERE frame = 0")
    with Project.open(path) as project:
        assert content(project)[1] == {(1, 1): painted(2)}
        assert "object 1 on frame 0 is damaged" in project.warnings[0]
