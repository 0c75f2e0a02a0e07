"""Content in tables of its own, and the view: kept, damaged, recovered, and as the version before had it."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
from project_files import TO_VERSION_6, TO_VERSION_7, execute, listing, mask, rows

from core.project import schema
from core.project.content import AcceptedMarks, Content, MarkStroke, Tick, UnfinishedRun, View
from core.project.project import Project
from core.project.recovery import recover

CONTENT = Content(
    View(
        7, 2, (3, None), {"interval": 5, "range": "in/out"}, {"coco": "/a/b.json"}, {"path": "/truth", "relative": None}
    ),
    ("car", "person"),
    {"edges": "hard", "grow": 3.5, "smooth": 2},
    (MarkStroke(4, 2, 1, ((1.5, 2.0, 3.25), (4.0, 5.0, 6.0))), MarkStroke(4, 2, 3, ((0.0, 0.0, 1.0), (9.0, 9.0, 1.0)))),
    (
        AcceptedMarks((MarkStroke(5, 1, 1, ((1.5, 2.0, 0.0),)), MarkStroke(5, 1, 2, ((7.0, 8.0, 0.0),))), 99, mask(3)),
        AcceptedMarks((MarkStroke(6, 1, 1, ((1.5, 2.25, 0.0),)),), 4294967295),
    ),
    frozenset({Tick(1, 3, 9, 0.1234), Tick(2, 0, 0, 1.0)}),
    UnfinishedRun(1, ((0, 7), (11, 12)), 11),
    {0: {1: 123, 2: 4294967295}, 9: {}},
)
WITHOUT_ACCEPTED = replace(CONTENT, accepted_marks=())
OF_BEFORE = {
    "frame": 7,
    "active": 2,
    "in_out": [3, None],
    "run": {"interval": 5, "range": "in/out"},
    "export coco": "/a/b.json",
    "report reference": "/truth",
    "classes": ["car", "", 3, "person", "car"],
    "edges": {"edges": "hard", "grow": 3.5, "smooth": 2},
    "scribbles": [
        {"frame": 4, "object": 2, "strokes": [[1, [[1.5, 2, 3.25], [4, 5, 6]]], [3, [[0, 0, 1], [9, 9, 1]]]]}
    ],
    "reviewed": [[1, 3, 9, 0.1234], [2, 0, 0, 1]],
    "unfinished run": {"run": 1, "finished": [[0, 7], [11, 12]], "last": 11},
    "memory read": {"0": {"1": 123, "2": 4294967295}, "9": {}},
}


@pytest.fixture
def full(project) -> Project:
    project.apply(listing([1, 2]))
    project.keep(**vars(CONTENT))
    return project


def to_version_6(path, stored: dict[str, str]) -> None:
    execute(path, *TO_VERSION_6, "DELETE FROM settings", "PRAGMA user_version = 6")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executemany("INSERT INTO settings VALUES (?, ?)", stored.items())


def test_all_of_it_is_there_again_and_each_kind_changes_by_itself(full):
    with full.snapshot() as snapshot:
        assert snapshot.content == CONTENT
    full.keep(classes=(), unfinished_run=None)
    full.remember(frame=8)
    with pytest.raises(TypeError):
        full.keep(zoom=2)
    full.close()
    with Project.open(full.path) as again:
        expected = vars(CONTENT) | {"classes": (), "unfinished_run": None}
        assert vars(again.content) == expected | {"view": again.view} and again.view.frame == 8
        assert again.view.in_out == (3, None) and again.view.targets == {"coco": "/a/b.json"}


def test_a_project_of_version_6_is_brought_up_to_date_and_loses_nothing(full):
    full.close()
    to_version_6(full.path, {key: json.dumps(value) for key, value in OF_BEFORE.items()})
    with Project.open(full.path, to_write=False) as old:  # as it is
        assert old.content == WITHOUT_ACCEPTED
    assert rows(full.path, "PRAGMA user_version") == [(6,)]
    with Project.open(full.path) as again:
        assert again.content == WITHOUT_ACCEPTED and again.warnings == []
    assert rows(full.path, "PRAGMA user_version") == [(len(schema.MIGRATIONS),)]
    assert {key for (key,) in rows(full.path, "SELECT key FROM settings")} == set(vars(View()))


def test_so_is_one_of_version_7(full):
    full.close()
    execute(full.path, *TO_VERSION_7, "PRAGMA user_version = 7")
    with Project.open(full.path) as again:
        assert again.content == WITHOUT_ACCEPTED and again.warnings == []
        again.keep(accepted_marks=CONTENT.accepted_marks)
    with Project.open(full.path) as again:
        assert again.content == CONTENT


@pytest.mark.parametrize("damaged", [7, None, [], {}, "x", [7], [[]], [[1, 2]], {"1": 5}, {"x": {"y": "z"}}, [{}]])
def test_what_was_damaged_in_version_6_is_left_out(full, damaged):
    full.close()
    to_version_6(full.path, dict.fromkeys(OF_BEFORE, json.dumps(damaged)) | {"classes": "{"})
    with Project.open(full.path) as again:
        assert not again.content.marks and not again.content.ticks and again.content.unfinished_run is None


def test_rows_that_are_damaged_are_left_out(full):
    full.close()
    changes = ("ticks SET doubt = 'x' WHERE object = 1", "marks SET points = '[[1]]' WHERE position = 0")
    changes += ("accepted_marks SET before = 'x' WHERE position = 0", "accepted_marks SET strokes = '[[1]]'")
    changes += ("memory_read SET checksum = 'x' WHERE object = 1", "settings SET value = '{' WHERE key = 'run'")
    execute(full.path, *(f"UPDATE {change}" for change in changes), "UPDATE unfinished_run SET finished = '7'")
    with Project.open(full.path) as again:
        content = again.content
        assert content.ticks == {Tick(2, 0, 0, 1.0)} and content.marks == CONTENT.marks[1:]
        assert content.accepted_marks == ()
        assert content.memory_read == {0: {2: 4294967295}, 9: {}} and content.unfinished_run is None
        assert content.view == replace(CONTENT.view, run={})


@pytest.mark.parametrize("is_old", [False, True])
def test_recovery_brings_it_back(full, is_old):
    full.close()
    if is_old:
        to_version_6(full.path, {key: json.dumps(value) for key, value in OF_BEFORE.items()})
    with full.path.open("r+b") as file:
        file.seek((rows(full.path, "SELECT rootpage FROM sqlite_master WHERE name = 'cells'")[0][0] - 1) * 4096)
        file.write(b"\xa5" * 4096)
    with Project.open(recover(full.path).path) as again:
        assert again.content == (WITHOUT_ACCEPTED if is_old else CONTENT)
