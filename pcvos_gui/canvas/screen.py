"""Label maps as the screen sees them: sampled at the screen's own pixels, for lines as wide there at every zoom."""

from dataclasses import dataclass

import cv2
import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF
from PySide6.QtGui import QImage, QPainter

_OUTLINE = 2  # width in screen pixels, before the screen's scaling
_DASH = 4
_STRIPE = 3  # of the hatching, in Qt pixels


def zoom_of(painter: QPainter) -> float:
    """Screen pixels (the device's, not Qt's scaled ones) per unit that the painter draws, along its longer side."""
    return max(zooms_of(painter))


def zooms_of(painter: QPainter) -> tuple[float, float]:
    """Zoom along x and y: over pixels that are not square they differ."""
    transform, ratio = painter.worldTransform(), painter.device().devicePixelRatioF()
    return transform.m11() * ratio, transform.m22() * ratio


@dataclass(frozen=True)
class Patch:
    """A part of the screen.

    Attributes:
        values: uint8 (h, w), the label map's value under the middle of each screen pixel.
        left, top: of its first pixel, in screen pixels from the painted device's corner.
        ratio: screen pixels per Qt pixel.
        phase: (x, y) in screen pixels from the image's corner to the patch's, so that patterns stay in place.
    """

    values: np.ndarray
    left: int
    top: int
    ratio: float
    phase: tuple[int, int]

    @property
    def line(self) -> int:
        """Width of an outline in screen pixels."""
        return max(1, round(_OUTLINE * self.ratio))

    @property
    def thin(self) -> int:
        """Width of a thin line in screen pixels."""
        return max(1, round(self.ratio))


def sample(painter: QPainter, labels: np.ndarray, exposed: QRectF) -> Patch | None:
    """The part of a label map that falls on the part of the screen that is being painted.

    Args:
        labels: uint8 (H, W), laid at the painter's origin, a unit a pixel. exposed: in the same units.

    Returns:
        The patch, with a margin for what looks at neighbours; None if there is nothing to paint.
    """
    height, width = labels.shape
    transform, ratio = painter.worldTransform(), painter.device().devicePixelRatioF()
    across, down = zooms_of(painter)
    margin = 3 * max(1, round(_OUTLINE * ratio)) + 2
    margins = (-margin / across, -margin / down, margin / across, margin / down)
    area = exposed.adjusted(*margins) & QRectF(0, 0, width, height).adjusted(*margins)
    x0, y0 = transform.dx() * ratio, transform.dy() * ratio
    left, right = int(np.floor(area.left() * across + x0)), int(np.ceil(area.right() * across + x0))
    top, bottom = int(np.floor(area.top() * down + y0)), int(np.ceil(area.bottom() * down + y0))
    if right <= left or bottom <= top:
        return None
    rows = np.floor((np.arange(top, bottom) + 0.5 - y0) / down).astype(np.intp)
    columns = np.floor((np.arange(left, right) + 0.5 - x0) / across).astype(np.intp)
    # Outside of the image its border goes on: an object that leaves the picture has no outline there.
    values = labels.take(rows, 0, mode="clip").take(columns, 1, mode="clip")
    return Patch(values, left, top, ratio, (left - round(x0), top - round(y0)))


def outlines(patch: Patch, drawn: np.ndarray) -> np.ndarray:
    """The objects' outlines, just inside of their edges and of the light line that runs there (`edges`).

    Args:
        drawn: uint8 (256,), each value that has outlines, 0 in place of the others.

    Returns:
        uint8 (h, w): the object's value on its outline, 0 elsewhere.
    """
    values = cv2.LUT(patch.values, drawn)
    return np.where(_edges(values, patch.line + patch.thin), values, 0)


EDGE_LIGHT, EDGE_DARK = 1, 2
"""Values of `edges`."""


def edges(patch: Patch, drawn: np.ndarray) -> np.ndarray:
    """A light and a dark line side by side along every edge, also between two objects: seen on any footage, since one
    of the two differs from whatever lies beneath.

    Args:
        drawn: uint8 (256,), each value whose edges are meant, 0 in place of the others.

    Returns:
        uint8 (h, w) of the values above, 0 elsewhere. The light one is on the inner side; between two objects on that
        of the higher value.
    """
    values = cv2.LUT(patch.values, drawn)
    square = np.ones((2 * patch.thin + 1, 2 * patch.thin + 1), np.uint8)
    lines = (cv2.dilate(values, square) > values) * np.uint8(EDGE_DARK)
    lines[cv2.erode(values, square) < values] = EDGE_LIGHT
    return lines


def dashes(patch: Patch) -> np.ndarray:
    """The outline of a mask in two tones, which is seen on any footage: 1 and 2 in turn, 0 elsewhere; uint8 (h, w)."""
    height, width = patch.values.shape
    dash = max(1, round(_DASH * patch.ratio))
    x, y = np.arange(width) + patch.phase[0], np.arange(height)[:, None] + patch.phase[1]
    return np.where(_edges(patch.values, patch.line), 1 + (x + y) // dash % 2, 0).astype(np.uint8)


STROKE_OBJECT, STROKE_BACKGROUND, STROKE_HATCH, LINE_LIGHT, LINE_DARK = range(1, 6)
"""Values of `strokes`."""


def strokes(patch: Patch) -> np.ndarray:
    """Scribbles as double contours, which are seen on any footage; those over background are hatched.

    Args:
        patch: of a map of 1 (object) and 2 (background).

    Returns:
        uint8 (h, w) of the values above, 0 elsewhere. An object's stroke has a light line with a dark one around it, a
        background's a dark one with a light one around it.
    """
    values, line = patch.values, max(1, patch.line // 2)
    height, width = values.shape
    stripe = max(1, round(_STRIPE * patch.ratio))
    x, y = np.arange(width) + patch.phase[0], np.arange(height)[:, None] + patch.phase[1]
    hatched = (values == 2) & ((x + y) // stripe % 3 == 0)
    drawn = np.where(hatched, STROKE_HATCH, values)
    inner = _edges(values, line)
    outer = cv2.dilate(values, np.ones((2 * line + 1, 2 * line + 1), np.uint8))
    halo = (values == 0) & (outer != 0)
    light = inner & (values == 1) | halo & (outer == 2)
    dark = inner & (values == 2) | halo & (outer == 1)
    return np.where(light, LINE_LIGHT, np.where(dark, LINE_DARK, drawn)).astype(np.uint8)


def draw_patch(painter: QPainter, patch: Patch, values: np.ndarray, table: tuple[int, ...]) -> None:
    """Draw values, uint8 (h, w), pixel by pixel where the patch was taken from, in the colours of a table."""
    values = np.ascontiguousarray(values)
    image = indexed_image(values, table)
    image.setDevicePixelRatio(patch.ratio)
    painter.save()
    painter.resetTransform()
    painter.drawImage(QPointF(patch.left / patch.ratio, patch.top / patch.ratio), image)
    painter.restore()


def indexed_image(values: np.ndarray, table: tuple[int, ...] | list[int]) -> QImage:
    """A QImage straight over uint8 (H, W), of contiguous rows; it is valid while the array is kept."""
    height, width = values.shape
    image = QImage(values.data, width, height, values.strides[0], QImage.Format.Format_Indexed8)
    image.setColorTable(table)
    return image


def draw_indexed(painter: QPainter, image: QImage, area: QRect, exposed: QRectF, smooth_below: float = 1.0) -> None:
    """Draw what is exposed of an indexed image inside `area`; all in the image's pixels, which lie at the origin. From
    the zoom `smooth_below` on a pixel is a square.

    Scaling an indexed image as it is takes Qt three times as long as looking up its colours before (CPU time for 1080p
    in a window of 1600x900: 16.5 and 5.4 ms).
    """
    part = exposed.toAlignedRect().adjusted(-2, -2, 2, 2) & area & image.rect()  # with neighbours, for smooth scaling
    if part.isEmpty():
        return
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, zoom_of(painter) < smooth_below)
    colours = image.copy(part).convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
    painter.drawImage(QPointF(part.topLeft()), colours)


def _edges(values: np.ndarray, line: int) -> np.ndarray:
    """Pixels of objects within `line` of another value, bool (h, w)."""
    square = np.ones((2 * line + 1, 2 * line + 1), np.uint8)
    return (cv2.morphologyEx(values, cv2.MORPH_GRADIENT, square) != 0) & (values != 0)
