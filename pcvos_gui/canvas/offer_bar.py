"""Buttons beside what is unfinished on the canvas, for those who have a mouse only."""

from collections.abc import Callable

from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QWidget

from pcvos_gui.canvas.tools.tool import Offer
from pcvos_gui.icons import icon

_GAP = 12  # Qt pixels between the buttons and what they are about
_EDGE = 8  # between them and the canvas's border
_ROUND = 6


class _Strip(QWidget):
    """A row of buttons on a panel of its own, over the canvas."""

    def __init__(self, parent: QWidget):
        super().__init__(parent)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(4, 4, 4, 4)
        self._row.setSpacing(4)
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self.hide()

    def add(self, picture: str, do: Callable[[], object]) -> QToolButton:
        button = QToolButton(self)
        button.setIcon(icon(picture))
        button.setIconSize(QSize(18, 18))
        button.setAutoRaise(True)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the keys to the canvas
        button.clicked.connect(lambda: do())
        self._row.addWidget(button)
        return button

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Mid), 1))
        painter.setBrush(self.palette().color(QPalette.ColorRole.Window))
        painter.drawRoundedRect(self.rect().toRectF().adjusted(0.5, 0.5, -0.5, -0.5), _ROUND, _ROUND)

    def mousePressEvent(self, event) -> None:
        """Between the buttons: not a stroke beneath."""


class OfferBar(_Strip):
    """Accept, take back, drop."""

    accepted = Signal()
    taken_back = Signal()
    dropped = Signal()

    def __init__(self, parent: QWidget):
        super().__init__(parent)
        self._accept = self.add("check-bold", self.accepted.emit)
        self._back = self.add("undo-variant", self.taken_back.emit)
        self._drop = self.add("close-thick", self.dropped.emit)
        self._back.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        self._back.setToolTip(self.tr("Take the last step back (Backspace)"))
        self._back.setAccessibleName(self.tr("Take the last step back"))

    def show_offer(self, offer: Offer | None, box: QRect) -> None:
        """Show the buttons for an offer that is in `box` of the parent's coordinates; None: none."""
        if offer is None:
            self.hide()
            return
        for button, text, key in ((self._accept, offer.accept, "Enter"), (self._drop, offer.drop, "Esc")):
            button.setText(text)
            button.setAccessibleName(text)
            button.setToolTip(self.tr("{} ({})").format(text, key))
        self._accept.setEnabled(offer.can_accept)
        self._back.setEnabled(offer.can_go_back)
        self.adjustSize()
        self.move(place(self.size(), box, self.parentWidget().size(), offer.grows))
        self.show()
        self.raise_()


class WaitingBar(_Strip):
    """Says where scribbles wait that are neither accepted nor dropped."""

    shown = Signal()
    accepted = Signal()
    dropped = Signal()

    def __init__(self, parent: QWidget):
        super().__init__(parent)
        self._text = QLabel(self)
        self._text.setContentsMargins(8, 0, 8, 0)
        self._row.addWidget(self._text)
        for picture, text, tip, signal in (
            ("eye-arrow-right-outline", self.tr("Show"), self.tr("Go to the frame where a scribble waits"), self.shown),
            ("check-bold", self.tr("Accept"), self.tr("Accept what waits, on all its frames"), self.accepted),
            ("close-thick", self.tr("Drop"), self.tr("Forget what waits"), self.dropped),
        ):
            button = self.add(picture, signal.emit)
            button.setText(text)
            button.setToolTip(tip)
            button.setAccessibleName(tip)

    def show_frames(self, frames: list[int]) -> None:
        """The frames where scribbles wait; none: nothing is shown."""
        self.setVisible(bool(frames))
        if not frames:
            return
        words = self.tr("A scribble waits on frame {}") if len(frames) == 1 else self.tr("Scribbles wait on frames {}")
        self._text.setText(words.format(", ".join(map(str, frames[:_MOST])) + ("…" if len(frames) > _MOST else "")))
        self.adjustSize()
        self.move(_EDGE, self.parentWidget().height() - self.height() - _EDGE)
        self.raise_()


_MOST = 4  # frames that are named


def place(size: QSize, box: QRect, room: QSize, is_far: bool = False) -> QPoint:
    """Where something of a size goes beside a box, and not over it where there is room: below, above, right, left.

    Args:
        is_far: at the border of the room instead, below or above.
    """
    inside = QRect(QPoint(), room).adjusted(_EDGE, _EDGE, -_EDGE, -_EDGE)
    seen = box & inside
    right, bottom = inside.right() - size.width() + 1, inside.bottom() - size.height() + 1
    if is_far:
        x = inside.center().x() - size.width() // 2
        places = [QPoint(x, bottom), QPoint(x, inside.top())]
    else:
        x = min(max(box.center().x() - size.width() // 2, inside.left()), max(right, inside.left()))
        y = min(max(box.center().y() - size.height() // 2, inside.top()), max(bottom, inside.top()))
        places = [
            QPoint(x, box.bottom() + _GAP),
            QPoint(x, box.top() - _GAP - size.height()),
            QPoint(box.right() + _GAP, y),
            QPoint(box.left() - _GAP - size.width(), y),
            QPoint(x, bottom),
        ]
    fits = (p for p in places if inside.contains(QRect(p, size)) and not QRect(p, size).intersects(seen))
    return next(fits, places[-1] if not is_far else places[0])
