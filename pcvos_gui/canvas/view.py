"""The view: zoom, pan, and the way of the pointer and keys to the tool in hand."""

import time

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QInputDevice,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPen,
    QPointingDevice,
    QResizeEvent,
    QTabletEvent,
    QTransform,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QGestureEvent, QGraphicsScene, QGraphicsView, QPinchGesture, QWidget

from pcvos_gui.canvas.brush_cursor import BrushCursor
from pcvos_gui.canvas.tools.tool import CanvasTool, Pointer

SMALLEST_ZOOM, LARGEST_ZOOM = 0.01, 64.0
GRID_ZOOM = 16.0
_STEP = 1.25  # of zoom_in and zoom_out
_NOTCH = 120.0  # angleDelta of one click of a wheel
_NOTCH_FACTOR = 1.2
_TOUCHPAD_DOUBLES = 250.0  # pixels a touchpad scrolls to double the zoom
_TAP = 0.2  # seconds
_TEXT_TIME = 1200  # ms that the size of a changed brush is shown
_FIT_MARGIN = 12  # Qt pixels around the frame when it is fitted
_KEPT_IN_SIGHT = 64  # Qt pixels of the frame that stay in the window however far it is panned


class CanvasView(QGraphicsView):
    """Shows the scene, whose frame lies at the origin, a unit a pixel.

    A zoom of 1 is one pixel of the frame on one of the screen's own pixels. Pixels that are not square are shown in
    their true shape, longer along one side; a zoom is that of the shorter one.

    Attributes:
        tool: gets the pointer; None: there is nothing to point at.
        cursor_ring: the brush under the pointer.
    """

    zoom_changed = Signal(float)  # percent
    space_tapped = Signal()
    brush_stepped = Signal(float)  # notches of the wheel, with Shift
    moved = Signal()  # what is seen of the frame, by zoom, pan or resizing

    def __init__(self, scene: QGraphicsScene, parent: QWidget | None = None):
        super().__init__(scene, parent)
        self.tool: CanvasTool | None = None
        self.cursor_ring = BrushCursor()
        self._brush = 0.0  # diameter in the frame's pixels; 0: no ring
        self._ring_text_timer = QTimer(self, singleShot=True)
        self._ring_text_timer.timeout.connect(lambda: self._set_ring_text(""))
        self._size = QSize()
        self._stretch = 1.0, 1.0  # along x and y
        self._fits = True
        self._pan_from: QPointF | None = None
        self._pan_rest = QPointF()
        self._pressed: Qt.MouseButton | None = None  # of the stroke that the tool is making
        self._inverted = False
        self._was_clicked = False  # since `expect_no_click`
        self._space_since: float | None = None
        self._space_is_tap = False
        self._pressure = 1.0
        self._pen_erases = False
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTransformationAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        self.setResizeAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.MinimalViewportUpdate)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)  # the right button erases
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAcceptDrops(False)  # footage is dropped on the window
        self.viewport().setAcceptDrops(False)
        self.viewport().setMouseTracking(True)
        self.viewport().grabGesture(Qt.GestureType.PinchGesture)
        self._colour_surround()

    # what is shown

    def set_size(self, size: QSize, sample_aspect_ratio: float = 1.0) -> None:
        """The frame's size in pixels, and how wide one is over how high; an empty size: nothing is open. Another size
        or shape is fitted."""
        stretch = max(1.0, sample_aspect_ratio), max(1.0, 1 / sample_aspect_ratio)
        if (size, stretch) != (self._size, self._stretch):
            self._size, self._stretch = size, stretch
            self._end_pan()
            if not size.isEmpty():
                self.fit()

    def set_brush(self, diameter: float) -> None:
        """The brush's diameter in pixels of the frame; 0: the pointer has no ring."""
        self._brush = diameter
        self._move_ring(self._pointer_position() if self.cursor_ring.position is None else self.cursor_ring.position)
        self.show_cursor()

    def show_brush_size(self, text: str) -> None:
        """Say how large the brush is, beside the pointer and for a moment."""
        self._set_ring_text(text)
        self._ring_text_timer.start(_TEXT_TIME)

    def _set_ring_text(self, text: str) -> None:
        before = self.cursor_ring.region()
        self.cursor_ring.text = text
        self.viewport().update(before | self.cursor_ring.region())

    def _pointer_position(self) -> QPointF | None:
        """Place of the pointer, if it is over the frame's surroundings."""
        return QPointF(self.viewport().mapFromGlobal(self.cursor().pos())) if self.viewport().underMouse() else None

    # zoom

    @property
    def zoom(self) -> float:
        """Screen pixels a pixel of the frame takes, along its shorter side."""
        return self.transform().m11() / self._stretch[0] * self.devicePixelRatioF()

    def fit(self) -> None:
        """Show the whole frame, and go on doing so when the window is resized."""
        if self._size.isEmpty():
            return
        room = self.viewport().size() - QSize(2 * _FIT_MARGIN, 2 * _FIT_MARGIN)
        width, height = self._size.width() * self._stretch[0], self._size.height() * self._stretch[1]
        scale = min(max(1, room.width()) / width, max(1, room.height()) / height)
        self._set_zoom(scale * self.devicePixelRatioF())
        self._bring(QRectF(QPointF(), self._size.toSizeF()).center(), QRectF(self.viewport().rect()).center())
        self._fits = True

    def zoom_to_actual(self) -> None:
        """100 %: a pixel of the frame on a pixel of the screen."""
        self.zoom_at(QRectF(self.viewport().rect()).center(), 1 / self.zoom)

    def zoom_in(self) -> None:
        self.zoom_at(QRectF(self.viewport().rect()).center(), _STEP)

    def zoom_out(self) -> None:
        self.zoom_at(QRectF(self.viewport().rect()).center(), 1 / _STEP)

    def zoom_at(self, point: QPointF, factor: float) -> None:
        """Zoom by a factor; what is under `point` (of the viewport) stays there."""
        if self._size.isEmpty():
            return
        held = self.to_image(point)
        self._fits = False
        self._set_zoom(self.zoom * factor)
        self._bring(held, point)
        self._move_ring(self.cursor_ring.position)

    def to_image(self, point: QPointF) -> QPointF:
        """From the viewport's coordinates to the frame's."""
        return self.viewportTransform().inverted()[0].map(point)

    def to_view(self, point: QPointF) -> QPointF:
        """From the frame's coordinates to the viewport's."""
        return self.viewportTransform().map(point)

    def _set_zoom(self, zoom: float) -> None:
        scale = min(max(zoom, SMALLEST_ZOOM), LARGEST_ZOOM) / self.devicePixelRatioF()
        across, down = (scale * stretch for stretch in self._stretch)
        changed = (across, down) != (self.transform().m11(), self.transform().m22())
        self.setTransform(QTransform.fromScale(across, down))
        # Room to pan in: edges and corners can be brought to the middle.
        x = max(0, self.viewport().width() - _KEPT_IN_SIGHT) / across
        y = max(0, self.viewport().height() - _KEPT_IN_SIGHT) / down
        self.setSceneRect(QRectF(QPointF(), self._size.toSizeF()).adjusted(-x, -y, x, y))
        if changed:
            self.zoom_changed.emit(100 * self.zoom)
            self.moved.emit()

    def _bring(self, image_point: QPointF, view_point: QPointF) -> None:
        off = self.to_view(image_point) - view_point
        self._scroll(round(off.x()), round(off.y()))

    def _scroll(self, x: int, y: int) -> None:
        self.horizontalScrollBar().setValue(self.horizontalScrollBar().value() + x)
        self.verticalScrollBar().setValue(self.verticalScrollBar().value() + y)

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        super().scrollContentsBy(dx, dy)
        self.viewport().update()  # what Qt has moved has the brush's ring in it
        self.moved.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        middle = self.to_image(QRectF(QPointF(), event.oldSize().toSizeF()).center())
        super().resizeEvent(event)
        if self._fits:
            self.fit()
        elif not self._size.isEmpty():
            self._set_zoom(self.zoom)
            self._bring(middle, QRectF(self.viewport().rect()).center())

    # painting

    def drawForeground(self, painter: QPainter, rect: QRectF | QRect) -> None:
        if self.zoom >= GRID_ZOOM and not self._size.isEmpty():
            self._draw_grid(painter, QRectF(rect).toAlignedRect() & QRect(QPoint(), self._size))
        painter.save()
        painter.resetTransform()
        self.cursor_ring.paint(painter)
        painter.restore()

    def _draw_grid(self, painter: QPainter, area: QRect) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        pen = QPen(QColor(128, 128, 128, 90), 0)
        painter.setPen(pen)
        right, bottom = area.left() + area.width(), area.top() + area.height()
        for x in range(area.left(), right + 1):
            painter.drawLine(QPointF(x, area.top()), QPointF(x, bottom))
        for y in range(area.top(), bottom + 1):
            painter.drawLine(QPointF(area.left(), y), QPointF(right, y))

    def _colour_surround(self) -> None:
        level = self.palette().window().color().lightness()
        level = round(level * (0.78 if level > 127 else 0.7))  # a step darker than the panels, and without a hue
        self.setBackgroundBrush(QColor(level, level, level))

    def _move_ring(self, position: QPointF | None) -> None:
        before = self.cursor_ring.region()
        shown = self._brush > 0 and self._pan_from is None and self._space_since is None and not self._size.isEmpty()
        self.cursor_ring.position = position if shown else None
        self.cursor_ring.diameter = self._brush * self.transform().m11()
        self.cursor_ring.height = self._brush * self.transform().m22()
        self.viewport().update(before | self.cursor_ring.region())

    def show_cursor(self) -> None:
        """Give the pointer the shape that says what a press would do."""
        if self._pan_from is not None:
            shape = Qt.CursorShape.ClosedHandCursor
        elif self._space_since is not None:
            shape = Qt.CursorShape.OpenHandCursor
        elif self.tool is None or self._size.isEmpty():
            shape = Qt.CursorShape.ArrowCursor
        else:
            shape = self.tool.cursor
        if self.viewport().cursor().shape() != shape:
            self.viewport().setCursor(shape)

    # pointer

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._space_is_tap, self._was_clicked = False, True
        if self._pressed is not None or self._pan_from is not None or self._size.isEmpty():
            return
        pans = event.button() == Qt.MouseButton.MiddleButton or self._space_since is not None
        if pans or (self.tool is not None and self.tool.pans):
            self._pan_from, self._pan_rest = event.position(), QPointF()
            self._move_ring(None)
            self.show_cursor()
        elif self.tool is not None and event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton):
            self._pressed = event.button()
            alt = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
            self._inverted = alt or event.button() == Qt.MouseButton.RightButton or self._is_eraser(event)
            pointer = self._pointer(event)
            if event.type() == QEvent.Type.MouseButtonDblClick:
                self.tool.double_click(pointer)
            else:
                self.tool.press(pointer)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """The second press of a double click that began elsewhere, e.g. on a recent file, was not meant for here."""
        if self._was_clicked:
            self.mousePressEvent(event)

    def expect_no_click(self) -> None:
        """Something else was here until now: a double click under way is about that."""
        self._was_clicked = False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pan_from is not None:
            moved = self._pan_from - event.position() + self._pan_rest
            whole = moved.toPoint()
            self._scroll(whole.x(), whole.y())
            self._pan_from, self._pan_rest = event.position(), moved - QPointF(whole)
            return
        self._move_ring(event.position())
        if self.tool is None:
            return
        if self._pressed is not None:
            self.tool.move(self._pointer(event))
        else:
            self.tool.hover(self._pointer(event))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._pan_from is not None:
            self._end_pan()
            self._move_ring(event.position())
        elif event.button() == self._pressed:
            self._pressed = None
            if self.tool is not None:
                self.tool.release(self._pointer(event))

    @property
    def is_pressed(self) -> bool:
        """Whether a button is held that the tool makes a stroke with."""
        return self._pressed is not None

    def forget_press(self) -> None:
        """The stroke in the making is over, whatever the button does."""
        self._pressed = None

    def _end_pan(self) -> None:
        self._pan_from = None
        self.show_cursor()

    def _pointer(self, event: QMouseEvent) -> Pointer:
        is_pen = _is_pen(event)
        at = self.to_image(event.position())
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        inverted = self._inverted if self._pressed is not None else False
        pressure = self._pressure if is_pen else 1.0
        unit = 1 / min(self.transform().m11(), self.transform().m22())
        return Pointer(at.x(), at.y(), inverted, shift, pressure, unit, self._is_eraser(event))

    def _is_eraser(self, event: QMouseEvent) -> bool:
        return _is_pen(event) and self._pen_erases

    def viewportEvent(self, event: QEvent) -> bool:
        match event:
            case QTabletEvent():
                # Left unaccepted: Qt makes a mouse event of it, whose way is the same as a mouse's.
                self._pressure = event.pressure()
                self._pen_erases = event.pointerType() == QPointingDevice.PointerType.Eraser
                event.ignore()
                return False
            case QNativeGestureEvent():
                return self._pinch_on_touchpad(event)
            case QGestureEvent() if event.type() == QEvent.Type.Gesture:
                pinch = event.gesture(Qt.GestureType.PinchGesture)
                if isinstance(pinch, QPinchGesture):
                    centre = QPointF(self.viewport().mapFromGlobal(pinch.centerPoint().toPoint()))
                    self.zoom_at(centre, pinch.scaleFactor())
                    return True
            case _ if event.type() == QEvent.Type.Leave:
                self._move_ring(None)
                if self.tool is not None:
                    self.tool.leave()
        return super().viewportEvent(event)

    def _pinch_on_touchpad(self, event: QNativeGestureEvent) -> bool:
        if event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
            self.zoom_at(event.position(), 1 + event.value())
        elif event.gestureType() == Qt.NativeGestureType.SmartZoomNativeGesture:
            self.zoom_to_actual() if self._fits else self.fit()
        else:
            return False
        return True

    def wheelEvent(self, event: QWheelEvent) -> None:
        angle, pixels = event.angleDelta(), event.pixelDelta()
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.brush_stepped.emit((angle.y() or angle.x()) / _NOTCH)  # macOS turns Shift and wheel sideways
        elif not pixels.isNull():
            self.zoom_at(event.position(), 2 ** (pixels.y() / _TOUCHPAD_DOUBLES))
        elif angle.y():
            self.zoom_at(event.position(), _NOTCH_FACTOR ** (angle.y() / _NOTCH))
        event.accept()

    # keys

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride and self._wants(event):
            event.accept()  # it comes as a key, not as somebody's shortcut
            return True
        return super().event(event)

    def _wants(self, event: QKeyEvent) -> bool:
        if event.key() == Qt.Key.Key_Space:
            return event.modifiers() == Qt.KeyboardModifier.NoModifier
        return self.tool is not None and not _is_shortcut(event) and self.tool.wants_key(event.key())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space:
            if not event.isAutoRepeat() and self._pressed is None:
                self._space_since, self._space_is_tap = time.monotonic(), True
                self._move_ring(self.cursor_ring.position)
                self.show_cursor()
        elif self.tool is None or _is_shortcut(event) or not self.tool.key(event.key()):
            event.ignore()  # not to the scroll bars: arrows step through frames

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() != Qt.Key.Key_Space or self._space_since is None:
            event.ignore()
            return
        if event.isAutoRepeat():
            return
        tapped = self._space_is_tap and time.monotonic() - self._space_since < _TAP
        self._space_since = None
        self._move_ring(self._pointer_position())
        self.show_cursor()
        if tapped:
            self.space_tapped.emit()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._space_since = None  # its release goes elsewhere
        self.show_cursor()
        super().focusOutEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self._colour_surround()
        elif event.type() == QEvent.Type.DevicePixelRatioChange and self._fits:
            self.fit()
        super().changeEvent(event)


def _is_shortcut(event: QKeyEvent) -> bool:
    """Whether Ctrl or the like is down too, as with Ctrl+Return: such keys are the window's."""
    held = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier
    return bool(event.modifiers() & held)


def _is_pen(event: QMouseEvent) -> bool:
    return event.pointingDevice().type() == QInputDevice.DeviceType.Stylus
