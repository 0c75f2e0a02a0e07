"""Pillow's libtiff prints what is wrong with a file on stderr, before Pillow raises it: here it is told not to."""

import ctypes
import ctypes.util
import logging
from functools import cache
from pathlib import Path

import PIL

_logger = logging.getLogger(__name__)


@cache
def silence() -> None:
    """Let libtiff print nothing, in this process, from now on; where it cannot be found it goes on printing."""
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
