"""Everything that was done since the project was opened."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QUndoView, QVBoxLayout, QWidget

from pcvos_gui.session.session import Session
from pcvos_gui.widgets.layouts import laid_out


class HistoryPanel(QWidget):
    """The undo stack as a list; a click on a line goes back, or forward, to it."""

    def __init__(self, session: Session, parent: QWidget | None = None):
        super().__init__(parent)
        self.view = QUndoView(session.undo_stack, emptyLabel=self.tr("Opened (history starts here)"))
        self.view.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.view.setAccessibleName(self.tr("History"))
        self.view.setToolTip(self.tr("Click a line to go back to it, or forward; the history starts anew on opening"))
        layout = laid_out(QVBoxLayout(self), 8)
        layout.addWidget(self.view)
