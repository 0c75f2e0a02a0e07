"""All keys on one page, over the window, until a key or a click sends it away."""

from collections import defaultdict

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QColor, QKeySequence, QPainter
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from pcvos_gui.actions import ACTIONS, MENUS, translated

_COLUMNS = 3
_DIM = QColor(0, 0, 0, 150)


class ShortcutsOverlay(QWidget):
    """Covers `window` while it is shown."""

    def __init__(self, window: QWidget):
        super().__init__(window)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.hide()
        card = QFrame(self)
        card.setAutoFillBackground(True)
        card.setFrameShape(QFrame.Shape.StyledPanel)
        layout = QVBoxLayout(card)
        layout.setContentsMargins(24, 16, 24, 16)
        layout.setSpacing(16)
        title = QLabel(self.tr("Keyboard and mouse"))
        font = title.font()
        font.setPointSizeF(font.pointSizeF() * 1.4)
        title.setFont(font)
        layout.addWidget(title)
        scroll = QScrollArea(card)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidget(self._make_columns())
        layout.addWidget(scroll)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(48, 48, 48, 48)
        outer.addWidget(card)

    def toggle(self) -> None:
        if self.isVisible():
            self.hide()
            return
        self.setGeometry(self.parentWidget().rect())
        self.parentWidget().installEventFilter(self)
        self.raise_()
        self.show()
        self.setFocus()

    def hideEvent(self, event) -> None:
        self.parentWidget().removeEventFilter(self)

    def _make_columns(self) -> QWidget:
        groups = defaultdict(list)
        for spec in ACTIONS:
            if spec.keys:
                groups[translated(spec.menu)].append(
                    (translated(spec.text).rstrip("…"), " ".join(map(_native, spec.keys)))
                )
        groups[self.tr("Mouse and canvas")] = [
            (self.tr("Zoom at the pointer"), self.tr("Wheel")),
            (self.tr("Move the picture"), self.tr("Hold Space, or middle button")),
            (self.tr("Size of the brush"), self.tr("Shift + wheel")),
            (self.tr("Play or pause"), self.tr("Tap Space")),
            (self.tr("Peek at the bare frame"), self.tr("Hold C")),
            (self.tr("Erase, or mark background"), self.tr("Right button")),
            (self.tr("Straight line"), self.tr("Shift + click")),
            (self.tr("Choose an object"), "1 … 9"),
            (self.tr("Accept or drop a scribble"), "Enter, Esc"),
        ]
        names = [self.tr("Mouse and canvas"), *(translated(menu) for menu in MENUS)]
        columns = QWidget()
        row = QHBoxLayout(columns)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(32)
        total = sum(len(groups[n]) + 2 for n in names if groups[n])
        stacks = [QVBoxLayout() for _ in range(_COLUMNS)]
        filled = 0
        for name in names:
            if groups[name]:
                stacks[min(_COLUMNS - 1, filled * _COLUMNS // total)].addLayout(_table(name, groups[name]))
                filled += len(groups[name]) + 2
        for stack in stacks:
            stack.setSpacing(16)
            stack.addStretch(1)
            row.addLayout(stack, 1)
        return columns

    def paintEvent(self, event) -> None:
        QPainter(self).fillRect(self.rect(), _DIM)

    def mousePressEvent(self, event) -> None:
        self.hide()

    def keyPressEvent(self, event) -> None:
        self.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self.setGeometry(self.parentWidget().rect())
        return False


def _native(key: str) -> str:
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)


def _table(name: str, rows: list[tuple[str, str]]) -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(16)
    grid.setVerticalSpacing(4)
    heading = QLabel(name)
    font = heading.font()
    font.setBold(True)
    heading.setFont(font)
    grid.addWidget(heading, 0, 0, 1, 2)
    for i, (text, keys) in enumerate(rows, 1):
        key = QLabel(keys)
        key.setForegroundRole(key.palette().ColorRole.PlaceholderText)
        key.setAlignment(Qt.AlignmentFlag.AlignRight)
        grid.addWidget(QLabel(text), i, 0)
        grid.addWidget(key, i, 1)
    grid.setColumnStretch(0, 1)
    return grid
