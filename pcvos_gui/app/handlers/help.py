"""Keys, and what this program is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QMessageBox

if TYPE_CHECKING:
    from pcvos_gui.app.main_window import MainWindow


def shortcuts(window: MainWindow) -> None:
    window.shortcuts.toggle()


def about(window: MainWindow) -> None:
    QMessageBox.about(window, window.tr("About PCVOS Studio"), about_text())


def about_text() -> str:
    """The text of "About"; rich text."""
    tr = lambda text: QCoreApplication.translate("about", text)  # noqa: E731
    return tr(
        "<h3>PCVOS Studio</h3>"
        "<p>Cut objects out of video: mark one frame, and the mask is carried through the rest, clip by clip.</p>"
        "<p>The method is <i>Per-Clip Video Object Segmentation</i> (Park et al., CVPR 2022). "
        "Code under the MIT licence; the weights are for research and evaluation only.</p>"
        "<p>The demo clip is an excerpt from <i>Big Buck Bunny</i>, © 2008 Blender Foundation, CC BY 3.0.</p>"
    )
