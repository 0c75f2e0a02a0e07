"""One door for every kind of footage."""

from fractions import Fraction
from pathlib import Path

from core.errors import PCVOSError
from core.media.images import DEFAULT_RATE, ImageFolder
from core.media.source import FrameSource

CACHE_BYTES = 256 * 2**20


def open_media(
    path: str | Path, *, folder_rate: Fraction | int = DEFAULT_RATE, cache_bytes: int = CACHE_BYTES
) -> FrameSource:
    """Open a video file or a folder of images.

    Args:
        path: the file or folder.
        folder_rate: frames per second to assume for a folder of images, which has no clock (default 25).
        cache_bytes: how much memory the decoded frames of a video may take (default 256 MiB).

    Raises:
        PCVOSError: no such file; not a video (the sentence says what was found); no frames; images of differing sizes.
    """
    path = Path(path)
    try:
        if path.is_dir():
            return ImageFolder(path, Fraction(folder_rate))
        if not path.exists():
            raise PCVOSError(f"{path} does not exist; give a video file or a folder of images.")
        return _open_video(path, cache_bytes)
    except OSError as error:
        raise PCVOSError(f"{path} cannot be opened: {error.strerror or error}.") from error


def _open_video(path: Path, cache_bytes: int) -> FrameSource:
    try:
        from core.media.video import VideoFile
    except ImportError as error:
        raise PCVOSError(f"{path} cannot be read without PyAV ({error}); install it with: pip install av") from error
    return VideoFile(path, cache_bytes)
