"""Fields in the window's panels borrow the keyboard: Enter and Esc give it back to the canvas."""

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDoubleSpinBox,
    QLineEdit,
    QMainWindow,
    QScrollBar,
    QSpinBox,
    QWidget,
)

_ENDS = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape)
_HELD = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier


def is_field(widget: QWidget | None) -> bool:
    """Whether keys that are pressed in it are for it, and not for the tools."""
    kinds = (QAbstractSpinBox, QLineEdit, QComboBox, QAbstractSlider)
    return isinstance(widget, kinds) and not isinstance(widget, QScrollBar)


class FieldKeys(QObject):
    """Watches whichever field of `window` has the focus, also one that is made later.

    Enter takes what was typed, Esc drops it, and both hand the focus to `home`; so does the list of a combo box when it
    closes. Fields of dialogs are the dialogs' own.
    """

    def __init__(self, window: QMainWindow, home: QWidget):
        super().__init__(window)
        self._window, self._home = window, home
        self._field: QWidget | None = None
        self._is_ending = False  # the editor of a list's row, which the list itself closes
        self._text = ""  # what was in it when it got the focus
        application = QApplication.instance()
        assert isinstance(application, QApplication), "there are widgets"
        application.focusChanged.connect(self._on_focus)

    def _on_focus(self, _: QWidget | None, now: QWidget | None) -> None:
        if self._field is not None:
            self._field.removeEventFilter(self)
            self._field.destroyed.disconnect(self._forget)
            self._field = None
        if self._is_ending:
            self._is_ending = False
            QTimer.singleShot(0, self, self._give_back)
        if now is None or not is_field(now) or now.window() is not self._window:
            return
        self._field, self._text = now, _text(now)
        now.installEventFilter(self)
        now.destroyed.connect(self._forget)
        if isinstance(now, QComboBox):
            now.view().window().installEventFilter(self)  # its list

    def _forget(self) -> None:
        self._field = None

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if not isinstance(watched, QWidget):
            return False
        if watched.isWindow():
            if event.type() is QEvent.Type.Hide:
                QTimer.singleShot(0, self, self._give_back)  # what was chosen is told first
            return False
        if event.type() is not QEvent.Type.KeyPress or not isinstance(event, QKeyEvent):
            return False
        is_end = event.key() in _ENDS and not event.modifiers() & _HELD
        if _is_in_a_list(watched):
            self._is_ending = is_end
            return False
        if is_end:
            self._end(watched, event)
        return is_end

    def _end(self, field: QWidget, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._drop_text(field)
        else:
            field.event(event)
        self._give_back()

    def _drop_text(self, field: QWidget) -> None:
        """The text that was typed and not taken yet."""
        if isinstance(field, QLineEdit):
            field.setText(self._text)  # whoever follows what is typed, as a filter does, follows this, too
            return
        with QSignalBlocker(field):
            match field:
                case QSpinBox():
                    field.setValue(field.value())
                case QDoubleSpinBox():
                    field.setValue(field.value())
                case QComboBox() if field.isEditable():
                    field.setEditText(self._text)

    def _give_back(self) -> None:
        if self._home.isVisible():
            self._home.setFocus()


def _text(field: QWidget) -> str:
    if isinstance(field, QLineEdit):
        return field.text()
    return field.currentText() if isinstance(field, QComboBox) else ""


def _is_in_a_list(field: QWidget) -> bool:
    """Whether it is the editor of a list's row."""
    parent = field.parentWidget()
    return parent is not None and isinstance(parent.parentWidget(), QAbstractItemView)
