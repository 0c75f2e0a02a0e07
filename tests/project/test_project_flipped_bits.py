"""Bits that flip in a project file: it is refused with a sentence or opened, and recovered; never a traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from project_files import footage, listing, painted, predicted, setting

from core.project.model import Change, RunInfo
from core.project.project import Project
from core.project.schema import PAGE_SIZE

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def path(tmp_path) -> Path:
    """A small project with something in every table."""
    with Project.new(footage(tmp_path, frames=4), tmp_path / "clip.pcvos") as project:
        project.apply(listing([1, 2]))
        project.apply(setting({(0, 1): painted(1), (1, 1): predicted(2), (1, 2): predicted(3)}))
        project.apply(Change("run", {(2, 2): (None, predicted(4))}), keep_undo=True)
        project.remember(frame=2)
        project.set_index_cache(b"index")
        project.start_run(RunInfo("2026-01-01T10:00:00Z", 0, 3, "forward", {"interval": 5}, "done"))
    return project.path


def flip(path: Path, first: int, last: int, step: int, once_in: int) -> list[tuple[int, int, str, str | None]]:
    """Run `flip_bits.py` and read its lines; it may write nothing else."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    script = Path(__file__).with_name("flip_bits.py")
    arguments = [path, first, last, step, once_in]
    run = subprocess.run(
        [sys.executable, script, *map(str, arguments)], env=environment, capture_output=True, text=True
    )
    assert (run.returncode, run.stderr) == (0, "")
    return [tuple(json.loads(line)) for line in run.stdout.splitlines()]


def test_over_the_whole_page_of_the_schema(path):
    outcomes = [*flip(path, 0, 108, 3, 6), *flip(path, 108, PAGE_SIZE, 17, 12)]  # the header, and the tables
    assert len(outcomes) > 500
    ends = {opened for _, _, opened, _ in outcomes}
    assert ends == {"opened", "DamagedProject", "PCVOSError"}
    saved = [recovered for *_, recovered in outcomes if recovered is not None]
    assert set(saved) == {"2 objects, 4 masks"}, "all of it is on other pages, and sound"


def test_the_text_of_the_schema_is_compared_to_the_letter(path):
    data = path.read_bytes()
    begin = data.index(b"CREATE TABLE", 0)
    place = data.index(b"NOT NULL", begin)
    ((_, _, opened, recovered), _) = flip(path, place, place + 1, 1, 1)
    assert (opened, recovered) == ("DamagedProject", "2 objects, 4 masks")


def test_over_all_other_pages(path):
    outcomes = flip(path, PAGE_SIZE, path.stat().st_size, 509, 4)
    assert {opened for _, _, opened, _ in outcomes} <= {"opened", "DamagedProject", "PCVOSError"}
    saved = [recovered for *_, recovered in outcomes if recovered is not None]
    assert not [text for text in saved if "Error" in text], "something can always be read"
