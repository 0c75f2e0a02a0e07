"""The brush under the pointer, at its true size, in two tones that show on any footage."""

import math

from PySide6.QtCore import QPointF, QRect, QRectF
from PySide6.QtGui import QColor, QPainter, QPen, QRegion

_SMALLEST_RING = 4.0  # screen pixels; a smaller ring would hide what it is about to paint
_ARM, _GAP = 8.0, 3.0  # of the crosshair that is shown instead
_MARGIN = 3
_SECTORS = 32
_BIG = 96.0
_DARK, _LIGHT = QColor(0, 0, 0, 190), QColor(255, 255, 255, 235)


class BrushCursor:
    """A ring in the view's coordinates. `position` None: not shown. `diameter` in Qt's pixels."""

    def __init__(self) -> None:
        self.position: QPointF | None = None
        self.diameter = 0.0

    def region(self) -> QRegion:
        """What has to be repainted when it comes or goes: of a big ring only its line, not what it encloses."""
        if self.position is None:
            return QRegion()
        x, y, radius = self.position.x(), self.position.y(), self.diameter / 2
        if self.diameter < _BIG:
            reach = max(radius, _ARM) + _MARGIN
            return QRegion(_around([(x - reach, y - reach), (x + reach, y + reach)]))
        region = QRegion()
        step = 2 * math.pi / _SECTORS
        for sector in range(_SECTORS):
            # The sectors' borders lie on the axes, so that the corners of an arc are its extremes.
            ends = (sector * step, (sector + 1) * step)
            region |= QRegion(_around([(x + radius * math.cos(a), y + radius * math.sin(a)) for a in ends]))
        return region

    def paint(self, painter: QPainter) -> None:
        if self.position is None:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(QColor(0, 0, 0, 0))
        for colour, width in ((_DARK, 3.4), (_LIGHT, 1.6)):
            painter.setPen(QPen(colour, width))
            if self.diameter < _SMALLEST_RING:
                self._cross(painter)
            else:
                painter.drawEllipse(self.position, self.diameter / 2, self.diameter / 2)

    def _cross(self, painter: QPainter) -> None:
        for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            painter.drawLine(self.position + QPointF(x, y) * _GAP, self.position + QPointF(x, y) * _ARM)


def _around(points: list[tuple[float, float]]) -> QRect:
    left, right = min(p[0] for p in points), max(p[0] for p in points)
    top, bottom = min(p[1] for p in points), max(p[1] for p in points)
    margins = (-_MARGIN, -_MARGIN, _MARGIN, _MARGIN)
    return QRectF(left, top, right - left, bottom - top).adjusted(*margins).toAlignedRect()
