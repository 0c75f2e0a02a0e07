"""Marks: points and strokes of a person on a frame, in the footage's pixels."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from core.errors import PCVOSError


@dataclass(frozen=True)
class Stroke:
    """A line drawn over something; of one point: a click.

    Attributes:
        points: (x, y) in pixels of the frame, from the left and from the top; whole numbers are pixels' centres.
        is_object: whether it says "this" or "not this".
    """

    points: tuple[tuple[float, float], ...]
    is_object: bool = True


@dataclass(frozen=True)
class Marks:
    """All that was pointed at for one object on one frame.

    Attributes:
        strokes: clicks and strokes, the oldest first.
        box: (left, top, right, bottom) around the object, in pixels of the frame, right and bottom excluded; None
            without one. Of several the last one counts.
    """

    strokes: tuple[Stroke, ...] = ()
    box: tuple[float, float, float, float] | None = None

    @property
    def count(self) -> int:
        """How many marks these are; a box is one."""
        return len(self.strokes) + (self.box is not None)

    @classmethod
    def clicks(
        cls,
        points: Sequence[tuple[float, float]] = (),
        not_points: Sequence[tuple[float, float]] = (),
        box: tuple[float, float, float, float] | None = None,
    ) -> "Marks":
        """From clicks that say "this", and clicks that say "not this"."""
        return cls(tuple(Stroke((p,)) for p in points) + tuple(Stroke((p,), is_object=False) for p in not_points), box)

    def and_click(self, x: float, y: float, is_object: bool = True) -> "Marks":
        """With one more click."""
        return Marks((*self.strokes, Stroke(((x, y),), is_object)), self.box)

    def and_stroke(self, points: Sequence[tuple[float, float]], is_object: bool = True) -> "Marks":
        """With one more stroke."""
        return Marks((*self.strokes, Stroke(tuple(points), is_object)), self.box)

    def goes_on_from(self, before: "Marks") -> bool:
        """Whether these are the marks of `before`, and perhaps more; of several boxes the last one counts."""
        has_strokes = self.strokes[: len(before.strokes)] == before.strokes
        return has_strokes and (before.box is None or self.box is not None)

    def check(self, size: tuple[int, int]) -> None:
        """Raise PCVOSError unless all of it can be meant on a frame of `size` (height, width)."""
        height, width = size
        if not self.strokes and self.box is None:
            raise PCVOSError("Nothing is marked: give a point, a stroke or a box.")
        for x, y in self._points():
            if not (math.isfinite(x) and math.isfinite(y)) or not (
                -0.5 <= x < width - 0.5 and -0.5 <= y < height - 0.5
            ):
                raise PCVOSError(
                    f"The point {x:g},{y:g} is outside of the frame, which is {width}x{height}: x goes from 0 to "
                    f"{width - 1}, y from 0 to {height - 1}."
                )
        if self.box is not None:
            _check_box(self.box, size)

    def _points(self) -> Iterator[tuple[float, float]]:
        for stroke in self.strokes:
            if not stroke.points:
                raise PCVOSError("A stroke has no point: give it one at least.")
            yield from stroke.points


def _check_box(box: tuple[float, float, float, float], size: tuple[int, int]) -> None:
    height, width = size
    left, top, right, bottom = box
    named = ",".join(f"{n:g}" for n in box)
    if not all(math.isfinite(n) for n in box) or right - left < 1 or bottom - top < 1:
        raise PCVOSError(
            f"The box {named} has no extent: give left, top, right and bottom, right and bottom the larger ones."
        )
    if left >= width or top >= height or right <= 0 or bottom <= 0:
        raise PCVOSError(f"The box {named} is outside of the frame, which is {width}x{height}.")


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
