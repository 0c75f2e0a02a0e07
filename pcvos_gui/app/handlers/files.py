"""Opening, importing, exporting, and leaving."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog

from core.demo import CLIP
from core.exchange.formats.overlay_video import OverlayVideo
from pcvos_gui.app.handlers import runs
from pcvos_gui.app.preferences import PreferencesDialog
from pcvos_gui.app.settings import store_setting, stored_settings
from pcvos_gui.dialogs.export_dialog import ExportDialog
from pcvos_gui.dialogs.import_dialog import open_import_dialog
from pcvos_gui.dialogs.report_dialog import ReportDialog

if TYPE_CHECKING:
    from pcvos_gui.app.main_window import MainWindow

VIDEO_FILTER = "*.mp4 *.mov *.mkv *.avi *.webm *.m4v *.mts *.ts *.mpg *.mpeg *.wmv *.gif *.y4m *.pcvos"


def open_video(window: MainWindow) -> None:
    filters = window.tr("Videos and projects ({});;All files (*)").format(VIDEO_FILTER)
    path, _ = QFileDialog.getOpenFileName(window, window.tr("Open a video or a project"), _folder(window), filters)
    if path:
        _open(window, Path(path))


def open_folder(window: MainWindow) -> None:
    path = QFileDialog.getExistingDirectory(window, window.tr("Open a folder of images"), _folder(window))
    if path:
        _open(window, Path(path))


def open_demo(window: MainWindow) -> None:
    window.open_demo(CLIP)


def import_masks(window: MainWindow) -> None:
    open_import_dialog(window)


def export(window: MainWindow) -> None:
    _export(window)


def export_overlay(window: MainWindow) -> None:
    _export(window, OverlayVideo.name)


def _export(window: MainWindow, format: str | None = None) -> None:
    """`format`: what is chosen at first; None: what was chosen last."""
    exchange = window.exchange
    if exchange.may_export():
        dialog = ExportDialog(window.session, window.edges, runs.chosen_range(window), format, window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(lambda: exchange.export(dialog.wanted))
        dialog.open()


def report(window: MainWindow) -> None:
    if window.exchange.may_export():
        dialog = ReportDialog(window.session, window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()


def close(window: MainWindow) -> None:
    window.session.close()


def preferences(window: MainWindow) -> None:
    dialog = PreferencesDialog(window)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.open()


def quit(window: MainWindow) -> None:
    window.close()


def _open(window: MainWindow, path: Path) -> None:
    store_setting("folder", str(path.parent))
    window.opener.open(path)


def _folder(window: MainWindow) -> str:
    return stored_settings().start_folder
