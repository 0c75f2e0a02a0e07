"""What an unfinished run remembered of one frame, as a file: for `--resume`, gone when the run is done."""

import io
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from core.files import atomic_write
from core.propagation import Remembered

# All that reading a damaged archive was seen to raise.
_DAMAGE = (OSError, ValueError, EOFError, KeyError, RuntimeError, struct.error, zipfile.BadZipFile, zlib.error)


def write_remembered(path: Path, remembered: Remembered) -> None:
    """Write `ClipResult.remembered` as an npz, an array an object; raises as `core.files.atomic_write` does."""
    buffer = io.BytesIO()
    planes: dict[str, Any] = {str(obj): plane for obj, plane in remembered.items()}
    np.savez_compressed(buffer, **planes)
    atomic_write(path, buffer.getvalue())


def read_remembered(path: Path) -> Remembered | None:
    """What `write_remembered` wrote; None if it is not there, or damaged."""
    try:
        with zipfile.ZipFile(path) as file:
            # Each member's checksum is compared before anything is made of it.
            return {int(name.removesuffix(".npy")): _array(file.read(name)) for name in file.namelist()}
    except _DAMAGE:
        return None


def _array(data: bytes) -> np.ndarray:
    return np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
