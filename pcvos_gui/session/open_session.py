"""The open document: footage and its project, every change to it as a step of undo, and its saving."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QUndoStack

from core.errors import PCVOSError
from core.media.source import FrameSource
from core.project.model import Change, ObjectInfo
from core.project.project import Project
from core.studio import edits
from core.studio.done import set_done
from core.studio.review import doubt_in_words
from pcvos_gui.session.commands import ChangeCommand
from pcvos_gui.session.messages import Messages

_MANY = 200  # cells of a change: more are saved piece by piece, between what else the window does


class OpenSession(QObject):
    """Footage and its project, from when they are opened until they are closed.

    Attributes:
        undo_stack: every change goes through it.
    """

    applied = Signal(object)  # a Change, that is in the project now
    refused = Signal()  # a Change was not
    edited = Signal(object)  # a person has changed these frames
    saving_changed = Signal()

    def __init__(
        self, media: FrameSource, project: Project, undo_stack: QUndoStack, messages: Messages, parent: QObject
    ):
        super().__init__(parent)
        self.media, self.project, self.undo_stack = media, project, undo_stack
        self._messages = messages
        self._after_saving: list[Callable[[], None]] = []
        self._saver = QTimer(self, interval=0)
        self._saver.timeout.connect(self._save_more)

    @property
    def objects(self) -> tuple[ObjectInfo, ...]:
        return self.project.objects

    def close(self) -> None:
        """Let go of the project; what is not saved is lost."""
        self._saver.stop()
        self._after_saving.clear()
        self.project.close(discard=True)
        self.deleteLater()

    # changes

    def push_change(self, change: Change) -> None:
        """Make a change, as one step of undo; a read-only project refuses, with a message."""
        if self.project.read_only:
            self.tell_read_only()
            return
        try:
            self.project.check(change)  # where Qt calls, errors are a defect's
            self.undo_stack.push(ChangeCommand(change, self.apply))
        except PCVOSError as error:
            step = self.undo_stack.index()
            self._messages.say(str(error), "error", holds=lambda: self.undo_stack.index() == step)
            self.refused.emit()
            return
        if change.frames:
            self.edited.emit(change.frames)

    def push_unless_empty(self, change: Change) -> bool:
        """Whether it changes any cell."""
        if change.cells:
            self.push_change(change)
        return bool(change.cells)

    def tell_read_only(self) -> None:
        text = self.tr("This project is open read-only: it can be looked at, but not changed.")
        self._messages.say(text, "warning", key="refused")

    def apply(self, change: Change) -> None:
        """Write a change to the project. Commands call this; all else goes through the undo stack."""
        self.project.apply(change, in_steps=len(change.cells) > _MANY)
        if self.project.is_saving:
            self._saver.start()
        self.applied.emit(change)

    def when_saved(self, then: Callable[[], None]) -> None:
        """Call `then` as soon as nothing is being saved any more; at once if nothing is, never if it is closed."""
        if self.project.is_saving:
            self._after_saving.append(then)
        else:
            then()

    def _save_more(self) -> None:
        self.project.save_more()
        if not self.project.is_saving:
            self._saver.stop()
            waiting, self._after_saving = self._after_saving, []
            self.saving_changed.emit()
            for then in waiting:
                then()

    def keep(self, **content: Any) -> None:
        """Store fields of the project's content; a read-only project forgets them."""
        if not self.project.read_only:
            self.project.keep(**content)
            if self.project.unsaved:
                self.saving_changed.emit()

    # masks on any frame

    def replace_mask_of(
        self, frame: int, id: int, mask: np.ndarray, text: str, even_if_unchanged: bool = False
    ) -> None:
        """Give an object this mask, bool (H, W), on a frame. One that is locked, done there or gone stays as it is."""
        is_free = any(info.id == id and not info.locked for info in self.objects)
        if is_free and id not in self.project.done_on(frame):
            text = self.tr("{}, frame {}").format(text, frame)
            self.push_unless_empty(edits.replace_mask(self.project, text, frame, id, mask, even_if_unchanged))

    def set_in_memory(self, frame: int, ids: Iterable[int], in_memory: bool) -> None:
        """Put corrections into permanent memory, or take them out; their masks stay."""
        text = self.tr("Put frame {} into memory") if in_memory else self.tr("Take frame {} out of memory")
        change = edits.set_in_memory(self.project, text.format(frame), frame, ids, in_memory)
        if self.push_unless_empty(change) and not in_memory:
            text = self.tr("Frame {} is out of memory; its mask stays. Clear it (Del) to have it propagated again.")
            self._messages.say(text.format(frame), key="memory")

    def set_done(self, id: int, first: int, last: int, is_done: bool) -> None:
        """Declare an object done on frames `first` to `last`, or open it again there."""
        name = next((info.name for info in self.objects if info.id == id), "")
        text = (self.tr("Done: {}, {}") if is_done else self.tr("Open again: {}, {}")).format(
            name, self._frames_in_words(first, last)
        )
        change = set_done(self.project, text, (id,), first, last, is_done)
        if change.done is None:
            return
        doubt = doubt_in_words(self.project, id, first, last) if is_done else ""
        self.push_change(change)
        if doubt:
            text = self.tr("{} is done on {}, {} among them. Undo opens it again.")
            text = text.format(name, self._frames_in_words(first, last), doubt)
            step = self.undo_stack.index()
            self._messages.say(text, key="done", holds=lambda: self.undo_stack.index() == step)

    def clear(self, first: int, last: int, ids: Iterable[int] | None = None, corrections: bool = False) -> None:
        """Forget masks on frames `first` to `last`; corrections only where asked for, locked objects never."""
        text = self.tr("Clear {}").format(self._frames_in_words(first, last))
        self.push_unless_empty(edits.clear(self.project, text, first, last, ids, corrections))

    def _frames_in_words(self, first: int, last: int) -> str:
        if first == last:
            return self.tr("frame {}").format(first)
        return self.tr("frames {} to {}").format(first, last)
