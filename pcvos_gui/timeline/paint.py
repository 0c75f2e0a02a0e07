"""Looks of the timeline: tracks, ruler, and what moves over them."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QImage, QPainter, QPalette, QPen, QPixmap, QPixmapCache, QPolygonF

from core.project.tracks import CORRECTED, IN_MEMORY, PREDICTED
from core.propagation.doubt import LOW_CONFIDENCE
from pcvos_gui.app.colours import mixed
from pcvos_gui.timeline.columns import Columns, Visible, spread

RULER, MARKS, GRAPH, MEMORY = (0, 32), (32, 16), (48, 32), (80, 8)
"""Tracks: (top, height) in pixels. The lower part of the ruler is the handles' lane."""
HEIGHT = 88
HANDLE = 10
_LABELS = 20  # height of the ruler's upper part
LANE = (_LABELS - 2, RULER[1])
"""Places of the handles: (top, bottom)."""
_REACH, _MARKS_APART = 5.0, 6
DIAMOND = 13
"""Width and height of the picture that `diamond` makes."""


@dataclass(frozen=True)
class Colours:
    """All the timeline paints with, after the palette."""

    ground: QColor
    band: QColor
    line: QColor
    text: QColor
    dim: QColor
    accent: QColor
    warning: QColor

    @classmethod
    def of(cls, palette: QPalette) -> "Colours":
        ground, text = palette.color(QPalette.ColorRole.Base), palette.color(QPalette.ColorRole.Text)
        is_dark = ground.lightness() < 128
        return cls(
            ground=ground,
            band=palette.color(QPalette.ColorRole.Window),
            line=mixed(ground, text, 0.18),
            text=text,
            dim=mixed(ground, text, 0.66),
            accent=palette.color(QPalette.ColorRole.Highlight),
            warning=QColor("#f2a33a" if is_dark else "#c05c00"),
        )

    @property
    def shade(self) -> QColor:
        """Colour of frames that a run drew."""
        return mixed(self.ground, self.text, 0.14)

    @property
    def graph(self) -> QColor:
        """Colour of confidence where it is not low."""
        return mixed(self.ground, self.text, 0.46)

    @property
    def certain(self) -> QColor:
        """Colour of frames that a person corrected."""
        return mixed(self.ground, self.accent, 0.4)

    @property
    def doubt(self) -> QColor:
        """Behind confidence that is low."""
        return mixed(self.ground, self.warning, 0.28)


def paint_tracks(painter: QPainter, columns: Columns, visible: Visible, colours: Colours) -> None:
    """Everything that depends on the frames' states."""
    width = visible.width
    painter.fillRect(0, 0, width, HEIGHT, colours.ground)
    painter.fillRect(0, *_placed(RULER, width), colours.band)
    _paint_results(painter, columns, width, colours)
    for top, height in (MARKS, GRAPH, MEMORY):
        painter.fillRect(0, top + height - 1, width, 1, colours.line)
    _paint_marks(painter, columns, colours)


def _placed(track: tuple[int, int], width: int) -> tuple[int, int, int]:
    return track[0], width, track[1]


def _paint_results(painter: QPainter, columns: Columns, width: int, colours: Colours) -> None:
    """The predictions with their confidence: one bar a column, as a picture that is made at once."""
    if not len(columns.left):
        return
    top, height = GRAPH
    pixels = np.arange(width)
    at = np.searchsorted(columns.left, pixels, side="right") - 1
    inside = (at >= 0) & (pixels < columns.right[at])
    confidence = np.where(inside, columns.confidence[at], np.nan)
    is_last = (pixels == columns.right[at] - 1) & (columns.right[at] - columns.left[at] >= 4)  # a gap between bars
    known = np.isfinite(confidence)
    low = known & (columns.open[at] < LOW_CONFIDENCE)
    predicted = inside & ((columns.states[at] & PREDICTED) != 0)
    painted = inside & ((columns.states[at] & CORRECTED) != 0)
    tall = np.where(known & ~is_last, np.clip(np.where(known, confidence, 0), 0.06, 1) * (height - 2), 0)
    is_bar = np.arange(height - 1, 0, -1)[:, None] <= tall
    behind = np.full(width, colours.ground.rgb(), np.uint32)
    for chosen, colour in ((predicted, colours.shade), (low, colours.doubt), (painted, colours.certain)):
        behind[chosen] = colour.rgb()
    bars = np.where(low, colours.warning.rgb(), colours.graph.rgb())
    picture = np.ascontiguousarray(np.where(is_bar, bars, behind).astype(np.uint32))
    image = QImage(picture.data, width, height - 1, 4 * width, QImage.Format.Format_RGB32)
    painter.drawImage(QRect(0, top, width, height - 1), image)


def _paint_marks(painter: QPainter, columns: Columns, colours: Colours) -> None:
    """Diamonds: full where the frame is permanent memory, hollow where it is corrected only."""
    ratio = painter.device().devicePixelRatioF()
    full, hollow = (diamond(colours.accent, fill, ratio) for fill in (colours.accent, colours.ground))
    top = MARKS[0] + (MARKS[1] - 1 - DIAMOND) / 2
    for index in spread(columns, CORRECTED, _MARKS_APART).tolist():
        middle = (int(columns.left[index]) + int(columns.right[index])) / 2
        stamp = full if columns.states[index] & IN_MEMORY else hollow
        painter.drawPixmap(QPointF(middle - DIAMOND / 2, top), stamp)


def diamond(line: QColor, fill: QColor, ratio: float) -> QPixmap:
    """A diamond, to be set down many times."""
    key = f"diamond {line.rgba()} {fill.rgba()} {ratio}"
    pixmap = QPixmap()
    if QPixmapCache.find(key, pixmap):
        return pixmap
    pixmap = QPixmap(round(DIAMOND * ratio), round(DIAMOND * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(line, 1.5))
    painter.setBrush(fill)
    middle = DIAMOND / 2
    corners = ((0, -_REACH), (_REACH, 0), (0, _REACH), (-_REACH, 0))
    painter.drawPolygon(QPolygonF([QPointF(middle + dx, middle + dy) for dx, dy in corners]))
    painter.end()
    QPixmapCache.insert(key, pixmap)
    return pixmap


def paint_memory(
    painter: QPainter, visible: Visible, colours: Colours, permanent: Iterable[int], working: Iterable[int]
) -> None:
    """Frames in memory when the last run ended: permanent ones in the accent colour."""
    top, height = MEMORY
    for frames, colour in ((working, colours.dim), (permanent, colours.accent)):
        found = np.fromiter(frames, np.float64)
        at = np.floor((found + 0.5 - visible.first) * visible.per_frame).astype(int)
        for x in np.unique(at[(at >= 0) & (at < visible.width)]).tolist():
            painter.fillRect(x, top + 1, 2, height - 2, colour)


def paint_ruler(
    painter: QPainter, ticks: list[tuple[int, str]], visible: Visible, colours: Colours, metrics: QFontMetrics
) -> None:
    """A line at each tick, and its label beside it where there is room for all of it."""
    bottom = RULER[0] + RULER[1] - 1
    painter.fillRect(0, bottom, visible.width, 1, colours.line)
    painter.setPen(colours.dim)
    for frame, label in ticks:
        x = round(visible.x(frame))
        if x < 0:
            continue
        painter.fillRect(x, 6, 1, bottom - 6, colours.line)
        if x + 4 + metrics.horizontalAdvance(label) <= visible.width:
            painter.drawText(x + 4, (_LABELS + 4 + metrics.ascent() - metrics.descent()) // 2, label)


def paint_range(painter: QPainter, visible: Visible, colours: Colours, first: int | None, last: int | None) -> None:
    """In and out: what lies outside is dimmed, and each point that is set has a handle in the ruler."""
    outside = QColor(colours.band)
    outside.setAlphaF(0.66)
    left = 0.0 if first is None else visible.x(first)
    right = float(visible.width) if last is None else visible.x(last + 1)
    below = MARKS[0]
    painter.fillRect(QRectF(0, below, max(0.0, left), HEIGHT - below), outside)
    painter.fillRect(QRectF(right, below, max(0.0, visible.width - right), HEIGHT - below), outside)
    if first is not None or last is not None:
        painter.fillRect(QRectF(left, RULER[1] - 3, right - left, 3), colours.accent)
    for x, side, is_set in ((left, 1, first is not None), (right, -1, last is not None)):
        if is_set:
            _paint_handle(painter, round(x), side, colours)


def _paint_handle(painter: QPainter, x: int, side: int, colours: Colours) -> None:
    """A bracket that opens to `side`."""
    start, top, reach = (x if side > 0 else x - 2), _LABELS, HANDLE + 2
    painter.fillRect(start, top, 2, HEIGHT - top, colours.accent)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colours.accent)
    painter.drawPolygon(QPolygonF([QPointF(x, top), QPointF(x + side * reach, top), QPointF(x, top + reach)]))
    painter.restore()


def paint_playhead(painter: QPainter, x: float, colours: Colours) -> None:
    x = round(x)
    painter.fillRect(x - 1, RULER[1] - 8, 2, HEIGHT - RULER[1] + 8, colours.text)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colours.text)
    top = RULER[1] - 10
    shape = [(-6, 0), (6, 0), (6, 5), (0, 11), (-6, 5)]
    painter.drawPolygon(QPolygonF([QPointF(x + dx, top + dy) for dx, dy in shape]))
    painter.restore()
