"""View modes as colour tables: what each value of a label map, or of a matte, looks like over the frame."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from pcvos_gui.session.view_state import ViewMode

RGB = tuple[int, int, int]

BLACK = 0xFF000000
CHROMA_GREEN = 0xFF00B140
EDGES = (0, 0xF0FFFFFF, 0xE0000000)
"""Colours of `screen.edges`: whatever the footage and the object are like, one of the two lines stands out."""


class Style(Enum):
    """Ways to draw a label map."""

    NOTHING = auto()
    FILL = auto()
    OUTLINE = auto()
    CHECKERBOARD = auto()  # over everything but the values whose colour is opaque


@dataclass(frozen=True)
class Look:
    """Colours of label maps and mattes.

    Attributes:
        table: 256 colours as 0xAARRGGBB, not premultiplied, by value of the map.
        shows_frame: False where nothing of the frame can be seen.
        has_edges: two lines, light and dark, run along the edges of objects.
    """

    style: Style
    table: tuple[int, ...]
    shows_frame: bool = True
    has_edges: bool = False


NO_LOOK = Look(Style.NOTHING, (0,) * 256)


def look_of(mode: ViewMode, colours: Mapping[int, RGB], opacity: float) -> Look:
    """The look of a view mode.

    Args:
        colours: of the objects that are to be seen, by id; all others look like background.
        opacity: of the overlay, 0 to 1.
    """
    match mode:
        case ViewMode.ORIGINAL:
            return NO_LOOK
        case ViewMode.OVERLAY:
            alpha = round(255 * opacity)
            table = _table(0, {id: argb(colour, alpha) for id, colour in colours.items()})
            return Look(Style.FILL, table, has_edges=alpha > 0)
        case ViewMode.MASK:
            return Look(Style.FILL, _table(BLACK, _opaque(colours)), shows_frame=False, has_edges=True)
        case ViewMode.MATTE:
            return Look(Style.FILL, _table(BLACK, dict.fromkeys(colours, 0)))
        case ViewMode.GREEN:
            return Look(Style.FILL, _table(CHROMA_GREEN, dict.fromkeys(colours, 0)))
        case ViewMode.OUTLINE:
            return Look(Style.OUTLINE, _table(0, _opaque(colours)), has_edges=True)
        case ViewMode.CHECKERBOARD:
            return Look(Style.CHECKERBOARD, _table(0, dict.fromkeys(colours, BLACK)))


def matte_look_of(mode: ViewMode) -> Look:
    """The look of a matte, 255 where the frame shows through, in a view mode that cuts out."""
    if mode is ViewMode.CHECKERBOARD:
        return Look(Style.CHECKERBOARD, tuple(level << 24 for level in range(256)))
    backdrop = (CHROMA_GREEN if mode is ViewMode.GREEN else BLACK) & 0xFFFFFF
    return Look(Style.FILL, tuple(255 - level << 24 | backdrop for level in range(256)))


def argb(colour: RGB, alpha: int) -> int:
    """0xAARRGGBB of an 8-bit colour."""
    red, green, blue = colour
    return alpha << 24 | red << 16 | green << 8 | blue


def _opaque(colours: Mapping[int, RGB]) -> dict[int, int]:
    return {id: argb(colour, 255) for id, colour in colours.items()}


def _table(background: int, entries: Mapping[int, int]) -> tuple[int, ...]:
    table = [background] * 256
    for value, colour in entries.items():
        table[value] = colour
    return tuple(table)
