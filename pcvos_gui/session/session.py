"""The session: what is open, which object is worked on, and painting on the shown frame."""

from collections.abc import Callable
from dataclasses import replace
from enum import Enum, auto
from fractions import Fraction
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, QRect, QTimer, Signal
from PySide6.QtGui import QUndoStack

from core.masks.palette import distinct_colour
from core.media.source import FrameSource
from core.project.model import MAX_OBJECTS, Change, ObjectInfo
from core.project.project import Project
from core.studio import edits
from core.studio.work import with_mark, with_new_object
from pcvos_gui.session.commands import ChangeCommand
from pcvos_gui.session.messages import Messages
from pcvos_gui.session.navigator import Navigator
from pcvos_gui.session.open_session import OpenSession
from pcvos_gui.workers.frames import FrameWorker
from pcvos_gui.workers.garbage import free_closed

FREEING_MS = 1000
"""After which threads have let go of footage that was closed."""


class Leaving(Enum):
    """The kind of change ahead, for those who have something unfinished."""

    FRAME = auto()
    OBJECT = auto()  # the active one
    FOR_RUN = auto()  # a run begins, and reads what is there then
    FOOTAGE = auto()  # it is closed: the last chance


class Session(QObject):
    """Opens and closes documents, one at a time; knows the active object, and paints it.

    Attributes:
        navigator: the frame looked at. messages: for everyone who has something to say.
        undo_stack: of the open document; empty while nothing is open.
        labels: uint8 (H, W), the label map of the shown frame, painted in place; only where that is the current one.
        active: id of the object that tools work on; 0: none.
        solo: id of the only object to be seen; 0: all visible ones.
        may_leave: asked before a document is closed whether what is under way (a run, an export) may end.
        accepts_loss: asked before changes that cannot be saved are given up, with how many there are and why; whoever
            has a window says how to ask. Until then, nothing is ever given up.
    """

    opened = Signal()
    closing = Signal()  # still all there
    closed = Signal()
    settling = Signal(object)  # a Leaving
    labels_changed = Signal(QRect)  # the rectangle of `labels` that changed
    objects_changed = Signal()  # list, names, colours, visibility, locks, solo
    active_changed = Signal(int)
    states_changed = Signal()  # tracks of the timeline, permanent memory
    edited = Signal(object)  # a person has changed these frames
    saving_changed = Signal()

    def __init__(self, frames: FrameWorker, parent: QObject | None = None):
        super().__init__(parent)
        self.messages = Messages(self)
        self.navigator = Navigator(frames, self.messages, lambda: self._before is None, self)
        self.undo_stack = QUndoStack(self)
        self._document: OpenSession | None = None
        self.labels: np.ndarray | None = None
        self.active = self.solo = 0
        self.may_leave: Callable[[], bool] = lambda: True
        self.accepts_loss: Callable[[int, str], bool] = lambda count, why: False
        self._before: np.ndarray | None = None  # the labels, while they are painted
        self.navigator.leaving.connect(lambda: self.settling.emit(Leaving.FRAME))
        self.navigator.image_changed.connect(self._take_labels)

    # open and close

    def open(self, media: FrameSource, project: Project) -> bool:
        """Show footage and its project; what was open before is closed. False: that stays open (see `close`)."""
        was_open = self.is_open
        if not self.close():
            return False
        if was_open:
            QTimer.singleShot(FREEING_MS, free_closed)
        document = self._document = OpenSession(media, project, self.undo_stack, self.messages, self)
        document.applied.connect(self._on_applied)
        document.refused.connect(self._reload_labels)
        document.edited.connect(self.edited)
        document.saving_changed.connect(self.saving_changed)
        self.navigator.open(document)
        ids = [o.id for o in project.objects]
        self.active = project.view.active if project.view.active in ids else next(iter(ids), 0)
        self.opened.emit()
        self.objects_changed.emit()
        self.states_changed.emit()
        self.saving_changed.emit()
        self.navigator.go_to(project.view.frame)
        return True

    def close(self) -> bool:
        """Let go of the project; everything is on disk.

        False: something is under way, or cannot be saved, and is not to be lost; the project stays open.
        """
        if self._document is None:
            return True
        if not self.may_leave():
            return False
        document, project = self._document, self._document.project
        self.settling.emit(Leaving.FOOTAGE)
        self.cancel_edit()
        self.remember(frame=self.navigator.frame, active=self.active)
        if not project.retry_save():
            self.saving_changed.emit()
            if not self.accepts_loss(project.unsaved, project.save_error or ""):
                return False
        self.closing.emit()
        self.undo_stack.clear()
        document.close()
        self._document = self.labels = None
        self.active = self.solo = 0
        self.navigator.close()
        self.closed.emit()
        return True

    @property
    def is_open(self) -> bool:
        return self._document is not None

    @property
    def document(self) -> OpenSession:
        """The open footage and its project; only while `is_open`."""
        assert self._document is not None, "nothing is open"
        return self._document

    def has_open(self, project: Project) -> bool:
        """Whether this project is the one that is open."""
        return self._document is not None and self._document.project is project

    @property
    def is_writable(self) -> bool:
        """Whether something is open, and can be changed."""
        return self._document is not None and not self._document.project.read_only

    @property
    def can_edit(self) -> bool:
        """Whether the shown frame can be painted on."""
        return self.is_writable and self.navigator.shown == self.navigator.frame

    def show_preview(self, image: np.ndarray, sample_aspect_ratio: Fraction) -> None:
        """Show the first frame of footage that is still being opened, uint8 (H, W, 3)."""
        if not self.is_open:
            self.navigator.show_preview(image, sample_aspect_ratio)

    def end_preview(self) -> None:
        """Say that what was being opened is not there."""
        if not self.is_open and self.navigator.image is not None:
            self.labels = None
            self.navigator.close()
            self.closed.emit()

    def keep(self, **content: Any) -> None:
        """Store fields of the open project's content; nothing happens without one, or where it is read-only."""
        if self._document is not None:
            self._document.keep(**content)

    def remember(self, **view: Any) -> None:
        """Store fields of its view, likewise."""
        if self._document is not None:
            self._document.keep(view=replace(self._document.project.view, **view))

    # objects

    @property
    def objects(self) -> tuple[ObjectInfo, ...]:
        return self._document.objects if self._document else ()

    def object(self, id: int) -> ObjectInfo | None:
        return next((o for o in self.objects if o.id == id), None)

    def is_drawn(self, obj: ObjectInfo) -> bool:
        """Whether the object is to be seen: it is the solo one, or visible where none is solo."""
        return obj.id == self.solo if self.solo else obj.visible

    def set_active(self, id: int) -> None:
        """Make this object the one that tools work on; 0: none, so that what is marked or painted next begins one."""
        if id != self.active and (not id or self.object(id)):
            self.settling.emit(Leaving.OBJECT)
            self.active = id
            self.active_changed.emit(id)

    def set_solo(self, id: int) -> None:
        """Show this object alone; 0, or the same again: all."""
        self.solo = 0 if id == self.solo else id
        self.objects_changed.emit()

    def add_object(self, name: str = "") -> int:
        """A new object, with the lowest free id; it becomes active. 0 when there are 254."""
        used = {o.id: o.colour for o in self.objects}
        id = next((i for i in range(1, MAX_OBJECTS + 1) if i not in used), 0)
        if not id:
            text = self.tr("There are 254 objects already: merge or delete one first.")
            self.messages.say(text, "warning", holds=lambda: len(self.objects) >= MAX_OBJECTS)
            return 0
        if self.active:
            self.settling.emit(Leaving.OBJECT)
        colour = distinct_colour(id, used.values(), self.navigator.image)
        new = ObjectInfo(id, name or self.tr("Object {}").format(id), colour)
        text = self.tr("Add {}").format(new.name)
        if str(id) in self.document.project.view.marks:
            self.remember(marks=with_new_object(self.document.project.view.marks, id))
        self.document.push_change(Change(text, objects=(self.objects, (*self.objects, new))))
        return id

    def change_object(self, changed: ObjectInfo) -> None:
        """Rename, recolour, show, hide, lock, unlock or class: the object with this id becomes `changed`."""
        before = self.object(changed.id)
        if before is not None and before != changed:
            text = self._words_for(before, changed)
            self.document.push_change(edits.change_object(self.document.project, text, changed))

    def _words_for(self, old: ObjectInfo, new: ObjectInfo) -> str:
        """The step that undo takes back, in words."""
        words = {
            "name": self.tr("Rename {} to {}").format(old.name, new.name),
            "class_name": self.tr("Class of {}: {}").format(new.name, new.class_name or self.tr("none")),
            "visible": (self.tr("Show {}") if new.visible else self.tr("Hide {}")).format(new.name),
            "locked": (self.tr("Lock {}") if new.locked else self.tr("Unlock {}")).format(new.name),
            "colour": self.tr("Recolour {}").format(new.name),
        }
        same = [words[field] for field in words if replace(old, **{field: getattr(new, field)}) == new]
        return same[0] if same else self.tr("Change {}").format(new.name)

    def delete_object(self, id: int) -> None:
        """Take an object out, with its masks on all frames."""
        gone = self.object(id)
        if gone:
            text = self.tr("Delete {}").format(gone.name)
            self.document.push_change(edits.delete_object(self.document.project, text, id))

    def take_back_object(self, made: ObjectInfo) -> None:
        """Take out the object that came last, as if it had never been added; after other steps, as one more."""
        stack = self.undo_stack
        last = stack.command(stack.index() - 1) if stack.canUndo() and not stack.canRedo() else None
        change = last.change if isinstance(last, ChangeCommand) else None
        if last is None or change is None or change.objects is None or change.objects[1] != (*change.objects[0], made):
            self.delete_object(made.id)
            return
        last.setObsolete(True)  # so that the stack forgets it, instead of keeping it to be done again
        stack.undo()
        self.document.apply(change.inverted())

    def merge_objects(self, id: int, into: int) -> None:
        """Give an object's masks to another one, on all frames; it is gone afterwards."""
        source, target = self.object(id), self.object(into)
        if not source or not target or id == into:
            return
        text = self.tr("Merge {} into {}").format(source.name, target.name)
        self.document.push_change(edits.merge_objects(self.document.project, text, id, into))
        self.set_active(into)

    # edits of masks on the shown frame

    @property
    def shown_labels(self) -> np.ndarray:
        """`labels`, where a frame is shown."""
        assert self.labels is not None, "no frame is shown"
        return self.labels

    def protected(self, labels: np.ndarray | None = None) -> np.ndarray | None:
        """Pixels of objects that are locked, or done on the shown frame, in a label map, by default that frame's, bool
        (H, W); None: none is."""
        labels = self.shown_labels if labels is None else labels
        return edits.locked_pixels(self.document.project, labels, self.navigator.shown)

    def begin_edit(self) -> bool:
        """Start painting `labels` in place; False (with a message) where that cannot be.

        Where none is active, one is made first.
        """
        if not self.may_edit():
            return False
        self._before = self.shown_labels.copy()
        return True

    def may_edit(self) -> bool:
        """Whether `begin_edit` would begin; it says why not, and makes an object where none is active."""
        if not self.can_edit or self._before is not None:
            if self.is_open and not self.is_writable:
                self.document.tell_read_only()
            return False
        if not self.active:
            self.add_object()
        active = self.object(self.active)
        if active is None:
            return False
        if active.locked:
            text = self.tr("{} is locked: unlock it in the list of objects to paint it.").format(active.name)
            holds = lambda: self.active == active.id and getattr(self.object(active.id), "locked", False)  # noqa: E731
            self.messages.say(text, "warning", key="locked", holds=holds)
            return False
        project, frame = self.document.project, self.navigator.shown
        if active.id in project.done_on(frame):
            text = self.tr("{} is done on this frame: open it again (Shift+D) to change it.").format(active.name)
            holds = lambda: self.navigator.frame == frame and active.id in project.done_on(frame)  # noqa: E731
            self.messages.say(text, "warning", key="locked", holds=holds)
            return False
        return True

    @property
    def is_editing(self) -> bool:
        return self._before is not None

    def cancel_edit(self) -> None:
        """Put the labels back as they were when the edit began."""
        if self._before is not None:
            self.shown_labels[...] = self._before
            self._before = None
            self.labels_changed.emit(self._whole())

    def commit_edit(self, text: str, even_if_unchanged: bool = False) -> None:
        """Keep what was painted since `begin_edit`, as one step of undo; the active object is corrected here.

        Args:
            text: what was done, e.g. "Brush".
            even_if_unchanged: the frame becomes a correction also where the mask stays as it is: the object *is*
                absent here.
        """
        before, self._before = self._before, None
        if before is None:
            return
        document, frame, after = self.document, self.navigator.shown, self.shown_labels
        text = self.tr("{}, frame {}").format(text, frame)
        document.push_unless_empty(
            edits.paint(document.project, text, frame, self.active, before, after, even_if_unchanged)
        )

    def replace_mask(self, mask: np.ndarray, text: str, even_if_unchanged: bool = False) -> None:
        """Give the active object this mask, bool (H, W), on the shown frame; locked objects keep their pixels."""
        if not self.begin_edit():
            return
        protected = self.protected()
        if protected is not None:
            mask = mask & ~protected
        self.shown_labels[self.shown_labels == self.active] = 0
        self.shown_labels[mask] = self.active
        self.commit_edit(text, even_if_unchanged)

    def accept_frame(self) -> None:
        """Take the shown frame's masks into permanent memory as they are, for every object that is not locked."""
        if not self.can_edit:
            return
        text = self.tr("Accept frame {}").format(self.navigator.shown)
        document, frame = self.document, self.navigator.shown
        if not document.push_unless_empty(edits.accept(document.project, text, frame)):
            text = self.tr("There is nothing on this frame to accept.")
            self.messages.say(text, key="accept", holds=lambda: self.navigator.frame == frame)

    def count_mark(self, obj: int | None = None) -> None:
        """The person has given a mark for an object, by default the active one (`core.studio.work`)."""
        if self._document is not None:
            self.remember(marks=with_mark(self._document.project.view.marks, obj or self.active))

    # what a change shows

    def _on_applied(self, change: Change) -> None:
        """An object that comes, or comes back by undo, is the active one then."""
        if change.objects is not None:
            self._choose_active(*change.objects)
            if self.solo and not self.object(self.solo):
                self.solo = 0
            self.objects_changed.emit()
        if change.cells or change.objects is not None or change.done is not None:
            self.states_changed.emit()
        if self.navigator.shown in change.frames or change.objects is not None:
            self._reload_labels()
        self.saving_changed.emit()

    def _choose_active(self, *lists: tuple[ObjectInfo, ...]) -> None:
        """Choose, of the objects before and after a change, the only one that is new, or else one that is there; none,
        where the person has chosen none."""
        before, after = ({o.id for o in objects} for objects in lists)
        came = after - before
        wanted = came.pop() if len(came) == 1 else self.active
        if not self.object(wanted) and (wanted or not before):
            wanted = self.objects[0].id if self.objects else 0
        if wanted != self.active:
            self.active = wanted
            self.active_changed.emit(wanted)

    def _take_labels(self) -> None:
        """Take the label map of the frame that is shown now; a preview has none."""
        image = self.navigator.shown_image
        project = self._document.project if self._document else None
        self.labels = project.labels(self.navigator.shown) if project else np.zeros(image.shape[:2], np.uint8)

    def _reload_labels(self) -> None:
        if self.navigator.shown >= 0 and self._before is None:
            self.labels = self.document.project.labels(self.navigator.shown)
            self.labels_changed.emit(self._whole())

    def _whole(self) -> QRect:
        height, width = self.navigator.size
        return QRect(0, 0, width, height)
