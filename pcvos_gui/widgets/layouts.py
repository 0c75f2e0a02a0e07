"""Layouts with their margins and spacing, in one expression."""

from typing import TypeVar

from PySide6.QtWidgets import QLayout

L = TypeVar("L", bound=QLayout)


def laid_out(layout: L, margins: int | tuple[int, int, int, int] | None = None, spacing: int | None = None) -> L:
    """Set margins (one for all sides, or left, top, right, bottom) and spacing, pixels; None: as the style has them."""
    if margins is not None:
        layout.setContentsMargins(*(margins if isinstance(margins, tuple) else (margins,) * 4))
    if spacing is not None:
        layout.setSpacing(spacing)
    return layout
