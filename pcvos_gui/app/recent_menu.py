"""The submenu of files opened lately."""

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QMenu, QWidget

from pcvos_gui.app.icons import icon
from pcvos_gui.app.recent import RecentFiles


class RecentMenu(QMenu):
    """Filled whenever it is about to be shown; `chosen` names the file clicked."""

    chosen = Signal(Path)

    def __init__(self, recent: RecentFiles, parent: QWidget | None = None):
        super().__init__(parent)
        self._recent = recent
        self.setTitle(self.tr("Open recent"))
        self.setIcon(icon("history"))
        self.setToolTipsVisible(True)
        self.aboutToShow.connect(self._fill)
        self._fill()  # a menu without entries cannot be opened

    def _fill(self) -> None:
        self.clear()
        files = self._recent.files()
        for place, file in enumerate(files, 1):
            mnemonic = f"&{place}  " if place < 10 else f"{place}  "
            action = self.addAction(mnemonic + file.name.replace("&", "&&"))
            action.setToolTip(str(file.path))
            action.triggered.connect(lambda _=False, path=file.path: self.chosen.emit(path))
        if not files:
            self.addAction(self.tr("Nothing was opened yet")).setEnabled(False)
        self.addSeparator()
        clear = self.addAction(icon("broom"), self.tr("Clear this list"), self._recent.clear)
        clear.setToolTip(self.tr("Forget what was opened; the files stay"))
        clear.setEnabled(bool(files))
