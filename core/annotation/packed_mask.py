"""Masks in little space: what is kept of each object on each frame, in memory and in the project file."""

import struct
import zlib
from dataclasses import dataclass

import cv2
import numpy as np

_HEAD = struct.Struct("<6I")  # height, width, then the box: top, left, height, width


@dataclass(frozen=True)
class PackedMask:
    """A binary mask as its bounding box and the compressed bits inside it. Equal masks are equal objects.

    Attributes:
        size: (height, width) of the frame.
        box: (top, left, height, width) of the smallest rectangle that holds the mask; zeros when it is empty.
        bits: zlib data of the box's rows, one bit a pixel, each row padded to whole bytes.
    """

    size: tuple[int, int]
    box: tuple[int, int, int, int]
    bits: bytes

    @classmethod
    def pack(cls, mask: np.ndarray) -> "PackedMask":
        """From bool or uint8 (H, W), not 0 inside."""
        plane = np.ascontiguousarray(mask).view(np.uint8)
        left, top, width, height = cv2.boundingRect(plane)
        if not width:
            return cls.empty(plane.shape)
        inside = plane[top : top + height, left : left + width] != 0
        return cls(plane.shape, (top, left, height, width), zlib.compress(np.packbits(inside, axis=1).tobytes(), 1))

    @classmethod
    def empty(cls, size: tuple[int, int]) -> "PackedMask":
        """The mask of an object that is not there."""
        return cls(tuple(size), (0, 0, 0, 0), b"")

    @property
    def is_empty(self) -> bool:
        return not self.bits

    def inside(self) -> np.ndarray:
        """The box alone, bool (h, w)."""
        _, _, height, width = self.box
        if self.is_empty:
            return np.zeros((0, 0), bool)
        packed = np.frombuffer(zlib.decompress(self.bits), np.uint8).reshape(height, -1)
        return np.unpackbits(packed, axis=1, count=width).view(bool)

    def unpack(self) -> np.ndarray:
        """The whole mask, bool (H, W)."""
        mask = np.zeros(self.size, bool)
        self.draw(mask.view(np.uint8), 1)
        return mask

    def draw(self, labels: np.ndarray, value: int) -> None:
        """Set the mask's pixels of `labels` (uint8 (H, W)) to `value`, in place."""
        if self.is_empty:
            return
        top, left, height, width = self.box
        labels[top : top + height, left : left + width][self.inside()] = value

    def to_bytes(self) -> bytes:
        """For a file; `from_bytes` reads it."""
        return _HEAD.pack(*self.size, *self.box) + self.bits

    @classmethod
    def from_bytes(cls, data: bytes) -> "PackedMask":
        """What `to_bytes` wrote.

        Raises:
            ValueError: the bytes are damaged.
        """
        try:
            height, width, *box = _HEAD.unpack_from(data)
            mask = cls((height, width), tuple(box), bytes(data[_HEAD.size :]))
            top, left, box_height, box_width = box
            if top + box_height > height or left + box_width > width or mask.inside().shape != (box_height, box_width):
                raise ValueError("the box does not fit")
        except (struct.error, zlib.error, ValueError) as error:
            raise ValueError(f"damaged mask: {error}") from error
        return mask


def pack_labels(labels: np.ndarray) -> dict[int, PackedMask]:
    """The objects of a label map uint8 (H, W), each with its mask."""
    ids = np.flatnonzero(np.bincount(labels.ravel(), minlength=256))
    return {int(i): PackedMask.pack(labels == i) for i in ids if i}
