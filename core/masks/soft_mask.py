"""Soft masks in little space: the network's probabilities of an object on a frame, as the project keeps them.

They are kept as the network gives them, on the grid of its decoder: a cell is `STRIDE` pixels of what the network saw,
which is the frame at the network's size with padding around it. Between cells logits are interpolated, as the network
does it; of probabilities an edge would come out wider.
"""

import struct
from dataclasses import dataclass

import numpy as np

from core.masks.codec import Box, bounding_box, compressed, decompressed, sealed, unsealed

STRIDE = 4
"""Pixels of the network's input to a cell, along rows and columns."""

CERTAIN = 2
"""Levels (of 255) next to 0 and 255 that are kept as 0 and 255: what is certain takes no space."""

_HEAD = struct.Struct("<10H")  # grid, window, box
_LEVELS = np.linspace(0, 1, 256, dtype=np.float32).clip(0.5 / 255, 1 - 0.5 / 255)
_LOGITS = np.log(_LEVELS / (1 - _LEVELS))


@dataclass(frozen=True)
class SoftMask:
    """Probabilities of one object on one frame. Equal soft masks are equal objects.

    Attributes:
        grid: (height, width) in cells.
        window: (top, left, height, width) of the frame on the grid, in pixels of the network: `STRIDE` to a cell.
        box: (top, left, height, width) in cells, outside of which the probability is 0; zeros when it is 0 everywhere.
        data: zlib data of the box's levels, one byte a cell, 255 = 1, each as the difference from its left neighbour.
    """

    grid: tuple[int, int]
    window: Box
    box: Box
    data: bytes

    @classmethod
    def pack(cls, levels: np.ndarray, window: Box) -> "SoftMask":
        """From levels uint8 (h, w), 255 = 1; the outermost two at either end become 0 and 255."""
        plane = np.where(levels <= CERTAIN, np.uint8(0), np.where(levels >= 255 - CERTAIN, np.uint8(255), levels))
        size, place = (plane.shape[0], plane.shape[1]), (window[0], window[1], window[2], window[3])
        top, left, height, width = box = bounding_box(plane)
        if not width:
            return cls(size, place, box, b"")
        inside = plane[top : top + height, left : left + width]
        steps = np.diff(inside, axis=1, prepend=np.uint8(0))  # wraps around, and back when it is added up
        return cls(size, place, box, compressed(steps))

    def levels(self) -> np.ndarray:
        """All levels, uint8 (h, w).

        Raises:
            ValueError: `data` are not the box's.
        """
        plane = np.zeros(self.grid, np.uint8)
        if not self.data:
            return plane
        top, left, height, width = self.box
        steps = decompressed(self.data, height * width, "soft mask").reshape(height, width)
        plane[top : top + height, left : left + width] = np.add.accumulate(steps, axis=1, dtype=np.uint8)
        return plane

    def enlarged(self, size: tuple[int, int], region: tuple[int, int, int, int] | None = None) -> np.ndarray:
        """Probabilities at the footage's size, float32, 0.002 to 0.998.

        Args:
            size: (height, width) of the footage. region: the (top, left, height, width) of it that is wanted.

        Raises:
            ValueError: the soft mask is damaged.
        """
        top, left, height, width = region or (0, 0, *size)
        logits = np.pad(_LOGITS[self.levels()], ((0, 1), (0, 1)), mode="edge")
        rows, columns = (
            _places(start, count, full, self.window[axis], self.window[axis + 2], self.grid[axis])
            for axis, (start, count, full) in enumerate(((top, height, size[0]), (left, width, size[1])))
        )
        # Columns first: there are few rows yet.
        first, share = columns
        logits = logits[:, first] * (1 - share) + logits[:, first + 1] * share
        first, share = rows
        result = logits[first]
        result += (logits[first + 1] - result) * share[:, None]
        np.exp(np.negative(result, out=result), out=result)
        result += 1
        return np.reciprocal(result, out=result)

    def to_bytes(self) -> bytes:
        """For a file; `from_bytes` reads it."""
        return sealed(_HEAD, (*self.grid, *self.window, *self.box), self.data)

    @classmethod
    def from_bytes(cls, data: bytes) -> "SoftMask":
        """Read what `to_bytes` wrote; the levels stay packed.

        Raises:
            ValueError: the bytes are damaged.
        """
        (*grid, w0, w1, w2, w3, b0, b1, b2, b3), content = unsealed(_HEAD, data, "soft mask")
        window, box = (w0, w1, w2, w3), (b0, b1, b2, b3)
        if box[0] + box[2] > grid[0] or box[1] + box[3] > grid[1] or 0 in (*grid, *window[2:]):
            raise ValueError("damaged soft mask: the box does not fit")
        return cls((grid[0], grid[1]), window, box, content)


def _places(start: int, count: int, full: int, begin: int, extent: int, cells: int) -> tuple[np.ndarray, np.ndarray]:
    """Along one axis, for pixels `start` to `start + count` of `full`: the cell before each (intp), and the share
    (float32, 0 to 1) of the one behind it. Pixels and cells are at their centres."""
    place = ((np.arange(start, start + count) + 0.5) * (extent / full) + begin) / STRIDE - 0.5
    first = np.clip(np.floor(place).astype(np.intp), 0, cells - 1)
    return first, np.clip(place - first, 0, 1).astype(np.float32)
