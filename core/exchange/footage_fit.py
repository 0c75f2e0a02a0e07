"""Masks from elsewhere, brought to the frames and the size of the footage."""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

import cv2
import numpy as np

from core.errors import PCVOSError
from core.exchange.importer import ImportRequest, Question, numbers_question
from core.masks.frame_numbers import FootageNames, UnclearNumberingError, place
from core.masks.packed_mask import PackedMask

_ASPECT_TOLERANCE = 0.01


class FrameNames:
    """The frames that the files named in a data set belong to, by the one rule of `core.masks.frame_numbers`.

    Attributes:
        notes: sentences on how the names were read. question: to be answered before they can be; None: nothing is.
    """

    def __init__(self, request: ImportRequest, names: Sequence[str], *, strangers: bool = False):
        """Read `names`, which can have folders.

        Args:
            strangers: files of other footage can be among them. If they lie in several folders, one of which is called
                like the footage, all others are strangers.

        Raises:
            PCVOSError: two of them belong to one frame.
        """
        media, self._media = request.media, request.media
        self.notes: tuple[str, ...] = ()
        self.question: Question | None = None
        self._frames: Mapping[str, int | None] = {}
        own = [name for name in names if _folder(name) == request.sequence] if strangers else []
        footage = FootageNames(media.stems, media.is_video)
        try:
            placement = place(own or names, footage, request.numbering, strangers=strangers)
        except UnclearNumberingError as error:
            self.question = numbers_question(error)
            return
        self._frames, self.notes = placement.frames, placement.notes
        first: dict[int, str] = {}
        for name, frame in self._frames.items():
            if frame is not None and first.setdefault(frame, name) != name:
                raise PCVOSError(
                    f"{request.path}: {first[frame]} and {name} are both of {footage.name(frame)}: leave one out."
                )

    def find(self, name: str) -> int | None:
        """The frame of one of the names; None: it belongs to none."""
        return self._frames.get(name)

    def refusal(self, name: str, where: str) -> PCVOSError:
        """The sentence for a name that belongs to no frame."""
        stems = self._media.stems
        return PCVOSError(
            f"{where} is {name}, which belongs to no frame of the footage: they are {stems[0]} to {stems[-1]}."
        )


def _folder(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).parent.name


def fit(mask: np.ndarray, size: tuple[int, int], where: str) -> PackedMask:
    """A mask, bool or uint8 (h, w), at the footage's `size` (height, width), by nearest; `where` is for the message.

    Raises:
        PCVOSError: its shape is another.
    """
    plane = np.ascontiguousarray(mask).view(np.uint8)
    check_shape(plane.shape, size, where)
    if plane.shape != tuple(size):
        return PackedMask.pack(cv2.resize(plane, (size[1], size[0]), interpolation=cv2.INTER_NEAREST_EXACT))
    return PackedMask.pack(plane)


def check_shape(shape: tuple[int, int], size: tuple[int, int], where: str) -> None:
    """Raise PCVOSError unless `shape` has the aspect ratio of `size` within 1 %."""
    (height, width), (wanted_height, wanted_width) = shape, size
    if min(shape) < 1 or abs(width * wanted_height / (height * wanted_width) - 1) > _ASPECT_TOLERANCE:
        raise PCVOSError(f"{where} is {width}x{height}, but the footage is {wanted_width}x{wanted_height}.")
