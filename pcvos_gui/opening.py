"""From a path to an open session: reading the footage takes a while, so a thread does it."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from superqt.utils import create_worker

from core.errors import PCVOSError
from core.media import open_media
from core.media.provisional import ProvisionalFootage, open_provisionally
from core.media.source import FrameSource, ReadStopped
from core.project.connecting import DamagedProject
from core.project.model import FootageReference
from core.project.places import find_project, new_project
from core.project.project import Project
from core.project.recovery import recover
from pcvos_gui.messages import Message, MessageAction
from pcvos_gui.session import Session

log = logging.getLogger(__name__)

PROJECT_SUFFIX = ".pcvos"


@dataclass(frozen=True)
class _Opened:
    """What the thread found out."""

    media: FrameSource
    reference: FootageReference
    index: bytes | None


class Opener(QObject):
    """Opens one thing at a time; the newest wish wins.

    Signals:
        busy(str): what is being opened; "" when that is over. progress(float): 0 to 1, of reading a long video.
        opened(path): what a person opened, for the list of recent files.
        footage_wanted(path, footage): the footage of the project at `path` is gone: ask where it is, call `relink`.
    """

    busy = Signal(str)
    progress = Signal(float)
    opened = Signal(Path)
    footage_wanted = Signal(Path, Path)

    def __init__(self, session: Session, parent: QObject | None = None):
        super().__init__(parent)
        self._session = session
        self._wish = 0
        self._project: Project | None = None

    def open(self, path: Path) -> None:
        """A video, a folder of images, or a project."""
        self.cancel()
        if path.suffix.lower() == PROJECT_SUFFIX and path.is_file():
            self._open_project(path)
        else:
            self._read_footage(path, None)

    def relink(self, project: Path, footage: Path) -> None:
        """Open the project at `project`, whose footage is at `footage` now."""
        self.cancel()
        self._open_project(project, footage)

    def cancel(self) -> None:
        """Give up what is being opened."""
        self._wish += 1
        if self._project is not None:
            self._project.close()
            self._project = None
        self._session.end_preview()
        self.busy.emit("")

    def _open_project(self, path: Path, footage: Path | None = None) -> None:
        if self._session.project is not None and self._session.project.path == path:
            return
        try:
            project = Project.open(path)
        except DamagedProject as error:
            action = MessageAction(self.tr("Recover what can be read"), lambda: self._recover(path))
            self._say(str(error), "error", action)
            return
        except PCVOSError as error:
            self._say(str(error), "error")
            return
        footage = footage or project.find_footage()
        if footage is None:
            missing = project.footage.path
            project.close()
            text = self.tr("The footage of {} is not where it was: {}.").format(path.name, missing)
            action = MessageAction(self.tr("Find it…"), lambda: self.footage_wanted.emit(path, missing))
            self._say(text, "error", action)
            return
        self._read_footage(footage, project)

    def _recover(self, path: Path) -> None:
        try:
            report = recover(path)
        except PCVOSError as error:
            self._say(str(error), "error")
            return
        self._say(report.summary, "warning")
        self.open(report.path)

    def _read_footage(self, path: Path, project: Project | None) -> None:
        self._project = project
        wish = self._wish
        self.busy.emit(path.name)
        index = project.index_cache() if project is not None else None
        create_worker(
            self._read,
            path,
            index,
            lambda: wish != self._wish,
            _connect={
                "yielded": lambda found: self._on_yielded(found, wish),
                "returned": lambda found: self._on_read(path, found, wish),
                "errored": lambda error: self._on_error(error, wish),
            },
        )

    def _read(self, path: Path, index: bytes | None, stop: Callable[[], bool]):
        """In the thread. Yields the first frame at once, returns what was found; None where it was given up."""
        if index is None:
            yield open_provisionally(path)
        try:
            media = open_media(path, interactive=True, index=index, should_stop=stop, progress=self.progress.emit)
        except ReadStopped:
            return None
        reference = FootageReference(path.absolute(), media.fingerprint(), len(media), media.size, media.rate)
        return _Opened(media, reference, media.stored_index())

    # back in the window's

    def _on_yielded(self, found: ProvisionalFootage, wish: int) -> None:
        if wish == self._wish and self._session.project is None:
            self._session.show_preview(found.first)

    def _on_error(self, error: Exception, wish: int) -> None:
        if wish != self._wish:
            return
        if not isinstance(error, PCVOSError):
            log.error("opening failed", exc_info=error)
        self.cancel()
        self._say(str(error) or type(error).__name__, "error")

    def _on_read(self, path: Path, found: _Opened | None, wish: int) -> None:
        if found is None:
            return
        if wish != self._wish:
            found.media.close()
            return
        project, self._project = self._project, None
        chosen = path
        if project is None:
            project = self._project_of(found.reference)
            if project is None:
                found.media.close()
                self.busy.emit("")
                return
        else:
            chosen = project.path
        self._session.open(found.media, project)
        self.busy.emit("")
        self._tell_about(project, found)
        self.opened.emit(chosen)

    def _project_of(self, reference: FootageReference) -> Project | None:
        """The project that there is for this footage, or a new one; None (with a message) if that is damaged."""
        place = find_project(reference)
        if place is None:
            return Project.new(reference, new_project(reference))
        if self._session.project is not None and self._session.project.path == place:
            self._session.close()
        try:
            return Project.open(place)
        except DamagedProject as error:
            self._say(
                str(error), "error", MessageAction(self.tr("Recover what can be read"), lambda: self._recover(place))
            )
        except PCVOSError as error:
            self._say(str(error), "error")
        return None

    def _tell_about(self, project: Project, found: _Opened) -> None:
        if not project.read_only:
            if project.footage.path != found.reference.path and project.check_footage(found.reference) is None:
                project.relink(found.reference)
            if found.index is not None:
                project.set_index_cache(found.index)
        for sentence in (project.check_footage(found.reference), *project.warnings, *found.media.warnings):
            if sentence:
                self._say(sentence, "warning")
        if project.read_only:
            text = self.tr("{} is open read-only: it is in use by another window, or its folder cannot be written.")
            self._say(text.format(project.path.name), "warning")
        elif project.exists:
            self._say(self.tr("Everything is as you left it; the undo history starts anew here."), "info")

    def _say(self, text: str, level: str, *actions: MessageAction) -> None:
        self._session.message.emit(Message(text, level, actions))
