"""Messages where the eye is: one line over the canvas, however many there are."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QElidingLabel

from pcvos_gui.app.icons import icon
from pcvos_gui.session.messages import Message
from pcvos_gui.widgets.layouts import laid_out

INFO_SECONDS = 8
MOST = 5
"""Messages kept at a time; the least serious go first, and of these the oldest."""

_ICONS = {"info": "mdi6.information-outline", "warning": "mdi6.alert-outline", "error": "mdi6.alert-circle-outline"}
_LEVELS = ("info", "warning", "error")
_EDGES = {"info": "#3d8bfd", "warning": "#e0a030", "error": "#e05050"}
_LONGEST_LINE = 640  # pixels, of a message that is read whole


class _Picture(QWidget):
    """An icon that is painted anew, so that it follows the palette."""

    def __init__(self, name: str, parent: QWidget):
        super().__init__(parent)
        self._icon = icon(name)
        self.setFixedSize(18, 18)

    def paintEvent(self, event: QPaintEvent) -> None:
        self._icon.paint(QPainter(self), self.rect())


class MessageBar(QFrame):
    """Shows the newest message over the top of `host`, in one line; what is beneath stays where it is.

    The others are a click away, and so is the rest of a sentence that is too long for the line.
    """

    def __init__(self, host: QWidget):
        super().__init__(host)
        self.setObjectName("messages")
        self.setAutoFillBackground(True)
        self._host = host
        host.installEventFilter(self)
        self._stack = QStackedWidget(self)
        self.others = QToolButton(self, autoRaise=True)
        self.others.setToolTip(self.tr("Show the message before this one"))
        self.others.clicked.connect(self._show_next)
        self.close_button = QToolButton(self, autoRaise=True)
        self.close_button.setIcon(icon("mdi6.close"))
        self.close_button.setToolTip(self.tr("Close this message"))
        self.close_button.clicked.connect(lambda: self._remove(self._shown[self._place_of_seen]))
        row = laid_out(QHBoxLayout(self), (0, 0, 4, 0), 4)
        row.addWidget(self._stack, 1)
        row.addWidget(self.others)
        row.addWidget(self.close_button)
        self._shown: list[_Strip] = []
        self.setVisible(False)

    @property
    def messages(self) -> list[Message]:
        """All that are kept, the oldest first."""
        return [strip.message for strip in self._shown]

    @property
    def shown(self) -> Message | None:
        """The one that can be read."""
        return self._shown[self._place_of_seen].message if self._shown else None

    @property
    def buttons(self) -> list[QPushButton]:
        """Buttons of all messages, the oldest first; only those of the one that is `shown` can be seen."""
        return [button for strip in self._shown for button in strip.buttons]

    def show_message(self, message: Message, project: object = None) -> None:
        """Show a message; one that says the same, or has the same key, gives way to it. `project`: that it belongs
        to; None: none is open."""
        for strip in list(self._shown):
            old = strip.message
            if old.text == message.text or (message.key and old.key == message.key):
                self._remove(strip)
        while len(self._shown) >= MOST:
            self._remove(min(self._shown, key=lambda strip: _LEVELS.index(strip.message.level)))
        strip = _Strip(message, project, self)
        strip.answered.connect(lambda: self._remove(strip))
        self._shown.append(strip)
        self._stack.addWidget(strip)
        self._stack.setCurrentWidget(strip)
        self._place()
        if message.level == "info":
            QTimer.singleShot(int(INFO_SECONDS * 1000), strip, lambda: self._remove(strip))

    def review(self) -> None:
        """Take away what no longer holds."""
        for strip in list(self._shown):
            if strip.message.holds is not None and not strip.message.holds():
                self._remove(strip)

    def turn_to(self, project: object) -> None:
        """Another project comes, or none (None): only what belongs to it stays, and what is about the program."""
        for strip in list(self._shown):
            if strip.project is not project and not strip.message.lasting:
                self._remove(strip)

    def clear(self) -> None:
        for strip in list(self._shown):
            self._remove(strip)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._place()
        return False

    @property
    def _place_of_seen(self) -> int:
        return next(place for place, strip in enumerate(self._shown) if strip is self._stack.currentWidget())

    def _show_next(self) -> None:
        self._stack.setCurrentWidget(self._shown[self._place_of_seen - 1])
        self._place()

    def _place(self) -> None:
        self.setVisible(bool(self._shown))
        self.others.setVisible(len(self._shown) > 1)
        if self._shown:
            self.others.setText(self.tr("{} of {}").format(self._place_of_seen + 1, len(self._shown)))
        self.setGeometry(0, 0, self._host.width(), self.sizeHint().height())
        self.raise_()

    def _remove(self, strip: "_Strip") -> None:
        if strip not in self._shown:
            return
        was_seen = strip is self._stack.currentWidget()
        self._shown.remove(strip)
        self._stack.removeWidget(strip)
        strip.hide()
        strip.deleteLater()
        if was_seen and self._shown:
            self._stack.setCurrentWidget(self._shown[-1])
        self._place()


class _Strip(QWidget):
    """One message in one line: its sentence, as far as there is room, and its buttons.

    Signals:
        answered(): one of its buttons was pressed; what that does comes after.
    """

    answered = Signal()

    def __init__(self, message: Message, project: object, bar: MessageBar):
        super().__init__(bar)
        self.message, self.project = message, project
        row = laid_out(QHBoxLayout(self), 0, 8)
        row.addWidget(_Edge(QColor(_EDGES[message.level]), self))
        row.addWidget(_Picture(_ICONS[message.level], self))
        self.text = QElidingLabel(message.text.replace("\n", " "), self)
        self.text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.text.setToolTip(message.text)
        self.text.setMinimumHeight(self.text.fontMetrics().height() + 8)
        row.addWidget(self.text, 1)
        self.rest = QToolButton(self, autoRaise=True)
        self.rest.setText(self.tr("Read all"))
        self.rest.setToolTip(self.tr("Show the whole message"))
        self.rest.clicked.connect(self._show_all)
        self.rest.hide()
        row.addWidget(self.rest)
        self.buttons = []
        for action in message.actions:
            button = QPushButton(action.text, self)
            button.clicked.connect(lambda _=False, run=action.run: self._answer(run))
            row.addWidget(button)
            self.buttons.append(button)

    def _answer(self, run: Callable[[], None]) -> None:
        self.answered.emit()
        run()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        needed = self.text.fontMetrics().horizontalAdvance(self.text.text())
        room = self.text.width() + (self.rest.sizeHint().width() + 8 if self.rest.isVisibleTo(self) else 0)
        self.rest.setVisible(needed > room)

    def _show_all(self) -> None:
        """The whole sentence, to be read and copied, until something else is clicked."""
        page = QFrame(self, Qt.WindowType.Popup)
        page.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        page.setFrameShape(QFrame.Shape.StyledPanel)
        label = QLabel(self.message.text, page, wordWrap=True)
        label.setObjectName("whole message")
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        label.setFixedWidth(min(_LONGEST_LINE, self.width()))
        QVBoxLayout(page).addWidget(label)
        page.move(self.mapToGlobal(QPoint(0, self.height())))
        page.show()


class _Edge(QWidget):
    """The colour of a message's level. Painted: a style sheet would keep the strip from following the palette."""

    def __init__(self, colour: QColor, parent: QWidget):
        super().__init__(parent)
        self._colour = colour
        self.setFixedWidth(4)

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), self._colour)
