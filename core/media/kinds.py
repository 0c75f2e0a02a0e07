"""One door for every kind of footage."""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

from core.errors import PCVOSError
from core.media.images import DEFAULT_RATE, ImageFolder
from core.media.source import FrameSource
from core.progress import UNWATCHED, Progress

CACHE_BYTES = 256 * 2**20


def open_media(
    path: str | Path,
    *,
    folder_rate: Fraction | int = DEFAULT_RATE,
    cache_bytes: int = CACHE_BYTES,
    interactive: bool = False,
    index: bytes | None = None,
    progress: Progress = UNWATCHED,
) -> FrameSource:
    """Open a video file or a folder of images.

    Args:
        path: the file or folder.
        folder_rate: frames per second to assume for a folder of images, which has no clock (default 25).
        cache_bytes: how much memory the decoded frames of a video may take (default 256 MiB).
        interactive: whether a person steps and jumps through it, rather than a program reading frames in order. The
            pixels are the same; only what is decoded and kept besides differs.
        index: the `stored_index()` of an earlier opening. It spares the scan if the footage is still the same (judged
            by sizes, times of change, and both ends of a file); otherwise it is ignored.
        progress: of the scan.

    Raises:
        PCVOSError: no such file; not a video (the sentence says what was found); no frames; images of differing sizes.
        Cancelled: it is not wanted any more.
    """
    path = Path(path)
    with checked(path):
        if path.is_dir():
            return ImageFolder(path, Fraction(folder_rate), index, progress)
        with pyav_needed(path):
            from core.media.video import VideoFile
        return VideoFile(path, cache_bytes, interactive, index, progress)


@contextmanager
def checked(path: Path) -> Iterator[None]:
    """The system's reason not to open `path`, as one sentence (PCVOSError)."""
    try:
        if not path.exists():
            raise PCVOSError(f"{path} does not exist; give a video file or a folder of images.")
        yield
    except OSError as error:
        raise PCVOSError(f"{path} cannot be opened: {error.strerror or error}. Give another path.") from error


@contextmanager
def pyav_needed(path: Path) -> Iterator[None]:
    """Around the imports that a video needs and a folder does not."""
    try:
        yield
    except ImportError as error:
        raise PCVOSError(f"{path} cannot be read without PyAV ({error}); install it with: pip install av") from error
