"""A report on the open project: where it goes, and what to compare with; and the writing of it, in a thread."""

from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QGridLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from core.errors import PCVOSError
from core.progress import Progress
from core.studio.comparison import note_reference, noted_reference, read_reference
from core.studio.exports import Stored
from core.studio.report import ReportFiles, page_at, write_report
from pcvos_gui.session.messages import MessageAction
from pcvos_gui.session.session import Session
from pcvos_gui.session.side_by_side import folder_of_references
from pcvos_gui.widgets.layouts import laid_out
from pcvos_gui.workers.task import Task

_WIDTH = 560


class ReportDialog(QDialog):
    """Choose a place and, if there is one, a reference.

    Attributes:
        output, reference: what is chosen, as text; an empty reference is none. told: what will be replaced.
        accept_button: writes it.
    """

    def __init__(self, session: Session, parent: QWidget | None = None):
        super().__init__(parent)
        self._session = session
        project = session.document.project
        self.setWindowTitle(self.tr("Report"))
        self.setMinimumWidth(_WIDTH)
        about = QLabel(
            self.tr(
                "One page with the confidence of each object over time, the worst frames, corrections and "
                "propagations; all figures beside it, as CSV. With a reference, J and F too."
            )
        )
        about.setWordWrap(True)
        self.output = QLineEdit(str(project.path.with_name(f"{project.path.stem}-report.html")))
        self.reference = QLineEdit(str(noted_reference(project) or ""))
        self.reference.setPlaceholderText(self.tr("none: a folder of masks, PNGs named like the frames"))
        fields = QGridLayout()
        rows = (
            (self.tr("&Page"), self.output, self._choose_page),
            (self.tr("&Reference"), self.reference, self._choose_reference),
        )
        for row, (text, field, choose) in enumerate(rows):
            label, browse = QLabel(text), QPushButton(self.tr("Browse…"))
            label.setBuddy(field)
            browse.setAutoDefault(False)
            browse.clicked.connect(choose)
            for column, widget in enumerate((label, field, browse)):
                fields.addWidget(widget, row, column)
        self.told = QLabel(wordWrap=True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.accept_button = buttons.addButton(self.tr("Write"), QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = laid_out(QVBoxLayout(self), 16, 12)
        for part in (about, self.told):
            layout.addWidget(part)
        layout.insertLayout(1, fields)
        layout.addWidget(buttons)
        self.accept_button.setDefault(True)
        buttons.button(QDialogButtonBox.StandardButton.Cancel).setAutoDefault(False)
        self.output.textChanged.connect(self._show)
        session.closing.connect(self.reject)
        self._show()

    @property
    def page(self) -> Path:
        """Its place."""
        return page_at(Path(self.output.text().strip()).expanduser())

    def _show(self) -> None:
        there = [path.name for path in ReportFiles(self.page).all() if path.exists()]
        self.told.setText(self.tr("Replaced will be: {}").format(", ".join(there)) if there else "")
        self.told.setVisible(bool(there))
        self.accept_button.setText(self.tr("Replace and write") if there else self.tr("Write"))
        self.accept_button.setEnabled(bool(self.output.text().strip()))

    def _choose_page(self) -> None:
        path, _ = QFileDialog.getSaveFileName(
            self,
            self.tr("Report"),
            self.output.text(),
            "HTML (*.html)",
            options=QFileDialog.Option.DontConfirmOverwrite,
        )
        if path:
            self.output.setText(path)

    def _choose_reference(self) -> None:
        start = self.reference.text().strip() or str(folder_of_references(self._session))
        path = QFileDialog.getExistingDirectory(self, self.tr("Reference"), start)
        if path:
            self.reference.setText(path)

    def accept(self) -> None:
        text = self.reference.text().strip()
        folder = Path(text).expanduser() if text else None
        if folder is not None and self._session.is_writable:
            note_reference(self._session.document.project, folder)
        begin_report(self._session, self.page, folder)
        super().accept()


def begin_report(session: Session, page: Path, reference: Path | None) -> Task:
    """Write it in a thread, and say so; what is on disk of the project is what it is about. Files are replaced."""
    stored = Stored.of(session.document.project, session.document.media)
    say = session.messages.say

    def write(progress: Progress) -> ReportFiles:
        with stored.opened() as (project, media):
            compared = None if reference is None else read_reference(reference, media)
            return write_report(project, media, page, compared, overwrite=True, progress=progress)

    def tell(files: ReportFiles) -> None:
        show = MessageAction(session.tr("Show"), lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(files.page))))
        say(session.tr("Report written: {}").format(files.page), "info", (show,), key="report")

    def tell_error(error: Exception) -> None:
        sentence = str(error) if isinstance(error, PCVOSError) else f"{type(error).__name__}: {error}"
        say(sentence, "error", key="report")

    say(session.tr("Writing the report…"), "info", key="report")
    task = Task(write, session)
    task.returned.connect(tell)
    task.failed.connect(tell_error)
    session.closing.connect(task.cancel)
    return task
