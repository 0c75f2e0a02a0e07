"""Colours made of others."""

from PySide6.QtGui import QBrush, QColor, QPainter, QPixmap


def mixed(one: QColor, other: QColor, share: float) -> QColor:
    """`one` with so much of `other` in it, 0 to 1."""
    keep = 1 - share
    return QColor(
        round(one.red() * keep + other.red() * share),
        round(one.green() * keep + other.green() * share),
        round(one.blue() * keep + other.blue() * share),
    )


def checkered(one: QColor, other: QColor, square: int) -> QBrush:
    """A checkerboard of squares as wide as `square`, Qt pixels; that at the origin is of colour `one`."""
    tile = QPixmap(2 * square, 2 * square)
    tile.fill(other)
    painter = QPainter(tile)
    painter.fillRect(0, 0, square, square, one)
    painter.fillRect(square, square, square, square, one)
    painter.end()
    return QBrush(tile)
