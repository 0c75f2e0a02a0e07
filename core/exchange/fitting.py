"""Masks from elsewhere, brought to the frames and the size of the footage."""

import re
from pathlib import PurePosixPath

import cv2
import numpy as np

from core.annotation.mask_files import frame_finder
from core.annotation.packed_mask import PackedMask
from core.errors import PCVOSError
from core.media.source import FrameSource

_ASPECT_TOLERANCE = 0.01
_CVAT_FRAME = re.compile(r"frame_([0-9]+)")  # as CVAT calls the frames of a video


class FrameNames:
    """Finds the frame that a file name speaks of: as `load_masks` does, and as CVAT numbers a video's frames."""

    def __init__(self, media: FrameSource):
        self._media = media
        self._find = frame_finder(media.stems, media.is_video)

    def find(self, name: str) -> int | None:
        """The frame of a file name, which can have folders and a suffix; None: it belongs to none."""
        stem = PurePosixPath(name.replace("\\", "/")).stem
        frame = self._find(stem)
        if frame is None and (found := _CVAT_FRAME.fullmatch(stem)):
            frame = int(found[1]) if int(found[1]) < len(self._media) else None
        return frame

    def refusal(self, name: str, where: str) -> PCVOSError:
        """The sentence for a name that belongs to no frame."""
        stems = self._media.stems
        return PCVOSError(
            f"{where} is {name}, which belongs to no frame of the footage: they are {stems[0]} to {stems[-1]}."
        )


def fit(mask: np.ndarray, size: tuple[int, int], where: str) -> PackedMask:
    """A mask, bool or uint8 (h, w), at the footage's `size` (height, width), by nearest; `where` is for the message.

    Raises:
        PCVOSError: its shape is another.
    """
    plane = np.ascontiguousarray(mask).view(np.uint8)
    check_shape(plane.shape, size, where)
    if plane.shape != tuple(size):
        plane = cv2.resize(plane, (size[1], size[0]), interpolation=cv2.INTER_NEAREST_EXACT)
    return PackedMask.pack(plane)


def check_shape(shape: tuple[int, int], size: tuple[int, int], where: str) -> None:
    """Raise PCVOSError unless `shape` has the aspect ratio of `size` within 1 %."""
    (height, width), (wanted_height, wanted_width) = shape, size
    if min(shape) < 1 or abs(width * wanted_height / (height * wanted_width) - 1) > _ASPECT_TOLERANCE:
        raise PCVOSError(f"{where} is {width}x{height}, but the footage is {wanted_width}x{wanted_height}.")
