"""A fold for what need not be seen by everybody: folded away under a heading."""

from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtWidgets import QScrollArea, QWidget
from superqt import QCollapsible

from pcvos_gui.app.icons import icon


class Fold(QCollapsible):
    """Unfolds `inside` by a click on its heading, and brings it into sight where it is in something that scrolls."""

    def __init__(self, title: str, tip: str, inside: QWidget):
        super().__init__(title, expandedIcon=icon("chevron-down"), collapsedIcon=icon("chevron-right"))
        self.setDuration(0)
        self.toggleButton().setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.toggleButton().setToolTip(tip)
        for layout in (self.layout(), self.content().layout()):
            if layout is not None:
                layout.setContentsMargins(0, 0, 0, 0)
        self.addWidget(inside)
        # Folded it has no height, but the tab key would still find its fields.
        self.content().setVisible(False)
        self.toggled.connect(self.content().setVisible)
        self.toggled.connect(lambda: QTimer.singleShot(0, self, self._bring_into_sight))  # laid out by then

    def _bring_into_sight(self) -> None:
        above = self.parentWidget()
        while above is not None and not isinstance(above, QScrollArea):
            above = above.parentWidget()
        inside = None if above is None else above.widget()
        if above is not None and inside is not None and self.isExpanded():
            above.verticalScrollBar().setValue(self.mapTo(inside, self.rect().topLeft()).y())

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            button = self.toggleButton()
            button.setStyleSheet(button.styleSheet())  # has one, and would keep the old colours otherwise
