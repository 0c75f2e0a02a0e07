"""The button of what is likely to be done next."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QIcon, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QStyle, QStyleOptionToolButton, QToolButton, QWidget

from pcvos_gui.app.icons import icon
from pcvos_gui.widgets.panel_button import panel_button

_AROUND = 14  # pixels that the style leaves around and between icon and text


def paint_accented(button: QToolButton, picture: str) -> None:
    """Paint a tool button in the accent colour, grey where it cannot be pressed, with the icon of this name."""
    option = QStyleOptionToolButton()
    button.initStyleOption(option)
    role = QPalette.ColorRole.Button
    if button.isEnabled():
        on = option.palette.color(QPalette.ColorRole.HighlightedText)
        option.palette.setColor(QPalette.ColorRole.ButtonText, on)
        option.icon = icon(picture, on.name())
        role = QPalette.ColorRole.Highlight
    ground = option.palette.color(role)
    painter = QPainter(button)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(option.palette.color(QPalette.ColorRole.ButtonText) if button.hasFocus() else Qt.PenStyle.NoPen)
    painter.setBrush(ground.darker(115) if button.isDown() else ground)
    painter.drawRoundedRect(button.rect().toRectF().adjusted(0.5, 0.5, -0.5, -0.5), 2, 2)
    _paint_label(button, option, painter)


def paint_centred(button: QToolButton) -> None:
    """Paint a tool button as its style does, but icon and text in its middle."""
    option = QStyleOptionToolButton()
    button.initStyleOption(option)
    painter, label = QPainter(button), QStyleOptionToolButton(option)
    option.text, option.icon = "", QIcon()
    button.style().drawComplexControl(QStyle.ComplexControl.CC_ToolButton, option, painter, button)
    _paint_label(button, label, painter)


def _paint_label(button: QToolButton, option: QStyleOptionToolButton, painter: QPainter) -> None:
    taken = option.iconSize.width() + option.fontMetrics.horizontalAdvance(option.text) + _AROUND
    option.rect.adjust(max(0, (button.width() - taken) // 2), 0, 0, 0)  # the style begins at the left
    button.style().drawControl(QStyle.ControlElement.CE_ToolButtonLabel, option, painter, button)


class PrimaryButton(QToolButton):
    """Icon and text, in the accent colour while it can be pressed."""

    def __init__(self, picture: str, text: str, parent: QWidget | None = None):
        super().__init__(parent)
        self._picture = picture
        self.setText(text)
        self.setIcon(icon(picture))
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        panel_button(self)

    @classmethod
    def of(cls, action: QAction, picture: str, parent: QWidget | None = None) -> "PrimaryButton":
        """A button that does what an action does, and can be pressed when that can."""
        button = cls(picture, action.text(), parent)
        button.setDefaultAction(action)
        return button

    def sizeHint(self) -> QSize:
        return super().sizeHint() + QSize(12, 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        paint_accented(self, self._picture)
