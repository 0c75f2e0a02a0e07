"""CVAT's "Segmentation mask 1.1": a zip with class masks and object masks in colours, and `labelmap.txt`.

A label is a class, or an object that has none. The format carries no tracks, so a label read is one object, but in zips
that were written here: their object masks have the colour of the object's id, and `labelmap.txt` lists the objects
(`cvat_objects`). The labels of other programs are all that a task knows: those on no frame are no objects. Frames of a
video are called as CVAT calls them, frame_000000; those of an image folder keep their names.
"""

import zipfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from core.errors import PCVOSError
from core.exchange.categories import Categories, categories_of
from core.exchange.collector import Gathering
from core.exchange.cvat_zip import BACKGROUND, CLASSES, LABELS, read_zip
from core.exchange.exporter import Exporter, ExportRequest, from_samples
from core.exchange.formats.cvat_objects import object_lines, read_own_zip
from core.exchange.importer import COMPLETE, RGB, Found, Importer, ImportRequest
from core.exchange.parallel import in_threads
from core.exchange.unprocessed import UNPROCESSED
from core.masks.packed_mask import pack_labels
from core.masks.palette import DAVIS_PALETTE
from core.project.model import MAX_OBJECTS

_OBJECTS, _LIST = "SegmentationObject", "ImageSets/Segmentation/default.txt"
_HEADER = "# label:color_rgb:parts:actions"
_WRITTEN_HERE = "# Masks from PCVOS Studio: each label is an object"
_BGR = np.ascontiguousarray(DAVIS_PALETTE[None, :, ::-1])


class Cvat(Exporter):
    name = "cvat"
    label = "CVAT segmentation mask 1.1"
    writes = "A zip for CVAT: SegmentationClass and SegmentationObject in colours, labelmap.txt with a label a class."
    target = "file"
    suffixes = (".zip",)
    options = (UNPROCESSED,)
    group = "data sets"

    def check(self, request: ExportRequest) -> None:
        if len(categories_of(request).all) > MAX_OBJECTS:
            raise PCVOSError(f"These masks can hold {MAX_OBJECTS} labels: the project has more classes; list fewer.")
        for frame in request.frames:
            try:
                frame_name(request, frame).encode("utf-8")
            except UnicodeEncodeError as error:
                name = frame_name(request, frame).encode("utf-8", "backslashreplace").decode()
                raise PCVOSError(f"The frame {name} has a name that no zip can hold: rename it.") from error

    def estimate(self, request: ExportRequest) -> int:
        size = from_samples(request.frames, lambda frame: len(_colour_png(request.labels(frame))) + 250)
        return 2 * size

    def write(self, request: ExportRequest, place: Path) -> Iterator[int]:
        names = [frame_name(request, frame) for frame in request.frames]
        categories = categories_of(request)
        table = None if categories.are_objects else _table(categories)
        jobs = (partial(_pngs, request.labels(frame), table) for frame in request.frames)
        with zipfile.ZipFile(place, "w", zipfile.ZIP_STORED) as file:  # PNGs are packed already
            file.writestr(LABELS, _label_map(request, categories))
            file.writestr(_LIST, "".join(f"{name}\n" for name in names))
            for done, (name, (classes, objects)) in enumerate(zip(names, in_threads(jobs), strict=True), start=1):
                file.writestr(f"{CLASSES}/{name}.png", classes)
                file.writestr(f"{_OBJECTS}/{name}.png", objects)
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
        if (own := read_own_zip(request)) is not None:
            return own
        found, gathering = read_zip(request), Gathering()
        if found.names.question:
            return Found({}, (), (found.names.question,))
        labels = found.labels
        for name, _ in labels if _WRITTEN_HERE in found.text.splitlines() else ():  # else: all that a task knows
            _know(name, labels, gathering, is_class=False)
        for frame, packed in request.progress.over(found.masks.items()):
            gathering.cover(frame)
            for line, mask in pack_labels(packed.unpack()).items():
                name, _ = labels[line - 1]
                _know(name, labels, gathering)
                gathering.add(frame, name, mask)
        gathering.notes += found.names.notes
        gathering.warnings += found.warnings
        return gathering.found()


def _label_map(request: ExportRequest, categories: Categories) -> str:
    """A line for each label, with the colour of its number; of classes also which objects there are."""
    lines = [_HEADER, _WRITTEN_HERE] if categories.are_objects else [_HEADER, *object_lines(request.objects)]
    lines.append(f"{BACKGROUND}:0,0,0::")
    used = {BACKGROUND}
    # Objects in the order of their list, which is that of their lines ever since.
    for number in categories.of.values() if categories.are_objects else categories.all:
        name = categories.all[number].name
        name = " ".join(name.replace(":", " ").replace(",", " ").replace("#", " ").split()) or f"Object {number}"
        name = f"{name} {number}" if name in used else name
        used.add(name)
        lines.append(f"{name}:{','.join(map(str, DAVIS_PALETTE[number]))}::")
    return "".join(f"{line}\n" for line in lines)


def frame_name(request: ExportRequest, frame: int) -> str:
    """CVAT's name of a frame: those of a video by their numbers."""
    return f"frame_{frame:06d}" if request.media.is_video else request.stem(frame)


def _table(categories: Categories) -> np.ndarray:
    """The number of each object's category, uint8 (256,), by its id."""
    table = np.zeros(256, np.uint8)
    for id, number in categories.of.items():
        table[id] = number
    return table


def _pngs(labels: np.ndarray, table: np.ndarray | None) -> tuple[bytes, bytes]:
    """PNGs of classes and of objects; without a `table` they are the same."""
    objects = _colour_png(labels)
    return (objects if table is None else _colour_png(cv2.LUT(labels, table))), objects


def _colour_png(labels: np.ndarray) -> bytes:
    # Not indexed: what reads CVAT's masks takes one channel for numbers of labels, three for colours.
    colours = cv2.LUT(cv2.merge([labels] * 3), _BGR)
    return cv2.imencode(".png", colours, [cv2.IMWRITE_PNG_COMPRESSION, 3])[1].tobytes()


def _know(name: str, labels: Sequence[tuple[str, RGB]], gathering: Gathering, is_class: bool = True) -> None:
    if name != BACKGROUND:
        gathering.know(name, _number(name, labels), name, class_name=name if is_class else "")


def _number(name: str, labels: Sequence[tuple[str, RGB]]) -> int:
    """The id that an object of this label gets if it is free: that of its colour in the palette, else its place."""
    objects = [(label, colour) for label, colour in labels if label != BACKGROUND]
    place = [label for label, _ in objects].index(name)
    matching = np.flatnonzero((np.array(objects[place][1]) == DAVIS_PALETTE).all(axis=1))
    return int(matching[0]) if len(matching) else place + 1
