"""Footage to look at while it is being opened.

Opening a film of hours scans the file, opening a folder looks into every image. This tells within moments what a window
needs to begin with: the first frame, exactly, and about how long it is.
"""

from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.errors import PCVOSError
from core.media.images import DEFAULT_RATE, first_of_folder
from core.media.kinds import checked, pyav_needed
from core.media.source import SQUARE

if TYPE_CHECKING:
    from core.media.stream import OpenVideo

_SAMPLE = 100  # packets at the beginning of a file
_FAR_TOO_MANY = 4  # times the frames that its size allows for: its clock begins anew somewhere


@dataclass(frozen=True, eq=False)
class ProvisionalFootage:
    """The facts on footage before it has been opened.

    Attributes:
        path: the file or folder.
        size: (height, width) as displayed.
        rate: frames per second, as the file states it; the true average can differ.
        frames: about how many there are, at least 1.
        is_exact: whether `frames` is the true number, as it is for a folder.
        sample_aspect_ratio: how wide a pixel is to be shown, over how high.
        is_video: a video file rather than a folder of images.
        first: uint8 (H, W, 3) RGB, exactly frame 0.
    """

    path: Path
    size: tuple[int, int]
    rate: Fraction
    frames: int
    is_exact: bool
    is_video: bool
    first: np.ndarray
    sample_aspect_ratio: Fraction = SQUARE


def open_provisionally(path: str | Path, *, folder_rate: Fraction | int = DEFAULT_RATE) -> ProvisionalFootage:
    """Look at a video file or a folder of images without scanning it.

    Args:
        path: the file or folder.
        folder_rate: frames per second to assume for a folder.

    Raises:
        PCVOSError: no such file; not a video (the sentence says what was found); no frame that can be shown. What lies
        further on in the footage, damage included, only `open_media` finds.
    """
    path = Path(path)
    with checked(path):
        return _folder(path, Fraction(folder_rate)) if path.is_dir() else _video(path)


def _folder(path: Path, rate: Fraction) -> ProvisionalFootage:
    pixels, count = first_of_folder(path)
    return ProvisionalFootage(path, pixels.shape[:2], rate, count, is_exact=True, is_video=False, first=pixels)


def _video(path: Path) -> ProvisionalFootage:
    with pyav_needed(path):
        from core.media.pixels import Developer
        from core.media.stream import OpenVideo
        from core.media.video_index import DEFAULT_VIDEO_RATE

    with OpenVideo(path, threads=False) as video:  # several threads would decode several frames for the first
        rate = video.rate or DEFAULT_VIDEO_RATE
        frame = next(video.frames(video.packets()), None)
        if frame is None:
            raise PCVOSError(f"{path} has no frame that can be decoded; check that the video plays.")
        developer = Developer(frame)
        count = video.frame_count or round((video.duration or 0) * rate)
        if video.can_be_joined and count > _FAR_TOO_MANY * (by_size := _by_size(video)):
            count = by_size
        return ProvisionalFootage(
            path,
            developer.size,
            rate,
            max(1, count),
            is_exact=False,
            is_video=True,
            first=developer.develop(frame),
            sample_aspect_ratio=developer.shown_aspect(video.sample_aspect_ratio),
        )


def _by_size(video: "OpenVideo") -> int:
    """About how many frames a file has if all take as many bytes as the first ones."""
    video.reopen()
    packets = list(islice(video.packets(), _SAMPLE))
    last = max((packet.pos for packet in packets if packet.pos), default=0)
    return max(1, len(packets) * video.byte_count // last if last and len(packets) == _SAMPLE else len(packets))
