"""CVAT's "Segmentation mask 1.1": a zip with class masks and object masks in colours, and `labelmap.txt`.

It carries no tracks, so each object is a label of its own here, and a label read is one object. The labels of other
programs are all that a task knows: those on no frame are no objects. Frames of a video are called as CVAT calls them,
frame_000000; those of an image folder keep their names.
"""

import zipfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from core.annotation.packed_mask import pack_labels
from core.annotation.palette import DAVIS_PALETTE
from core.errors import PCVOSError
from core.exchange.cvat_zip import BACKGROUND, CLASSES, LABELS, read_zip
from core.exchange.estimating import from_samples
from core.exchange.exporter import Exporter, ExportRequest
from core.exchange.gathering import Gathering
from core.exchange.importer import COMPLETE, RGB, Found, Importer, ImportRequest
from core.exchange.parallel import in_threads
from core.project.model import ObjectInfo

_OBJECTS, _LIST = "SegmentationObject", "ImageSets/Segmentation/default.txt"
_HEADER = "# label:color_rgb:parts:actions"
_WRITTEN_HERE = "# Masks from PCVOS Studio: each label is an object"
_BGR = np.ascontiguousarray(DAVIS_PALETTE[None, :, ::-1])


class Cvat(Exporter):
    name = "cvat"
    label = "CVAT segmentation mask 1.1"
    writes = "A zip for CVAT: SegmentationClass and SegmentationObject in colours, labelmap.txt with a label an object."
    target = "file"
    suffixes = (".zip",)
    group = "data sets"

    def check(self, request: ExportRequest) -> None:
        for frame in request.frames:
            try:
                _frame_name(request, frame).encode("utf-8")
            except UnicodeEncodeError as error:
                name = _frame_name(request, frame).encode("utf-8", "backslashreplace").decode()
                raise PCVOSError(f"The frame {name} has a name that no zip can hold: rename it.") from error

    def estimate(self, request: ExportRequest) -> int:
        size = from_samples(request.frames, lambda frame: len(_colour_png(request.labels(frame))) + 250)
        return 2 * size

    def write(self, request: ExportRequest, place: Path) -> Iterator[int]:
        names = [_frame_name(request, frame) for frame in request.frames]
        jobs = (partial(_colour_png, request.labels(frame)) for frame in request.frames)
        with zipfile.ZipFile(place, "w", zipfile.ZIP_STORED) as file:  # PNGs are packed already
            file.writestr(LABELS, _label_map(request.objects))
            file.writestr(_LIST, "".join(f"{name}\n" for name in names))
            for done, (name, png) in enumerate(zip(names, in_threads(jobs), strict=True), start=1):
                # With a label an object, what class a pixel is and what object is the same.
                file.writestr(f"{CLASSES}/{name}.png", png)
                file.writestr(f"{_OBJECTS}/{name}.png", png)
                yield done


class CvatZip(Importer):
    name = "cvat"
    label = "CVAT segmentation mask 1.1"
    reads = "The class masks of the zip; each label of labelmap.txt is one object, as it carries no tracks."
    is_folder = False
    suffixes = (".zip",)
    options = (COMPLETE,)

    def recognises(self, path: Path) -> bool:
        return path.is_file() and zipfile.is_zipfile(path)

    def read(self, request: ImportRequest) -> Found:
        found, gathering = read_zip(request), Gathering()
        if found.names.question:
            return Found({}, (), (found.names.question,))
        labels = found.labels
        for name, _ in labels if _WRITTEN_HERE in found.text.splitlines() else ():  # else: all that a task knows
            _know(name, labels, gathering)
        for done, (frame, packed) in enumerate(found.masks.items()):
            request.tell(done, len(found.masks))
            gathering.cover(frame)
            for line, mask in pack_labels(packed.unpack()).items():
                name, _ = labels[line - 1]
                _know(name, labels, gathering)
                gathering.add(frame, name, mask)
        gathering.notes += found.names.notes
        gathering.warnings += found.warnings
        return gathering.found()


def _label_map(objects: tuple[ObjectInfo, ...]) -> str:
    """A line for each object, with the colour of its id."""
    lines, used = [_HEADER, _WRITTEN_HERE, f"{BACKGROUND}:0,0,0::"], {BACKGROUND}
    for info in objects:
        name = " ".join(info.name.replace(":", " ").replace(",", " ").replace("#", " ").split()) or f"Object {info.id}"
        name = f"{name} {info.id}" if name in used else name
        used.add(name)
        lines.append(f"{name}:{','.join(map(str, DAVIS_PALETTE[info.id]))}::")
    return "".join(f"{line}\n" for line in lines)


def _frame_name(request: ExportRequest, frame: int) -> str:
    return f"frame_{frame:06d}" if request.media.is_video else request.stem(frame)


def _colour_png(labels: np.ndarray) -> bytes:
    # Not indexed: what reads CVAT's masks takes one channel for numbers of labels, three for colours.
    colours = cv2.LUT(cv2.merge([labels] * 3), _BGR)
    return cv2.imencode(".png", colours, [cv2.IMWRITE_PNG_COMPRESSION, 3])[1].tobytes()


def _know(name: str, labels: Sequence[tuple[str, RGB]], gathering: Gathering) -> None:
    if name != BACKGROUND:
        gathering.know(name, _number(name, labels), name)


def _number(name: str, labels: Sequence[tuple[str, RGB]]) -> int:
    """The id that an object of this label gets if it is free: that of its colour in the palette, else its place."""
    objects = [(label, colour) for label, colour in labels if label != BACKGROUND]
    place = [label for label, _ in objects].index(name)
    matching = np.flatnonzero((objects[place][1] == DAVIS_PALETTE).all(axis=1))
    return int(matching[0]) if len(matching) else place + 1
