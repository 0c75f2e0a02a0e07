"""The middle line of a part: a stroke as a person draws it who means all of it."""

import cv2
import numpy as np

Pixel = tuple[int, int]
"""(y, x)."""

SIDE = 90
"""The longer side of a part, in cells, on the grid where its middle line is found."""

CORNERS = 14
"""Most corners of a stroke, about."""

_AROUND = ((0, 1), (1, 0), (0, -1), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1))


def middle_line(part: np.ndarray, begin: Pixel | None = None) -> list[tuple[int, int]]:
    """The longest way along the middle lines of a connected bool (h, w), as (x, y) of its corners; from `begin`, or
    the pixel of them nearest to it, if it is given. It may leave a part that is thinner than a `SIDE`th of its extent.
    """
    height, width = part.shape
    cell = max(1, round(max(height, width) / SIDE))
    size = max(1, width // cell), max(1, height // cell)
    share = cv2.resize(part.view(np.uint8) * np.float32(1), size, interpolation=cv2.INTER_AREA)
    cells = share >= min(0.5, float(share.max()))
    lines = thinned(cells)
    lines = lines if lines.any() else cells  # two by two are thinned to nothing
    ys, xs = np.nonzero(lines)
    near = 0 if begin is None else int(np.hypot(ys - begin[0] / cell, xs - begin[1] / cell).argmin())
    first = int(ys[near]), int(xs[near])
    if begin is None:
        first = _longest_way(lines, first)[0]
    way = _longest_way(lines, first)
    corners = way[:: max(1, len(way) // CORNERS)] + way[-1:]
    return [(min(width - 1, cell * x + cell // 2), min(height - 1, cell * y + cell // 2)) for y, x in corners]


def _longest_way(lines: np.ndarray, begin: Pixel) -> list[Pixel]:
    """The pixels of thin lines bool (h, w) on the way from the one farthest from `begin` back to it."""
    came: dict[Pixel, Pixel | None] = {begin: None}
    at, queue = begin, [begin]
    for at in queue:  # grows meanwhile
        for dy, dx in _AROUND:
            there = at[0] + dy, at[1] + dx
            inside = 0 <= there[0] < lines.shape[0] and 0 <= there[1] < lines.shape[1]
            if inside and lines[there] and there not in came:
                came[there] = at
                queue.append(there)
    way = [at]
    while (back := came[way[-1]]) is not None:
        way.append(back)
    return way


def thinned(mask: np.ndarray) -> np.ndarray:
    """The middle lines of a bool (h, w), a pixel wide (Zhang and Suen: A fast parallel algorithm for thinning digital
    patterns, 1984)."""
    image = np.pad(mask.astype(np.uint8), 1)
    has_changed = True
    while has_changed:
        has_changed = False
        for is_first in (True, False):
            north, east, south, west = image[:-2, 1:-1], image[1:-1, 2:], image[2:, 1:-1], image[1:-1, :-2]
            ring = (north, image[:-2, 2:], east, image[2:, 2:], south, image[2:, :-2], west, image[:-2, :-2])
            begins = sum((one < other).astype(np.uint8) for one, other in zip(ring, (*ring[1:], ring[0]), strict=True))
            count = np.add.reduce(ring)
            third, fourth = (south, east) if is_first else (west, north)
            is_edge = (north * east * third == 0) & (south * west * fourth == 0)
            gone = (image[1:-1, 1:-1] == 1) & (count >= 2) & (count <= 6) & (begins == 1) & is_edge
            if gone.any():
                has_changed = True
                image[1:-1, 1:-1][gone] = 0
    return image[1:-1, 1:-1] > 0
