"""Edges of mattes: seen at once in the views that cut out, and what an export begins with."""

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QKeyEvent, QKeySequence, QPalette
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from core.exchange.mattes import MATTE_OPTIONS
from pcvos_gui.app.icons import icon
from pcvos_gui.canvas.matte_preview import MattePreview
from pcvos_gui.dialogs.option_form import OptionForm
from pcvos_gui.session.edges import Edges
from pcvos_gui.session.view_state import ViewState
from pcvos_gui.widgets.layouts import laid_out
from pcvos_gui.widgets.scrolling import Scroll

_PATIENCE_MS = 400
"""A matte that takes longer than this is announced."""


class EdgesPanel(QWidget):
    """A field for each option, and a button that brings the defaults back.

    Attributes:
        form: the fields. reset: the button. note: what is seen of it just now.
    """

    def __init__(self, edges: Edges, mattes: MattePreview, view: ViewState, parent: QWidget | None = None):
        super().__init__(parent)
        self._edges, self._mattes, self._view = edges, mattes, view
        self.form = OptionForm()
        self.reset = QPushButton(icon("restore"), self.tr("Reset"))
        self.reset.setToolTip(self.tr("Edges as they are without any choice"))
        self.reset.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.reset.setMinimumHeight(32)
        self.note = QLabel(wordWrap=True)
        self.note.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self._lay_out()
        self._patience = QTimer(self, singleShot=True, interval=_PATIENCE_MS)
        self._patience.timeout.connect(self._show_note)
        self.form.changed.connect(lambda: edges.set_values(self.form.values))
        self.reset.clicked.connect(edges.reset)
        edges.changed.connect(self._show_values)
        mattes.changed.connect(self._on_mattes)
        view.changed.connect(self._show_note)
        self.form.show_options(MATTE_OPTIONS, edges.values)
        undo = _WindowsUndo(self)
        for field in self.form.fields.values():
            field.installEventFilter(undo)
        self._show_values()
        self._show_note()

    def _lay_out(self) -> None:
        inside = QWidget()
        column = laid_out(QVBoxLayout(inside), 8, 8)
        for widget in (self.form, self.reset, self.note):
            column.addWidget(widget)
        column.addStretch(1)
        layout = laid_out(QVBoxLayout(self), 0)
        layout.addWidget(Scroll(inside))

    def _show_values(self) -> None:
        if self.form.values != self._edges.values:  # else they are the person's, whose hand is on them
            self.form.show_values(self._edges.values)
        self.reset.setEnabled(not self._edges.are_default)

    def _on_mattes(self) -> None:
        if not self._mattes.is_waiting:
            self._patience.stop()
            self._show_note()
        elif not self._patience.isActive():
            self._patience.start()

    def _show_note(self) -> None:
        if not self._view.mode.cuts_out:
            text = self.tr("Seen in the views that cut the objects out: matte on black, on checkerboard, on green.")
        elif self._mattes.is_waiting:
            text = self.tr("The edges are being worked out…")
        else:
            text = self.tr("Exports of mattes begin with these edges.")
        self.note.setText(text)


class _WindowsUndo(QObject):
    """Keeps fields from taking undo and redo for the text in them: each change there is a step of the window's undo."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride:
            return event.matches(QKeySequence.StandardKey.Undo) or event.matches(QKeySequence.StandardKey.Redo)
        return False
