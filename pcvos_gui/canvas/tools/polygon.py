"""Polygon and lasso: corners are clicked, free curves dragged."""

import math

from PySide6.QtCore import QObject, QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from core.annotation.editing import Point, polygon
from pcvos_gui.canvas.tools.tool import CanvasTool, Offer, Pointer
from pcvos_gui.session import Session
from pcvos_gui.view_state import ViewState

_CLOSE = 8.0  # screen pixels from the first corner within which a click closes
_DRAG = 4.0  # screen pixels from which a press is a drag
_LASSO_STEP = 2.0  # screen pixels between points of a lasso
_FAR = 1e7
_DARK, _LIGHT = QColor(0, 0, 0, 170), QColor(255, 255, 255)


class PolygonTool(CanvasTool):
    """Clicks set corners, dragging draws freehand between them; a shape drawn in one drag closes at its end.

    Double-click, Enter or a click on the first corner close it; what is inside becomes the active object's, or stops
    being so if the shape was begun inverted. An open shape stays when the frame changes.
    """

    def __init__(self, session: Session, view_state: ViewState, parent: QObject | None = None):
        super().__init__(session, view_state, parent)
        self._item = _ShapeItem()
        self.items = (self._item,)
        self._points: list[Point] = []
        self._steps: list[int] = []  # how many points there were before each click or drag
        self._subtracts = False
        self._pressed_at: Point | None = None
        self._drags = False
        session.closed.connect(self.drop)

    @property
    def hint(self) -> str:
        if not self._points:
            return self.tr("Polygon: click corners, or drag around the object. Right button or Alt takes away.")
        return self.tr("Enter, double-click or the first corner again closes; Backspace takes one back; Esc drops.")

    @property
    def is_busy(self) -> bool:
        return bool(self._points)

    @property
    def offer(self) -> Offer | None:
        if not self._points or self._pressed_at is not None:
            return None
        box = QPolygonF([QPointF(*point) for point in self._points]).boundingRect()
        return Offer(box, self.tr("Close"), self.tr("Drop"), can_accept=len(self._points) > 2, grows=True)

    def press(self, pointer: Pointer) -> None:
        if self._points and self._is_at_start(pointer) and len(self._points) > 2:
            self.accept()
            return
        if not self._points:
            self._subtracts = pointer.inverted
        self._pressed_at, self._drags = pointer.point, False
        self._steps.append(len(self._points))
        self._add(pointer.point)

    def move(self, pointer: Pointer) -> None:
        if self._pressed_at is None:
            return
        last = self._pressed_at if not self._drags else self._points[-1]
        if math.dist(last, pointer.point) >= (_LASSO_STEP if self._drags else _DRAG) * pointer.unit:
            self._drags = True
            self._add(pointer.point)

    def release(self, pointer: Pointer) -> None:
        lasso = self._drags and self._steps == [0]
        self._pressed_at, self._drags = None, False
        if lasso:
            self.accept()
        self.changed.emit()

    def double_click(self, pointer: Pointer) -> None:
        if self._points:
            self.accept()  # its first click has set the last corner
        else:
            self.press(pointer)

    def hover(self, pointer: Pointer) -> None:
        if self._points:
            self._item.show_shape(self._points, pointer.point, self._subtracts, pointer.unit)

    def leave(self) -> None:
        self._show()

    def accept(self) -> None:
        """Close the shape; one without an inside stays open."""
        if len(self._points) < 3 or not self.session.begin_edit():
            return
        labels, active = self.session.labels, self.session.active
        inside = polygon(self.session.size, self._points)
        protected = self.session.protected()
        if self._subtracts:
            labels[inside & (labels == active)] = 0
        else:
            labels[inside if protected is None else inside & ~protected] = active
        self.session.commit_edit(self.tr("Polygon"))
        self.drop()

    def drop(self) -> None:
        self._points, self._steps, self._pressed_at = [], [], None
        self._show()
        self.changed.emit()

    def back(self) -> None:
        if self._steps:
            del self._points[self._steps.pop() :]
            self._pressed_at = None
            self._show()
            self.changed.emit()

    def _add(self, point: Point) -> None:
        self._points.append(point)
        self._show()
        if len(self._points) == 1:
            self.changed.emit()

    def _show(self) -> None:
        self._item.show_shape(self._points, None, self._subtracts)

    def _is_at_start(self, pointer: Pointer) -> bool:
        return math.dist(self._points[0], pointer.point) <= _CLOSE * pointer.unit


class _ShapeItem(QGraphicsItem):
    """The open shape: lines as wide on the screen at every zoom, and a square on each end."""

    def __init__(self) -> None:
        super().__init__()
        self._shape = QPolygonF()
        self._subtracts = False

    def show_shape(self, points: list[Point], pointer: Point | None, subtracts: bool, unit: float = 1.0) -> None:
        corners = points if pointer is None else [*points, pointer]
        self._subtracts = subtracts
        before, self._shape = self._shape, QPolygonF([QPointF(x, y) for x, y in corners])
        self._ends = (0, len(points) - 1)
        margin = 8 * unit if pointer else 64.0
        for shape in (before, self._shape):
            self.update(shape.boundingRect().adjusted(-margin, -margin, margin, margin))

    def boundingRect(self) -> QRectF:
        return QRectF(-_FAR, -_FAR, 2 * _FAR, 2 * _FAR)  # points lie anywhere; `update` says where

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        if self._shape.isEmpty():
            return
        shape = painter.worldTransform().map(self._shape)
        painter.save()
        painter.resetTransform()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        accent = QColor(255, 90, 80) if self._subtracts else _LIGHT
        for colour, width in ((_DARK, 3.0), (accent, 1.4)):
            painter.setPen(QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawPolyline(shape)
        painter.setPen(QPen(_DARK, 1.0))
        painter.setBrush(QBrush(accent))
        for end in self._ends:
            painter.drawRect(QRectF(shape[end].x() - 3.5, shape[end].y() - 3.5, 7, 7))
        painter.restore()
