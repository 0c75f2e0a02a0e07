"""Panels that scroll where the window is too low for all of them, and what the wheel does over their fields."""

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtWidgets import QAbstractSlider, QAbstractSpinBox, QComboBox, QFrame, QScrollArea, QScrollBar, QWidget


class Scroll(QScrollArea):
    """Scrolls `inside` up and down; as wide as it is, and never wider than there is room for."""

    def __init__(self, inside: QWidget, least: int = 40):
        """
        Args:
            least: pixels of height that are always seen.
        """
        super().__init__()
        self._inside = inside
        self.setWidget(inside)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMinimumHeight(least)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def minimumSizeHint(self) -> QSize:
        width = self._inside.minimumSizeHint().width() + self.verticalScrollBar().sizeHint().width()
        return QSize(width, self.minimumHeight())

    def sizeHint(self) -> QSize:
        """All of it, with its texts as they are broken at the present width."""
        hint, layout = self._inside.sizeHint(), self._inside.layout()
        if self.isVisible() and layout is not None and layout.hasHeightForWidth():
            hint.setHeight(layout.totalHeightForWidth(self._inside.width()))
        return hint.expandedTo(self.minimumSizeHint())


class WheelGuard(QObject):
    """Lets the wheel pass through the fields of `panel` to whatever scrolls them."""

    def __init__(self, panel: QWidget):
        super().__init__(panel)
        for kind in (QComboBox, QAbstractSpinBox, QAbstractSlider):
            for field in panel.findChildren(kind):
                if not isinstance(field, QScrollBar):
                    field.installEventFilter(self)
                    if field.focusPolicy() is Qt.FocusPolicy.WheelFocus:  # Qt would give it the focus first
                        field.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return False
