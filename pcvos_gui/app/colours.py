"""Colours made of others."""

from PySide6.QtGui import QColor


def mixed(one: QColor, other: QColor, share: float) -> QColor:
    """`one` with so much of `other` in it, 0 to 1."""
    keep = 1 - share
    return QColor(
        round(one.red() * keep + other.red() * share),
        round(one.green() * keep + other.green() * share),
        round(one.blue() * keep + other.blue() * share),
    )
