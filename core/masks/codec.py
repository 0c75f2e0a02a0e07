"""The one way in which masks, soft masks and label maps are kept in little space: the smallest rectangle that holds all
that is not 0, compressed; in files behind a head of numbers and a checksum of all of it."""

import struct
import zlib

import cv2
import numpy as np

Box = tuple[int, int, int, int]
"""(top, left, height, width)."""

_SUM = struct.Struct("<I")  # CRC-32 of all else; it stands before the head


def bounding_box(plane: np.ndarray) -> Box:
    """The smallest rectangle that holds all that is not 0 of uint8 (H, W); zeros if there is nothing."""
    left, top, width, height = cv2.boundingRect(plane) if plane.size else (0, 0, 0, 0)
    return (top, left, height, width) if width else (0, 0, 0, 0)


def compressed(content: np.ndarray) -> bytes:
    """An array's bytes, in rows."""
    return zlib.compress(np.ascontiguousarray(content).data, 1)


def decompressed(data: bytes, count: int, what: str) -> np.ndarray:
    """The bytes that `compressed` was given, uint8 (count,), read-only.

    Raises:
        ValueError: they are damaged, or other than `count`; the sentence names `what`.
    """
    try:
        content = zlib.decompressobj().decompress(data, count + 1)  # never more, whatever they hold
    except zlib.error as error:
        raise ValueError(f"damaged {what}: {error}") from error
    if len(content) != count:
        raise ValueError(f"damaged {what}: what it holds is not its box's")
    return np.frombuffer(content, np.uint8)


def sealed(head: struct.Struct, numbers: tuple[int, ...], content: bytes) -> bytes:
    """For a file: a checksum, the head's numbers, and compressed content."""
    rest = head.pack(*numbers) + content
    return _SUM.pack(zlib.crc32(rest)) + rest


def unsealed(head: struct.Struct, data: bytes, what: str) -> tuple[tuple[int, ...], bytes]:
    """Numbers and content that `sealed` was given; the content stays compressed: reading thousands is cheap.

    Raises:
        ValueError: the bytes are damaged; the sentence names `what`.
    """
    if len(data) < _SUM.size + head.size:
        raise ValueError(f"damaged {what}: {len(data)} bytes are too few")
    if _SUM.unpack_from(data)[0] != zlib.crc32(memoryview(data)[_SUM.size :]):
        raise ValueError(f"damaged {what}: the checksum differs")
    return head.unpack_from(data, _SUM.size), bytes(data[_SUM.size + head.size :])
