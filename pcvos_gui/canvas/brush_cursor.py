"""The brush under the pointer, at its true size, in two tones that show on any footage."""

import math

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QGuiApplication, QPainter, QPen, QRegion

_SMALLEST_RING = 4.0  # screen pixels; a smaller ring would hide what it is about to paint
_ARM, _GAP = 8.0, 3.0  # of the crosshair that is shown instead
_MARGIN = 3
_SECTORS = 32
_BIG = 96.0
_DARK, _LIGHT = QColor(0, 0, 0, 190), QColor(255, 255, 255, 235)


class BrushCursor:
    """A ring in the view's coordinates.

    Attributes:
        position: its middle; None: it is not shown. diameter, height: in Qt's pixels; they differ over pixels that are
            not square.
        text: beside it; "" for none.
    """

    def __init__(self) -> None:
        self.position: QPointF | None = None
        self.diameter = self.height = 0.0
        self.text = ""

    def region(self) -> QRegion:
        """The region to repaint when it comes or goes: of a big ring only its line, not what it encloses."""
        if self.position is None:
            return QRegion()
        ring = self._ring_region(self.position)
        return ring | QRegion(self._text_rect(self.position).toAlignedRect()) if self.text else ring

    def _ring_region(self, middle: QPointF) -> QRegion:
        x, y, (across, down) = middle.x(), middle.y(), self._radii
        if self.diameter < _BIG:
            right, bottom = (max(radius, _ARM) + _MARGIN for radius in (across, down))
            return QRegion(_around([(x - right, y - bottom), (x + right, y + bottom)]))
        region = QRegion()
        step = 2 * math.pi / _SECTORS
        for sector in range(_SECTORS):
            # The sectors' borders lie on the axes, so that the corners of an arc are its extremes.
            ends = (sector * step, (sector + 1) * step)
            region |= QRegion(_around([(x + across * math.cos(a), y + down * math.sin(a)) for a in ends]))
        return region

    @property
    def _radii(self) -> tuple[float, float]:
        return self.diameter / 2, self.height / 2

    def paint(self, painter: QPainter) -> None:
        if self.position is None:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(QColor(0, 0, 0, 0))
        for colour, width in ((_DARK, 3.4), (_LIGHT, 1.6)):
            painter.setPen(QPen(colour, width))
            if self.diameter < _SMALLEST_RING:
                _paint_cross(painter, self.position)
            else:
                painter.drawEllipse(self.position, *self._radii)
        if self.text:
            self._paint_text(painter, self._text_rect(self.position))

    def _paint_text(self, painter: QPainter, rect: QRectF) -> None:
        painter.setFont(QGuiApplication.font())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_DARK)
        painter.drawRoundedRect(rect, 4, 4)
        painter.setPen(_LIGHT)
        painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, self.text)

    def _text_rect(self, middle: QPointF) -> QRectF:
        """Below the ring, or in it where it is big: there it is seen however far the ring reaches."""
        metrics = QFontMetricsF(QGuiApplication.font())
        width, height = metrics.horizontalAdvance(self.text) + 12, metrics.height() + 4
        if self.diameter < _BIG:
            middle = middle + QPointF(0, max(self.height / 2, _ARM) + _MARGIN + 4 + height / 2)
        return QRectF(middle.x() - width / 2, middle.y() - height / 2, width, height)


def _paint_cross(painter: QPainter, middle: QPointF) -> None:
    for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        painter.drawLine(middle + QPointF(x, y) * _GAP, middle + QPointF(x, y) * _ARM)


def _around(points: list[tuple[float, float]]) -> QRect:
    left, right = min(p[0] for p in points), max(p[0] for p in points)
    top, bottom = min(p[1] for p in points), max(p[1] for p in points)
    margins = (-_MARGIN, -_MARGIN, _MARGIN, _MARGIN)
    return QRectF(left, top, right - left, bottom - top).adjusted(*margins).toAlignedRect()
