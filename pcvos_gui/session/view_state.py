"""The way the picture is looked at, and the tool in hand: nothing here is part of the result."""

from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import QObject, Signal, SignalInstance

from core.propagation.settings import setting, settings_table


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
    WHY = "why"


@dataclass(frozen=True)
class ViewSettings:
    """A field is a row of the table, as in `PropagationSettings`."""

    mode: ViewMode = setting(ViewMode.OVERLAY, "View", "How frame and masks are shown", choices=tuple(ViewMode))
    opacity: float = setting(0.5, "Opacity", "Of the overlay", low=0.0, high=1.0)
    tool: Tool = setting(Tool.MARK, "Tool", "In hand", choices=tuple(Tool))
    brush: float = setting(24.0, "Brush", "Diameter in pixels of the frame", low=1.0, high=1000.0)
    follow: bool = setting(True, "Follow", "The canvas goes along with a run")


_ROWS = settings_table(ViewSettings)
SMALLEST_BRUSH, LARGEST_BRUSH = _ROWS["brush"].low, _ROWS["brush"].high


class ViewState(QObject):
    """Signals tell of every change; setting what is already so says nothing.

    Attributes:
        mode, opacity, tool, brush, follow: as in `ViewSettings`; numbers stay within their range.
        peeking: while a key is held, the bare frame is shown instead.
    """

    changed = Signal()  # mode, peeking or opacity
    tool_changed = Signal(object)
    brush_changed = Signal(float)
    follow_changed = Signal(bool)

    def __init__(self, parent: QObject | None = None):
        super().__init__(parent)
        first = ViewSettings()
        self.mode, self.opacity, self.tool = first.mode, first.opacity, first.tool
        self.brush, self.follow = first.brush, first.follow
        self.peeking = False

    def set_mode(self, mode: ViewMode) -> None:
        self._set("mode", mode, self.changed)

    def set_peeking(self, peeking: bool) -> None:
        self._set("peeking", peeking, self.changed)

    def set_opacity(self, opacity: float) -> None:
        self._set("opacity", _within("opacity", opacity), self.changed)

    def set_tool(self, tool: Tool) -> None:
        self._set("tool", tool, self.tool_changed, tool)

    def set_brush(self, diameter: float) -> None:
        diameter = _within("brush", diameter)
        self._set("brush", diameter, self.brush_changed, diameter)

    def set_follow(self, follow: bool) -> None:
        self._set("follow", follow, self.follow_changed, follow)

    def _set(self, name: str, value: object, signal: SignalInstance, *told: object) -> None:
        if value != getattr(self, name):
            setattr(self, name, value)
            signal.emit(*told)


def _within(name: str, value: float) -> float:
    return min(_ROWS[name].high, max(_ROWS[name].low, value))
