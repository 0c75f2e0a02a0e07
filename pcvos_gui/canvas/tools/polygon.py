"""Polygon and lasso: corners are clicked, free curves dragged."""

import math
from dataclasses import dataclass

from PySide6.QtCore import QObject, QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from core.masks.drawing import Point, polygon
from pcvos_gui.canvas.tools.tool import CanvasTool, Offer, Pointer
from pcvos_gui.session.session import Session
from pcvos_gui.session.view_state import ViewState

_GRAB = 7.0  # screen pixels from a corner within which a press takes hold of it
_DRAG = 4.0  # screen pixels from which a press is a drag
_LASSO_STEP = 2.0  # screen pixels between points of a lasso
_FAR = 1e7
_DARK, _LIGHT = QColor(0, 0, 0, 170), QColor(255, 255, 255)


@dataclass(frozen=True)
class _Shape:
    """An open shape: its points, and which of them were clicked, and can be moved."""

    points: tuple[Point, ...] = ()
    corners: tuple[int, ...] = ()

    def with_point(self, point: Point, is_corner: bool = False) -> "_Shape":
        corners = (*self.corners, len(self.points)) if is_corner else self.corners
        return _Shape((*self.points, point), corners)

    def with_moved(self, index: int, point: Point) -> "_Shape":
        return _Shape((*self.points[:index], point, *self.points[index + 1 :]), self.corners)


class PolygonTool(CanvasTool):
    """Clicks set corners, which can be dragged elsewhere; dragging from anywhere else draws freehand between them. A
    shape drawn in one drag closes at its end.

    Double-click, Enter or a click on the first corner close it; what is inside becomes the active object's, or stops
    being so if the shape was begun inverted. An open shape stays when the frame changes.
    """

    cursor = Qt.CursorShape.CrossCursor

    def __init__(self, session: Session, view_state: ViewState, parent: QObject | None = None):
        super().__init__(session, view_state, parent)
        self._item = _ShapeItem()
        self.items = (self._item,)
        self._shape = _Shape()
        self._before: list[_Shape] = []  # the shape before each step: a click, a drag, a corner that was moved
        self._subtracts = False
        self._pressed_at: Point | None = None
        self._held: int | None = None  # the corner that the press took hold of
        self._drags = False
        session.closed.connect(self.drop)

    @property
    def hint(self) -> str:
        if not self.is_busy:
            return self.tr("Polygon: click corners, or drag around the object. Right button or Alt takes away.")
        return self.tr(
            "Enter, double-click or the first corner again closes; drag a corner to move it; Backspace takes the last "
            "step back; Esc drops."
        )

    @property
    def is_busy(self) -> bool:
        return bool(self._shape.points)

    @property
    def offer(self) -> Offer | None:
        if not self.is_busy or self._pressed_at is not None:
            return None
        return Offer(self.tr("Close"), self.tr("Drop"), can_accept=len(self._shape.points) > 2)

    def press(self, pointer: Pointer) -> None:
        self._pressed_at, self._drags, self._held = pointer.point, False, self._corner_at(pointer)
        self._before.append(self._shape)
        if self._held is None:
            if not self.is_busy:
                self._subtracts = pointer.inverted
            self._set(self._shape.with_point(pointer.point, is_corner=True))

    def move(self, pointer: Pointer) -> None:
        if self._pressed_at is None:
            return
        last = self._shape.points[-1] if self._drags and self._held is None else self._pressed_at
        least = (_LASSO_STEP if self._drags and self._held is None else _DRAG) * pointer.unit
        if self._held is not None:
            if self._drags or math.dist(last, pointer.point) >= least:
                self._drags = True
                self._set(self._shape.with_moved(self._held, pointer.point))
        elif math.dist(last, pointer.point) >= least:
            self._drags = True
            self._set(self._shape.with_point(pointer.point))

    def release(self, pointer: Pointer) -> None:
        if self._pressed_at is None:
            return
        is_lasso = self._drags and self._held is None and not self._before[-1].points
        is_click = self._held is not None and not self._drags
        closes = is_click and self._held == 0 and len(self._shape.points) > 2
        if is_click:
            self._before.pop()  # nothing has changed
        self._pressed_at, self._held, self._drags = None, None, False
        if is_lasso or closes:
            self.accept()
        self.changed.emit()

    def double_click(self, pointer: Pointer) -> None:
        if self.is_busy:
            self.accept()  # its first click has set the last corner
        else:
            self.press(pointer)

    def hover(self, pointer: Pointer) -> None:
        if not self.is_busy:
            return
        at_corner = self._corner_at(pointer) is not None
        self._item.show_shape(self._shape, None if at_corner else pointer.point, self._subtracts, pointer.unit)
        self._point_with(Qt.CursorShape.SizeAllCursor if at_corner else Qt.CursorShape.CrossCursor)

    def leave(self) -> None:
        self._show()

    def accept(self) -> None:
        """Close the shape; one without an inside stays open."""
        if len(self._shape.points) < 3 or not self.session.begin_edit():
            return
        labels, active = self.session.shown_labels, self.session.active
        inside = polygon(self.session.navigator.size, self._shape.points)
        protected = self.session.protected()
        if self._subtracts:
            labels[inside & (labels == active)] = 0
        else:
            labels[inside if protected is None else inside & ~protected] = active
        self.session.commit_edit(self.tr("Polygon"))
        self.session.count_mark()
        self.drop()

    def drop(self) -> None:
        self._shape, self._before, self._pressed_at, self._held = _Shape(), [], None, None
        self._point_with(Qt.CursorShape.CrossCursor)
        self._show()
        self.changed.emit()

    def back(self) -> None:
        if self._before:
            self._shape = self._before.pop()
            self._pressed_at = self._held = None
            self._show()
            self.changed.emit()

    def _set(self, shape: _Shape) -> None:
        is_first = not self.is_busy
        self._shape = shape
        self._show()
        if is_first:
            self.changed.emit()

    def _show(self) -> None:
        self._item.show_shape(self._shape, None, self._subtracts)

    def _point_with(self, cursor: Qt.CursorShape) -> None:
        if cursor != self.cursor:
            self.cursor = cursor
            self.changed.emit()

    def _corner_at(self, pointer: Pointer) -> int | None:
        """The nearest corner that a press would take hold of."""
        points = self._shape.points
        near = min(self._shape.corners, key=lambda index: math.dist(points[index], pointer.point), default=None)
        is_near = near is not None and math.dist(points[near], pointer.point) <= _GRAB * pointer.unit
        return near if is_near else None


class _ShapeItem(QGraphicsItem):
    """The open shape: lines as wide on the screen at every zoom, and a square on each corner."""

    def __init__(self) -> None:
        super().__init__()
        self._line = QPolygonF()
        self._corners: list[QPointF] = []
        self._subtracts = False

    def show_shape(self, shape: _Shape, pointer: Point | None, subtracts: bool, unit: float = 1.0) -> None:
        """With a line on to the pointer, if that is given; `unit` as `Pointer.unit`."""
        points = shape.points if pointer is None else (*shape.points, pointer)
        self._subtracts = subtracts
        before, self._line = self._line, QPolygonF([QPointF(x, y) for x, y in points])
        ends = {0, *shape.corners, len(shape.points) - 1} if shape.points else set()
        self._corners = [QPointF(*shape.points[index]) for index in sorted(ends)]
        margin = 8 * unit if pointer else 64.0
        for line in (before, self._line):
            self.update(line.boundingRect().adjusted(-margin, -margin, margin, margin))

    def boundingRect(self) -> QRectF:
        return QRectF(-_FAR, -_FAR, 2 * _FAR, 2 * _FAR)  # points lie anywhere; `update` says where

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        if self._line.isEmpty():
            return
        transform = painter.worldTransform()
        line = transform.map(self._line)
        painter.save()
        painter.resetTransform()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        accent = QColor(255, 90, 80) if self._subtracts else _LIGHT
        for colour, width in ((_DARK, 3.0), (accent, 1.4)):
            painter.setPen(QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawPolyline(line)
        painter.setPen(QPen(_DARK, 1.0))
        painter.setBrush(QBrush(accent))
        for corner in map(transform.map, self._corners):
            painter.drawRect(QRectF(corner.x() - 3.5, corner.y() - 3.5, 7, 7))
        painter.restore()
