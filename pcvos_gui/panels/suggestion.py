"""The frame to correct next, at the top of the review panel: a picture, the reason in words, and the way there."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QPushButton, QWidget

from core.studio.suggestion import Suggestion
from pcvos_gui.app.icons import icon
from pcvos_gui.panels.thumbnails import THUMBNAIL, Thumbnails
from pcvos_gui.session.reviewer import Reviewer, suggestion_in_words
from pcvos_gui.session.session import Session
from pcvos_gui.widgets.layouts import laid_out


class SuggestionCard(QFrame):
    """Hidden where nothing is worth a correction.

    Attributes:
        title, reason: what it says. button: goes there.
    """

    def __init__(self, session: Session, reviewer: Reviewer, parent: QWidget):
        super().__init__(parent)
        self._session, self._reviewer = session, reviewer
        self._thumbnails = Thumbnails(session, self)
        self._thumbnails.arrived.connect(self._on_arrived)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self._picture, self.title, self.reason = QLabel(), QLabel(), QLabel()
        self._picture.setFixedSize(*THUMBNAIL)
        self._picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        bold = self.title.font()
        bold.setBold(True)
        self.title.setFont(bold)
        for label in (self.title, self.reason):
            label.setWordWrap(True)
        self.button = QPushButton(icon("bullseye-arrow"), "")
        self.button.setAccessibleName(self.tr("Go to the frame to correct next"))
        self.setToolTip(self.tr("Go to the frame whose correction promises most (F9)"))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.button.setFixedSize(36, 36)
        self.button.setIconSize(QSize(20, 20))
        self.button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.button.clicked.connect(reviewer.go_to_suggested)
        layout = laid_out(QGridLayout(self), 4)
        layout.setHorizontalSpacing(8)
        layout.setVerticalSpacing(0)
        layout.addWidget(self._picture, 0, 0, 2, 1, alignment=Qt.AlignmentFlag.AlignVCenter)
        layout.addWidget(self.title, 0, 1)
        layout.addWidget(self.reason, 1, 1)
        layout.addWidget(self.button, 0, 2, 2, 1)
        layout.setColumnStretch(1, 1)
        reviewer.changed.connect(self._show)
        session.objects_changed.connect(self._show)
        session.closed.connect(self._show)
        self._show()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._reviewer.go_to_suggested()

    def _show(self) -> None:
        found = self._reviewer.suggestion if self._session.is_open else None
        info = None if found is None else self._session.object(found.object)
        self.setVisible(info is not None)
        if found is None or info is None:
            return
        self.title.setText(self.tr("Correct next: frame {}").format(found.frame))
        self.reason.setText(f"{info.name}: {suggestion_in_words(self._session.document.project, found)}")
        self._show_picture(found)

    def _show_picture(self, found: Suggestion) -> None:
        cell = self._session.document.project.cell(found.frame, found.object)
        self._picture.setPixmap(self._thumbnails.picture(found.frame, {} if cell is None else {found.object: cell}))

    def _on_arrived(self, frame: int) -> None:
        found = self._reviewer.suggestion
        if found is not None and found.frame == frame and self._session.is_open:
            self._show_picture(found)
