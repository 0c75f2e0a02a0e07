"""Where an export goes, and which frames: one dialog, which says what it will replace before it does."""

import os
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import (
    QButtonGroup,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from pcvos_gui.exchange import Export, existing_targets
from pcvos_gui.session import Session

_WIDTH = 520
_VIDEOS = (".mp4", ".mov", ".mkv")


class ExportDialog(QDialog):
    """For a folder of masks, or (`is_video`) an overlay video; the last place is remembered in the project.

    Attributes:
        target: where it goes. part: only the frames between in and out; hidden where these are all.
    """

    def __init__(self, session: Session, part: tuple[int, int], is_video: bool, parent: QWidget | None = None):
        super().__init__(parent)
        self._session, self._is_video = session, is_video
        self._whole, self._part = (0, session.frame_count - 1), part
        self._key = "export video" if is_video else "export masks"
        self.setWindowTitle(self.tr("Export an overlay video") if is_video else self.tr("Export mask PNGs"))
        self.target = QLineEdit(str(session.project.setting(self._key) or self._suggested()))
        self.target.setMinimumWidth(_WIDTH)
        name = self.tr("File") if is_video else self.tr("Folder")
        self.target.setAccessibleName(name)
        self.target.setToolTip(self.tr("A folder that is not there yet is made"))
        label = QLabel(name)
        label.setBuddy(self.target)
        browse = QPushButton(self.tr("Browse…"))
        browse.setAutoDefault(False)
        browse.clicked.connect(self._browse)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(label)
        row.addWidget(self.target, 1)
        row.addWidget(browse)
        self.note = QLabel()
        self.note.setWordWrap(True)
        self.note.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.accept_button = self.buttons.addButton("", QDialogButtonBox.ButtonRole.AcceptRole)
        self.buttons.button(QDialogButtonBox.StandardButton.Cancel).setAutoDefault(False)
        self.accept_button.setDefault(True)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(8)
        layout.addLayout(row)
        layout.addWidget(self._make_range())
        layout.addWidget(self.note)
        layout.addSpacing(8)
        layout.addWidget(self.buttons)
        self.target.textChanged.connect(self._refresh)
        self.part.toggled.connect(self._refresh)
        self._refresh()
        self.target.setFocus(Qt.FocusReason.OtherFocusReason)

    @property
    def wanted(self) -> Export:
        """What was chosen."""
        path = Path(self.target.text().strip()).expanduser()
        if self._is_video and path.name and path.suffix.lower() not in _VIDEOS:
            path = path.with_name(path.name + _VIDEOS[0])
        return Export(path, *(self._part if self.part.isChecked() else self._whole), self._is_video)

    def accept(self) -> None:
        self._session.remember(self._key, str(self.wanted.target))
        super().accept()

    def _make_range(self) -> QWidget:
        group, made = QButtonGroup(self), QWidget()
        row = QHBoxLayout(made)
        row.setContentsMargins(0, 0, 0, 0)
        everything = QRadioButton(self.tr("All {} frames").format(self._whole[1] + 1))
        self.part = QRadioButton(self.tr("In to out: frames {} to {}").format(*self._part))
        for button in (everything, self.part):
            group.addButton(button)
            row.addWidget(button)
        row.addStretch(1)
        is_part = self._part != self._whole
        (self.part if is_part else everything).setChecked(True)
        made.setVisible(is_part)
        return made

    def _suggested(self) -> Path:
        """Beside the footage; at home where that cannot be written, or the project does not lie there either."""
        footage, project = self._session.media.path, self._session.project.path
        is_there = footage.parent == project.parent and os.access(footage.parent, os.W_OK | os.X_OK)
        folder = footage.parent if is_there else Path.home()
        name = footage.name if footage.is_dir() else footage.stem
        return folder / (f"{name} overlay.mp4" if self._is_video else f"{name} masks")

    def _browse(self) -> None:
        start = self.wanted.target
        if self._is_video:
            filters, title = self.tr("Video (*.mp4 *.mov *.mkv)"), self.windowTitle()
            options = QFileDialog.Option.DontConfirmOverwrite  # this dialog says so
            path, _ = QFileDialog.getSaveFileName(self, title, str(start), filters, options=options)
        else:
            path = QFileDialog.getExistingDirectory(self, self.windowTitle(), str(_existing(start)))
        if path:
            self.target.setText(path)

    def _refresh(self) -> None:
        wanted = self.wanted
        sentence = self._trouble(wanted) if self.target.text().strip() else self.tr("Say where it is to go.")
        there = 0 if sentence else self._replaced(wanted)
        self.accept_button.setEnabled(not sentence)
        self.accept_button.setText(self.tr("Replace and export") if there else self.tr("Export"))
        self.note.setText(sentence or self._note(wanted, there))

    def _trouble(self, wanted: Export) -> str:
        target, above = wanted.target, _existing(wanted.target)
        if not target.is_absolute():
            return self.tr("Give the whole path, beginning with {}.").format(Path.home().anchor)
        if self._is_video and target.is_dir():
            return self.tr("{} is a folder: add the name of a file.").format(target)
        if not self._is_video and target.exists() and not target.is_dir():
            return self.tr("{} is a file: choose another name.").format(target)
        if not above.is_dir() and above != target:
            return self.tr("{} is a file: nothing can be put into it.").format(above)
        if not os.access(above, os.W_OK):
            return self.tr("{} cannot be written: choose another place.").format(above)
        return ""

    def _replaced(self, wanted: Export) -> int:
        if self._is_video:
            return int(wanted.target.exists())
        return existing_targets(
            wanted.target, [self._session.media.stems[i] for i in range(wanted.first, wanted.last + 1)]
        )

    def _note(self, wanted: Export, there: int) -> str:
        if self._is_video:
            return self.tr("The file is there already, and will be replaced.") if there else ""
        if there:
            text = self.tr("1 mask is there already, and will be replaced.")
            return text if there == 1 else self.tr("{} masks are there already, and will be replaced.").format(there)
        return "" if wanted.target.exists() else self.tr("The folder is not there yet, and will be made.")


def _existing(path: Path) -> Path:
    """The path itself or what is above it, whichever exists."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path
