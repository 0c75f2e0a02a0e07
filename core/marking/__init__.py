"""Marking: points, strokes and a box on a frame become the mask of what is meant.

Importing this imports no PyTorch, which takes a second: only asking for the marker does.
"""

from typing import TYPE_CHECKING

from core.marking.marks import Marks, Stroke

if TYPE_CHECKING:
    from core.marking.marker import MarkedMask, Marker, SeenFrame

__all__ = ["MarkedMask", "Marker", "Marks", "SeenFrame", "Stroke"]


def __getattr__(name: str) -> object:
    if name in __all__:
        from core.marking import marker

        return getattr(marker, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
