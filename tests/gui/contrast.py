"""How well colours stand out from each other, as the Web Content Accessibility Guidelines 2.2 compute it."""

from collections.abc import Iterable

import numpy as np
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QWidget


def luminance(colour: QColor | tuple[int, int, int]) -> float:
    """Relative luminance, 0 to 1."""
    rgb = colour.getRgb()[:3] if isinstance(colour, QColor) else colour
    parts = np.array(rgb, float) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def contrast(one: QColor | tuple[int, int, int], other: QColor | tuple[int, int, int]) -> float:
    """1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def grabbed(widget: QWidget) -> np.ndarray:
    """The picture of a widget, uint8 (H, W, 3) RGB."""
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()


def best(pixels: Iterable, ground: QColor) -> float:
    """The highest contrast of any pixel (of an array (..., 3)) with the ground."""
    return max(contrast(tuple(map(int, pixel)), ground) for pixel in np.asarray(pixels).reshape(-1, 3))
