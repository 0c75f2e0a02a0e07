"""How the picture is looked at and which tool is in hand: nothing here is part of the result."""

from enum import StrEnum

from PySide6.QtCore import QObject, Signal

SMALLEST_BRUSH, LARGEST_BRUSH = 1.0, 1000.0


class ViewMode(StrEnum):
    """Ways to show frame and masks."""

    OVERLAY = "overlay"
    OUTLINE = "outline"
    MASK = "mask"
    MATTE = "matte"  # the objects' pixels on black
    CHECKERBOARD = "checkerboard"
    GREEN = "green"
    ORIGINAL = "original"

    @property
    def cuts_out(self) -> bool:
        """Whether nothing but the objects is seen of the frame, with their soft edges."""
        return self in (ViewMode.MATTE, ViewMode.CHECKERBOARD, ViewMode.GREEN)

    @property
    def hides_footage(self) -> bool:
        """Whether what is not an object's is not seen."""
        return self.cuts_out or self is ViewMode.MASK


class Tool(StrEnum):
    """The pointer's tool on the canvas."""

    MARK = "mark"
    BRUSH = "brush"
    ERASER = "eraser"
    POLYGON = "polygon"
    FILL = "fill"
    PAN = "pan"


class ViewState(QObject):
    """Signals tell of every change; setting what is already so says nothing.

    Attributes:
        mode: the view. peeking: while a key is held, the bare frame is shown instead.
        opacity: of the overlay, 0 to 1.
        tool: in hand. brush: diameter in pixels of the frame.
        follow: whether the canvas goes along with a run.
    """

    changed = Signal()  # mode, peeking or opacity
    tool_changed = Signal(object)
    brush_changed = Signal(float)
    follow_changed = Signal(bool)

    def __init__(self, parent: QObject | None = None):
        super().__init__(parent)
        self.mode = ViewMode.OVERLAY
        self.peeking = False
        self.opacity = 0.5
        self.tool = Tool.MARK
        self.brush = 24.0
        self.follow = True

    def set_mode(self, mode: ViewMode) -> None:
        if mode != self.mode:
            self.mode = mode
            self.changed.emit()

    def set_peeking(self, peeking: bool) -> None:
        if peeking != self.peeking:
            self.peeking = peeking
            self.changed.emit()

    def set_opacity(self, opacity: float) -> None:
        opacity = min(1.0, max(0.0, opacity))
        if opacity != self.opacity:
            self.opacity = opacity
            self.changed.emit()

    def set_tool(self, tool: Tool) -> None:
        if tool != self.tool:
            self.tool = tool
            self.tool_changed.emit(tool)

    def set_brush(self, diameter: float) -> None:
        diameter = min(LARGEST_BRUSH, max(SMALLEST_BRUSH, diameter))
        if diameter != self.brush:
            self.brush = diameter
            self.brush_changed.emit(diameter)

    def set_follow(self, follow: bool) -> None:
        if follow != self.follow:
            self.follow = follow
            self.follow_changed.emit(follow)
