"""Questions of the window: where footage is, and whether what is under way or not saved may be given up."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog, QMessageBox

if TYPE_CHECKING:
    from pcvos_gui.app.main_window import MainWindow


def ask_for_footage(window: MainWindow, project: Path, footage: Path) -> None:
    title = window.tr("Where is {}?").format(footage.name)
    start = str(footage.parent if footage.parent.is_dir() else project.parent)
    if footage.suffix:
        path, _ = QFileDialog.getOpenFileName(window, title, start)
    else:
        path = QFileDialog.getExistingDirectory(window, title, start)
    if path:
        window.opener.relink(project, Path(path))


def may_leave(window: MainWindow) -> bool:
    """Ask whether a run or an export that is under way may be ended, before the project is closed."""
    runs, parts = window.runs, []
    if runs.is_busy:
        text = window.tr("Propagation is under way ({:.0f} % of it is done). What it has drawn stays.")
        parts.append(text.format(100 * runs.progress.work_done / max(1, runs.progress.work)))
    if window.exchange.is_exporting:
        parts.append(window.tr("An export is under way. What it has written goes away."))
    if not parts:
        return True
    return _agrees(
        window, window.tr("Not finished"), " ".join(parts), window.tr("Go on"), window.tr("End it and close")
    )


def accepts_loss(window: MainWindow, count: int, why: str) -> bool:
    """Ask whether changes that cannot be saved may be given up."""
    changes = window.tr("1 change is") if count == 1 else window.tr("{} changes are").format(count)
    text = window.tr("{} not saved. {}").format(changes, why)
    return _agrees(window, window.tr("Not saved"), text, window.tr("Stay"), window.tr("Close and lose them"))


def _agrees(window: MainWindow, title: str, text: str, no: str, yes: str) -> bool:
    """Ask; Enter and Esc say no, which loses nothing."""
    box = QMessageBox(QMessageBox.Icon.Warning, title, text, parent=window)
    stay = box.addButton(no, QMessageBox.ButtonRole.RejectRole)
    leave = box.addButton(yes, QMessageBox.ButtonRole.DestructiveRole)
    box.setDefaultButton(stay)
    box.setEscapeButton(stay)
    box.exec()
    return box.clickedButton() is leave
