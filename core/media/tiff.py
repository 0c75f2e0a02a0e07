"""The peculiarities of TIFF files as Pillow reads them."""

import ctypes
import ctypes.util
import logging
from functools import cache
from pathlib import Path

import PIL
from PIL import Image

_logger = logging.getLogger(__name__)

_SAMPLE_FORMAT = 339  # the tag; 2: signed whole numbers
_SIGNED = 2


@cache
def silence_libtiff() -> None:
    """Keep libtiff from printing what it finds in damaged files, which Pillow raises as well; where it cannot be found,
    it goes on printing."""
    packages = Path(PIL.__file__).parents[1]
    bundled = (*packages.glob("[Pp]illow.libs/libtiff*"), *packages.glob("PIL/.dylibs/libtiff*"))
    for library in (*map(str, bundled), ctypes.util.find_library("tiff") if not bundled else None):
        if library is None:
            continue
        try:
            tiff = ctypes.CDLL(library)  # the one that Pillow has loaded, or will
            for name in ("TIFFSetErrorHandler", "TIFFSetWarningHandler"):
                handler = getattr(tiff, name)
                handler.argtypes, handler.restype = [ctypes.c_void_p], ctypes.c_void_p
                handler(None)
        except (OSError, AttributeError) as error:
            _logger.info("libtiff of %s keeps printing: %s", library, error)


def has_unsigned_samples(image: Image.Image) -> bool:
    """Whether whole numbers of 32 bits, which Pillow takes as signed ones, are meant without a sign."""
    tags = getattr(image, "tag_v2", None)
    return tags is not None and _SIGNED not in tuple(tags.get(_SAMPLE_FORMAT, ()))
