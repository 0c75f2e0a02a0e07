"""Label maps in little space, for the many that are kept and seldom looked at."""

import zlib

import cv2
import numpy as np


class PackedLabels:
    """A label map uint8 (H, W), compressed, its own copy."""

    __slots__ = ("_data", "shape")

    def __init__(self, labels: np.ndarray):
        if labels.dtype != np.uint8 or labels.ndim != 2:
            raise ValueError(f"expected uint8 (H, W), got {labels.dtype} {labels.shape}")
        self.shape: tuple[int, int] = labels.shape
        self._data = zlib.compress(np.ascontiguousarray(labels), 1)

    def unpack(self) -> np.ndarray:
        """The label map as it was; a new array every time."""
        return np.frombuffer(zlib.decompress(self._data), np.uint8).reshape(self.shape).copy()

    @property
    def bytes(self) -> int:
        """What it takes."""
        return len(self._data)


def values_of(labels: np.ndarray) -> list[int]:
    """The values that occur in an array of uint8, ascending; of large ones far quicker than np.unique."""
    flat = np.ascontiguousarray(labels).reshape(1, -1)
    return np.flatnonzero(cv2.calcHist([flat], [0], None, [256], [0, 256])).tolist() if flat.size else []
