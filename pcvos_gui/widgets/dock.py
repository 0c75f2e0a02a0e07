"""A panel at the window's edge, under a title with buttons that can be seen in every theme."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QDockWidget, QHBoxLayout, QLabel, QToolButton, QWidget

from pcvos_gui.app.icons import icon
from pcvos_gui.widgets.layouts import laid_out

_ICON, _BUTTON = 14, 20


class Dock(QDockWidget):
    """Holds `panel`; `name` is what its place is stored under."""

    def __init__(self, name: str, title: str, panel: QWidget, parent: QWidget):
        super().__init__(title, parent)
        self.setObjectName(name)
        self.setWidget(panel)
        self.setTitleBarWidget(self._make_title(title))
        self.topLevelChanged.connect(self._name_float)
        self._name_float()

    def _make_title(self, title: str) -> QWidget:
        bar = QWidget(self)
        self.float_button = self._button(bar)
        self.float_button.clicked.connect(lambda: self.setFloating(not self.isFloating()))
        self.close_button = self._button(bar)
        self.close_button.setIcon(icon("close"))
        self.close_button.setToolTip(self.tr("Close; the View menu brings it back"))
        self.close_button.setAccessibleName(self.tr("Close {}").format(title))
        self.close_button.clicked.connect(self.close)
        row = laid_out(QHBoxLayout(bar), (8, 1, 4, 1), 2)
        row.addWidget(QLabel(title), 1)
        row.addWidget(self.float_button)
        row.addWidget(self.close_button)
        return bar

    def _button(self, bar: QWidget) -> QToolButton:
        made = QToolButton(bar, autoRaise=True)
        made.setIconSize(QSize(_ICON, _ICON))
        made.setFixedSize(_BUTTON, _BUTTON)
        made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        return made

    def _name_float(self) -> None:
        text = self.tr("Put it back into the window") if self.isFloating() else self.tr("Make it a window of its own")
        self.float_button.setIcon(icon("window-maximize" if self.isFloating() else "window-restore"))
        self.float_button.setToolTip(text)
        self.float_button.setAccessibleName(text)
