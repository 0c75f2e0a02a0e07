"""The mask that scribbles propose, and the scribbles: it must not be taken for a mask that is there already."""

import cv2
import numpy as np
from PySide6.QtCore import QRect, QRectF
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from pcvos_gui.canvas.items import ArrayItem
from pcvos_gui.canvas.looks import argb
from pcvos_gui.canvas.screen import dashes, draw_indexed, draw_patch, indexed_image, sample

_FILL = 130  # alpha
_DASHES = (0, 0xFFFFFFFF, 0xFF101010, *[0] * 253)
_STROKES = (0, 0xE030D060, 0xE0F04848, *[0] * 253)  # object green, background red


class PreviewItem(ArrayItem):
    """A mask filled and with a dashed outline, under strokes of green and red."""

    def __init__(self) -> None:
        super().__init__()
        self._colour = (255, 255, 255)
        self._mask: np.ndarray | None = None  # uint8 (H, W), 0 or 1
        self._mask_image: QImage | None = None
        self._box = QRect()
        self._strokes: np.ndarray | None = None
        self._strokes_image: QImage | None = None
        self._strokes_box = QRect()

    def set_colour(self, colour: tuple[int, int, int]) -> None:
        self._colour = colour
        if self._mask_image is not None:
            self._mask_image.setColorTable(self._table())
            self.update()

    def set_mask(self, mask: np.ndarray) -> None:
        """Show bool (H, W), which is kept and not written to."""
        self._set_size(mask)
        before = self._box
        self._mask = np.ascontiguousarray(mask).view(np.uint8)
        self._mask_image = indexed_image(self._mask, self._table())
        self._box = QRect(*cv2.boundingRect(self._mask))
        self.update(QRectF(before | self._box).adjusted(-8, -8, 8, 8))

    def set_strokes(self, strokes: np.ndarray) -> None:
        """Show uint8 (H, W): 1 object, 2 background; painted in place afterwards."""
        self._set_size(strokes)
        before = self._strokes_box
        self._strokes = strokes
        self._strokes_image = indexed_image(strokes, _STROKES)
        self._strokes_box = QRect(*cv2.boundingRect(strokes))
        self.update(QRectF(before | self._strokes_box))

    def refresh_strokes(self, rect: tuple[int, int, int, int]) -> None:
        """The strokes changed inside (top, left, height, width)."""
        top, left, height, width = rect
        changed = QRect(left, top, width, height)
        self._strokes_box = self._strokes_box | changed
        self.update(QRectF(changed))

    def clear(self) -> None:
        self._mask = self._mask_image = self._strokes = self._strokes_image = None
        self._box = self._strokes_box = QRect()
        self.update()

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        exposed = option.exposedRect
        if self._mask is not None and self._box.isValid():
            box = self._box.adjusted(-2, -2, 2, 2) & self._size
            draw_indexed(painter, self._mask_image, box, exposed)
            inside = exposed & QRectF(box)
            patch = sample(painter, self._mask, inside) if not inside.isEmpty() else None
            if patch is not None:
                draw_patch(painter, patch, dashes(patch), _DASHES)
        if self._strokes_image is not None and self._strokes_box.isValid():
            draw_indexed(painter, self._strokes_image, self._strokes_box.adjusted(-2, -2, 2, 2), exposed)

    def _table(self) -> tuple[int, ...]:
        return (0, argb(_lighter(self._colour), _FILL), *[0] * 254)


def _lighter(colour: tuple[int, int, int]) -> tuple[int, int, int]:
    return tuple(value + (255 - value) // 4 for value in colour)
