"""One of a few buttons of which one is chosen."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolButton

from pcvos_gui.app.icons import icon
from pcvos_gui.widgets.panel_button import panel_button
from pcvos_gui.widgets.primary_button import paint_accented, paint_centred


class Segment(QToolButton):
    """Icon and text; in the accent colour while it is chosen."""

    def __init__(self, picture: str, text: str):
        super().__init__()
        self._picture = picture
        self.setText(text)
        self.setIcon(icon(picture))
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setCheckable(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        panel_button(self)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.isChecked():
            paint_accented(self, self._picture)
        else:
            paint_centred(self)
