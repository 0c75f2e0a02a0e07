"""The one place of state: the open footage and its project, the frame looked at, the objects, and edits to masks."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from enum import Enum, auto
from fractions import Fraction

import numpy as np
from PySide6.QtCore import QObject, QRect, QTimer, Signal
from PySide6.QtGui import QUndoStack

from core.errors import PCVOSError
from core.masks.palette import distinct_colour
from core.media.source import FrameSource
from core.project.model import MAX_OBJECTS, Change, ObjectInfo
from core.project.project import Project
from core.studio import edits
from pcvos_gui.session.commands import ChangeCommand
from pcvos_gui.session.messages import Message
from pcvos_gui.workers.frames import FrameWorker

log = logging.getLogger(__name__)

_MANY = 200  # cells of a change: more are saved piece by piece, between what else the window does


class Leaving(Enum):
    """The kind of change ahead, for those who have something unfinished."""

    FRAME = auto()
    OBJECT = auto()  # the active one
    FOR_RUN = auto()  # a run begins, and reads what is there then
    FOOTAGE = auto()  # it is closed: the last chance


class Session(QObject):
    """The open document, and how it changes.

    The frame that is *current* is where the person is; the frame that is *shown* is the one whose pixels are on the
    canvas: it lags behind while a frame is decoded, and `labels` belong to it. Only where both agree can be painted.

    Attributes:
        project: None while nothing is open.
        undo_stack: every change goes through it.
        frame, shown: indices; -1 while nothing is open, or shown.
        image: uint8 (H, W, 3) RGB of the shown frame, read-only. labels: uint8 (H, W), its label map, painted in place.
        active: id of the object that tools work on; 0: none.
        solo: id of the only object to be seen; 0: all visible ones.
        may_leave: asked before the project is closed whether what is under way (a run, an export) may end.
        accepts_loss: asked before changes that cannot be saved are given up, with how many there are and why; whoever
            has a window says how to ask. Until then, nothing is ever given up.
    """

    opened = Signal()
    closing = Signal()  # still all there
    closed = Signal()
    settling = Signal(object)  # a Leaving
    frame_changed = Signal(int)
    image_changed = Signal()  # a frame is shown, with its labels
    labels_changed = Signal(QRect)  # the rectangle of `labels` that changed
    objects_changed = Signal()  # list, names, colours, visibility, locks, solo
    active_changed = Signal(int)
    states_changed = Signal()  # tracks of the timeline, permanent memory
    edited = Signal(object)  # a person has changed these frames
    saving_changed = Signal()
    message = Signal(object)

    def __init__(self, frames: FrameWorker, parent: QObject | None = None):
        super().__init__(parent)
        self.frames = frames
        self.project: Project | None = None
        self.media: FrameSource | None = None
        self.undo_stack = QUndoStack(self)
        self.frame = self.shown = -1
        self._preview_aspect = Fraction(1)
        self.image: np.ndarray | None = None
        self.labels: np.ndarray | None = None
        self.active = self.solo = 0
        self.may_leave: Callable[[], bool] = lambda: True
        self.accepts_loss: Callable[[int, str], bool] = lambda count, why: False
        self._before: np.ndarray | None = None
        self._after_saving: list[Callable[[], None]] = []
        self._saver = QTimer(self, interval=0)
        self._saver.timeout.connect(self._save_more)
        frames.ready.connect(self._show)
        frames.nearest.connect(lambda _, shown, image: self._show(shown, image))
        frames.failed.connect(self._tell_unreadable)

    # open and close

    def open(self, media: FrameSource, project: Project) -> bool:
        """Show footage and its project; what was open before is closed. False: that stays open (see `close`)."""
        if not self.close():
            return False
        self.frame = self.shown = -1  # also of what was shown while it was being opened
        self.media, self.project = media, project
        self.frames.set_source(media)
        known = [o.id for o in project.objects]
        remembered = project.setting("active", 0)
        self.active = remembered if remembered in known else next(iter(known), 0)
        self.opened.emit()
        self.objects_changed.emit()
        self.states_changed.emit()
        self.saving_changed.emit()
        stored = project.setting("frame", 0)
        self.go_to(stored if isinstance(stored, int) else 0)
        return True

    def close(self) -> bool:
        """Let go of the project; everything is on disk.

        False: something is under way, or cannot be saved, and is not to be lost; the project stays open.
        """
        if self.project is None:
            return True
        if not self.may_leave():
            return False
        self.settling.emit(Leaving.FOOTAGE)
        self.cancel_edit()
        self.remember("frame", self.frame)
        self.remember("active", self.active)
        if not self.project.retry_save():
            self.saving_changed.emit()
            if not self.accepts_loss(self.project.unsaved, self.project.save_error or ""):
                return False
        self.closing.emit()
        self.undo_stack.clear()
        self._after_saving.clear()
        self.project.close(discard=True)
        self.project = self.media = self.image = self.labels = None
        self.frame = self.shown = -1
        self.active = self.solo = 0
        self.frames.set_source(None)
        self.closed.emit()
        return True

    @property
    def loaded_project(self) -> Project:
        """`project`, where one is open."""
        assert self.project is not None, "no project is open"
        return self.project

    @property
    def loaded_media(self) -> FrameSource:
        """`media`, where footage is open."""
        assert self.media is not None, "no footage is open"
        return self.media

    @property
    def shown_image(self) -> np.ndarray:
        """`image`, where a frame is shown."""
        assert self.image is not None, "no frame is shown"
        return self.image

    @property
    def shown_labels(self) -> np.ndarray:
        """`labels`, where a frame is shown."""
        assert self.labels is not None, "no frame is shown"
        return self.labels

    @property
    def frame_count(self) -> int:
        return len(self.media) if self.media else 0

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the footage."""
        return self.media.size if self.media else (0, 0)

    @property
    def can_edit(self) -> bool:
        """Whether the shown frame can be painted on."""
        return self.project is not None and not self.project.read_only and self.shown == self.frame

    @property
    def sample_aspect_ratio(self) -> float:
        """How wide a pixel of what is shown is, over how high."""
        return float(self._preview_aspect if self.media is None else self.media.sample_aspect_ratio)

    def show_preview(self, image: np.ndarray, sample_aspect_ratio: Fraction) -> None:
        """Show the first frame of footage that is still being opened, uint8 (H, W, 3)."""
        if self.project is None:
            self._preview_aspect = sample_aspect_ratio
            self.image, self.labels, self.shown = image, np.zeros(image.shape[:2], np.uint8), 0
            self.image_changed.emit()

    def end_preview(self) -> None:
        """Say that what was being opened is not there."""
        if self.project is None and self.image is not None:
            self.image = self.labels = None
            self.shown = -1
            self.closed.emit()

    # frames

    def go_to(self, frame: int) -> None:
        """Make a frame current; it is shown as soon as it is decoded."""
        if self.project is None or self._before is not None:
            return
        frame = min(max(frame, 0), self.frame_count - 1)
        moved = frame != self.frame
        if moved:
            self.settling.emit(Leaving.FRAME)
        self.frame = frame
        if moved:
            self.frame_changed.emit(frame)
        cached = self.frames.cached(frame)
        if cached is not None:
            self._show(frame, cached)
        self.frames.request(frame)

    def go_to_corrected(self, step: int) -> None:
        """To the next (+1) or previous (-1) corrected frame, if there is one."""
        found = self.project.next_corrected(self.frame, step) if self.project else None
        if found is not None:
            self.go_to(found)

    def _tell_unreadable(self, frame: int, sentence: str) -> None:
        holds = lambda: self.frame == frame  # noqa: E731
        self.message.emit(Message(sentence, "error", key="frame", holds=holds))

    def _show(self, frame: int, image: np.ndarray) -> None:
        if self.project is None or self._before is not None or (frame == self.shown and frame == self.frame):
            return
        self.shown, self.image = frame, image
        self.labels = self.project.labels(frame)
        self.image_changed.emit()

    # objects

    @property
    def objects(self) -> tuple[ObjectInfo, ...]:
        return self.project.objects if self.project else ()

    def object(self, id: int) -> ObjectInfo | None:
        return next((o for o in self.objects if o.id == id), None)

    def is_drawn(self, obj: ObjectInfo) -> bool:
        """Whether the object is to be seen: it is the solo one, or visible where none is solo."""
        return obj.id == self.solo if self.solo else obj.visible

    def set_active(self, id: int) -> None:
        if id != self.active and self.object(id):
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
            self.message.emit(Message(text, "warning", holds=lambda: len(self.objects) >= MAX_OBJECTS))
            return 0
        if self.active:
            self.settling.emit(Leaving.OBJECT)
        new = ObjectInfo(id, name or self.tr("Object {}").format(id), distinct_colour(id, used.values(), self.image))
        self._change_objects(self.tr("Add {}").format(new.name), (*self.objects, new))
        return id

    def change_object(self, changed: ObjectInfo) -> None:
        """Rename, recolour, show, hide, lock, unlock or class: the object with this id becomes `changed`."""
        known = self.object(changed.id)
        if known is not None and known != changed:
            text = self._words_for(known, changed)
            self.push_change(edits.change_object(self.loaded_project, text, changed))

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
            self.push_change(edits.delete_object(self.loaded_project, self.tr("Delete {}").format(gone.name), id))

    def merge_objects(self, id: int, into: int) -> None:
        """Give an object's masks to another one, on all frames; it is gone afterwards."""
        source, target = self.object(id), self.object(into)
        if not source or not target or id == into:
            return
        text = self.tr("Merge {} into {}").format(source.name, target.name)
        self.push_change(edits.merge_objects(self.loaded_project, text, id, into))
        self.set_active(into)

    def _change_objects(self, text: str, objects: tuple[ObjectInfo, ...]) -> None:
        self.push_change(Change(text, objects=(self.objects, objects)))

    # edits of masks on the shown frame

    def protected(self, labels: np.ndarray | None = None) -> np.ndarray | None:
        """Pixels of objects that are locked, or done on the shown frame, in a label map, by default that frame's, bool
        (H, W); None: none is."""
        labels = self.shown_labels if labels is None else labels
        return edits.locked_pixels(self.loaded_project, labels, self.shown)

    def begin_edit(self) -> bool:
        """Start painting `labels` in place; False (with a message) where that cannot be.

        Without any object, one is made first.
        """
        if not self.may_edit():
            return False
        self._before = self.shown_labels.copy()
        return True

    def may_edit(self) -> bool:
        """Whether `begin_edit` would begin; it says why not, and makes the first object."""
        if not self.can_edit or self._before is not None:
            if self.project is not None and self.project.read_only:
                self._refuse()
            return False
        if not self.objects:
            self.add_object()
        active = self.object(self.active)
        if active is None:
            return False
        if active.locked:
            text = self.tr("{} is locked: unlock it in the list of objects to paint it.").format(active.name)
            holds = lambda: self.active == active.id and getattr(self.object(active.id), "locked", False)  # noqa: E731
            self.message.emit(Message(text, "warning", key="locked", holds=holds))
            return False
        if active.id in self.loaded_project.done_on(self.shown):
            frame, text = self.shown, self.tr("{} is done on this frame: open it again (Shift+D) to change it.")
            holds = lambda: self.frame == frame and active.id in self.loaded_project.done_on(frame)  # noqa: E731
            self.message.emit(Message(text.format(active.name), "warning", key="locked", holds=holds))
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
        text = self.tr("{}, frame {}").format(text, self.shown)
        self._push_unless_empty(
            edits.paint(
                self.loaded_project, text, self.shown, self.active, before, self.shown_labels, even_if_unchanged
            )
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

    def replace_mask_of(self, frame: int, id: int, mask: np.ndarray, text: str) -> None:
        """Like `replace_mask`, of any object on any frame. One that is locked, done there or gone stays as it is."""
        obj = self.object(id)
        if obj is None or obj.locked or id in self.loaded_project.done_on(frame):
            return
        text = self.tr("{}, frame {}").format(text, frame)
        self._push_unless_empty(edits.replace_mask(self.loaded_project, text, frame, id, mask))

    # corrections and permanent memory

    def accept_frame(self) -> None:
        """Take the shown frame's masks into permanent memory as they are, for every object that is not locked."""
        if not self.can_edit:
            return
        text = self.tr("Accept frame {}").format(self.shown)
        if not self._push_unless_empty(edits.accept(self.loaded_project, text, self.shown)):
            frame, text = self.frame, self.tr("There is nothing on this frame to accept.")
            self.message.emit(Message(text, key="accept", holds=lambda: self.frame == frame))

    def set_in_memory(self, frame: int, ids: Iterable[int], in_memory: bool) -> None:
        """Put corrections into permanent memory, or take them out; their masks stay."""
        text = self.tr("Put frame {} into memory") if in_memory else self.tr("Take frame {} out of memory")
        change = edits.set_in_memory(self.loaded_project, text.format(frame), frame, ids, in_memory)
        if self._push_unless_empty(change) and not in_memory:
            text = self.tr("Frame {} is out of memory; its mask stays. Clear it (Del) to have it propagated again.")
            self.message.emit(Message(text.format(frame), key="memory"))

    def clear(self, first: int, last: int, ids: Iterable[int] | None = None, corrections: bool = False) -> None:
        """Forget masks on frames `first` to `last`; corrections only where asked for, locked objects never."""
        text = self.tr("Clear frames {} to {}").format(first, last)
        self._push_unless_empty(edits.clear(self.loaded_project, text, first, last, ids, corrections))

    # changes

    def apply(self, change: Change) -> None:
        """Write a change to the project and show it. Commands call this; all else goes through the undo stack.

        An object that comes, or comes back by undo, is the active one then.
        """
        self.loaded_project.apply(change, in_steps=len(change.cells) > _MANY)
        if self.loaded_project.is_saving:
            self._saver.start()
        if change.objects is not None:
            self._choose_active(change)
            if self.solo and not self.object(self.solo):
                self.solo = 0
            self.objects_changed.emit()
        if change.cells or change.objects is not None or change.done is not None:
            self.states_changed.emit()
        if self.shown in change.frames or change.objects is not None:
            self._reload_labels()
        self.saving_changed.emit()

    def _choose_active(self, change: Change) -> None:
        """After the list of objects has changed: the only one that is new in it, or else one that is there."""
        before, after = ({o.id for o in objects} for objects in change.objects)
        came = after - before
        wanted = came.pop() if len(came) == 1 else self.active
        if not self.object(wanted):
            wanted = self.objects[0].id if self.objects else 0
        if wanted != self.active:
            self.active = wanted
            self.active_changed.emit(wanted)

    def when_saved(self, then: Callable[[], None]) -> None:
        """Call `then` as soon as nothing is being saved any more; at once if nothing is, never if it is closed."""
        if self.loaded_project.is_saving:
            self._after_saving.append(then)
        else:
            then()

    def _save_more(self) -> None:
        if self.project is not None:
            self.project.save_more()
        if self.project is None or not self.project.is_saving:
            self._saver.stop()
            waiting, self._after_saving = self._after_saving, []
            self.saving_changed.emit()
            for then in waiting if self.project is not None else ():
                then()

    def push_change(self, change: Change) -> None:
        """Make a change, as one step of undo; a read-only project refuses, with a message."""
        if self.loaded_project.read_only:
            self._refuse()
            return
        try:
            self.undo_stack.push(ChangeCommand(change, self.apply))
        except PCVOSError as error:
            step = self.undo_stack.index()
            holds = lambda: self.undo_stack.index() == step  # noqa: E731
            self.message.emit(Message(str(error), "error", holds=holds))
            self._reload_labels()
            return
        if change.frames:
            self.edited.emit(change.frames)

    def _push_unless_empty(self, change: Change) -> bool:
        """Whether it changes any cell."""
        if change.cells:
            self.push_change(change)
        return bool(change.cells)

    def _refuse(self) -> None:
        text = self.tr("This project is open read-only: it can be looked at, but not changed.")
        self.message.emit(Message(text, "warning", key="refused"))

    def _reload_labels(self) -> None:
        if self.shown >= 0 and self._before is None:
            self.labels = self.loaded_project.labels(self.shown)
            self.labels_changed.emit(self._whole())

    def _whole(self) -> QRect:
        return QRect(0, 0, self.size[1], self.size[0])

    # settings of the project

    def remember(self, key: str, value: object) -> None:
        """A setting of the view, kept in the project; a read-only project forgets it."""
        if self.project is not None and not self.project.read_only:
            self.project.set_setting(key, value)
            if self.project.unsaved:
                self.saving_changed.emit()
