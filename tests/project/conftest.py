"""A project, and file systems that refuse."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from project_files import footage

from core.project.project import Project


@pytest.fixture(autouse=True)
def user_data(tmp_path, monkeypatch) -> Path:
    """The user's data folder, for all of these tests."""
    folder = tmp_path / "user data"
    monkeypatch.setattr("core.project.places.platformdirs.user_data_path", lambda *_, **__: folder)
    return folder


@pytest.fixture
def project(tmp_path) -> Iterator[Project]:
    """A new project, its file still to be made."""
    project = Project.new(footage(tmp_path), tmp_path / "clip.pcvos")
    yield project
    project.close(discard=True)


class Disk:
    """A file system of its own."""

    def __init__(self, place: Path):
        self.place = place

    def mount(self, *options: str) -> bool:
        command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", self.place]
        return subprocess.run(command, capture_output=True).returncode == 0

    def remount(self, *options: str) -> None:
        subprocess.run(["mount", "-o", ",".join(("remount", *options)), self.place], check=True)


@pytest.fixture
def disk(tmp_path) -> Iterator[Disk]:
    """A disk of four megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root on Linux can mount a small disk")
    disk = Disk(place)
    if not disk.mount("size=4m"):
        pytest.skip("a small disk cannot be mounted here")
    yield disk
    subprocess.run(["umount", "--lazy", place], check=True)
