"""A folder of images as footage.

Decisions:
- Files count by suffix (jpg, jpeg, png, webp, bmp, tif, tiff, in any case); hidden files, folders and others are
  passed over.
- Natural order: runs of digits compare as numbers, so frame2 comes before frame10.
- 16-bit samples become 8-bit ones by dropping the low byte (value >> 8). Alpha is dropped, grey and palettes are
  expanded, the first page of a TIFF or animation is taken.
- An EXIF orientation is applied, as OpenCV's imread does.
- Every header is read when the folder is opened, so that a size that differs is found before the work begins; the
  pixels are read when asked for, and a damaged file is an error there, never a half-grey frame.
"""

import hashlib
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

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})
DEFAULT_RATE = Fraction(25)

_ORIENTATION = 0x0112  # the EXIF tag; 5 to 8 turn the image by a quarter
_DAMAGED = "{} cannot be read as an image ({}); replace it, or take it out of the folder."


class ImageFolder(FrameSource):
    """The images of one folder. It has no clock: frame i is shown at i / `rate`.

    Args:
        path: the folder.
        rate: frames per second to assume.

    Raises:
        PCVOSError: no images, two files of one stem, an unreadable header, or images of differing sizes.
    """

    is_video = False

    def __init__(self, path: Path, rate: Fraction = DEFAULT_RATE):
        self.path = path
        self.files = _image_files(path)
        self.stems = [file.stem for file in self.files]
        self.size = _common_size(self.files)
        self.rate = Fraction(rate)
        self.timestamps = Timestamps(range(len(self.files)), 1 / self.rate)
        self.warnings = []

    def _read(self, index: int) -> np.ndarray:
        file = self.files[index]
        try:
            pixels = _decode(file)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise PCVOSError(_DAMAGED.format(file, _reason(error))) from error
        if pixels.shape[:2] != self.size:
            raise PCVOSError(_differs(file, pixels.shape[:2], self.files[0], self.size))
        return pixels

    def fingerprint(self) -> str:
        digest = hashlib.sha256(repr(self.size).encode())
        for file in self.files:
            digest.update(f"{file.name}\0{file.stat().st_size}\0".encode(errors="surrogateescape"))
        return digest.hexdigest()

    def close(self) -> None:
        """Nothing is held open."""


def natural_key(name: str) -> tuple:
    """Sort key by which runs of digits compare as numbers; names that tie (01, 1) are ordered as text."""
    parts = re.split(r"([0-9]+)", name.casefold())
    return [int(part) if place % 2 else part for place, part in enumerate(parts)], name


def _image_files(folder: Path) -> list[Path]:
    found = (f for f in folder.iterdir() if f.suffix.lower() in SUFFIXES and not f.name.startswith(".") and f.is_file())
    files = sorted(found, key=lambda file: natural_key(file.stem))
    if not files:
        raise PCVOSError(f"{folder} holds no images; give a folder of {_listed(SUFFIXES)} files, or a video.")
    for one, other in pairwise(files):
        if one.stem == other.stem:
            raise PCVOSError(f"{folder} holds two images of one name, {one.name} and {other.name}; keep one of them.")
    return files


def _common_size(files: list[Path]) -> tuple[int, int]:
    first = _header_size(files[0])
    for file in files[1:]:
        size = _header_size(file)
        if size != first:
            raise PCVOSError(_differs(file, size, files[0], first))
    return first


def _header_size(file: Path) -> tuple[int, int]:
    try:
        with _opened(file) as image:
            width, height = image.size
            turned = _has_exif(image) and image.getexif().get(_ORIENTATION, 1) >= 5
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise PCVOSError(_DAMAGED.format(file, _reason(error))) from error
    return (width, height) if turned else (height, width)


def _decode(file: Path) -> np.ndarray:
    with _opened(file) as opened:
        has_exif = _has_exif(opened)
        opened.load()
        image = ImageOps.exif_transpose(opened) if has_exif else opened
        if image.mode == "F":
            raise ValueError("its samples are floating point")
        if image.mode.startswith("I"):
            return _grey16_to_rgb(np.asarray(image))
        return np.array(image.convert("RGB"), order="C")  # of 16-bit colour Pillow has kept the high byte


def _grey16_to_rgb(samples: np.ndarray) -> np.ndarray:
    if samples.max() > 0xFFFF:
        raise ValueError("its samples have more than 16 bits")
    return np.repeat((samples >> 8).astype(np.uint8)[..., None], 3, axis=2)


def _opened(file: Path) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a damaged header also raises; one sentence is enough
        return Image.open(file)


def _has_exif(image: Image.Image) -> bool:
    """Whether the header carries EXIF. Asking a PNG without for it would decode the whole file; TIFF turns itself."""
    return "exif" in image.info


def _differs(file: Path, size: tuple[int, int], first: Path, expected: tuple[int, int]) -> str:
    return (
        f"{file} is {size[1]}x{size[0]} while {first.name} is {expected[1]}x{expected[0]}; "
        "all images of a folder must be of one size."
    )


def _reason(error: Exception) -> str:
    """What the decoder said, without the path it may repeat."""
    if isinstance(error, Image.UnidentifiedImageError):
        return "its content is of no known format"
    return getattr(error, "strerror", None) or str(error)


def _listed(suffixes: Iterable[str]) -> str:
    return ", ".join(sorted(suffix[1:] for suffix in suffixes))
