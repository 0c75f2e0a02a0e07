"""Panels that scroll where the window is too low for all of them."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget


class Scroll(QScrollArea):
    """Scrolls `inside` up and down; as wide as it is, and never wider than there is room for."""

    def __init__(self, inside: QWidget, least: int = 40):
        """
        Args:
            least: pixels of height that are always seen.
        """
        super().__init__()
        self.setWidget(inside)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMinimumHeight(least)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def minimumSizeHint(self) -> QSize:
        width = self.widget().minimumSizeHint().width() + self.verticalScrollBar().sizeHint().width()
        return QSize(width, self.minimumHeight())

    def sizeHint(self) -> QSize:
        """All of it, with its texts as they are broken at the present width."""
        hint, layout = self.widget().sizeHint(), self.widget().layout()
        if self.isVisible() and layout.hasHeightForWidth():
            hint.setHeight(layout.totalHeightForWidth(self.widget().width()))
        return hint.expandedTo(self.minimumSizeHint())
