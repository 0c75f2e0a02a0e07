"""The objects in zips of CVAT masks that were written here: several of one class, each with its id and name.

CVAT's own zips number the objects of each frame anew, so that nothing says which is which on the next one. Here an
object mask has the colour of the object's id, and comments in `labelmap.txt` say which objects there are; CVAT passes
them over.
"""

import json
import zipfile
import zlib
from collections.abc import Sequence
from io import BytesIO

import numpy as np
from PIL import Image

from core.exchange.collector import Gathering
from core.exchange.footage_fit import FrameNames, fit
from core.exchange.importer import Found, ImportRequest
from core.masks.palette import DAVIS_PALETTE, rgb
from core.project.model import MAX_OBJECTS, ObjectInfo

_MARK = "# Masks from PCVOS Studio: the objects are"
_LINE = "# object "
_FOLDER, _LABELS = "SegmentationObject/", "labelmap.txt"
_LARGEST = 2**28  # pixels of a mask
_CODES = DAVIS_PALETTE.astype(np.uint32) @ np.array([65536, 256, 1], np.uint32)


class _ChangedError(Exception):
    """It is not as it was written."""


def object_lines(objects: Sequence[ObjectInfo]) -> list[str]:
    """Comments for `labelmap.txt` that say which objects there are."""
    about = (
        {"id": info.id, "name": info.name, "class": info.class_name, "color": list(info.colour)} for info in objects
    )
    return [_MARK, *(f"{_LINE}{json.dumps(item)}" for item in about)]


def read_own_zip(request: ImportRequest) -> Found | None:
    """The objects of a zip that says which there are; None: it does not, or was changed since, or is damaged: then it
    is read as any other."""
    try:
        with zipfile.ZipFile(request.path) as file:
            lines = file.read(_LABELS).decode("utf-8").splitlines() if _LABELS in file.namelist() else []
            if _MARK not in lines:
                return None
            gathering, ids = Gathering(), set()
            for line in lines:
                if line.startswith(_LINE):
                    about = json.loads(line.removeprefix(_LINE))
                    id, colour = int(about["id"]), rgb(about["color"])
                    gathering.know(id, id, str(about["name"]), colour, str(about["class"]))
                    ids.add(id)
            _read_masks(file, ids, request, gathering)
            return gathering.found()
    except (_ChangedError, KeyError, TypeError, ValueError):
        return None
    except (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, OSError):
        return None


def _read_masks(file: zipfile.ZipFile, ids: set[int], request: ImportRequest, gathering: Gathering) -> None:
    pictures = [info for info in file.infolist() if info.filename.startswith(_FOLDER)]
    if not pictures or not ids <= set(range(1, MAX_OBJECTS + 1)):
        raise _ChangedError
    names = FrameNames(request, [info.filename for info in pictures])
    if names.question:
        raise _ChangedError  # the usual way asks it
    gathering.notes += names.notes
    for info in request.progress.over(pictures):
        frame = names.find(info.filename)
        if frame is None:
            raise _ChangedError  # the usual way has a sentence for it
        labels = _labels(file.read(info))
        values = set(np.unique(labels).tolist()) - {0}
        if not values <= ids:
            raise _ChangedError
        gathering.cover(frame)
        for id in sorted(values):
            where = f"{request.path}: {info.filename}"
            gathering.add(frame, id, fit(labels == id, request.media.size, where))


def _labels(png: bytes) -> np.ndarray:
    """uint8 (H, W) of a colour PNG, value = id."""
    with Image.open(BytesIO(png)) as image:
        if image.mode != "RGB" or image.width * image.height > _LARGEST:
            raise _ChangedError
        pixels = np.asarray(image, np.uint32)
    codes = pixels[..., 0] << 16 | pixels[..., 1] << 8 | pixels[..., 2]
    order = np.argsort(_CODES)
    place = np.clip(np.searchsorted(_CODES[order], codes), 0, 255)
    if (_CODES[order][place] != codes).any():
        raise _ChangedError
    return order.astype(np.uint8)[place]
