"""Where projects go, and how those of some footage are found again."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from project_files import execute, footage, listing

from core.errors import PCVOSError
from core.project.database import DamagedProject
from core.project.places import find_project, new_project, new_project_for_user
from core.project.project import Project
from core.project.recovery import recover


def made(reference, path: Path | None = None) -> Path:
    with Project.new(reference, path or new_project(reference)) as project:
        project.apply(listing([1]))
    return project.path


def test_beside_the_footage(tmp_path):
    assert find_project(footage(tmp_path)) is None
    assert new_project(footage(tmp_path)) == tmp_path / "clip.pcvos"
    assert new_project(footage(tmp_path, "my clip.v2.mov")) == tmp_path / "my clip.v2.pcvos"
    (tmp_path / "shot.v1").mkdir()
    assert new_project(footage(tmp_path, "shot.v1")) == tmp_path / "shot.v1.pcvos"
    assert len(new_project(footage(tmp_path, "x" * 250 + ".mp4")).name) < 200


def test_found_again(tmp_path):
    path = made(footage(tmp_path))
    assert find_project(footage(tmp_path)) == path
    assert find_project(footage(tmp_path, "other.mp4")) is None


def test_other_footage_of_the_same_name_gets_its_own(tmp_path):
    film, pictures = footage(tmp_path, "clip.mov", fingerprint="1"), footage(tmp_path, "clip.mp4", fingerprint="2")
    first = made(film)
    assert find_project(pictures) is None
    second = made(pictures)
    assert second == tmp_path / "clip-2.pcvos"
    assert find_project(film) == first
    assert find_project(pictures) == second


def test_footage_that_was_changed_keeps_its_project(tmp_path):
    path = made(footage(tmp_path))
    changed = footage(tmp_path, fingerprint="changed")
    assert find_project(changed) == path
    with Project.open(path) as project:
        assert "changed" in project.footage.difference(changed)


def test_footage_that_moved_with_its_project_keeps_it(tmp_path):
    made(footage(tmp_path / "here"), tmp_path / "clip.pcvos")
    assert find_project(footage(tmp_path)) == tmp_path / "clip.pcvos"


def test_in_the_users_folder_if_it_cannot_be_beside(tmp_path, user_data, monkeypatch):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, other = footage(tmp_path / "a", fingerprint="1"), footage(tmp_path / "b", fingerprint="2")
    access = os.access
    monkeypatch.setattr(
        os, "access", lambda p, mode: access(p, mode) and (user_data in [p, *Path(p).parents] or not mode & os.W_OK)
    )
    places = [new_project(one), new_project(other)]
    assert {place.parent for place in places} == {user_data / "projects"}
    assert len(set(places)) == 2
    assert all(place.name.startswith("clip-") and place.suffix == ".pcvos" for place in places)
    assert [made(one), made(other)] == places
    assert [find_project(one), find_project(other)] == places


def test_both_places_are_searched(tmp_path):
    path = made(footage(tmp_path), new_project_for_user(footage(tmp_path)))
    assert find_project(footage(tmp_path)) == path


def test_a_damaged_project_is_found_and_then_the_recovered_one(tmp_path):
    path = made(footage(tmp_path))
    with path.open("r+b") as file:
        file.write(bytes(100))
    assert find_project(footage(tmp_path)) == path
    with pytest.raises(DamagedProject):
        Project.open(path)
    assert new_project(footage(tmp_path)) != path
    recovered = recover(path).path
    assert find_project(footage(tmp_path)) == recovered


def test_other_files_of_such_names_are_left_alone(tmp_path):
    execute(tmp_path / "clip.pcvos", "CREATE TABLE t (x)")
    (tmp_path / "clip-2.pcvos").mkdir()
    before = (tmp_path / "clip.pcvos").read_bytes()
    assert find_project(footage(tmp_path)) is None
    path = made(footage(tmp_path))
    assert path == tmp_path / "clip-3.pcvos"
    assert (tmp_path / "clip.pcvos").read_bytes() == before
    assert find_project(footage(tmp_path)) == path


def test_names_with_signs_of_patterns(tmp_path):
    reference = replace(footage(tmp_path, "a[1]*(b)+.mp4"))
    path = made(reference)
    assert path.name == "a[1]*(b)+.pcvos"
    assert find_project(reference) == path


LONG = [*("字" * count for count in (60, 77, 78, 79, 80, 83)), "🐇" * 62, "ä" * 120, "x" * 250]


@pytest.mark.parametrize("name", LONG, ids=lambda name: f"{len(name)} of {len(name[0].encode())} bytes")
def test_names_as_long_as_file_systems_take(tmp_path, user_data, name):
    reference = footage(tmp_path, f"{name}.mp4")
    reference.path.write_bytes(b"footage")
    beside = made(reference)
    assert beside.parent == tmp_path and name.startswith(beside.stem)
    assert find_project(reference) == beside
    other = made(reference)
    assert other.parent == tmp_path and other != beside
    with beside.open("r+b") as file:
        file.write(bytes(100))
    recovered = recover(beside).path
    again = recover(beside).path
    assert recovered != again and recovered.stem.endswith("-recovered")
    other.unlink()
    assert find_project(reference) in (recovered, again)
    own = made(reference, new_project_for_user(reference))
    assert own.parent == user_data / "projects"
    for path in (recovered, again):
        path.unlink()
    assert find_project(reference) == own
    assert recover(own).path.parent == own.parent


def test_a_project_of_an_earlier_version_with_a_longer_name_is_found(tmp_path):
    reference = footage(tmp_path, "字" * 79 + ".mp4")
    path = made(reference, tmp_path / ("字" * 79 + ".pcvos"))
    assert find_project(reference) == path


def test_what_the_system_has_against_a_place_is_a_sentence_with_a_way_on(tmp_path, user_data):
    long = tmp_path / ("字" * 90 + ".pcvos")
    with pytest.raises(PCVOSError, match=r"cannot be read: File name too long\. Open a copy"):
        Project.open(long)
    with pytest.raises(PCVOSError, match="File name too long"):
        recover(long)
    project = Project.new(footage(tmp_path), long)
    project.apply(listing([1]))
    assert project.path.parent == user_data / "projects" and "cannot be written" in project.warnings[0]
    project.close()
    loop = tmp_path / "loop.pcvos"
    loop.symlink_to(loop)
    for path in (loop, tmp_path / "file" / "clip.pcvos"):
        (tmp_path / "file").write_bytes(b"")
        with pytest.raises(PCVOSError):
            Project.open(path)
        with pytest.raises(PCVOSError):
            recover(path)


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no folder that lies about being writable")
def test_a_folder_in_which_no_file_can_be_made_ends_in_the_users_folder(tmp_path, user_data):
    project = Project.new(footage(tmp_path), Path("/proc/clip.pcvos"))
    project.apply(listing([1]))
    assert project.path.parent == user_data / "projects" and "cannot be written" in project.warnings[0]
    project.close()


def test_empty_logs_that_a_reader_left_take_no_name(tmp_path):
    for ending in ("-wal", "-shm"):
        (tmp_path / f"clip.pcvos{ending}").touch()
    project = Project.new(footage(tmp_path), tmp_path / "clip.pcvos")
    project.apply(listing([1]))
    assert project.path == tmp_path / "clip.pcvos"
    project.close()


def test_footage_that_cannot_be_asked_for_is_not_there(tmp_path):
    path = made(footage(tmp_path / ("字" * 90)), tmp_path / "clip.pcvos")
    with Project.open(path) as project:
        assert project.find_footage() is None
