"""From a path to an open session: reading footage and project takes a while, so a thread does it."""

import logging
import os
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from superqt.utils import create_worker

from core.errors import PCVOSError
from core.media import open_media
from core.media.provisional import ProvisionalFootage, open_provisionally
from core.media.source import FrameSource
from core.progress import Cancelled, Progress
from core.project.database import DamagedProject
from core.project.model import FootageReference
from core.project.places import find_project, new_project, new_project_for_user, projects_of_user
from core.project.project import Project
from core.project.recovery import RecoveryReport, recover
from pcvos_gui.session.messages import Message, MessageAction
from pcvos_gui.session.session import Session

log = logging.getLogger(__name__)

PROJECT_SUFFIX = ".pcvos"


@dataclass(frozen=True)
class _Opened:
    """The result of the thread.

    Attributes:
        place: of a project there is for this footage. project: that, open; `error`: why it is not.
    """

    media: FrameSource
    reference: FootageReference
    index: bytes | None
    place: Path | None = None
    project: Project | None = None
    error: PCVOSError | None = None

    def close(self) -> None:
        self.media.close()
        if self.project is not None:
            self.project.close(discard=True)  # nothing of a person's waits in it


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
        self._notes: list[Message] = []  # to be said when it is open
        self._opening: Path | None = None  # what `open` was asked for, until that is over
        self.busy.connect(self._on_busy)

    def open(self, path: Path) -> None:
        """A video, a folder of images, or a project. What is being opened just now is not begun again."""
        if path == self._opening:
            return
        self.cancel()
        self._opening = path
        if path.suffix.lower() == PROJECT_SUFFIX and os.path.isfile(path):
            self._open_project(path)
        else:
            self._read_footage(path, None)

    def open_afresh(self, path: Path) -> None:
        """Footage with a new project in the user's data folder, whatever projects of it there are. To go on with the
        last of those is offered."""
        self.cancel()
        self._read_footage(path, None, is_fresh=True)

    def relink(self, project: Path, footage: Path) -> None:
        """Open the project at `project`, whose footage is at `footage` now."""
        self.cancel()
        self._open_project(project, footage)

    def cancel(self) -> None:
        """Give up what is being opened."""
        self._wish += 1
        self._notes = []
        if self._project is not None:
            self._project.close(discard=True)  # nothing of a person's waits in it
            self._project = None
        self._session.end_preview()
        self.busy.emit("")

    def _open_project(self, path: Path, footage: Path | None = None) -> None:
        session = self._session
        is_open = session.is_open and session.document.project.path == Path(os.path.realpath(path))
        if is_open and (session.is_writable or not session.close()):
            self._opening = None  # it is open, and stays so
            return
        wish = self._wish
        self.busy.emit(path.name)
        create_worker(
            Project.open,
            path,
            _connect={
                "returned": lambda project: self._on_project(project, path, footage, wish),
                "errored": lambda error: self._on_error(error, wish, path),
            },
        )

    def _on_project(self, project: Project, path: Path, footage: Path | None, wish: int) -> None:
        if wish != self._wish:
            project.close(discard=True)
            return
        is_chosen = footage is not None
        footage = footage or project.find_footage()
        if footage is None:
            missing = project.footage.path
            project.close(discard=True)
            self.busy.emit("")
            text = self.tr("The footage of {} is not where it was: {}.").format(path.name, missing)
            self._say(text, "error", self._find_action(path, missing))
            return
        self._read_footage(footage, project, is_chosen)

    def _find_action(self, project: Path, missing: Path) -> MessageAction:
        return MessageAction(self.tr("Find it…"), lambda: self.footage_wanted.emit(project, missing))

    def _ways_on(
        self, error: Exception, path: Path, reference: FootageReference | None = None
    ) -> tuple[MessageAction, ...]:
        """The ways on with a project at `path` that could not be opened."""
        if not isinstance(error, DamagedProject):
            return ()
        return (MessageAction(self.tr("Recover what can be read"), lambda: self._recover(path, reference)),)

    def _recover(self, path: Path, reference: FootageReference | None) -> None:
        self.cancel()
        wish = self._wish
        self.busy.emit(path.name)
        create_worker(
            recover,
            path,
            reference,
            _connect={
                "returned": lambda report: self._on_recovered(report, wish),
                "errored": lambda error: self._on_error(error, wish),
            },
        )

    def _on_recovered(self, report: RecoveryReport, wish: int) -> None:
        if wish == self._wish:
            self.open(report.path)
            self._notes.append(Message(report.summary, "warning"))

    def _read_footage(
        self, path: Path, project: Project | None, is_chosen: bool = False, is_fresh: bool = False
    ) -> None:
        """`is_chosen`: a person said that this is the project's footage now. `is_fresh`: it is to have a new one."""
        self._project = project
        wish = self._wish
        self.busy.emit(path.name)
        index = project.index_cache() if project is not None else None
        create_worker(
            self._read,
            path,
            index,
            Progress(lambda done, total: self.progress.emit(done / total), lambda: wish != self._wish),
            project is None and not is_fresh,
            self._session.document.project.path if self._session.is_open else None,
            _connect={
                "yielded": lambda found: self._on_yielded(found, wish),
                "returned": lambda found: self._on_read(path, found, wish, is_chosen, is_fresh),
                "errored": lambda error: self._on_error(error, wish),
            },
        )

    def _read(self, path: Path, index: bytes | None, progress: Progress, wants_project: bool, in_use: Path | None):
        """Read footage, in the thread. Yields the first frame at once, returns what was found; None if it was given up.

        Args:
            wants_project: look for one of this footage, and open it unless that is `in_use` here.
        """
        if index is None:
            yield open_provisionally(path)
        try:
            media = open_media(path, interactive=True, index=index, progress=progress)
        except Cancelled:
            return None
        reference = FootageReference.of(media, path.absolute())
        opened = _Opened(media, reference, media.stored_index(), find_project(reference) if wants_project else None)
        if opened.place is None or opened.place == in_use:
            return opened
        try:
            return replace(opened, project=Project.open(opened.place))
        except PCVOSError as error:
            return replace(opened, error=error)

    # back in the window's

    def _on_busy(self, what: str) -> None:
        if not what:
            self._opening = None

    def _on_yielded(self, found: ProvisionalFootage, wish: int) -> None:
        if wish == self._wish and not self._session.is_open:
            self._session.show_preview(found.first, found.sample_aspect_ratio)

    def _on_error(self, error: Exception, wish: int, project: Path | None = None) -> None:
        """`project`: where that was what could not be opened."""
        if wish != self._wish:
            return
        if not isinstance(error, PCVOSError):
            log.error("opening failed", exc_info=error)
        self.cancel()
        ways_on = self._ways_on(error, project) if project is not None else ()
        self._say(_sentence(error), "error", *ways_on)

    def _on_read(self, path: Path, found: _Opened | None, wish: int, is_chosen: bool, is_fresh: bool) -> None:
        if found is None:
            return
        if wish != self._wish:
            found.close()
            return
        project, self._project = self._project, None
        opened = path if project is None else project.path
        try:
            earlier = projects_of_user(found.reference) if is_fresh else []
            if is_fresh:
                project = Project.new(found.reference, new_project_for_user(found.reference))
                opened = project.path
            else:
                project = self._fitting(project, found)
            if project is not None:
                notes = [*self._notes, *self._bring_up_to_date(project, found, is_chosen)]
                if self._session.open(found.media, project):
                    if earlier:
                        notes.append(self._offer(earlier[0]))
                    self._tell_about(project, found, notes)
                    self.opened.emit(opened)
                    return
                project.close(discard=True)
            found.media.close()
            self._session.end_preview()
        except (PCVOSError, OSError) as error:
            found.media.close()
            self._on_error(error, wish)
        finally:
            self.busy.emit("")

    def _offer(self, project: Path) -> Message:
        text = self.tr("This begins anew. What you did with it before is kept.")
        return Message(text, "info", (MessageAction(self.tr("Go on with that"), lambda: self.open(project)),))

    def _fitting(self, project: Project | None, found: _Opened) -> Project | None:
        """The project that was opened, or that there is for this footage, or a new one; None (with a message) where it
        cannot be used."""
        reference = found.reference
        if project is None:
            return self._project_of(found)
        if tuple(project.footage.size) == tuple(reference.size):
            return project
        sentence, missing = project.footage.difference(reference), project.footage.path
        project.close(discard=True)
        self._say(sentence or "", "error", self._find_action(project.path, missing))
        return None

    def _project_of(self, found: _Opened) -> Project | None:
        reference, place, project, error = found.reference, found.place, found.project, found.error
        if place is None:
            return self._new_project(reference)
        if project is None and error is None:  # it is open here, and would refuse a second opening
            if not self._session.close():
                return None
            try:
                project = Project.open(place)
            except PCVOSError as refusal:
                error = refusal
        if project is None:
            self._say(str(error), "error", *self._ways_on(error, place, reference) if error else ())
            return None
        if tuple(project.footage.size) == tuple(reference.size):
            return project
        text = self.tr("{} It stays as it is, and a new project begins.")
        self._notes.append(Message(text.format(project.footage.difference(reference)), "warning"))
        project.close(discard=True)
        return self._new_project(reference)

    def _new_project(self, reference: FootageReference) -> Project:
        place = new_project(reference)
        if place.parent != reference.path.parent:
            text = self.tr("The folder of {} cannot be written: what you do is kept in {}.")
            self._notes.append(Message(text.format(reference.path.name, place), "warning"))
        return Project.new(reference, place)

    def _bring_up_to_date(self, project: Project, found: _Opened, is_chosen: bool) -> list[Message]:
        """Note what is known better of the footage; what is to be said about it."""
        reference = found.reference
        changed = project.footage.difference(reference)
        if is_chosen or (changed is None and project.footage.path != reference.path):
            project.relink(reference)
        elif project.footage.frames != reference.frames:
            # Frames that are new can be painted, but it stays other footage until a person says what it is.
            project.relink(replace(reference, fingerprint=project.footage.fingerprint))
        if not project.read_only and found.index is not None:
            project.set_index_cache(found.index)
        if changed is None:
            return []
        right = MessageAction(self.tr("It is the right one"), lambda: self._accept_footage(project, reference))
        return [Message(changed, "warning", () if is_chosen or project.read_only else (right,))]

    def _accept_footage(self, project: Project, reference: FootageReference) -> None:
        if self._session.has_open(project):
            project.relink(reference)

    def _tell_about(self, project: Project, found: _Opened, notes: list[Message]) -> None:
        """These stay as long as it is open."""
        if project.exists and not project.read_only:
            text = self.tr("Everything is as you left it; the undo history starts anew here.")
            notes = [Message(text), *notes]
        for note in notes:
            self._session.messages.said.emit(note)
        for sentence in (*project.warnings, *found.media.warnings):
            if sentence != project.refusal:
                self._session.messages.say(sentence, "warning")
        if project.read_only:
            text = self.tr("{} It is read-only here.").format(project.refusal)
            again = MessageAction(self.tr("Open it again"), lambda: self.open(project.path))
            self._session.messages.say(text, "warning", (again,), "read-only")

    def _say(self, text: str, level: str, *actions: MessageAction) -> None:
        """Something of what is being opened; it goes as soon as something else is."""
        wish = self._wish
        self._session.messages.say(text, level, actions, holds=lambda: self._wish == wish)


def _sentence(error: Exception) -> str:
    """An error that ends opening, with a way on."""
    if isinstance(error, OSError):
        what, why = error.filename or "It", error.strerror or error
        return f"{what} cannot be opened: {why}. Copy it to another folder and open it there."
    return str(error) or type(error).__name__
