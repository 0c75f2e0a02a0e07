"""Edits of a mask by hand: brush, fill, polygon, grow and shrink, holes and specks.

Masks are bool (H, W). Points are (x, y) in pixels, x to the right and y down, (0, 0) the upper left corner of the
image: the pixel of row r and column c has its centre at (c + 0.5, r + 0.5).
"""

import math
from collections.abc import Sequence

import cv2
import numpy as np

Point = tuple[float, float]
"""(x, y)."""

Rect = tuple[int, int, int, int]
"""(top, left, height, width) in pixels; zeros where there is nothing."""

_SHIFT = 8  # fractional bits of the coordinates OpenCV is given
_FAR = 1 << 20  # pixels; coordinates beyond would overflow there


# whole masks


def grow(mask: np.ndarray, pixels: float) -> np.ndarray:
    """The mask and all that lies within `pixels` (at least 0) of it, measured between pixel centres."""
    if pixels <= 0 or not mask.any():
        return mask.copy()
    return _distance_to(mask) <= pixels


def shrink(mask: np.ndarray, pixels: float) -> np.ndarray:
    """The part of the mask that is farther than `pixels` from what is outside it. The image's border is no outside:
    an object that leaves the picture does not recede from there."""
    if pixels <= 0 or mask.all():
        return mask.copy()
    return _distance_to(~mask) > pixels


def fill_holes(mask: np.ndarray) -> np.ndarray:
    """The mask and all background that it encloses (from which no path through edges of pixels leads to the border)."""
    outside = np.pad(mask, 1).view(np.uint8)  # 1: mask; the padding joins all background at the border
    cv2.floodFill(outside, None, (0, 0), 2, flags=4)
    return outside[1:-1, 1:-1] != 2


def remove_specks(mask: np.ndarray, smallest: int | None = None) -> np.ndarray:
    """The mask without its pieces of fewer than `smallest` pixels; None: 1 % of its largest piece.

    Pixels that touch at a corner belong to one piece.
    """
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)
    if count == 1:
        return mask.copy()
    areas = stats[:, cv2.CC_STAT_AREA]
    kept = areas >= (areas[1:].max() / 100 if smallest is None else smallest)
    kept[0] = False
    return kept[pieces]


def flood(labels: np.ndarray, seed: tuple[int, int]) -> np.ndarray:
    """The connected region of equal values that holds a pixel, for the fill tool.

    Args:
        labels: uint8 or bool (H, W), e.g. a label map.
        seed: (row, column) of the pixel. Pixels are neighbours if they share an edge.

    Returns:
        The region, bool (H, W).

    Raises:
        IndexError: the pixel is outside.
    """
    height, width = labels.shape
    row, column = seed
    if not (0 <= row < height and 0 <= column < width):
        raise IndexError(f"pixel {seed} is outside of {labels.shape}")
    region = np.zeros((height + 2, width + 2), np.uint8)  # OpenCV wants a frame around it
    flags = 4 | cv2.FLOODFILL_MASK_ONLY | 1 << 8
    cv2.floodFill(np.ascontiguousarray(labels).view(np.uint8), region, (column, row), 0, 0, 0, flags)
    return region[1:-1, 1:-1] != 0


def polygon(size: tuple[int, int], points: Sequence[Point]) -> np.ndarray:
    """The inside of a closed polygon, bool (H, W), by the even-odd rule; nothing if it has fewer than three points.

    Args:
        size: (height, width). points: the corners, also outside of the image.
    """
    mask = np.zeros(size, np.uint8)
    if len(points) >= 3:
        corners = np.clip(np.array(points, np.float64) - 0.5, -_FAR, _FAR)  # OpenCV's pixels have whole centres
        cv2.fillPoly(mask, [np.round(corners * (1 << _SHIFT)).astype(np.int32)], 1, shift=_SHIFT)
    return mask != 0


def _distance_to(mask: np.ndarray) -> np.ndarray:
    """Euclidean distance of each pixel to the nearest one of `mask`, float32; some pixel must be in it."""
    return cv2.distanceTransform((~mask).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)


# the brush


def line_rect(size: tuple[int, int], start: Point, end: Point, radius: float) -> Rect:
    """The rectangle inside which `paint_line` changes pixels: what to save for undo, and to repaint."""
    reach = max(radius, 0.5)
    (x0, x1), (y0, y1) = sorted((start[0], end[0])), sorted((start[1], end[1]))
    top, bottom = _clipped(y0 - reach, y1 + reach, size[0])
    left, right = _clipped(x0 - reach, x1 + reach, size[1])
    return (top, left, bottom - top, right - left) if top < bottom and left < right else (0, 0, 0, 0)


def paint_line(
    labels: np.ndarray, start: Point, end: Point, radius: float, value: int, forbidden: np.ndarray | None = None
) -> Rect:
    """Draw a round brush from one point to the next (the same one for a dab) into a label map, in place.

    Pixels are painted whose centre is nearer than `radius` to the line, and those the line runs through: a radius of
    0.5 paints a single pixel.

    Args:
        labels: uint8 (H, W). value: what the pixels become. forbidden: bool (H, W), pixels to leave alone, or None.

    Returns:
        The rectangle of `line_rect`; nothing outside of it has been read or written.
    """
    rect = line_rect(labels.shape, start, end, radius)
    top, left, height, width = rect
    if not height:
        return rect
    painted = _capsule(rect, start, end, radius)
    if forbidden is not None:
        painted &= ~forbidden[top : top + height, left : left + width]
    labels[top : top + height, left : left + width][painted] = value
    return rect


def _clipped(low: float, high: float, size: int) -> tuple[int, int]:
    return max(0, math.floor(low)), min(size, math.ceil(high) + 1)


def _capsule(rect: Rect, start: Point, end: Point, radius: float) -> np.ndarray:
    """The brush's pixels inside a rectangle, bool (h, w). Each row of a convex shape is one interval."""
    top, left, height, width = rect
    a, b = ((x - (left + 0.5), y - (top + 0.5)) for x, y in (start, end))  # whole pixel centres
    rows = np.arange(height, dtype=np.float64)
    low, high = _disc(rows, b, radius)
    if a != b:
        for other_low, other_high in (_disc(rows, a, radius), _band(rows, a, b, radius)):
            low, high = np.minimum(low, other_low), np.maximum(high, other_high)
    columns = np.arange(width)
    painted = (columns > low[:, None]) & (columns < high[:, None])
    (x0, y0), (x1, y1) = ([min(max(math.floor(c + 0.5), -_FAR), _FAR) for c in point] for point in (a, b))
    cv2.line(painted.view(np.uint8), (x0, y0), (x1, y1), 1)
    return painted


def _disc(rows: np.ndarray, centre: Point, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Per row, the open interval of x inside a disc; (inf, -inf) where there is none."""
    square = radius**2 - (rows - centre[1]) ** 2
    half = np.sqrt(np.maximum(square, 0))
    inside = square > 0
    return np.where(inside, centre[0] - half, np.inf), np.where(inside, centre[0] + half, -np.inf)


def _band(rows: np.ndarray, a: Point, b: Point, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Per row, the interval of x beside the line from `a` to `b`: nearer than `radius`, and between its ends."""
    across, down = b[0] - a[0], b[1] - a[1]
    length = math.hypot(across, down)
    along = across / length, down / length
    y = rows - a[1]
    low, high = _between(along[0], y * along[1], 0, length)
    side_low, side_high = _between(along[1], -y * along[0], -radius, radius)
    low, high = a[0] + np.maximum(low, side_low), a[0] + np.minimum(high, side_high)
    inside = low < high
    return np.where(inside, low, np.inf), np.where(inside, high, -np.inf)


def _between(slope: float, offset: np.ndarray, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """The stretch where low < slope * x + offset < high, as an open interval of x for each offset."""
    if abs(slope) < 1e-9:
        inside = (offset > low) & (offset < high)
        return np.where(inside, -np.inf, np.inf), np.where(inside, np.inf, -np.inf)
    ends = (low - offset) / slope, (high - offset) / slope
    return (ends[0], ends[1]) if slope > 0 else (ends[1], ends[0])
