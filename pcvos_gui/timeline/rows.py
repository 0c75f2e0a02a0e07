"""The rows of the timeline: a row for each object, or one for the worst of all; a click goes to the cell."""

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QColor,
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
from PySide6.QtWidgets import QMenu, QScrollBar, QSizePolicy, QStyle, QStyleOption, QToolTip, QWidget

from core.studio.cell_states import CellState, states_of
from core.studio.done import done_frames, stretch_to_toggle
from pcvos_gui.app.icons import icon
from pcvos_gui.app.settings import store_setting, stored_settings
from pcvos_gui.session.reviewer import Reviewer, places_in_words
from pcvos_gui.session.session import Session
from pcvos_gui.timeline import paint
from pcvos_gui.timeline.row_paint import ROW, paint_cells, paint_name
from pcvos_gui.timeline.scrubber import Scrubber
from pcvos_gui.timeline.words import describe, describe_cell

ALL = 0
"""The row of the worst of all objects, in place of an object's id."""

_USUAL = 4  # rows that are seen where there is room; others by scrolling, or in a higher panel
_REACH = 2  # pixels that a playhead takes to each side


class ObjectRows(QWidget):
    """Rows of cells below the scrubber, over the same frames, with the objects' names at the left.

    Rows that are seen are painted into a pixmap, and again only when something in it changes; the playhead moves over
    it. What a row shows is worked out when it is first seen.

    Attributes:
        rows: what each row is of: an object's id, or `ALL`. bar: for scrolling them, which stands beside.
    """

    rows_changed = Signal()

    def __init__(self, session: Session, reviewer: Reviewer, scrubber: Scrubber, parent: QWidget | None = None):
        super().__init__(parent)
        self._session, self._reviewer, self._scrubber = session, reviewer, scrubber
        self.rows: list[int] = []
        self.is_collapsed = stored_settings().rows_collapsed
        self._states: dict[int, tuple[np.ndarray, np.ndarray]] = {}  # by row's id: states, and what is done
        self._picture: QPixmap | None = None
        self._drawn_frame, self._scrubs = -1, False
        self.bar = QScrollBar(Qt.Orientation.Vertical)
        self.bar.setAccessibleName(self.tr("Visible rows of the timeline"))
        self.bar.setSingleStep(ROW)
        self.bar.setMinimumHeight(ROW)  # its own would be more
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(self.tr("Objects over time"))
        self.setAccessibleDescription(
            self.tr("A row for each object: where it was drawn, corrected, ticked off, and where it deserves a look")
        )
        for signal in (session.opened, session.closed, session.objects_changed):
            signal.connect(self._on_objects)
        session.states_changed.connect(self._forget)
        reviewer.changed.connect(self._forget)
        session.active_changed.connect(self._show_active)
        session.navigator.frame_changed.connect(self._on_frame)
        scrubber.visible_changed.connect(self._repaint)
        self.bar.valueChanged.connect(self._repaint)
        self._on_objects()

    # which rows there are

    def set_collapsed(self, is_collapsed: bool) -> None:
        """One row for the worst of all, or all rows; remembered."""
        if is_collapsed != self.is_collapsed:
            self.is_collapsed = is_collapsed
            store_setting("rows_collapsed", is_collapsed)
            self._on_objects()

    def _on_objects(self) -> None:
        ids = [info.id for info in self._session.objects]
        self.rows = ids if len(ids) < 2 else [ALL] if self.is_collapsed else [ALL, *ids]
        self._fit()
        self._forget()
        self.rows_changed.emit()

    def _fit(self) -> None:
        self.setMinimumHeight(
            ROW
        )  # also before the first object, whose mark shall not shrink the picture it is made on
        self.setMaximumHeight(max(len(self.rows), 1) * ROW)
        self._fit_scroll()

    def _fit_scroll(self) -> None:
        self.bar.setPageStep(self.height())
        self.bar.setRange(0, max(0, len(self.rows) * ROW - self.height()))
        self.bar.setVisible(self.bar.maximum() > 0)
        self._show_active()

    def sizeHint(self) -> QSize:
        return QSize(800, min(max(len(self.rows), 1), _USUAL) * ROW)

    def row_at(self, y: float) -> int | None:
        """Id of the row at a height; None: below the last one."""
        number = int(y + self.bar.value()) // ROW
        return self.rows[number] if 0 <= number < len(self.rows) else None

    def place_of(self, row: int) -> QRect:
        """The rectangle of the row of this id."""
        return QRect(0, self.rows.index(row) * ROW - self.bar.value(), self.width(), ROW)

    @property
    def left(self) -> int:
        """Left edge of the cells."""
        return self._scrubber.x() - self.x()

    def _show_active(self) -> None:
        """Scroll to the active object's row."""
        if self._session.active in self.rows and self.height() >= ROW:
            top = self.rows.index(self._session.active) * ROW
            self.bar.setValue(min(max(self.bar.value(), top + ROW - self.height()), top))
        self._repaint()

    def _on_frame(self, frame: int) -> None:
        visible = self._scrubber.visible
        for x in {visible.centre(self._drawn_frame), visible.centre(frame)}:
            self.update(QRect(self.left + round(x) - _REACH, 0, 2 * _REACH, self.height()))

    def _forget(self) -> None:
        self._states.clear()
        self._repaint()

    def _repaint(self) -> None:
        self._picture = None
        self.update()

    def _of(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        """States of a row's cells, uint8 (frames,), and which are done, bool (frames,)."""
        if row not in self._states:
            project = self._session.document.project
            if row == ALL:
                every = [done_frames(project, info.id) for info in project.objects] if project.done else []
                done = np.logical_and.reduce(every) if every else np.zeros(project.footage.frames, bool)
                self._states[row] = self._reviewer.worst, done
            else:
                states = states_of(project, row, self._reviewer.stretches_of(row))
                self._states[row] = states, done_frames(project, row)
        return self._states[row]

    # painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if not self._session.is_open or not self.rows:
            return
        colours = paint.Colours.of(self.palette())
        if self._picture is None:
            self._picture = self._paint_rows(colours)
        painter.drawPixmap(0, 0, self._picture)
        self._drawn_frame = self._session.navigator.frame
        x = self._scrubber.visible.centre(self._drawn_frame)
        if 0 <= x < self._scrubber.visible.width:
            painter.fillRect(self.left + round(x) - 1, 0, 2, self.height(), colours.text)
        if self.hasFocus():
            painter.setPen(colours.accent)
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

    def _paint_rows(self, colours: paint.Colours) -> QPixmap:
        ratio = self.devicePixelRatioF()
        pixmap = QPixmap(self.size() * ratio)
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(colours.band)
        painter = QPainter(pixmap)
        painter.setFont(self.font())
        objects = {info.id: info for info in self._session.objects}
        begin = self.bar.value() // ROW
        for row in self.rows[begin : begin + self.height() // ROW + 2]:
            top = self.place_of(row).top()
            states, done = self._of(row)
            paint_cells(painter, self.left, top, self._scrubber.visible, states, done, colours)
            where = QRect(0, top, self.left - 8, ROW)
            name = self.tr("All objects") if row == ALL else objects[row].name
            colour = None if row == ALL else QColor(*objects[row].colour)
            count = self._reviewer.waiting_of(row)
            paint_name(painter, where, self.palette(), name, colour, row == self._session.active, count)
            if row == ALL:
                self._paint_arrow(painter, where)
        painter.end()
        return pixmap

    def _paint_arrow(self, painter: QPainter, where: QRect) -> None:
        option = QStyleOption()
        option.initFrom(self)
        option.rect = QRect(where.left() + 3, where.top() + (ROW - 12) // 2, 12, 12)
        way = QStyle.PrimitiveElement.PE_IndicatorArrowRight
        if not self.is_collapsed:
            way = QStyle.PrimitiveElement.PE_IndicatorArrowDown
        self.style().drawPrimitive(way, option, painter, self)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit_scroll()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._repaint()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._repaint()
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self.text_at(event.pos()), self)
            return True
        return super().event(event)

    # words

    def text_at(self, at: QPoint) -> str:
        """The tooltip there."""
        row = self.row_at(at.y())
        if row is None or not self._session.is_open:
            return ""
        if at.x() < self.left:
            return self._words_on(row)
        frame = self._scrubber.frame_at(at.x() - self.left)
        seconds = float(self._session.document.media.timestamps[frame])
        states, done = self._of(row)
        project, state = self._session.document.project, CellState(int(states[frame]))
        if row == ALL:
            told = describe(frame, seconds, int(project.states[frame]), float(project.confidence[frame]), False)
            return f"{self.tr('All objects')} · {told}"
        sure = float(project.confidence_of(row)[frame])
        return describe_cell(project.object(row).name, frame, seconds, state, sure, bool(done[frame]))

    def _words_on(self, row: int) -> str:
        count = self._reviewer.waiting_of(row)
        places = places_in_words(count) if count else self.tr("No place deserves a look")
        if row == ALL:
            fold = self.tr("Click: a row for each object") if self.is_collapsed else self.tr("Click: only this row")
            return f"{self.tr('The worst of all objects')}\n{places}\n{fold}"
        return f"{self._session.document.project.object(row).name}\n{places}"

    # the mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        row = self.row_at(event.position().y())
        if not self._session.is_open or row is None or event.button() != Qt.MouseButton.LeftButton:
            return
        if event.position().x() < self.left:
            if row == ALL:
                self.set_collapsed(not self.is_collapsed)
            else:
                self._session.set_active(row)
            return
        if row != ALL:
            self._session.set_active(row)
        self._scrubs = True
        self._session.navigator.go_to(self._scrubber.frame_at(event.position().x() - self.left))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._scrubs:
            self._session.navigator.go_to(self._scrubber.frame_at(event.position().x() - self.left))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._scrubs = False

    def wheelEvent(self, event: QWheelEvent) -> None:
        """With Ctrl: zoom; with Shift, or to the side: other frames; else other rows."""
        delta, modifiers = event.angleDelta(), event.modifiers()
        if modifiers & Qt.KeyboardModifier.ControlModifier:
            self._scrubber.turn_zoom(delta.y(), event.position().x() - self.left)
        elif modifiers & Qt.KeyboardModifier.ShiftModifier or abs(delta.x()) > abs(delta.y()):
            self._scrubber.turn_view(delta.x() or delta.y())
        else:
            self.bar.setValue(self.bar.value() - round(delta.y() / 120 * 2 * ROW))
        event.accept()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self._session.is_open:
            is_mouse = event.reason() == QContextMenuEvent.Reason.Mouse
            x = event.pos().x() - self.left
            frame = self._scrubber.frame_at(x) if is_mouse else self._session.navigator.frame
            row = self.row_at(event.pos().y()) if is_mouse else self._session.active
            menu = self.make_menu(row or ALL, frame)
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.popup(event.globalPos())

    def make_menu(self, row: int, frame: int) -> QMenu:
        """The menu of a cell: the frame's, and that the object is done."""
        menu = self._scrubber.make_menu(frame)
        info, document = self._session.object(row), self._session.document
        if info is not None:
            first, last, is_done = stretch_to_toggle(document.project, row, frame, self._scrubber.chosen)
            frames = self.tr("frames {} to {}").format(first, last)
            if first == last:
                frames = self.tr("frame {}").format(first)
            text = self.tr("{}: done on {}") if is_done else self.tr("{}: open again, {}")
            toggle = QAction(icon("check-decagram-outline"), text.format(info.name, frames), menu)
            toggle.triggered.connect(lambda: document.set_done(row, first, last, is_done))
            toggle.setEnabled(self._session.is_writable)
            menu.insertAction(menu.actions()[0], toggle)
            menu.insertSeparator(menu.actions()[1])
        return menu

    # the keyboard

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()))
        ids = [row for row in self.rows if row != ALL]
        if step and ids:
            here = ids.index(self._session.active) if self._session.active in ids else 0
            self._session.set_active(ids[min(max(here + step, 0), len(ids) - 1)])
        else:
            self._scrubber.keyPressEvent(event)
