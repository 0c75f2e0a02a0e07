"""A folder of images as footage.

Decisions:
- Files count by suffix (jpg, jpeg, png, webp, bmp, tif, tiff, in any case); hidden files, folders and others are
  passed over. Links that lead nowhere are, too, and that is told: a frame may be missing.
- Natural order: runs of digits compare as numbers, so frame2 comes before frame10.
- 16-bit samples become 8-bit ones by dropping the low byte (value >> 8), those of 32 bits that fit into 16 as well;
  negative ones are 0. Alpha is dropped, grey and palettes are expanded, the first page of a TIFF or animation is taken.
- An EXIF orientation is applied, as OpenCV's imread does, also where a PNG has it behind the pixels.
- Every header is read when the folder is opened, so that a size that differs is found before the work begins; the
  pixels are read when asked for, and a damaged file is an error there, never a half-grey frame. Of a folder that was
  opened before, and whose files have the sizes and times of change they had then, no header is read.
"""

import hashlib
import os
import re
import warnings
from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from core.errors import PCVOSError
from core.media.source import FrameSource, Timestamps
from core.media.tiff import has_unsigned_samples, silence_libtiff
from core.progress import UNWATCHED, Progress

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})
DEFAULT_RATE = Fraction(25)

_STORED = b"PCVOS folder 2\n"  # a stored index begins with this, then come the identity and the size
_ORIENTATION = 0x0112  # the EXIF tag; 5 to 8 turn the image by a quarter
_TAIL = 2**17  # bytes at the end of a PNG in which EXIF behind the pixels begins: 64 KiB of it, and some text
_DAMAGED = "{} cannot be read as an image ({}); replace it, or take it out of the folder."


class ImageFolder(FrameSource):
    """The images of one folder. It has no clock: frame i is shown at i / `rate`.

    Args:
        path: the folder.
        rate: frames per second to assume.
        stored: a `stored_index` of this folder; of any other it is ignored.
        progress: as `open_media` takes it.

    Raises:
        PCVOSError: no images, two files of one stem, an unreadable header, or images of differing sizes.
        Cancelled: it is not wanted any more.
    """

    is_video = False

    def __init__(
        self,
        path: Path,
        rate: Fraction = DEFAULT_RATE,
        stored: bytes | None = None,
        progress: Progress = UNWATCHED,
    ):
        self.path = path
        self.stems, names, lost = _stems_and_names(path)
        self.files = [path / name for name in names]
        self._identity = _identity(path, names)  # before the headers are read: should a file change meanwhile
        size = _stored_size(stored, self._identity) if stored else None
        self.size = _common_size(self.files, progress) if size is None else size
        self.rate = Fraction(rate)
        self.timestamps = Timestamps(range(len(self.files)), 1 / self.rate)
        self.warnings = [_leads_nowhere(path, lost)] if lost else []

    def _read(self, index: int) -> np.ndarray:
        file = self.files[index]
        pixels = _pixels(file)
        if pixels.shape[:2] != self.size:
            raise PCVOSError(_differs(file, pixels.shape[:2], self.files[0], self.size))
        return pixels

    def fingerprint(self) -> str:
        digest = hashlib.sha256(repr(self.size).encode())
        for file in self.files:
            digest.update(f"{file.name}\0{file.stat().st_size}\0".encode(errors="surrogateescape"))
        return digest.hexdigest()

    def stored_index(self) -> bytes:
        return _store_size(self.size, self._identity)

    def close(self) -> None:
        """Nothing is held open."""


def first_of_folder(path: Path) -> tuple[np.ndarray, int]:
    """The pixels of the first image, as `ImageFolder.read(0)` gives them, and how many images there are.

    Raises:
        PCVOSError: no images, two files of one stem, or the first cannot be read.
    """
    _, names, _ = _stems_and_names(path)
    return _pixels(path / names[0]), len(names)


def natural_key(name: str) -> tuple:
    """Sort key by which runs of digits compare as numbers; names that tie (01, 1) are ordered as text.

    Not natsort's: it has another order where names have accents or other digits, and frames of projects that are there
    would change places.
    """
    parts = re.split(r"([0-9]+)", name.casefold())
    return [int(part) if place % 2 else part for place, part in enumerate(parts)], name


def _stems_and_names(folder: Path) -> tuple[list[str], list[str], list[str]]:
    """The images of a folder in natural order: names without and with suffix (paths would be slow by the thousand); and
    the names of links that lead nowhere."""
    with os.scandir(folder) as entries:  # which knows what is a file without asking for each
        parts = [(*os.path.splitext(entry.name), entry) for entry in entries if not entry.name.startswith(".")]
        named = [(stem, entry) for stem, suffix, entry in parts if suffix.lower() in SUFFIXES]
        images = [(stem, entry.name) for stem, entry in named if entry.is_file()]
        lost = [entry.name for _, entry in named if entry.is_symlink() and not os.path.exists(entry.path)]
    lost.sort(key=natural_key)
    if not images:
        if lost:
            raise PCVOSError(_leads_nowhere(folder, lost))
        raise PCVOSError(f"{folder} holds no images; give a folder of {_listed(SUFFIXES)} files, or a video.")
    images.sort(key=lambda image: natural_key(image[0]))
    for (stem, one), (other_stem, other) in pairwise(images):
        if stem == other_stem:
            raise PCVOSError(f"{folder} holds two images of one name, {one} and {other}; keep one of them.")
    return [stem for stem, _ in images], [name for _, name in images], lost


def _leads_nowhere(folder: Path, lost: list[str]) -> str:
    more = f" and {len(lost) - 3} more" if len(lost) > 3 else ""
    links = "a link that leads" if len(lost) == 1 else "links that lead"
    return (
        f"{', '.join(lost[:3])}{more} in {folder} {'is' if len(lost) == 1 else 'are'} {links} nowhere, so no frame is "
        "made of it; put the image in its place if the frame is wanted."
    )


def _identity(folder: Path, names: list[str]) -> bytes:
    """The fingerprint of this state of the files: names, sizes, times of change."""
    digest = hashlib.sha256()
    for name in names:
        status = os.stat(os.path.join(folder, name))
        digest.update(f"{name}\0{status.st_size}\0{status.st_mtime_ns}\0".encode(errors="surrogateescape"))
    return _STORED + digest.digest()


def _store_size(size: tuple[int, int], identity: bytes) -> bytes:
    content = repr(size).encode()
    return identity + hashlib.sha256(content).digest() + content


def _stored_size(stored: bytes, identity: bytes) -> tuple[int, int] | None:
    """The size that `_store_size` kept, if it belongs to these files and is whole."""
    match = re.search(rb"\(([0-9]+), ([0-9]+)\)$", stored)
    size = (int(match[1]), int(match[2])) if match else (0, 0)
    return size if _store_size(size, identity) == stored else None


def _common_size(files: list[Path], progress: Progress) -> tuple[int, int]:
    first = _header_size(files[0])
    for file in progress.over(files):
        size = _header_size(file)
        if size != first:
            raise PCVOSError(_differs(file, size, files[0], first))
    return first


def _header_size(file: Path) -> tuple[int, int]:
    try:
        with _opened(file) as image:
            width, height = image.size
            if image.format == "PNG" and _has_late_exif(file):
                image.load()
            turned = _has_exif(image) and image.getexif().get(_ORIENTATION, 1) >= 5
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise PCVOSError(_DAMAGED.format(file, _reason(error))) from error
    return (width, height) if turned else (height, width)


def _pixels(file: Path) -> np.ndarray:
    try:
        return _decode(file)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise PCVOSError(_DAMAGED.format(file, _reason(error))) from error


def _decode(file: Path) -> np.ndarray:
    with _opened(file) as opened, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        opened.load()
        image = ImageOps.exif_transpose(opened) if _has_exif(opened) else opened
        if image.mode == "F":
            raise ValueError("its samples are floating point")
        if image.mode.startswith("I"):
            samples = np.asarray(image)
            if samples.dtype == np.int32 and has_unsigned_samples(opened):
                samples = samples.view(np.uint32)
            return _grey16_to_rgb(samples)
        return np.array(image.convert("RGB"), order="C")  # of 16-bit colour Pillow has kept the high byte


def _grey16_to_rgb(samples: np.ndarray) -> np.ndarray:
    if samples.max() > 0xFFFF:
        raise ValueError("its samples have more than 16 bits")
    return np.repeat((samples.clip(0) >> 8).astype(np.uint8)[..., None], 3, axis=2)


def _opened(file: Path) -> Image.Image:
    silence_libtiff()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a damaged header also raises; one sentence is enough
        return Image.open(file)


def _has_exif(image: Image.Image) -> bool:
    """Whether EXIF has been read. Asking a PNG without for it would decode the whole file; TIFF turns itself."""
    return "exif" in image.info


def _has_late_exif(file: Path) -> bool:
    """Whether a PNG seems to have EXIF near its end, where only decoding it comes by."""
    with file.open("rb") as data:
        data.seek(max(0, file.stat().st_size - _TAIL))
        return b"eXIf" in data.read()


def _differs(file: Path, size: tuple[int, int], first: Path, expected: tuple[int, int]) -> str:
    return (
        f"{file} is {size[1]}x{size[0]} while {first.name} is {expected[1]}x{expected[0]}; "
        "all images of a folder must be of one size."
    )


def _reason(error: Exception) -> str:
    """The decoder's message, without the path it may repeat."""
    if isinstance(error, Image.UnidentifiedImageError):
        return "its content is of no known format"
    return getattr(error, "strerror", None) or str(error)


def _listed(suffixes: Iterable[str]) -> str:
    return ", ".join(sorted(suffix[1:] for suffix in suffixes))
