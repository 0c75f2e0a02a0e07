"""The masks of runs that a project keeps beside those that count: of the version before, let go, damaged, recovered."""

from dataclasses import replace

import pytest
from project_files import TO_VERSION_5, as_killed, content, execute, listing, objects, painted, predicted, rows, setting

from core.project import schema
from core.project.model import Author, Change, RunInfo
from core.project.project import Project
from core.project.recovery import recover

INFO = RunInfo("2026-01-01T10:00:00+01:00", 0, 9, "both", {"interval": 5}, "done", 3, 1.5, (0,))
CELLS = {(0, 1): painted(1), (1, 1): predicted(2), (2, 1): predicted(3)}


@pytest.fixture
def run(project) -> int:
    """A run that has changed frame 1 twice and drawn frame 3, where nothing was."""
    project.apply(listing((1, 2)))
    project.apply(setting(CELLS))
    id, known = project.start_run(INFO), set()
    for cells in (
        {(1, 1): (CELLS[1, 1], predicted(4))},
        {(1, 1): (predicted(4), predicted(5)), (3, 1): (None, predicted(6))},
    ):
        change = Change("run", cells, made_by=Author.RUN)
        project.kept_runs.keep(id, change, known)
        project.apply(change)
    return id


def kept(project: Project, run: int) -> tuple[dict, dict]:
    return dict(project.kept_runs.cells(run, 0, 59)), dict(project.kept_runs.cells(run, 0, 59, before=True))


EXPECTED = {(1, 1): predicted(5), (3, 1): predicted(6)}, {(1, 1): CELLS[1, 1]}


def test_what_a_run_drew_and_what_was_there_before_it_stay(tmp_path, project, run):
    assert kept(project, run) == EXPECTED
    assert dict(project.kept_runs.cells(run, 2, 3)) == {(3, 1): predicted(6)}
    assert project.kept_runs.keys(run) == [(1, 1), (3, 1)] and project.kept_runs.keys(run, before=True) == [(1, 1)]
    with Project.open(as_killed(project.path, tmp_path / "killed.pcvos")) as killed:
        assert kept(killed, run) == EXPECTED
    with project.snapshot() as snapshot:
        assert kept(snapshot, run) == EXPECTED
    other = project.start_run(INFO)
    assert kept(project, other) == ({}, {})
    project.kept_runs.drop(run)
    assert kept(project, run) == ({}, {}), "at once, too"
    project.update_run(run, replace(INFO, kept_bytes=0, pinned=True, weights="abc"))
    path = project.path
    project.close()
    assert rows(path, "SELECT count(*) FROM run_cells") == [(0,)]
    with Project.open(path) as again:
        assert dict(again.runs())[run] == replace(INFO, pinned=True, weights="abc")


def test_a_project_of_version_5_is_brought_up_to_date_and_loses_nothing(project, run):
    before, path = content(project), project.path
    project.close()
    execute(path, *TO_VERSION_5, "PRAGMA user_version = 5")
    with Project.open(path, to_write=False) as old:  # as it is
        assert content(old) == before and old.runs() == [(run, INFO)] and kept(old, run) == ({}, {})
    with Project.open(path) as again:
        assert content(again) == before and again.runs() == [(run, INFO)] and kept(again, run) == ({}, {})
    assert rows(path, "PRAGMA user_version") == [(len(schema.MIGRATIONS),)]


def test_a_damaged_mask_is_left_out_and_recovery_keeps_what_counts(project, run):
    project.update_run(run, replace(INFO, kept_bytes=500))
    before, path = content(project), project.path
    project.close()
    execute(path, "UPDATE run_cells SET mask = x'00' WHERE id IN (SELECT min(id) FROM run_cells)")
    with Project.open(path) as again:
        assert kept(again, run) == ({(3, 1): predicted(6)}, EXPECTED[1])
    with path.open("r+b") as file:
        file.write(b"\xa5" * schema.PAGE_SIZE)
    report = recover(path)
    with Project.open(report.path) as saved:
        assert content(saved) == before and saved.objects == objects(1, 2)
        assert all(info.kept_bytes == 0 for _, info in saved.runs())
