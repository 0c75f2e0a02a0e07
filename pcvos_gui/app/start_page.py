"""The page while nothing is open: ways to open something, and what was open lately."""

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QColor,
    QFont,
    QIcon,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QPixmap,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QListView,
    QListWidget,
    QListWidgetItem,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from pcvos_gui.app.recent import RecentFiles
from pcvos_gui.widgets.layouts import laid_out
from pcvos_gui.widgets.model_index import Index

_CARD = QSize(208, 156)
_PICTURE = QSize(192, 108)
_BUTTON = QSize(160, 96)
_COLUMN = 880


class StartPage(QWidget):
    """Buttons for the actions given, and recent files; `chosen` names the file clicked."""

    chosen = Signal(Path)

    def __init__(self, recent: RecentFiles, actions: list[QAction], parent: QWidget | None = None):
        super().__init__(parent)
        self._recent = recent
        # In a stack with the canvas it would keep the window from being made as low as that can be.
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Ignored)
        self._outer = outer = laid_out(QHBoxLayout(self), (16, 24, 16, 24))
        column = QWidget(self, maximumWidth=_COLUMN)
        outer.addStretch(1)
        outer.addWidget(column, 100)
        outer.addStretch(1)
        layout = laid_out(QVBoxLayout(column), 0, 8)
        layout.addStretch(1)
        layout.addWidget(_label("PCVOS Studio", 2.0))
        self.subtitle = _label("", 1.15)
        self.show_busy("")
        layout.addWidget(self.subtitle)
        layout.addSpacing(16)
        row = laid_out(QHBoxLayout(), spacing=12)
        for action in actions:
            row.addWidget(_large_button(action, column))
        row.addStretch(1)
        layout.addLayout(row)
        layout.addSpacing(8)
        hint = QLabel(self.tr("Or drop a video, a folder of images or a project anywhere in this window."))
        hint.setForegroundRole(hint.palette().ColorRole.PlaceholderText)
        layout.addWidget(hint)
        layout.addSpacing(24)
        self._heading = _label(self.tr("Recent"), 1.15)
        layout.addWidget(self._heading)
        self.list = self._make_list(column)
        layout.addWidget(self.list, 6)
        layout.addStretch(1)
        recent.changed.connect(self._fill)
        self._fill()

    def show_busy(self, name: str) -> None:
        """Say what is being opened; "": nothing."""
        about = self.tr("Mark an object on one frame. The rest of the video follows, clip by clip.")
        self.subtitle.setText(self.tr("Opening {}…").format(name) if name else about)

    def show_reading(self, share: float) -> None:
        """Say how much of it is read."""
        self.subtitle.setText(self.tr("Reading the video: {:.0f} %").format(100 * share))

    def _make_list(self, parent: QWidget) -> QListWidget:
        made = QListWidget(parent)
        made.setViewMode(QListView.ViewMode.IconMode)
        made.setMovement(QListView.Movement.Static)
        made.setResizeMode(QListView.ResizeMode.Adjust)
        made.setIconSize(_PICTURE)
        made.setGridSize(_CARD)
        made.setUniformItemSizes(True)
        made.setWordWrap(False)
        made.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        made.setFrameShape(QListWidget.Shape.NoFrame)
        made.viewport().setAutoFillBackground(False)
        made.setItemDelegate(_Card(made))
        made.setAccessibleName(self.tr("Recent files"))
        made.itemActivated.connect(self._choose)
        made.itemClicked.connect(self._choose)
        return made

    def showEvent(self, event: QShowEvent) -> None:
        self._fill()  # some may be gone by now

    def _fill(self) -> None:
        self.list.clear()
        files = self._recent.files()
        for file in files:
            item = QListWidgetItem(_picture(file.thumbnail, self), file.name)
            item.setData(Qt.ItemDataRole.UserRole, file.path)
            item.setToolTip(str(file.path))
            item.setTextAlignment(Qt.AlignmentFlag.AlignHCenter)
            self.list.addItem(item)
        self._outer.setStretch(1, 100 if files else 0)  # without them it is as wide as its text, in the middle
        self._heading.setVisible(bool(files))
        self.list.setVisible(bool(files))

    def _choose(self, item: QListWidgetItem) -> None:
        self.chosen.emit(item.data(Qt.ItemDataRole.UserRole))


class _Card(QStyledItemDelegate):
    """The file the keyboard is at has a frame that is seen from afar; the style's own is a dotted line."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        is_here = bool(option.state & QStyle.StateFlag.State_HasFocus)
        option.state &= ~(QStyle.StateFlag.State_HasFocus | QStyle.StateFlag.State_Selected)
        frame = option.rect.toRectF().adjusted(3, 1, -3, -1)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if is_here or option.state & QStyle.StateFlag.State_MouseOver:
            colour = QColor(option.palette.color(QPalette.ColorRole.Highlight))
            painter.setPen(QPen(colour, 2) if is_here else Qt.PenStyle.NoPen)
            colour.setAlphaF(0.18)
            painter.setBrush(colour)
            painter.drawRoundedRect(frame, 6, 6)
        painter.restore()
        super().paint(painter, option, index)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return super().sizeHint(option, index) + QSize(0, 8)


def _picture(path: Path, widget: QWidget) -> QIcon:
    picture = QPixmap(str(path)) if path.is_file() else QPixmap()
    if picture.isNull():
        picture = QPixmap(_PICTURE * 2)
        picture.fill(QColor(128, 128, 128, 60))
    return QIcon(picture)


class _LargeButton(QToolButton):
    """Shows that the keyboard is at it, and is pressed by Return, which the style does not do outside of dialogs."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.hasFocus():
            painter = QPainter(self)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Highlight), 2))
            painter.drawRoundedRect(self.rect().toRectF().adjusted(1, 1, -1, -1), 3, 3)


def _large_button(action: QAction, parent: QWidget) -> QToolButton:
    button = _LargeButton(parent)
    button.setDefaultAction(action)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
    button.setIconSize(QSize(32, 32))
    button.setMinimumSize(_BUTTON)
    button.setText(action.text().rstrip("…"))
    button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    return button


def _label(text: str, scale: float) -> QLabel:
    label = QLabel(text)
    font = QFont(label.font())
    font.setPointSizeF(font.pointSizeF() * scale)
    if scale > 1.5:
        font.setWeight(QFont.Weight.DemiBold)
    label.setFont(font)
    return label
