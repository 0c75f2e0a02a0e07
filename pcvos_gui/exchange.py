"""Masks from files and to files, with threads of their own; a cancelled or failed export leaves no partial file."""

import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QObject, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from superqt.utils import create_worker

from core.annotation.label_map import write_label_map
from core.annotation.mask_files import Masks, load_masks
from core.annotation.overlay import draw_overlay
from core.annotation.packed_mask import PackedMask
from core.annotation.palette import DISPLAY_PALETTE
from core.errors import PCVOSError
from core.media import FrameSource, VideoWriter, open_media
from core.project.model import Cell, Change, ObjectInfo
from core.project.project import Project
from pcvos_gui.masks import without
from pcvos_gui.messages import Message, MessageAction
from pcvos_gui.session import Session

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Export:
    """What to write: frames `first` to `last` (inclusive) as PNGs into a folder, or as one overlay video."""

    target: Path
    first: int
    last: int
    is_video: bool


class _CancelledError(Exception):
    """Ends an export between two frames, through the same clean-up as a failure."""


class Exchange(QObject):
    """Imports and exports of the open session; one export at a time.

    Signals:
        progress(what, done, total): of an export; total 0: none is going on.
    """

    progress = Signal(str, int, int)
    imported = Signal(object)  # frames, ascending

    def __init__(self, session: Session, parent: QObject | None = None):
        super().__init__(parent)
        self._session = session
        self._stop: threading.Event | None = None
        session.closing.connect(self.cancel)

    # in

    def import_masks(self, path: Path) -> None:
        """Read mask PNGs; they become corrections, as one step of undo."""
        media, project = self._session.media, self._session.project
        create_worker(
            _read_masks,
            path,
            media,
            self._session.frame,
            _connect={
                "returned": lambda found: self._take(found, path, project),
                "errored": self._on_error,
            },
        )

    def _take(self, found: tuple[Masks, dict[int, dict[int, PackedMask]]], path: Path, project: Project) -> None:
        masks, frames = found
        if project is not self._session.project:
            return
        known = {o.id for o in project.objects}
        new = tuple(_named(id, self.tr("Object {}").format(id)) for id in masks.objects if id not in known)
        locked = {o.id: o.name for o in project.objects if o.locked}
        skipped = sorted({id for given in frames.values() for id in given if id in locked})
        cells = {}
        for frame, given in frames.items():
            present = project.cells(frame)
            kept = [cell.mask for id, cell in present.items() if id in locked]
            painted = {id: without(mask, kept) for id, mask in given.items() if id not in locked}
            for id, mask in painted.items():
                cells[frame, id] = (present.get(id), Cell(mask, corrected=True, in_memory=True))
            for id, cell in present.items():
                if id not in given and id not in locked and not cell.mask.is_empty:
                    cells[frame, id] = (cell, replace(cell, mask=without(cell.mask, painted.values())))
        objects = ((project.objects, (*project.objects, *new))) if new else None
        count = len({frame for frame, _ in cells})
        of_frames = self.tr("1 frame") if count == 1 else self.tr("{} frames").format(count)
        text = self.tr("Import masks of {} from {}").format(of_frames, path.name)
        notes = [*masks.notes, *masks.warnings]
        if skipped:
            names = ", ".join(locked[id] for id in skipped)
            notes.append(self.tr("Locked, and left as it was: {}.").format(names))
        if not cells and objects is None:
            self._say(" ".join([self.tr("Nothing was imported from {}.").format(path.name), *notes]), "warning")
            return
        self._session.push_change(Change(text, cells, objects))
        done = self.tr("Imported: masks of {} from {}.").format(of_frames, path.name)
        self._say(" ".join([done, *notes]), "warning" if masks.warnings or skipped else "info")
        self.imported.emit(sorted(frames))

    # out

    @property
    def is_exporting(self) -> bool:
        return self._stop is not None

    def may_export(self) -> bool:
        """Whether there is something to export just now; if not, a message says why."""
        if self._stop is not None:
            self._say(self.tr("An export is going on: wait for it, or cancel it."), "warning")
            return False
        project = self._session.project
        if project.unsaved:
            self._say(
                self.tr("The newest changes are not saved yet, and only what is saved is exported: free space first."),
                "warning",
            )
            return False
        if not project.exists:
            self._say(self.tr("There are no masks to export yet: mark an object and propagate first."), "warning")
            return False
        return True

    def export(self, wanted: Export) -> None:
        """Write in a thread of its own; what is on disk of the project is what is written."""
        if not self.may_export():
            return
        project = self._session.project
        write = _write_overlay if wanted.is_video else _write_masks
        total = wanted.last - wanted.first + 1
        self._stop = threading.Event()
        create_worker(
            write,
            wanted,
            self._stop,
            project.path,
            self._session.media.path,
            _connect={
                "yielded": lambda done: self.progress.emit(wanted.target.name, done, total),
                "returned": lambda _: self._tell_written(wanted),
                "errored": self._on_error,
                "finished": self._on_finished,
            },
        )
        self.progress.emit(wanted.target.name, 0, total)

    def _tell_written(self, wanted: Export) -> None:
        text = self.tr("Written: frames {} to {}, {}").format(wanted.first, wanted.last, wanted.target)
        folder = QUrl.fromLocalFile(str(wanted.target.parent if wanted.is_video else wanted.target))
        self._say(text, "info", MessageAction(self.tr("Show"), lambda: QDesktopServices.openUrl(folder)))

    def cancel(self) -> None:
        """End the export under way; what it has written goes away."""
        if self._stop is not None:
            self._stop.set()

    def _on_finished(self) -> None:
        self._stop = None
        self.progress.emit("", 0, 0)

    def _on_error(self, error: Exception) -> None:
        if isinstance(error, _CancelledError):
            self._say(self.tr("The export was cancelled; nothing of it is left."), "info")
            return
        if not isinstance(error, PCVOSError):
            log.error("import or export failed", exc_info=error)
        self._say(str(error) or type(error).__name__, "error")

    def _say(self, text: str, level: str, *actions: MessageAction) -> None:
        self._session.message.emit(Message(text, level, actions))


def existing_targets(target: Path, stems: list[str]) -> int:
    """How many PNGs an export to the folder `target` would replace."""
    return sum((target / f"{stem}.png").exists() for stem in stems)


def _named(id: int, name: str) -> ObjectInfo:
    return ObjectInfo(id, name, tuple(int(c) for c in DISPLAY_PALETTE[id]))


def _read_masks(path: Path, media: FrameSource, frame: int) -> tuple[Masks, dict[int, dict[int, PackedMask]]]:
    """The masks at `path`; a single file without a number belongs to `frame`."""
    masks = load_masks(path, media.stems, media.size, start=frame, is_video=media.is_video)
    frames = {}
    for annotation in masks.annotations:
        labels = annotation.labels
        frames[annotation.frame] = {id: PackedMask.pack(labels == id) for id in annotation.objects}
    return masks, frames


def _write_masks(wanted: Export, stop: threading.Event, project: Path, footage: Path) -> Iterator[int]:
    """Indexed PNGs, named like the frames; those written so far are removed when it does not come to its end."""
    written: list[Path] = []
    done = False
    try:
        with Project.open(project) as stored, open_media(footage, index=stored.index_cache()) as media:
            wanted.target.mkdir(parents=True, exist_ok=True)
            for frame in _frames(wanted, stop):
                path = wanted.target / f"{media.stems[frame]}.png"
                is_new = not path.exists()
                write_label_map(path, stored.labels(frame))
                if is_new:
                    written.append(path)
                yield frame - wanted.first + 1
        done = True
    finally:
        if not done:
            for path in written:
                path.unlink(missing_ok=True)


def _write_overlay(wanted: Export, stop: threading.Event, project: Path, footage: Path) -> Iterator[int]:
    with (
        Project.open(project) as stored,
        open_media(footage, index=stored.index_cache()) as media,
        VideoWriter(wanted.target, media.size, media.rate) as video,
    ):
        for frame in _frames(wanted, stop):
            video.write(draw_overlay(media.read(frame), stored.labels(frame)), media.timestamps[frame])
            yield frame - wanted.first + 1


def _frames(wanted: Export, stop: threading.Event) -> Iterator[int]:
    for frame in range(wanted.first, wanted.last + 1):
        if stop.is_set():
            raise _CancelledError
        yield frame
