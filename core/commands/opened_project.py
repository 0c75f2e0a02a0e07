"""A project together with its footage, for a command."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import PCVOSError
from core.media import FrameSource, open_media
from core.project.model import FootageReference
from core.project.project import Project


@contextmanager
def closed_in_the_end(project: Project) -> Iterator[Project]:
    """Close a project; after an error what cannot be saved is given up, for that is what the error says."""
    try:
        yield project
    except BaseException:
        project.close(discard=True)
        raise
    project.close()


@contextmanager
def opened_project(path: Path, warn: Callable[[str], None], *, to_write: bool) -> Iterator[tuple[Project, FrameSource]]:
    """A project and its footage."""
    with closed_in_the_end(Project.open(path, to_write=to_write)) as project:
        for sentence in project.warnings:
            if sentence != project.refusal:  # whoever wants to write says it as an error
                warn(sentence)
        footage = project.find_footage()
        if footage is None:
            raise PCVOSError(
                f"The footage of {path} is gone: {project.footage.path} does not exist; put it back there."
            )
        with open_media(footage, folder_rate=project.footage.rate, index=project.index_cache()) as media:
            reference = FootageReference.of(media, footage)
            if difference := project.footage.difference(reference):
                warn(difference)
            yield project, media
