"""The tracks: where the person is, what is done, and what deserves a look; a click goes there."""

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QMenu, QSizePolicy, QToolTip, QWidget

from core.project.tracks import CORRECTED
from core.studio.cell_states import CellState
from pcvos_gui.app.icons import icon
from pcvos_gui.app.settings import store_setting, stored_settings
from pcvos_gui.session.reviewer import Reviewer
from pcvos_gui.session.runs import RunController
from pcvos_gui.session.session import Session
from pcvos_gui.timeline import paint
from pcvos_gui.timeline.columns import Visible, fitted, frame_ticks, gather, time_ticks, timecode
from pcvos_gui.timeline.words import describe

_GRIP = 7  # pixels around a handle or a diamond that count as on it
_ZOOM = 1.25  # a notch of the wheel


class Scrubber(QWidget):
    """All frames of the footage from left to right, of which a part is visible.

    What depends on the frames' states is painted into a pixmap, and again only when they change; the playhead and the
    in and out points move over it.
    """

    visible_changed = Signal()

    def __init__(self, session: Session, runs: RunController, reviewer: Reviewer, parent: QWidget | None = None):
        super().__init__(parent)
        self._session, self._runs, self._reviewer = session, runs, reviewer
        self._visible = Visible(0.0, 1.0, 1)
        self._tracks: QPixmap | None = None
        self._held = ""  # "scrub", "in", "out", "pan": what the pressed button moves
        self._held_range: tuple[int | None, int | None] | None = None  # in and out while one is dragged
        self._pan_from = (0.0, 0.0)
        self._drawn_frame = -1
        self.shows_time = stored_settings().ruler_shows_time
        self.setMinimumWidth(160)
        self.setFixedHeight(paint.HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setMouseTracking(True)
        self.setAccessibleName(self.tr("Timeline"))
        self.setAccessibleDescription(self.tr("Frames with their corrections, confidence, and in and out points"))
        self._connect()
        self.show_all()

    def _connect(self) -> None:
        session, runs = self._session, self._runs
        session.opened.connect(self.show_all)
        session.closed.connect(self.show_all)
        session.states_changed.connect(self._repaint_tracks)
        self._reviewer.changed.connect(self._repaint_tracks)
        session.navigator.frame_changed.connect(self._on_frame)
        runs.memory_changed.connect(self._repaint_tracks)
        runs.next.in_out_changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(800, paint.HEIGHT)

    # what is visible

    @property
    def visible(self) -> Visible:
        return self._visible

    def show_all(self) -> None:
        """All of the footage."""
        self._show(0.0, float(max(1, self._session.navigator.frame_count)))

    def zoom(self, factor: float, x: float | None = None) -> None:
        """Make frames `factor` times as wide; what is at pixel `x` (default: the playhead) stays there."""
        if x is None:
            x = self._visible.centre(max(0, self._session.navigator.frame))
            x = x if 0 <= x < self.width() else self.width() / 2
        held = self._visible.frame(x)
        span = self._visible.span / factor
        bounded = fitted(0, span, self.width(), self._session.navigator.frame_count)
        self._show(held - x * bounded.span / self.width(), bounded.span)

    def scroll_to(self, first: float) -> None:
        """Make `first` the leftmost frame."""
        self._show(first, self._visible.span)

    def _show(self, first: float, span: float) -> None:
        found = fitted(first, span, self.width(), self._session.navigator.frame_count)
        if found != self._visible:
            self._visible = found
            self._repaint_tracks()
            self.visible_changed.emit()

    def _on_frame(self, frame: int) -> None:
        visible = self._visible
        if not visible.first <= frame < visible.first + visible.span:
            # Turn the page, with a little of what was seen before.
            back = 0.1 if frame > visible.first else 0.9
            self.scroll_to(frame - back * visible.span)
        reach = 12
        for x in {visible.centre(self._drawn_frame), self._visible.centre(frame)}:
            self.update(QRect(round(x) - reach, 0, 2 * reach, self.height()))

    def _repaint_tracks(self) -> None:
        self._tracks = None
        self.update()

    def frame_at(self, x: float) -> int:
        """The frame at a pixel, held within the footage."""
        return min(max(int(self._visible.frame(x)), 0), max(0, self._session.navigator.frame_count - 1))

    @property
    def range(self) -> tuple[int | None, int | None]:
        """In and out points as they are drawn: while one is dragged, not yet those of the run."""
        return self._held_range or (self._runs.next.in_point, self._runs.next.out_point)

    @property
    def chosen(self) -> tuple[int, int] | None:
        """First and last frame between in and out; None: neither is set."""
        first, last = self._runs.next.in_point, self._runs.next.out_point
        if first is None and last is None:
            return None
        return first or 0, self._session.navigator.frame_count - 1 if last is None else last

    # painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        colours = paint.Colours.of(self.palette())
        if not self._session.is_open:
            painter.fillRect(self.rect(), colours.band)
            painter.setPen(colours.dim)
            text = self.tr("Opening…")
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, text)
            return
        if self._tracks is None:
            self._tracks = self._paint_tracks(colours)
        painter.drawPixmap(0, 0, self._tracks)
        paint.paint_range(painter, self._visible, colours, *self.range)
        self._drawn_frame = self._session.navigator.frame
        paint.paint_playhead(painter, self._visible.centre(self._drawn_frame), colours)
        if self.hasFocus():
            painter.setPen(colours.accent)
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

    def _paint_tracks(self, colours: paint.Colours) -> QPixmap:
        ratio = self.devicePixelRatioF()
        pixmap = QPixmap(self.size() * ratio)
        pixmap.setDevicePixelRatio(ratio)
        painter = QPainter(pixmap)
        painter.setFont(self.font())
        project, memory = self._session.document.project, self._runs.memory
        worst = self._reviewer.worst
        seen_to = worst != CellState.DOUBTFUL if self._reviewer.is_settled else worst == CellState.TICKED_OFF
        columns = gather(self._visible, project.states, project.confidence, seen_to)
        paint.paint_tracks(painter, columns, self._visible, colours)
        if memory is not None:
            paint.paint_memory(painter, self._visible, colours, memory.permanent, memory.working)
        paint.paint_ruler(painter, self._ticks(), self._visible, colours, self.fontMetrics())
        painter.end()
        return pixmap

    def _ticks(self) -> list[tuple[int, str]]:
        if self.shows_time:
            found = time_ticks(self._visible, self._session.document.media.timestamps, 96)
            return [(frame, timecode(seconds)) for frame, seconds in found]
        return [(frame, str(frame)) for frame in frame_ticks(self._visible, 72)]

    def set_shows_time(self, shows: bool) -> None:
        """Whether the ruler counts time instead of frames."""
        self.shows_time = shows
        store_setting("ruler_shows_time", shows)
        self._repaint_tracks()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._visible = fitted(
            self._visible.first, self._visible.span, self.width(), max(1, self._session.navigator.frame_count)
        )
        self._repaint_tracks()
        self.visible_changed.emit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._repaint_tracks()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._repaint_tracks()
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            self._tell(event)
            return True
        return super().event(event)

    # the mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if not self._session.is_open:
            return
        x = event.position().x()
        if event.button() == Qt.MouseButton.MiddleButton:
            self._held, self._pan_from = "pan", (x, self._visible.first)
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif event.button() == Qt.MouseButton.LeftButton:
            self._held = self._handle_at(event.position().toPoint()) or "scrub"
            if self._held == "scrub":
                self._session.navigator.go_to(self.frame_at(x))
            else:
                self._held_range = (self._runs.next.in_point, self._runs.next.out_point)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        x = event.position().x()
        if self._held == "scrub":
            frame = self.frame_at(x)
            if frame != self._session.navigator.frame:
                self._session.navigator.go_to(frame)
        elif self._held == "pan":
            start, first = self._pan_from
            self.scroll_to(first - (x - start) / self._visible.per_frame)
        elif self._held:
            self._drag_handle(x)
        elif self._handle_at(event.position().toPoint()):
            self.setCursor(Qt.CursorShape.SizeHorCursor)
        else:
            self.unsetCursor()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        held, dragged = self._held, self._held_range
        self._held, self._held_range = "", None
        if held == "pan":
            self.unsetCursor()
        if dragged is not None:
            self._runs.next.set_in_out(*dragged)
            self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._session.is_open:
            found = self.corrected_near(event.position().x())
            if found is not None:
                self._session.navigator.go_to(found)

    def corrected_near(self, x: float) -> int | None:
        """The corrected frame whose diamond is at pixel `x`, or near it."""
        low, high = self.frame_at(x - _GRIP), self.frame_at(x + _GRIP)
        found = low + np.flatnonzero(self._session.document.project.states[low : high + 1] & CORRECTED)
        if not len(found):
            return None
        distances = np.abs((found + 0.5 - self._visible.first) * self._visible.per_frame - x)
        return int(found[np.argmin(distances)])

    def _handle_at(self, point: QPoint) -> str:
        if not paint.LANE[0] <= point.y() < paint.LANE[1]:
            return ""
        first, last = self.range
        if first is not None and -2 <= point.x() - self._visible.x(first) <= paint.HANDLE + 2:
            return "in"
        if last is not None and -paint.HANDLE - 2 <= point.x() - self._visible.x(last + 1) <= 2:
            return "out"
        return ""

    def _drag_handle(self, x: float) -> None:
        first, last = self._held_range or (None, None)
        end = self._session.navigator.frame_count - 1
        if self._held == "in":
            first = min(max(round(self._visible.frame(x)), 0), end if last is None else last)
        else:
            last = min(max(round(self._visible.frame(x)) - 1, first or 0), end)
        self._held_range = (first, last)
        QToolTip.showText(self.mapToGlobal(QPoint(round(x), 0)), str(first if self._held == "in" else last), self)
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        delta = event.angleDelta()
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier or abs(delta.x()) > abs(delta.y()):
            self.turn_view(delta.x() or delta.y())
        else:
            self.turn_zoom(delta.y(), event.position().x())
        event.accept()

    def turn_zoom(self, turned: int, x: float | None = None) -> None:
        """Zoom as a wheel does that is turned by so much (120: a notch)."""
        self.zoom(_ZOOM ** (turned / 120), x)

    def turn_view(self, turned: int) -> None:
        """Scroll as a wheel does that is turned by so much."""
        self.scroll_to(self._visible.first - turned / 120 * self._visible.span / 10)

    def _tell(self, event: QHelpEvent) -> None:
        """The tooltip."""
        if not self._session.is_open:
            QToolTip.hideText()
            return
        near = self.corrected_near(event.pos().x()) if event.pos().y() >= paint.MARKS[0] else None
        frame = self.frame_at(event.pos().x()) if near is None else near
        project, memory = self._session.document.project, self._runs.memory
        was_read = memory is not None and frame in (*memory.permanent, *memory.working)
        seconds = float(self._session.document.media.timestamps[frame])
        text = describe(frame, seconds, int(project.states[frame]), float(project.confidence[frame]), was_read)
        QToolTip.showText(event.globalPos(), text, self)

    # the keyboard, where the window has no shortcuts of its own

    def keyPressEvent(self, event: QKeyEvent) -> None:
        session, shift = self._session, bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        steps: dict[int, int] = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        step = steps.get(event.key())
        if not session.is_open:
            super().keyPressEvent(event)
        elif step and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            session.navigator.go_to_corrected(step)
        elif step:
            session.navigator.go_to(session.navigator.frame + step * (10 if shift else 1))
        elif event.key() in (Qt.Key.Key_Home, Qt.Key.Key_End):
            session.navigator.go_to(0 if event.key() == Qt.Key.Key_Home else session.navigator.frame_count - 1)
        elif event.key() in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
            self.turn_zoom(-120 if event.key() == Qt.Key.Key_Minus else 120)
        else:
            super().keyPressEvent(event)

    # the menu

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self._session.is_open:
            is_mouse = event.reason() == QContextMenuEvent.Reason.Mouse
            menu = self.make_menu(self.frame_at(event.pos().x()) if is_mouse else self._session.navigator.frame)
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.popup(event.globalPos())

    def make_menu(self, frame: int) -> QMenu:
        """The menu of a frame."""
        runs, session = self._runs, self._session
        first, last = runs.next.in_point, runs.next.out_point
        menu = QMenu(self)
        menu.addAction(icon("contain-start"), self.tr("Set in point at {}").format(frame), lambda: self.set_in(frame))
        menu.addAction(icon("contain-end"), self.tr("Set out point at {}").format(frame), lambda: self.set_out(frame))
        clear = menu.addAction(
            icon("arrow-expand-horizontal"), self.tr("Clear in and out"), lambda: runs.next.set_in_out(None, None)
        )
        clear.setEnabled(first is not None or last is not None)
        menu.addSeparator()
        low, high = first or 0, session.navigator.frame_count - 1 if last is None else last
        text = self.tr("Clear results, frames {} to {} (corrections stay)").format(low, high)
        if low == high:
            text = self.tr("Clear results, frame {} (corrections stay)").format(low)
        forget = menu.addAction(icon("delete-sweep-outline"), text, lambda: session.document.clear(low, high))
        forget.setEnabled(session.is_writable)
        menu.addSeparator()
        menu.addAction(icon("arrow-left-right"), self.tr("Show all frames"), self.show_all)
        time = menu.addAction(self.tr("Ruler shows time"))
        time.setCheckable(True)
        time.setChecked(self.shows_time)
        time.toggled.connect(self.set_shows_time)
        return menu

    def set_in(self, frame: int) -> None:
        """The range begins here; an out point before it is dropped."""
        last = self._runs.next.out_point
        self._runs.next.set_in_out(frame, None if last is not None and last < frame else last)

    def set_out(self, frame: int) -> None:
        """The range ends here; an in point behind it is dropped."""
        first = self._runs.next.in_point
        self._runs.next.set_in_out(None if first is not None and first > frame else first, frame)
