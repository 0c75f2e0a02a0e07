"""The mask that marks propose, and the marks: neither must be taken for a mask that is there already."""

import cv2
import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from pcvos_gui.canvas.colour_tables import argb
from pcvos_gui.canvas.items import ArrayItem
from pcvos_gui.canvas.screen import dashes, draw_indexed, draw_patch, indexed_image, sample, strokes

_FILL, _FAINT_FILL = 130, 70  # alpha
_DASHES = (0, 0xFFFFFFFF, 0xFF101010, *[0] * 253)
_FAINT = (0, 0xC0FFFFFF, 0xC0FFFFFF, *[0] * 253)
_STROKES = (0, 0x70FFFFFF, 0x70000000, 0xC0000000, 0xFFFFFFFF, 0xFF000000, *[0] * 250)
_LINES = 6.0  # Qt pixels that lines reach beyond what they go around
_BADGE = 7.0  # radius of the sign on a stroke, in Qt pixels


class PreviewItem(ArrayItem):
    """A mask filled and with a dashed outline, under strokes in white (object, with a plus) and black (background, with
    a minus), which are nobody's colours."""

    def __init__(self, is_faint: bool = False) -> None:
        """`is_faint`: it is not a proposal, only what might become one: its outline has no dashes."""
        super().__init__()
        self._fill, self._line = (_FAINT_FILL, _FAINT) if is_faint else (_FILL, _DASHES)
        self._colour = (255, 255, 255)
        self._mask: np.ndarray | None = None  # uint8 (H, W), 0 or 1
        self._mask_image: QImage | None = None
        self._box = QRect()
        self._strokes: np.ndarray | None = None
        self._strokes_box = QRect()
        self._signs: list[tuple[QPointF, bool]] = []

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
        self._update_around(before | self._box, _LINES)

    def set_strokes(self, strokes: np.ndarray, signs: list[tuple[tuple[float, float], bool]]) -> None:
        """Show uint8 (H, W): 1 object, 2 background; painted in place afterwards.

        Args:
            signs: where each stroke begins, and whether it is the object's.
        """
        self._set_size(strokes)
        before = self._strokes_box
        self._strokes = strokes
        self._strokes_box = QRect(*cv2.boundingRect(strokes))
        self._signs = [(QPointF(*point), is_object) for point, is_object in signs]
        self._update_around(before | self._strokes_box, _LINES + 2 * _BADGE)

    def add_sign(self, point: tuple[float, float], is_object: bool) -> None:
        """A stroke begins."""
        self._signs.append((QPointF(*point), is_object))
        self._update_around(QRectF(*point, 0, 0), 2 * _BADGE)

    def refresh_strokes(self, rect: tuple[int, int, int, int]) -> None:
        """The strokes changed inside (top, left, height, width)."""
        top, left, height, width = rect
        changed = QRect(left, top, width, height)
        self._strokes_box = self._strokes_box | changed
        self._update_around(changed, _LINES)

    def clear(self) -> None:
        self._mask = self._mask_image = self._strokes = None
        self._box = self._strokes_box = QRect()
        self._signs = []
        self.update()

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        exposed = option.exposedRect
        if self._mask is not None and self._mask_image is not None and self._box.isValid():
            box = self._box.adjusted(-2, -2, 2, 2) & self._size
            draw_indexed(painter, self._mask_image, box, exposed)
            self._paint_lines(painter, self._mask, exposed & QRectF(box), dashes, self._line)
        if self._strokes is not None and self._strokes_box.isValid():
            margin = _LINES / min(painter.worldTransform().m11(), painter.worldTransform().m22())
            around = QRectF(self._strokes_box).adjusted(-margin, -margin, margin, margin)
            painter.save()
            painter.setClipRect(self.boundingRect(), Qt.ClipOperation.IntersectClip)
            self._paint_lines(painter, self._strokes, exposed & around, strokes, _STROKES)
            self._paint_signs(painter)
            painter.restore()

    def _paint_lines(self, painter: QPainter, values: np.ndarray, area: QRectF, make, table: tuple[int, ...]) -> None:
        patch = sample(painter, values, area) if not area.isEmpty() else None
        if patch is not None:
            draw_patch(painter, patch, make(patch), table)

    def _paint_signs(self, painter: QPainter) -> None:
        transform = painter.worldTransform()
        painter.save()
        painter.resetTransform()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for point, is_object in self._signs:
            _paint_sign(painter, transform.map(point), is_object)
        painter.restore()

    def _update_around(self, rect: QRect | QRectF, margin: float) -> None:
        """Repaint, with so many Qt pixels around."""
        margin /= self._screen_scale()
        self.update(QRectF(rect).adjusted(-margin, -margin, margin, margin))

    def _table(self) -> tuple[int, ...]:
        return (0, argb(_lighter(self._colour), self._fill), *[0] * 254)


class BoxItem(QGraphicsItem):
    """A box that was drawn: a dark line with light dashes, as wide on the screen at every zoom."""

    def __init__(self) -> None:
        super().__init__()
        self._box = QRectF()

    def set_box(self, box: QRectF) -> None:
        """An empty one: nothing is shown."""
        self.prepareGeometryChange()
        self._box = box

    def boundingRect(self) -> QRectF:
        margin = 2 + max(self._box.width(), self._box.height()) / 50
        return self._box.adjusted(-margin, -margin, margin, margin) if self._box.isValid() else QRectF()

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        if self._box.isNull():
            return
        for colour, width, style in (
            (QColor(0, 0, 0, 190), 3.0, Qt.PenStyle.SolidLine),
            (QColor("white"), 1.5, Qt.PenStyle.DashLine),
        ):
            pen = QPen(colour, width, style)
            pen.setCosmetic(True)
            painter.setPen(pen)
            painter.drawRect(self._box)


def _paint_sign(painter: QPainter, at: QPointF, is_object: bool) -> None:
    """A plus on white, or a minus on black."""
    paper, ink = (QColor("white"), QColor("black")) if is_object else (QColor("black"), QColor("white"))
    painter.setPen(QPen(ink, 1.5))
    painter.setBrush(paper)
    painter.drawEllipse(at, _BADGE, _BADGE)
    arm = _BADGE * 0.55
    painter.setPen(QPen(ink, 2.0))
    painter.drawLine(at - QPointF(arm, 0), at + QPointF(arm, 0))
    if is_object:
        painter.drawLine(at - QPointF(0, arm), at + QPointF(0, arm))


def _lighter(colour: tuple[int, int, int]) -> tuple[int, int, int]:
    red, green, blue = (value + (255 - value) // 4 for value in colour)
    return red, green, blue
