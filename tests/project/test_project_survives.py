"""Work of a person outlives a killed process, a full disk and a disk that is taken away."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from apply_until_killed import change_of
from project_files import FRAMES, content, footage, listing, objects, painted, predicted, setting

from core.errors import PCVOSError, ResourceError
from core.project import store
from core.project.model import RunInfo
from core.project.project import Project
from core.project.recovery import recover

ROOT = Path(__file__).resolve().parents[2]


# --- killed


def apply_until_killed(folder: Path, begin: int, seconds: float) -> int:
    """The number of the last change that returned before SIGKILL; -1: none did."""
    command = [sys.executable, str(Path(__file__).with_name("apply_until_killed.py")), str(folder), str(begin)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with (folder / "printed").open("w") as out:
        process = subprocess.Popen(command, stdout=out, env=environment)
        printed = folder / "printed"
        while not printed.stat().st_size and process.poll() is None:
            time.sleep(0.005)
        time.sleep(seconds)
        process.kill()
        process.wait()
    assert process.returncode == -signal.SIGKILL
    lines = (folder / "printed").read_text().split("\n")
    return int(lines[-2]) if len(lines) > 1 else -1


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_killed_at_any_moment_every_change_that_returned_is_there(tmp_path):
    moments = random.Random(0)
    done = -1
    for _ in range(4):
        done = max(done, apply_until_killed(tmp_path, done + 1, moments.uniform(0, 0.5)))
        assert done >= 0
        with Project.open(tmp_path / "clip.pcvos") as project:
            assert not project.read_only, "the lock died with its process"
            assert project.warnings == []
            found = content(project)
        # The change after the last that was printed may have got in, too, as a whole.
        assert found in [model(done), model(done + 1)]
        done += found != model(done)
    assert done > 20
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"clip.pcvos", "printed"}


def model(last: int) -> tuple:
    cells = {}
    for number in range(last + 1):
        cells |= {key: after for key, (_, after) in change_of(number).cells.items()}
    return objects(1, 2), dict(sorted(cells.items()))


def test_killed_while_the_file_is_made(tmp_path):
    (tmp_path / "clip.pcvos-new").write_bytes(b"half a file")
    with Project.new(footage(tmp_path), tmp_path / "clip.pcvos") as project:
        project.apply(listing([1]))
        assert project.unsaved == 0
    assert [path.name for path in tmp_path.iterdir()] == ["clip.pcvos"]


def test_the_log_of_a_deleted_project_is_not_taken_for_the_new_ones(tmp_path):
    path = tmp_path / "clip.pcvos"
    with Project.new(footage(tmp_path), path) as project:
        project.apply(setting({(0, 1): painted(1)}))
        shutil.copyfile(f"{path}-wal", tmp_path / "log")
    path.unlink()
    (tmp_path / "log").rename(f"{path}-wal")
    with Project.new(footage(tmp_path), path) as project:
        project.apply(setting({(1, 1): painted(2)}))
        assert content(project)[1] == {(1, 1): painted(2)}
        assert project.path.name == "clip-2.pcvos"
    with Project.open(project.path) as project:
        assert content(project)[1] == {(1, 1): painted(2)}


# --- full


def fill(disk) -> Path:
    """Take all the room there is."""
    filler = disk.place / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            pass
    return filler


def test_a_disk_that_is_really_full(disk):
    project = Project.new(footage(disk.place), disk.place / "clip.pcvos")
    project.apply(setting({(0, 1): painted(1)}))
    assert project.unsaved == 0 and project.save_error is None
    filler = fill(disk)
    told = []
    project.subscribe(told.append)
    cells = {(0, 1): painted(1)}
    for frame in range(1, FRAMES):
        change = setting({(frame, 1): painted(frame, noisy=True), (frame, 2): predicted(frame, 0.25)})
        project.apply(change)
        cells |= {key: after for key, (_, after) in change.cells.items()}
    project.apply(setting({(0, 1): None, (1, 2): None}))
    del cells[0, 1], cells[1, 2]
    project.apply(listing([2, 1]))
    project.remember(frame=3)
    project.start_run(RunInfo("2026-01-01T10:00:00Z", 0, 9, "forward", {}))
    assert project.unsaved > 10
    assert "disk is full" in project.save_error and "clip.pcvos" in project.save_error
    assert len(told) == FRAMES + 1

    expected = objects(2, 1), dict(sorted(cells.items()))
    assert content(project) == expected, "reading sees what waits"
    assert project.states[0] == 0 and project.confidence[5] == 0.25
    assert project.labels(5).any()
    assert len(project.permanent_memory()) == FRAMES - 1
    assert not project.retry_save()
    with pytest.raises(PCVOSError, match="not saved"):
        project.close()
    assert content(project) == expected

    filler.unlink()
    project.remember(active=1)
    assert project.unsaved == 0 and project.save_error is None
    project.close()
    with Project.open(project.path) as again:
        assert content(again) == expected
        assert again.view.frame == 3
        assert len(again.runs()) == 1


def test_a_disk_too_full_to_make_the_file(disk):
    project = Project.new(footage(disk.place), disk.place / "clip.pcvos")
    filler = fill(disk)
    project.apply(setting({(0, 1): painted(1)}))
    assert project.unsaved == 1 and not project.exists
    assert "disk is full" in project.save_error
    assert [path.name for path in disk.place.iterdir()] == ["filler"], "and there is no half of one"
    assert project.cell(0, 1) == painted(1)
    filler.unlink()
    assert project.retry_save()
    assert project.exists and project.unsaved == 0
    project.close()
    with Project.open(project.path) as again:
        assert again.cell(0, 1) == painted(1)


def test_giving_up_what_cannot_be_saved(disk):
    project = Project.new(footage(disk.place), disk.place / "clip.pcvos")
    project.apply(setting({(0, 1): painted(1)}))
    filler = fill(disk)
    for frame in range(1, 40):
        project.apply(setting({(frame, 1): painted(frame, noisy=True)}))
    assert project.unsaved
    project.close(discard=True)
    filler.unlink()
    with Project.open(project.path) as again:
        assert again.cell(0, 1) == painted(1)
        assert again.cell(39, 1) is None


def test_recovering_onto_a_full_disk_leaves_no_half(disk):
    with Project.new(footage(disk.place), disk.place / "clip.pcvos") as project:
        project.apply(setting({(frame, 1): painted(frame, noisy=True) for frame in range(FRAMES)}))
    filler = fill(disk)
    with pytest.raises(ResourceError, match="full"):
        recover(project.path)
    filler.unlink()
    assert [path.name for path in disk.place.iterdir()] == ["clip.pcvos"]
    assert recover(project.path).cells == FRAMES


# --- taken away


def test_a_file_that_is_deleted_while_it_is_open(tmp_path):
    project = Project.new(footage(tmp_path), tmp_path / "clip.pcvos")
    project.apply(setting({(0, 1): painted(1)}))
    if os.name != "posix":
        pytest.skip("an open file cannot be moved here")
    project.path.rename(tmp_path / "moved.pcvos")
    project.apply(setting({(1, 1): painted(2)}))
    assert project.unsaved == 1
    assert "moved, deleted or replaced" in project.save_error
    (tmp_path / "moved.pcvos").rename(project.path)
    assert project.retry_save()
    project.close()
    with Project.open(project.path) as again:
        assert content(again)[1] == {(0, 1): painted(1), (1, 1): painted(2)}


def test_a_disk_that_refuses_for_a_while(tmp_path, monkeypatch):
    project = Project.new(footage(tmp_path), tmp_path / "clip.pcvos")
    project.apply(setting({(0, 1): painted(1)}))

    def refuse(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patched:
        patched.setattr(store, "write_content", refuse)  # the last of what is written
        project.apply(setting({(1, 1): painted(2)}))
    assert project.unsaved == 1 and "cannot be saved" in project.save_error
    project.apply(setting({(2, 1): painted(3)}))
    assert project.unsaved == 0
    project.close()
    with Project.open(project.path) as again:
        assert content(again)[1] == {(0, 1): painted(1), (1, 1): painted(2), (2, 1): painted(3)}
