"""All keys on one page, over the window, until a key or a click sends it away."""

from collections import defaultdict

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QColor, QKeySequence, QPainter
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from pcvos_gui.app.actions import ACTIONS, MENUS, translated
from pcvos_gui.widgets.layouts import laid_out

_MOST_COLUMNS = 3
_GAP = 32
_DIM = QColor(0, 0, 0, 150)
_MODIFIERS = (Qt.Key.Key_Shift, Qt.Key.Key_Control, Qt.Key.Key_Alt, Qt.Key.Key_Meta)


class ShortcutsOverlay(QWidget):
    """Covers `window` while it is shown."""

    def __init__(self, window: QWidget):
        super().__init__(window)
        self._window = window
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.hide()
        card = QFrame(self)
        card.setAutoFillBackground(True)
        card.setFrameShape(QFrame.Shape.StyledPanel)
        layout = laid_out(QVBoxLayout(card), (24, 16, 24, 16), 16)
        title = QLabel(self.tr("Keyboard and mouse"))
        font = title.font()
        font.setPointSizeF(font.pointSizeF() * 1.4)
        title.setFont(font)
        layout.addWidget(title)
        self._scroll = QScrollArea(card, widgetResizable=True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        layout.addWidget(self._scroll)
        self._outer = QVBoxLayout(self)
        self._outer.addWidget(card)

    def toggle(self) -> None:
        if self.isVisible():
            self.hide()
            return
        self._fit()
        self._window.installEventFilter(self)
        self.raise_()
        self.show()
        self.setFocus()

    def hideEvent(self, event) -> None:
        self._window.removeEventFilter(self)

    def _fit(self) -> None:
        """Cover the window, with as many columns as are wide enough in it."""
        whole = self._window.rect()
        margin = 48 if min(whole.width(), whole.height()) > 800 else 16
        laid_out(self._outer, margin)
        self.setGeometry(whole)
        room = whole.width() - 2 * margin - 48 - self._scroll.verticalScrollBar().sizeHint().width()
        for count in range(_MOST_COLUMNS, 0, -1):
            columns = self._make_columns(count)
            if columns.minimumSizeHint().width() <= room:
                break
        self._scroll.setWidget(columns)

    def _groups(self) -> dict[str, list[tuple[str, str]]]:
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
            (self.tr("Erase, or mark: not this"), self.tr("Right button")),
            (self.tr("Straight line (brush)"), self.tr("Shift + click")),
            (self.tr("Box (mark)"), self.tr("Shift + drag")),
            (self.tr("Choose an object"), self.tr("1, 2 … 12 …")),
            (self.tr("Accept or drop marks"), "Enter, Esc"),
            (self.tr("Take back a mark, take up accepted ones"), self.tr("Backspace")),
        ]
        names = [self.tr("Mouse and canvas"), *(translated(menu) for menu in MENUS)]
        return {name: groups[name] for name in names if groups[name]}

    def _make_columns(self, count: int) -> QWidget:
        groups = self._groups()
        columns = QWidget()
        row = laid_out(QHBoxLayout(columns), (0, 0, 12, 0), _GAP)  # off the scroll bar
        total = sum(len(rows) + 2 for rows in groups.values())
        stacks = [laid_out(QVBoxLayout(), spacing=16) for _ in range(count)]
        filled = 0
        for name, rows in groups.items():
            stacks[min(count - 1, filled * count // total)].addLayout(_table(name, rows))
            filled += len(rows) + 2
        for stack in stacks:
            stack.addStretch(1)
            row.addLayout(stack, 1)
        return columns

    def paintEvent(self, event) -> None:
        QPainter(self).fillRect(self.rect(), _DIM)

    def mousePressEvent(self, event) -> None:
        self.hide()

    def keyPressEvent(self, event) -> None:
        bar = self._scroll.verticalScrollBar()
        steps = {
            Qt.Key.Key_Up: -bar.singleStep(),
            Qt.Key.Key_Down: bar.singleStep(),
            Qt.Key.Key_PageUp: -bar.pageStep(),
            Qt.Key.Key_PageDown: bar.pageStep(),
        }
        if bar.maximum() and event.key() in steps:
            bar.setValue(bar.value() + steps[event.key()])
        elif event.key() not in _MODIFIERS:
            self.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._fit()
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
