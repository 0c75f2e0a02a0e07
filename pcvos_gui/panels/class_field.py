"""The class of the active object: a field with the classes of the project, and a list of them from a file."""

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, QSize, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QComboBox,
    QCompleter,
    QFileDialog,
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from core.project.classes import clean_class
from pcvos_gui.app.icons import icon
from pcvos_gui.app.settings import stored_settings
from pcvos_gui.session.classes import Classes
from pcvos_gui.session.session import Leaving, Session
from pcvos_gui.widgets.layouts import laid_out
from pcvos_gui.widgets.scrolling import WheelGuard


class ClassField(QWidget):
    """Class of the active object. Enter takes what was typed, Esc what was there, and both give the keyboard back.

    Attributes:
        box: the field. load_button: asks for a text file with classes.
    """

    def __init__(self, session: Session, parent: QWidget | None = None):
        super().__init__(parent)
        self._session = session
        self._classes = Classes(session, self)
        self._id = 0  # the object that the text is about
        self.box = self._make_box()
        self.load_button = QToolButton()
        self.load_button.setIcon(icon("playlist-plus"))
        self.load_button.setIconSize(QSize(18, 18))
        self.load_button.setFixedSize(32, 32)
        self.load_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.load_button.setToolTip(self.tr("Load a list of classes from a text file, one a line"))
        self.load_button.setAccessibleName(self.tr("Load a list of classes"))
        self.load_button.clicked.connect(self._load)
        label = QLabel(self.tr("Class"))
        label.setBuddy(self.box)
        row = laid_out(QHBoxLayout(self), 0, 8)
        row.addWidget(label)
        row.addWidget(self.box, 1)
        row.addWidget(self.load_button)
        WheelGuard(self)
        for signal in (session.opened, session.closed, session.objects_changed, session.active_changed):
            signal.connect(self._show)
        self._classes.changed.connect(self._show)
        session.settling.connect(self._settle)
        self._show()

    def _make_box(self) -> QComboBox:
        box = QComboBox(editable=True, insertPolicy=QComboBox.InsertPolicy.NoInsert)
        box.setMinimumHeight(32)
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(6)
        box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        box.setAccessibleName(self.tr("Class of the active object"))
        box.setToolTip(
            self.tr("What the object is, e.g. person: objects of one class are one category in exported data sets")
        )
        line, completer = box.lineEdit(), box.completer()
        assert line is not None and completer is not None, "it is editable"
        line.setAccessibleName(box.accessibleName())
        line.setPlaceholderText(self.tr("none"))
        line.editingFinished.connect(self._take)
        line.installEventFilter(self)
        completer.setCompletionMode(QCompleter.CompletionMode.PopupCompletion)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        box.textActivated.connect(self._choose)
        return box

    def edit(self) -> None:
        """Let the person type."""
        self.box.setFocus(Qt.FocusReason.ShortcutFocusReason)
        if line := self.box.lineEdit():
            line.selectAll()

    def ask(self) -> None:
        """Ask for the class in a dialog, where there is no room for the field."""
        obj = self._session.object(self._id)
        if obj is None or not self.isEnabled():
            return
        text = self.tr("What is {}?").format(obj.name)
        names = [obj.class_name, *(name for name in self._classes.known if name != obj.class_name)]
        chosen, is_agreed = QInputDialog.getItem(self.window(), self.tr("Class"), text, names, 0, True)
        if is_agreed:
            self._session.change_object(replace(obj, class_name=clean_class(chosen)))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Enter and Esc end the typing; while it goes on, letters are no keys of tools."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if event.key() == Qt.Key.Key_Escape:
                self._show()
                self.box.clearFocus()
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self.box.clearFocus()  # which finishes the editing
                return True
        return super().eventFilter(watched, event)

    def _show(self) -> None:
        """Show the class of the active object."""
        session = self._session
        active = session.object(session.active)
        self._id = 0 if active is None else active.id
        self.setEnabled(active is not None and session.is_writable)
        known = list(self._classes.known)
        text = "" if active is None else active.class_name
        with QSignalBlocker(self.box):
            if [self.box.itemText(i) for i in range(self.box.count())] != known:
                self.box.clear()
                self.box.addItems(known)
            to_the_letter = Qt.MatchFlag.MatchExactly | Qt.MatchFlag.MatchCaseSensitive
            self.box.setCurrentIndex(self.box.findText(text, to_the_letter))
            self.box.setEditText(text)

    def _choose(self, _: str) -> None:
        self._take()
        self.box.clearFocus()

    def _settle(self, leaving: Leaving) -> None:
        """Take what was typed when another object becomes the active one, or the project is closed."""
        if leaving in (Leaving.OBJECT, Leaving.FOOTAGE):
            self._take()

    def _take(self) -> None:
        """Give the object what was typed; nothing happens if it is the same."""
        obj = self._session.object(self._id)
        if obj is not None and self.isEnabled():
            self._session.change_object(replace(obj, class_name=clean_class(self.box.currentText())))

    def _load(self) -> None:
        folder = stored_settings().start_folder
        filters = self.tr("Text files (*.txt *.names *.csv);;All files (*)")
        path, _ = QFileDialog.getOpenFileName(self, self.tr("Load a list of classes"), folder, filters)
        if path:
            self._classes.load(Path(path))
