"""The export that is wanted, as it is handed to threads that open both themselves."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from core.exchange.exporter import ExportRequest, export_request
from core.exchange.options import Value
from core.exchange.registry import exporter
from core.media import FrameSource, open_media
from core.project.project import Project


@dataclass(frozen=True)
class Export:
    """A wanted export.

    Attributes:
        format: name of an exporter. target: the file or folder. first, last: frames, inclusive.
        objects: ids; None: all. options: those that are not the default.
        overwrite: files that are there were shown to the person, and may be replaced.
    """

    format: str
    target: Path
    first: int
    last: int
    objects: tuple[int, ...] | None
    options: Mapping[str, Value]
    overwrite: bool = False

    @property
    def content(self) -> "Export":
        """The files it writes, wherever that goes."""
        return replace(self, target=Path(), overwrite=False)

    @property
    def look(self) -> "Export":
        """A frame of it as it will look, whichever frames are written."""
        return replace(self.content, first=0, last=0)

    def request(self, project: Project, media: FrameSource) -> ExportRequest:
        """The request as the exporter takes it; PCVOSError if it cannot be."""
        return export_request(
            exporter(self.format),
            project,
            media,
            self.target,
            first=self.first,
            last=self.last,
            objects=self.objects,
            options=self.options,
        )


@dataclass(frozen=True)
class Stored:
    """A project and its footage as they are on disk."""

    project: Path
    footage: Path
    rate: Fraction

    @classmethod
    def of(cls, project: Project, media: FrameSource) -> "Stored":
        """Project and footage that are open; what is still being saved is saved first."""
        project.finish_saving()
        return cls(project.path, media.path, media.rate)

    @contextmanager
    def opened(self) -> Iterator[tuple[Project, FrameSource]]:
        """A second view of both, for this thread alone; nothing is changed by it."""
        with (
            Project.open(self.project, to_write=False) as project,
            open_media(self.footage, folder_rate=self.rate, index=project.index_cache()) as media,
        ):
            yield project, media
