"""Memory of one frame of an unfinished run, as a file: for `--resume`, gone when the run is done."""

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
    """Write `ClipResult.remembered` as an npz; raises as `core.files.atomic_write` does.

    It has the mask logits of each object under its id, those of its distractor under "distractor-" and its id.
    """
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {str(obj): plane for obj, plane in remembered.logits.items()}
    arrays |= {f"distractor-{obj}": plane for obj, plane in remembered.distractors.items()}
    np.savez_compressed(buffer, **arrays)
    atomic_write(path, buffer.getvalue())


def read_remembered(path: Path) -> Remembered | None:
    """Read what `write_remembered` wrote; None if it is not there, or damaged."""
    try:
        with zipfile.ZipFile(path) as file:
            # Each member's checksum is compared before anything is made of it.
            arrays = {name.removesuffix(".npy"): _array(file.read(name)) for name in file.namelist()}
        # older files have a distractor under its object's id made negative, or say what is absent, as the logits do
        arrays = {f"distractor{name}" if name.startswith("-") else name: array for name, array in arrays.items()}
        arrays.pop("absent", None)
        logits = {int(name): arrays[name] for name in arrays if not name.startswith("distractor-")}
        distractors = {int(name[11:]): arrays[name] for name in arrays if name.startswith("distractor-")}
    except _DAMAGE:
        return None
    return Remembered(logits, distractors)


def _array(data: bytes) -> np.ndarray:
    return np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
