"""Label maps in little space, for the many that are kept and seldom looked at."""

import cv2
import numpy as np

from core.masks.codec import bounding_box, compressed, decompressed


class PackedLabels:
    """A label map uint8 (H, W), compressed, its own copy: of the smallest rectangle that holds all that is not 0."""

    __slots__ = ("_corner", "_data", "_size", "shape")

    def __init__(self, labels: np.ndarray):
        if labels.dtype != np.uint8 or labels.ndim != 2:
            raise ValueError(f"expected uint8 (H, W), got {labels.dtype} {labels.shape}")
        self.shape: tuple[int, int] = labels.shape
        top, left, height, width = bounding_box(np.ascontiguousarray(labels))
        part = labels[top : top + height, left : left + width]
        self._corner, self._size = (top, left), part.shape
        self._data = compressed(part)

    @classmethod
    def of_part(cls, part: np.ndarray, shape: tuple[int, int], top: int, left: int) -> "PackedLabels":
        """Pack a part of a label map, uint8 (h, w), outside of which all is 0; it begins at (top, left) in `shape`."""
        packed = cls(part)
        row, column = packed._corner
        packed.shape, packed._corner = (shape[0], shape[1]), (top + row, left + column)
        return packed

    def part(self) -> tuple[np.ndarray, int, int]:
        """The rectangle alone, uint8 (h, w), read-only, and where it begins: top, left."""
        height, width = self._size
        return decompressed(self._data, height * width, "label map").reshape(self._size), *self._corner

    def unpack(self) -> np.ndarray:
        """The label map as it was; a new array every time."""
        labels = np.zeros(self.shape, np.uint8)
        part, top, left = self.part()
        labels[top : top + part.shape[0], left : left + part.shape[1]] = part
        return labels

    @property
    def bytes(self) -> int:
        """The bytes it takes."""
        return len(self._data)


def values_of(labels: np.ndarray) -> list[int]:
    """The values that occur in an array of uint8, ascending; of large ones far quicker than np.unique."""
    flat = np.ascontiguousarray(labels).reshape(1, -1)
    return np.flatnonzero(cv2.calcHist([flat], [0], None, [256], [0, 256])).tolist() if flat.size else []
