"""Masks in little space: what is kept of each object on each frame, in memory and in the project file."""

import struct
import zlib
from dataclasses import dataclass

import numpy as np

from core.masks.codec import Box, bounding_box, compressed, decompressed, sealed, unsealed
from core.masks.packed_labels import values_of

_HEAD = struct.Struct("<6I")  # height, width, then the box: top, left, height, width
_FEW = 16  # objects: of more, boxes are found all at once


@dataclass(frozen=True)
class PackedMask:
    """A binary mask as its bounding box and the compressed bits inside it. Equal masks are equal objects.

    Attributes:
        size: (height, width) of the frame.
        box: (top, left, height, width) of the smallest rectangle that holds the mask; zeros when it is empty.
        bits: zlib data of the box's rows, one bit a pixel, each row padded to whole bytes.
    """

    size: tuple[int, int]
    box: Box
    bits: bytes

    @classmethod
    def pack(cls, mask: np.ndarray) -> "PackedMask":
        """From bool or uint8 (H, W), not 0 inside."""
        plane = np.ascontiguousarray(mask).view(np.uint8)
        top, left, height, width = box = bounding_box(plane)
        if not width:
            return cls.empty(plane.shape)
        inside = plane[top : top + height, left : left + width] != 0
        return cls(plane.shape, box, compressed(np.packbits(inside, axis=1)))

    @classmethod
    def pack_part(cls, part: np.ndarray, size: tuple[int, int], top: int, left: int) -> "PackedMask":
        """From the part of a frame, bool or uint8 (h, w), that has all of the mask: quicker than from the whole frame.

        Args:
            size: (height, width) of the frame. top, left: where the part begins there.
        """
        packed = cls.pack(part)
        if packed.is_empty:
            return cls.empty(size)
        row, column, height, width = packed.box
        return cls((size[0], size[1]), (top + row, left + column, height, width), packed.bits)

    @classmethod
    def empty(cls, size: tuple[int, int]) -> "PackedMask":
        """The mask of an object that is not there."""
        return cls((size[0], size[1]), (0, 0, 0, 0), b"")

    @property
    def is_empty(self) -> bool:
        return not self.bits

    @property
    def checksum(self) -> int:
        """CRC-32 of the mask with its place in the frame."""
        return zlib.crc32(self.to_bytes())

    def inside(self) -> np.ndarray:
        """The box alone, bool (h, w).

        Raises:
            ValueError: `bits` are not the box's.
        """
        _, _, height, width = self.box
        if self.is_empty:
            return np.zeros((0, 0), bool)
        packed = decompressed(self.bits, height * -(-width // 8), "mask").reshape(height, -1)
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
        return sealed(_HEAD, (*self.size, *self.box), self.bits)

    @classmethod
    def from_bytes(cls, data: bytes) -> "PackedMask":
        """Read what `to_bytes` wrote. The bits stay packed: reading thousands of masks is cheap.

        Raises:
            ValueError: the bytes are damaged.
        """
        (height, width, top, left, box_height, box_width), bits = unsealed(_HEAD, data, "mask")
        mask = cls((height, width), (top, left, box_height, box_width), bits)
        if top + box_height > height or left + box_width > width or mask.is_empty != (0 in (box_height, box_width)):
            raise ValueError("damaged mask: the box does not fit")
        return mask


def pack_labels(labels: np.ndarray) -> dict[int, PackedMask]:
    """The objects of a label map uint8 (H, W), each with its mask."""
    ids = [i for i in values_of(labels) if i]
    if len(ids) <= _FEW:
        return {i: PackedMask.pack(labels == i) for i in ids}
    rows, columns = _occurrences(labels, 0), _occurrences(labels, 1)
    return {i: _pack_inside(labels, i, _extent(rows[i]), _extent(columns[i])) for i in ids}


def _occurrences(labels: np.ndarray, axis: int) -> np.ndarray:
    """bool (256, n): which values occur in each of the rows (axis 0) or columns (axis 1) of a label map."""
    seen = np.zeros((labels.shape[axis], 256), bool)
    number = np.arange(labels.shape[axis], dtype=np.intp) * 256
    seen.reshape(-1)[labels + (number[:, None] if axis == 0 else number)] = True
    return seen.T


def _extent(occurs: np.ndarray) -> tuple[int, int]:
    """First, and how many up to the last; of bool (n,) with a True in it."""
    values = np.flatnonzero(occurs)
    return int(values[0]), int(values[-1] - values[0]) + 1


def _pack_inside(labels: np.ndarray, value: int, rows: tuple[int, int], columns: tuple[int, int]) -> PackedMask:
    """The mask of `value`, which fills this box."""
    (top, height), (left, width) = rows, columns
    return PackedMask.pack_part(labels[top : top + height, left : left + width] == value, labels.shape, top, left)
