"""Pan: the frame is dragged. The view does it; so it does with space or the middle button, whatever tool is in hand."""

from PySide6.QtCore import Qt

from pcvos_gui.canvas.tools.tool import CanvasTool


class PanTool(CanvasTool):
    pans = True
    cursor = Qt.CursorShape.OpenHandCursor

    @property
    def hint(self) -> str:
        return self.tr("Hand: drag to move the picture. The wheel zooms, 0 shows all of it.")
