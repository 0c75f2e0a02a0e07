"""Opening, importing, exporting, and leaving."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog

from core.demo import CLIP, MASK
from core.exchange.formats.overlay_video import OverlayVideo
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


def open_demo(window: MainWindow, clip: Path | None = None) -> None:
    """The demo clip in a new project, with its mask, ready to propagate both ways."""
    session, runs, clip = window.session, window.runs, clip or CLIP

    def prepare() -> None:
        session.opened.disconnect(prepare)
        if session.document.media.path.name == clip.name and not session.document.project.exists:
            runs.next.set_settings(replace(runs.next.settings, direction="both"))
            window.exchange.import_masks(MASK, tells=False)

    session.opened.connect(prepare)
    window.opener.open_afresh(clip)


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
        dialog = ExportDialog(window.session, window.edges, window.runs.next.in_to_out(), format, window)
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
