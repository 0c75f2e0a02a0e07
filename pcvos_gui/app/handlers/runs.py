"""Propagation, and its range."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from pcvos_gui.dialogs.adapt_dialog import AdaptDialog

if TYPE_CHECKING:
    from pcvos_gui.app.main_window import MainWindow


def propagate(window: MainWindow) -> None:
    window.runs.start()


def propagate_everything(window: MainWindow) -> None:
    window.runs.start(everything=True)


def pause(window: MainWindow) -> None:
    if window.runs.state.value == "paused":
        window.runs.resume()
    else:
        window.runs.pause()


def stop(window: MainWindow) -> None:
    window.runs.stop()


def compare(window: MainWindow) -> None:
    window.propagation_panel.compare()


def learn(window: MainWindow) -> None:
    dialog = AdaptDialog(window.session, window.runs, window)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.show()
