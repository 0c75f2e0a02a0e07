"""Brush and eraser."""

from enum import Enum, auto

import numpy as np
from PySide6.QtCore import QObject, Qt

from core.masks.drawing import Point, paint_line
from pcvos_gui.canvas.tools.tool import CanvasTool, Pointer
from pcvos_gui.session.session import Session
from pcvos_gui.session.view_state import ViewState


class _Stroke(Enum):
    NONE = auto()
    PAINTS = auto()
    ERASES = auto()


class BrushTool(CanvasTool):
    """Paints the active object, over others that are not locked; erasing takes the active object's pixels only.

    With Shift a straight line goes from where the last stroke ended.
    """

    has_brush = True
    cursor = Qt.CursorShape.BlankCursor

    def __init__(self, session: Session, view_state: ViewState, erases: bool, parent: QObject | None = None):
        super().__init__(session, view_state, parent)
        self.erases = erases
        self._stroke = _Stroke.NONE
        self._forbidden: np.ndarray | None = None
        self._last: Point | None = None
        self._before: Point | None = None  # where the stroke before this one ended
        session.closed.connect(self._forget)

    @property
    def hint(self) -> str:
        if self.erases:
            return self.tr(
                "Erase: drag over the object. Right button or Alt paints, Shift-click: a straight line, [ ] size."
            )
        return self.tr(
            "Brush: drag to paint the object. Right button or Alt erases, Shift-click: a straight line, [ ] size."
        )

    @property
    def is_busy(self) -> bool:
        return self._stroke is not _Stroke.NONE and self.session.is_editing  # somebody else can cancel the edit

    def press(self, pointer: Pointer) -> None:
        erases = pointer.is_eraser or self.erases != pointer.inverted
        if self.is_busy or (erases and not self.session.active) or not self.session.begin_edit():
            return
        self._stroke = _Stroke.ERASES if erases else _Stroke.PAINTS
        self._forbidden = self.session.shown_labels != self.session.active if erases else self.session.protected()
        self._before = self._last
        start = self._last if pointer.shift and self._last else pointer.point
        self.changed.emit()
        self._paint(start, pointer)

    def move(self, pointer: Pointer) -> None:
        if self.is_busy and self._last is not None:
            self._paint(self._last, pointer)

    def release(self, pointer: Pointer) -> None:
        if self.is_busy:
            if self._last is not None and pointer.point != self._last:
                self._paint(self._last, pointer)
            self._commit()

    def drop(self) -> None:
        if self.is_busy:
            self._stroke, self._last = _Stroke.NONE, self._before
            self.session.cancel_edit()
            self.changed.emit()

    back = drop

    def settle(self) -> None:
        if self.is_busy:
            self._commit()

    def _paint(self, start: Point, pointer: Pointer) -> None:
        value = 0 if self._stroke is _Stroke.ERASES else self.session.active
        radius = self.brush_radius(pointer)
        self.tell(paint_line(self.session.shown_labels, start, pointer.point, radius, value, self._forbidden))
        self._last = pointer.point

    def _commit(self) -> None:
        erased, self._stroke = self._stroke is _Stroke.ERASES, _Stroke.NONE
        self.session.commit_edit(self.tr("Eraser") if erased else self.tr("Brush"))
        self.session.count_mark()
        self.changed.emit()

    def _forget(self) -> None:
        self._stroke, self._last, self._forbidden = _Stroke.NONE, None, None
