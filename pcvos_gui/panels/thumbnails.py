"""Small pictures of frames with their masks."""

from collections.abc import Mapping

import cv2
import numpy as np
from PySide6.QtGui import QImage

from core.project.model import Cell, ObjectInfo


def to_image(pixels: np.ndarray) -> QImage:
    """An image of its own from uint8 (H, W, 3) RGB."""
    pixels = np.ascontiguousarray(pixels)
    height, width, _ = pixels.shape
    return QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()


def shown_size(size: tuple[int, int], sample_aspect_ratio: float) -> tuple[float, float]:
    """Height and width, in square pixels, of a frame of `size` (H, W) whose pixels are `sample_aspect_ratio` times as
    wide as high; stretched, never shrunk."""
    return size[0] * max(1.0, 1 / sample_aspect_ratio), size[1] * max(1.0, sample_aspect_ratio)


def shrunk(image: np.ndarray, width: int, height: int, sample_aspect_ratio: float = 1.0) -> np.ndarray:
    """uint8 (h, w, 3), as large as fits `width` x `height` with the proportions kept; never enlarged."""
    tall, wide = shown_size(image.shape[:2], sample_aspect_ratio)
    scale = min(width / wide, height / tall, 1.0)
    size = (max(1, round(wide * scale)), max(1, round(tall * scale)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def with_masks(small: np.ndarray, cells: Mapping[int, Cell], objects: Mapping[int, ObjectInfo]) -> np.ndarray:
    """A shrunk frame with the masks of its cells in their objects' colours: uint8 (h, w, 3).

    Only what lies in a mask's box is unpacked and shrunk.
    """
    drawn = small.copy()
    for id, cell in cells.items():
        if id not in objects or cell.mask.is_empty:
            continue
        (height, width), (top, left, tall, wide) = cell.mask.size, cell.mask.box
        down, across = small.shape[0] / height, small.shape[1] / width
        y0, x0 = int(top * down), int(left * across)
        y1 = min(small.shape[0], max(y0 + 1, round((top + tall) * down)))
        x1 = min(small.shape[1], max(x0 + 1, round((left + wide) * across)))
        inside = cell.mask.inside().view(np.uint8) * 255
        share = cv2.resize(inside, (x1 - x0, y1 - y0), interpolation=cv2.INTER_AREA)[..., None] / 255 * 0.6
        area = drawn[y0:y1, x0:x1]
        area[...] = np.rint(area * (1 - share) + np.array(objects[id].colour) * share).astype(np.uint8)
    return drawn
