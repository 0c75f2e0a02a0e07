"""The table of objects: how it is painted, and what its keys do."""

import time

from PySide6.QtCore import QEvent, QModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontInfo,
    QFontMetrics,
    QIcon,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPalette,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemDelegate,
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from pcvos_gui.panels.object_model import CLASS, Column, ObjectModel
from pcvos_gui.session.typed_number import TypedNumber
from pcvos_gui.widgets.model_index import Index

ROW = 32
SWITCHES = (Column.COLOUR, Column.VISIBLE, Column.LOCKED, Column.SOLO)
_SWATCH, _ICON = 16, 18
_SOME = 6  # rows that are enough to begin with
_OFF = 0.6  # opacity of a switch that is off
_KEYS = {Qt.Key.Key_Delete, Qt.Key.Key_Space, Qt.Key.Key_F2, Qt.Key.Key_Escape, Qt.Key.Key_Left, Qt.Key.Key_Right}
_PAUSE = 1.0  # seconds between two letters of one name


class _Delegate(QStyledItemDelegate):
    """Swatches and icons in the middle of their cells; a switch that is off stands back."""

    def __init__(self, model: ObjectModel, parent: QWidget):
        super().__init__(parent)
        self._model = model

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        option.state &= ~QStyle.StateFlag.State_HasFocus
        if index.column() == Column.NAME and index.data(CLASS):
            self._paint_with_class(painter, option, index)
            return
        if index.column() in (Column.NAME, Column.NUMBER):
            super().paint(painter, option, index)
            return
        style = option.widget.style()
        style.drawPrimitive(QStyle.PrimitiveElement.PE_PanelItemViewItem, option, painter, option.widget)
        picture = index.data(Qt.ItemDataRole.DecorationRole)
        if isinstance(picture, QColor):
            self._paint_swatch(painter, option, picture)
        elif isinstance(picture, QIcon):
            is_selected = bool(option.state & QStyle.StateFlag.State_Selected)
            painter.save()
            painter.setOpacity(1.0 if self._model.is_on(index) else _OFF)
            mode = QIcon.Mode.Selected if is_selected else QIcon.Mode.Normal
            picture.paint(painter, _centred(option.rect, _ICON), Qt.AlignmentFlag.AlignCenter, mode)
            painter.restore()

    def _paint_with_class(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """The name, and below it the class, smaller."""
        style = option.widget.style()
        style.drawPrimitive(QStyle.PrimitiveElement.PE_PanelItemViewItem, option, painter, option.widget)
        is_selected = bool(option.state & QStyle.StateFlag.State_Selected)
        colour = option.palette.color(QPalette.ColorRole.HighlightedText if is_selected else QPalette.ColorRole.Text)
        faint = QColor(colour)
        faint.setAlphaF(0.75)
        if not is_selected:
            colour = index.data(Qt.ItemDataRole.ForegroundRole) or colour
        margin = style.pixelMetric(QStyle.PixelMetric.PM_FocusFrameHMargin, None, option.widget) + 1
        upper = option.rect.adjusted(margin, 1, -margin, -option.rect.height() // 2 + 1)
        lower = option.rect.adjusted(margin, option.rect.height() // 2 + 1, -margin, -1)
        small = QFont(option.font)
        small.setPixelSize(max(9, QFontInfo(option.font).pixelSize() - 2))
        painter.save()
        for place, font, pen, text in (
            (upper, option.font, colour, index.data()),
            (lower, small, faint, index.data(CLASS)),
        ):
            painter.setFont(font)
            painter.setPen(pen)
            shown = QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, place.width())
            painter.drawText(place, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)
        painter.restore()

    def _paint_swatch(self, painter: QPainter, option: QStyleOptionViewItem, colour: QColor) -> None:
        is_selected = bool(option.state & QStyle.StateFlag.State_Selected)
        palette = option.palette
        border = palette.highlightedText() if is_selected else palette.mid()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(border.color(), 1))
        painter.setBrush(colour)
        painter.drawRoundedRect(_centred(option.rect, _SWATCH).toRectF().adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
        painter.restore()


def _centred(rect: QRect, size: int) -> QRect:
    made = QRect(0, 0, size, size)
    made.moveCenter(rect.center())
    return made


class ObjectView(QTableView):
    """The rows. The keyboard comes here with the tab key only: after a click, the letters are the tools' still.

    Signals:
        switched(index): a switch was clicked, or any cell chosen with space. number_typed(int). delete_wanted().
        none_wanted(): a click beside the rows, or Esc.
    """

    switched = Signal(QModelIndex)
    number_typed = Signal(int)
    delete_wanted = Signal()
    none_wanted = Signal()

    def __init__(self, model: ObjectModel, parent: QWidget | None = None):
        super().__init__(parent)
        self._typed = TypedNumber(model.ids)
        self.setModel(model)
        model.modelReset.connect(self.updateGeometry)  # more rows want more room
        self.setItemDelegate(_Delegate(model, self))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.DoubleClicked | QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(self.tr("Objects"))
        self.setMinimumHeight(ROW + 8)  # the window has to fit on low screens
        self.horizontalHeader().hide()
        header = self.horizontalHeader()
        header.setMinimumSectionSize(24)
        for column in Column:
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
            self.setColumnWidth(column, 32)
        header.setSectionResizeMode(Column.NAME, QHeaderView.ResizeMode.Stretch)
        rows = self.verticalHeader()
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(ROW)

    def sizeHint(self) -> QSize:
        return QSize(264, min(max(self.model().rowCount(), 1), _SOME) * ROW + 8)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.scrollTo(self.currentIndex())  # the active object is not lost where the list becomes short

    def closeEditor(self, editor: QWidget, hint: QAbstractItemDelegate.EndEditHint) -> None:
        super().closeEditor(editor, hint)
        self.clearFocus()  # back to the tools' keys

    # the mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A switch of another row is switched without making that row the current one."""
        index = self.indexAt(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and not index.isValid():
            self.none_wanted.emit()
        elif event.button() == Qt.MouseButton.LeftButton and index.isValid() and index.column() in SWITCHES:
            self.switched.emit(index)
        else:
            super().mousePressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self.indexAt(event.position().toPoint()).column() in SWITCHES:
            self.mousePressEvent(event)
        else:
            super().mouseDoubleClickEvent(event)

    # keys

    def event(self, event: QEvent) -> bool:
        """While the keyboard is here, digits and letters choose rows instead of tools."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride and self._is_ours(event):
            event.accept()
            return True
        return super().event(event)

    def _is_ours(self, event: QKeyEvent) -> bool:
        plain = not event.modifiers() & ~(Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier)
        return plain and (event.key() in _KEYS or (bool(event.text()) and event.text().isprintable()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        text = event.text()
        if not self._is_ours(event) or self.state() == QAbstractItemView.State.EditingState:
            super().keyPressEvent(event)
        elif event.key() == Qt.Key.Key_Escape:
            self.none_wanted.emit()
        elif event.key() == Qt.Key.Key_Delete:
            self.delete_wanted.emit()
        elif event.key() == Qt.Key.Key_Space and not self._is_typing_name():
            self.switched.emit(self.currentIndex())
        elif event.key() == Qt.Key.Key_F2:
            self.edit(self.currentIndex().siblingAtColumn(Column.NAME))
        elif text.isdigit() and text.isascii():
            self.number_typed.emit(self._typed.add(text))
        else:
            super().keyPressEvent(event)

    def _is_typing_name(self) -> bool:
        return time.monotonic() - self._searched_at < _PAUSE

    _searched_at = -_PAUSE

    def keyboardSearch(self, search: str) -> None:
        """Letters look among the names, whichever column is current."""
        self._searched_at = time.monotonic()
        here = self.currentIndex()
        column = here.column() if here.isValid() else Column.NAME
        self.setCurrentIndex(self.model().index(max(0, here.row()), Column.NAME))
        super().keyboardSearch(search)
        self.setCurrentIndex(self.currentIndex().siblingAtColumn(column))
