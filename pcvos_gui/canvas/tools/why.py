"""Why: a pixel is pointed at, to see what memory it was read from. Nothing is changed."""

from PySide6.QtCore import Signal

from pcvos_gui.canvas.tools.tool import CanvasTool, Pointer


class WhyTool(CanvasTool):
    """Signals: `pointed` at this pixel (x, y), `clicked` on it, `left` the frame, `taken_up`."""

    pointed = Signal(int, int)
    clicked = Signal(int, int)
    left = Signal()
    taken_up = Signal()

    @property
    def hint(self) -> str:
        return self.tr("Why: point at a pixel to see which memory it was read from. A click holds it, another lets go.")

    def take_up(self) -> None:
        self.taken_up.emit()

    def hover(self, pointer: Pointer) -> None:
        if (pixel := self._pixel(pointer)) is not None:
            self.pointed.emit(*pixel)

    def press(self, pointer: Pointer) -> None:
        if (pixel := self._pixel(pointer)) is not None:
            self.clicked.emit(*pixel)

    def leave(self) -> None:
        self.left.emit()

    def _pixel(self, pointer: Pointer) -> tuple[int, int] | None:
        """None: outside of the frame."""
        height, width = self.session.navigator.size
        x, y = int(pointer.x // 1), int(pointer.y // 1)
        return (x, y) if self.session.is_open and 0 <= x < width and 0 <= y < height else None
