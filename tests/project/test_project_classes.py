"""Classes of objects in the project file, projects of before there were any, and lists of classes in text files."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from project_files import content, execute, listing, objects, painted, predicted, rows

from core.errors import PCVOSError
from core.project import schema
from core.project.classes import clean_class, known_classes, read_class_list
from core.project.model import Change
from core.project.project import Project
from core.project.recovery import recover

PAGE = schema.PAGE_SIZE
OLD_CELLS = {(0, 1): painted(1), (3, 1): predicted(2), (3, 200): predicted(3, None)}
PERSONS = (
    replace(objects(1)[0], class_name="person"),
    objects(2)[0],
    replace(objects(200)[0], class_name="Fußgänger 人"),
)


@pytest.fixture
def old(tmp_path) -> Path:
    """A project that PCVOS Studio has written before objects had classes."""
    return Path(
        shutil.copyfile(Path(__file__).parents[1] / "data" / "project-version-2.sqlite", tmp_path / "old.pcvos")
    )


def give_classes(path: Path) -> None:
    with Project.open(path) as project:
        project.apply(Change("classes", objects=(project.objects, PERSONS)))


def test_classes_are_kept_and_undone(project):
    project.apply(listing((1, 2, 200)))
    change = Change("classes", objects=(project.objects, PERSONS))
    project.apply(change)
    with Project.open(project.path, to_write=False) as opened:
        assert opened.objects == PERSONS
    project.apply(change.inverted())
    with Project.open(project.path, to_write=False) as opened:
        assert opened.objects == objects(1, 2, 200)


def test_an_old_project_opens_and_loses_nothing(old):
    assert rows(old, "PRAGMA user_version") == [(2,)]
    with Project.open(old) as project:
        assert content(project) == (objects(1, 2, 200), OLD_CELLS)
        assert project.view.frame == 3 and project.runs()[0][1].memory_frames == (0,)
        assert project.warnings == []
    assert rows(old, "PRAGMA user_version") == [(len(schema.MIGRATIONS),)]
    give_classes(old)
    with Project.open(old) as project:
        assert content(project) == (PERSONS, OLD_CELLS)


def test_an_old_project_is_only_looked_at_as_it_is(old):
    """As `pcvos export` does."""
    before = old.read_bytes()
    with Project.open(old, to_write=False) as project:
        assert content(project) == (objects(1, 2, 200), OLD_CELLS)
    assert old.read_bytes() == before
    execute(old, "DROP TABLE soft_masks", "PRAGMA user_version = 1")
    with Project.open(old, to_write=False) as project:
        assert content(project) == (objects(1, 2, 200), OLD_CELLS)


def damage(path: Path, page: int) -> None:
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE)
        file.write(b"\xa5" * PAGE)


@pytest.mark.parametrize("has_classes", [False, True])
@pytest.mark.parametrize("place", ["first page", "root of settings", "nowhere"])
def test_recovery_brings_objects_back_with_classes_and_without(old, place, has_classes):
    if has_classes:
        give_classes(old)
    root = rows(old, "SELECT rootpage FROM sqlite_master WHERE name = 'settings'")[0][0]
    if place != "nowhere":
        damage(old, {"first page": 1, "root of settings": root}[place])
    with Project.open(recover(old).path) as project:
        assert content(project) == (PERSONS if has_classes else objects(1, 2, 200), OLD_CELLS)


def test_recovery_of_a_project_whose_rows_are_of_before_there_were_classes(old):
    with Project.open(old):
        pass  # brought up to date, the rows are as they were
    damage(old, 1)
    with Project.open(recover(old).path) as project:
        assert content(project) == (objects(1, 2, 200), OLD_CELLS)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_list_of_classes(encoding, tmp_path):
    file = tmp_path / "classes.txt"
    file.write_bytes("person\r\n\r\n  traffic   light \nperson\nFußgänger 人".encode(encoding))
    assert read_class_list(file) == ("person", "traffic light", "Fußgänger 人")


@pytest.mark.parametrize("data", [b"", b"\n \n", b"\x89PNG\r\n\x1a\n\0\0", b"caf\xe9\n", b"a\n" * 2**20])
def test_what_is_no_list_of_classes(data, tmp_path):
    file = tmp_path / "classes.txt"
    file.write_bytes(data)
    with pytest.raises(PCVOSError, match=r"classes\.txt .*one class a line"):
        read_class_list(file)
    with pytest.raises(PCVOSError, match="cannot be read"):
        read_class_list(tmp_path / "gone.txt")


def test_the_classes_a_project_knows():
    assert known_classes(("car", "person"), reversed(PERSONS)) == ("car", "person", "Fußgänger 人")
    assert clean_class(" traffic\tlight\n") == "traffic light" and len(clean_class("x" * 999)) == 200
