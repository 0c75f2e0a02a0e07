"""The preview of an export, found out in a thread of its own while a person still chooses."""

import logging
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal

from core.errors import PCVOSError
from core.exchange.export_run import check_target, existing_files
from core.exchange.exporter import Exporter, ExportRequest
from core.exchange.registry import exporter
from core.exchange.unprocessed import counts
from core.media import FrameSource
from core.progress import Progress
from core.project.project import Project
from core.studio.done import not_done_in_words
from core.studio.exports import Export, Stored
from pcvos_gui.workers.newest import NewestJobWorker

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checked:
    """Whether an export can be.

    Attributes:
        trouble: one sentence on why not; "" where it can. notes: on what will be different.
        replaced: files that are there, and would be replaced. free: bytes, there; None: not known.
        unprocessed: a sentence on how many frames were never processed; "": all were. unknown: how many, by object.
        asks: nobody has said yet what is to become of these.
    """

    wish: Export
    trouble: str = ""
    notes: tuple[str, ...] = ()
    replaced: tuple[Path, ...] = ()
    free: int | None = None
    unprocessed: str = ""
    unknown: Mapping[int, int] = field(default_factory=dict)
    asks: bool = False


@dataclass(frozen=True)
class Pictured:
    """A frame as it will be: uint8 (H, W, 3) RGB, or (H, W, 4) with straight alpha; None: `trouble` says why not."""

    wish: Export
    frame: int
    picture: np.ndarray | None
    trouble: str = ""


@dataclass(frozen=True)
class Estimated:
    """Bytes that it will about take, wherever it goes; None: `trouble` says why not."""

    wish: Export
    size: int | None
    trouble: str = ""


class ExportLook(NewestJobWorker[tuple[Export, int], "Checked | Pictured | Estimated"]):
    """Looks at the newest wish; what has not changed since the last one is not found out again.

    Signals:
        checked(Checked), pictured(Pictured), estimated(Estimated): in this order, as soon as each is known.
    """

    checked = Signal(object)
    pictured = Signal(object)
    estimated = Signal(object)
    gives_late_results = True

    def __init__(self, stored: Stored, parent: QObject | None = None):
        self._stored = stored
        self._wanted: tuple[Export, int] | None = None
        self._opened: tuple[Project, FrameSource] | PCVOSError
        self._known: dict[Callable, object] = {}
        super().__init__("export look", parent)
        self._signals = {Checked: self.checked, Pictured: self.pictured, Estimated: self.estimated}

    def ask(self, wish: Export, frame: int) -> None:
        """Find out about this export, and what `frame` will look like."""
        if (wish, frame) != self._wanted:
            self._wanted = (wish, frame)
            self.submit(self._wanted)

    def leave(self) -> None:
        """Nothing more is wanted: the thread ends with what it is at, and nothing is emitted any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _give(self, result: Checked | Pictured | Estimated) -> None:
        self._signals[type(result)].emit(result)

    @contextmanager
    def _held(self) -> Iterator[None]:
        with ExitStack() as stack:
            try:
                self._opened = stack.enter_context(self._stored.opened())
            except PCVOSError as error:
                self._opened = error
            yield

    def _do(self, job: tuple[Export, int], progress: Progress) -> Iterator[Checked | Pictured | Estimated]:
        wish, frame = job
        try:
            if isinstance(self._opened, PCVOSError):
                raise self._opened
            request = wish.request(*self._opened)
        except PCVOSError as error:
            yield Checked(wish, str(error))
            self._known[_check] = wish
            return
        for step, key in ((_check, wish), (_picture, (wish.look, frame)), (_estimate, wish.content)):
            if self._known.get(step) != key:
                progress.raise_if_cancelled()
                yield step(exporter(wish.format), request, wish, frame)
                self._known[step] = key


def _check(format: Exporter, request: ExportRequest, wish: Export, frame: int) -> Checked:
    try:
        format.check(request)
        check_target(format, request, overwrite=True)  # what would be replaced is told
        folder = next(place for place in (request.target, *request.target.parents) if place.is_dir())
        free = shutil.disk_usage(folder).free
        there = tuple(existing_files(format, request))
        unknown = counts(request.unknown, request.range)
        left = not_done_in_words(request.project, wish.objects, wish.first, wish.last)
        notes = (*format.notes(request), *([left] if left else []))
        return Checked(wish, "", notes, there, free, request.about_unknown, unknown, request.stops)
    except Exception as error:
        return Checked(wish, _sentence(error))


def _picture(format: Exporter, request: ExportRequest, wish: Export, frame: int) -> Pictured:
    try:
        return Pictured(wish, frame, format.preview(request, frame))
    except Exception as error:
        return Pictured(wish, frame, None, _sentence(error))


def _estimate(format: Exporter, request: ExportRequest, wish: Export, frame: int) -> Estimated:
    try:
        return Estimated(wish, format.estimate(request))
    except Exception as error:
        return Estimated(wish, None, _sentence(error))


def _sentence(error: Exception) -> str:
    if not isinstance(error, PCVOSError):
        log.error("looking at an export failed", exc_info=error)
    return str(error) or type(error).__name__
