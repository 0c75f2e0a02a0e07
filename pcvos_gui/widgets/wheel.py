"""The wheel scrolls a panel; it changes a setting only where that has the focus."""

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QAbstractSlider, QAbstractSpinBox, QComboBox, QScrollBar, QWidget


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
        if event.type() == QEvent.Type.Wheel and not watched.hasFocus():
            event.ignore()
            return True
        return False
