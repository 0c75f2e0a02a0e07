"""The peculiarities of TIFF files as Pillow reads them."""

import ctypes
import ctypes.util
from functools import cache
from pathlib import Path

import PIL
from PIL import Image

_SAMPLE_FORMAT = 339  # the tag; 2: signed whole numbers
_SIGNED = 2


@cache
def silence_libtiff() -> None:
    """Keep libtiff from writing what it finds in damaged files to stderr: Pillow raises an error as well.

    Where its library is no file of its own (Pillow's wheels for Windows), it goes on doing so.
    """
    package = Path(PIL.__file__).parent
    found = [*package.parent.glob("pillow.libs/libtiff*"), *package.glob(".dylibs/libtiff*")]
    name = str(found[0]) if found else ctypes.util.find_library("tiff")
    if name is None:
        return
    try:
        library = ctypes.CDLL(name)
        library.TIFFSetErrorHandler(None)
        library.TIFFSetWarningHandler(None)
    except (OSError, AttributeError):
        return


def has_unsigned_samples(image: Image.Image) -> bool:
    """Whether whole numbers of 32 bits, which Pillow takes as signed ones, are meant without a sign."""
    tags = getattr(image, "tag_v2", None)
    return tags is not None and _SIGNED not in tuple(tags.get(_SAMPLE_FORMAT, ()))
