"""Messages where the eye is: a strip over the canvas."""

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from pcvos_gui.icons import icon
from pcvos_gui.messages import Message

INFO_SECONDS = 8
MOST = 3
"""Messages shown at a time; the least serious go first, and of these the oldest."""

_ICONS = {"info": "mdi6.information-outline", "warning": "mdi6.alert-outline", "error": "mdi6.alert-circle-outline"}
_LEVELS = ("info", "warning", "error")
_EDGES = {"info": "#3d8bfd", "warning": "#e0a030", "error": "#e05050"}


class _Picture(QWidget):
    """An icon that is painted anew, so that it follows the palette."""

    def __init__(self, name: str, parent: QWidget):
        super().__init__(parent)
        self._icon = icon(name)
        self.setFixedSize(18, 18)

    def paintEvent(self, event: QPaintEvent) -> None:
        self._icon.paint(QPainter(self), self.rect())


class MessageBar(QWidget):
    """Shows messages over the top of `host`, the newest below; what is beneath stays where it is."""

    def __init__(self, host: QWidget):
        super().__init__(host)
        host.installEventFilter(self)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(1)
        self._shown: list[tuple[Message, QWidget]] = []
        self.setVisible(False)

    @property
    def messages(self) -> list[Message]:
        return [message for message, _ in self._shown]

    @property
    def buttons(self) -> list[QPushButton]:
        """Of all messages, from top to bottom."""
        return [button for _, strip in self._shown for button in strip.findChildren(QPushButton)]

    def show_message(self, message: Message) -> None:
        """Add a message; one with the same key gives way to it."""
        for old, strip in list(self._shown):
            if old == message or (message.key and old.key == message.key):
                self._remove(strip)
        while len(self._shown) >= MOST:
            self._remove(min(self._shown, key=lambda shown: _LEVELS.index(shown[0].level))[1])
        strip = self._make_strip(message)
        self._layout.addWidget(strip)
        strip.show()  # else the bar, where it is visible already, would not count it
        self._layout.invalidate()
        self._shown.append((message, strip))
        self._place()
        if message.level == "info":
            QTimer.singleShot(INFO_SECONDS * 1000, strip, lambda: self._remove(strip))

    def settle(self, key: str) -> None:
        """Take away what has been seen to: the messages with this key, but for errors."""
        for message, strip in list(self._shown):
            if message.key == key and message.level != "error":
                self._remove(strip)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._place()
        return False

    def _place(self) -> None:
        self.setVisible(bool(self._shown))
        width = self.parentWidget().width()
        height = self._layout.heightForWidth(width) if self._layout.hasHeightForWidth() else self.sizeHint().height()
        self.setGeometry(0, 0, width, height)
        self.raise_()

    def clear_infos(self) -> None:
        """Take away what has nothing to say any more when something else is opened."""
        for message, strip in list(self._shown):
            if message.level == "info":
                self._remove(strip)

    def clear(self) -> None:
        for _, strip in list(self._shown):
            self._remove(strip)

    def _make_strip(self, message: Message) -> QWidget:
        strip = QFrame(self)
        strip.setObjectName("message")
        strip.setAutoFillBackground(True)
        row = QHBoxLayout(strip)
        row.setContentsMargins(0, 0, 8, 0)
        row.setSpacing(8)
        row.addWidget(_Edge(QColor(_EDGES[message.level]), strip))
        picture = _Picture(_ICONS[message.level], strip)
        text = QLabel(message.text, strip)
        text.setWordWrap(True)
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        text.setContentsMargins(0, 8, 0, 8)
        row.addWidget(picture)
        row.addWidget(text, 1)
        for action in message.actions:
            button = QPushButton(action.text, strip)
            button.clicked.connect(lambda _=False, run=action.run: (self._remove(strip), run()))
            row.addWidget(button)
        close = QToolButton(strip)
        close.setIcon(icon("mdi6.close"))
        close.setAutoRaise(True)
        close.setToolTip(self.tr("Close this message"))
        close.clicked.connect(lambda: self._remove(strip))
        row.addWidget(close)
        return strip

    def _remove(self, strip: QWidget) -> None:
        before = len(self._shown)
        self._shown = [(message, other) for message, other in self._shown if other is not strip]
        if len(self._shown) < before:
            self._layout.removeWidget(strip)
            strip.hide()
            strip.deleteLater()
        self._place()


class _Edge(QWidget):
    """The colour of a message's level. Painted: a style sheet would keep the strip from following the palette."""

    def __init__(self, colour: QColor, parent: QWidget):
        super().__init__(parent)
        self._colour = colour
        self.setFixedWidth(4)

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), self._colour)
