"""The strip below the picture: what to do next, and buttons for what is unfinished. It never covers the picture."""

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFont, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QToolButton, QVBoxLayout, QWidget
from superqt import QElidingLabel

from pcvos_gui.app.icons import icon
from pcvos_gui.canvas.tools.tool import Offer
from pcvos_gui.widgets.layouts import laid_out

_HEIGHT = 44  # at least
_MOST = 4  # frames that are named


class _Row(QWidget):
    """Buttons beside each other."""

    def __init__(self, parent: QWidget):
        super().__init__(parent)
        self._row = laid_out(QHBoxLayout(self), 0, 4)
        self.hide()

    def add(self, picture: str, do: Callable[[], object]) -> QToolButton:
        button = QToolButton(self)
        button.setIcon(icon(picture))
        button.setIconSize(QSize(18, 18))
        button.setMinimumHeight(30)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the keys to the canvas
        button.clicked.connect(lambda: do())
        self._row.addWidget(button)
        return button


class OfferBar(_Row):
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

    def show_offer(self, offer: Offer | None) -> None:
        """Show the buttons for an offer; None: none."""
        self.setVisible(offer is not None)
        if offer is None:
            return
        for button, text, key in ((self._accept, offer.accept, "Enter"), (self._drop, offer.drop, "Esc")):
            button.setText(text)
            button.setAccessibleName(text)
            button.setToolTip(self.tr("{} ({})").format(text, key))
        self._accept.setEnabled(offer.can_accept)
        self._back.setEnabled(offer.can_go_back)


class _Words(QElidingLabel):
    """Text that is shown whole where there is room for it."""

    def sizeHint(self) -> QSize:
        return QSize(self.fontMetrics().horizontalAdvance(self.text()) + 8, super().sizeHint().height())


class WaitingBar(_Row):
    """Says where marks wait that are neither accepted nor dropped."""

    shown = Signal()
    accepted = Signal()
    dropped = Signal()

    def __init__(self, parent: QWidget):
        super().__init__(parent)
        self._text = _Words(self)
        self._text.setMinimumWidth(64)
        self._row.addWidget(self._text, 1)
        for picture, text, tip, signal in (
            ("eye-arrow-right-outline", self.tr("Show"), self.tr("Go to the frame where marks wait"), self.shown),
            ("check-bold", self.tr("Accept"), self.tr("Accept what waits, on all its frames"), self.accepted),
            ("close-thick", self.tr("Drop"), self.tr("Forget what waits"), self.dropped),
        ):
            button = self.add(picture, signal.emit)
            button.setText(text)
            button.setToolTip(tip)
            button.setAccessibleName(tip)
            if signal is not self.shown:  # beside "Accept" and "Drop" of what is open here
                button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)

    def show_frames(self, frames: list[int], name: str = "") -> None:
        """The frames where marks wait; none: nothing is shown. `name`: of the object, where they are of one alone."""
        self.setVisible(bool(frames))
        if not frames:
            return
        numbers = ", ".join(map(str, frames[:_MOST])) + ("…" if len(frames) > _MOST else "")
        where = self.tr("wait on frame {}") if len(frames) == 1 else self.tr("wait on frames {}")
        what = self.tr("Marks of {}").format(name) if name else self.tr("Marks")
        text = f"{what} {where.format(numbers)}"
        self._text.setText(text)
        self._text.setToolTip(text)
        self._text.updateGeometry()  # also where the part of it that was shown stays the same


class Strip(QWidget):
    """One step in bold, how the tool in hand is used below it, and at the right what can be pressed.

    Attributes:
        offer_bar, waiting_bar: the buttons. step, words: the texts.
    """

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.offer_bar, self.waiting_bar = OfferBar(self), WaitingBar(self)
        self.step, self.words = QElidingLabel(self), QElidingLabel(self)
        font = QFont(self.step.font())
        font.setBold(True)
        self.step.setFont(font)
        self.words.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        texts = laid_out(QVBoxLayout(), spacing=1)
        texts.addStretch(1)
        for label in (self.step, self.words):
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
            texts.addWidget(label)
        texts.addStretch(1)
        self._row = laid_out(QHBoxLayout(self), (12, 4, 8, 4), 8)
        self._row.addLayout(texts, 1)
        for bar in (self.waiting_bar, self.offer_bar):
            self._row.addWidget(bar)
        lines = self.step.fontMetrics().lineSpacing() + self.words.fontMetrics().lineSpacing()
        self.setFixedHeight(max(_HEIGHT, lines + 10))  # the picture above does not jump
        self.offer_bar.show_offer(Offer(self.tr("Accept"), self.tr("Drop")))
        widths = [bar.minimumSizeHint().width() for bar in (self.waiting_bar, self.offer_bar)]
        self.setMinimumWidth(sum(widths) + 3 * self._row.spacing() + 20)
        self.offer_bar.show_offer(None)
        self.show_step("")

    def show_step(self, text: str) -> None:
        """The next step; "": nothing in particular."""
        self._show(self.step, text)

    def show_words(self, text: str) -> None:
        """Instructions for the tool in hand."""
        self._show(self.words, text)

    def _show(self, label: QElidingLabel, text: str) -> None:
        if text != label.text():  # which takes measuring
            label.setText(text)
            label.setToolTip(text)  # all of it, where the window is narrow
        label.setVisible(bool(text))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self.palette().color(QPalette.ColorRole.Window))
        if self.step.text():
            painter.fillRect(0, 0, 4, self.height(), self.palette().color(QPalette.ColorRole.Highlight))
