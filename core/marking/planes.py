"""Marks drawn as the network sees them: planes of its input's size."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import cv2
import numpy as np

RADIUS = 4
"""The radius of the discs that points are, and that strokes are drawn with: pixels of the network's input."""

_FRACTION_BITS = 4
_FAR = 30_000.0  # pixels: OpenCV draws nothing that is farther away


def draw_point(plane: np.ndarray, x: float, y: float) -> None:
    """A disc around (x, y) in a uint8 (h, w), as 255; in place. Coordinates are of pixels' centres."""
    draw_stroke(plane, [(x, y)])


def draw_stroke(plane: np.ndarray, points: Sequence[tuple[float, float]]) -> None:
    """A line through points (x, y), drawn with a disc, in a uint8 (h, w), as 255; in place."""
    near = np.clip(np.asarray(points, np.float64), -_FAR, _FAR)
    corners = np.rint(near * (1 << _FRACTION_BITS)).astype(np.int32)
    scaled = [tuple(int(n) for n in corner) for corner in corners]
    for corner in scaled:
        cv2.circle(plane, corner, RADIUS << _FRACTION_BITS, 255, -1, cv2.LINE_8, _FRACTION_BITS)
    for begin, end in pairwise(scaled):
        cv2.line(plane, begin, end, 255, 2 * RADIUS + 1, cv2.LINE_8, _FRACTION_BITS)


def draw_box(plane: np.ndarray, box: Iterable[float]) -> None:
    """The inside of a box (left, top, right, bottom), in a uint8 (h, w), as 255; in place. It has at least a pixel."""
    height, width = plane.shape
    left, top, right, bottom = (round(n) for n in box)
    left, top = min(max(left, 0), width - 1), min(max(top, 0), height - 1)
    plane[top : max(top + 1, bottom), left : max(left + 1, right)] = 255
