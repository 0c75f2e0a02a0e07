"""A project with footage, for most of these tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from exchange_projects import empty_project, filled_project, footage

from core.media import FrameSource
from core.project.project import Project


@pytest.fixture
def media(tmp_path) -> FrameSource:
    return footage(tmp_path / "footage" / "meadow")


@pytest.fixture
def project(media, tmp_path) -> Iterator[Project]:
    with filled_project(media, tmp_path / "project" / "meadow.pcvos") as project:
        yield project


@pytest.fixture
def other(media, tmp_path) -> Iterator[Project]:
    """A project of the same footage, with nothing in it."""
    with empty_project(media, tmp_path / "project" / "other.pcvos") as project:
        yield project


@pytest.fixture
def out(tmp_path) -> Path:
    """A folder for exports, with something of somebody's in it."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine")
    return tmp_path / "out"
