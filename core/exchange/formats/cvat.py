"""CVAT's "Segmentation mask 1.1": a zip with class masks and object masks in colours, and `labelmap.txt`.

A label is a class, or an object that has none. The format carries no tracks, so a label read is one object, but in zips
that were written here: their object masks have the colour of the object's id, and `labelmap.txt` lists the objects
(`cvat_objects`). The labels of other programs are all that a task knows: those on no frame are no objects. Frames of a
video are called as CVAT calls them, frame_000000; those of an image folder keep their names.
"""

import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path, PurePosixPath

import cv2
import numpy as np

from core.annotation.mask_files import load_masks
from core.annotation.packed_mask import pack_labels
from core.annotation.palette import DAVIS_PALETTE
from core.errors import PCVOSError
from core.exchange.categories import Categories, categories_of
from core.exchange.estimating import from_samples
from core.exchange.exporter import Exporter, ExportRequest
from core.exchange.fitting import FrameNames
from core.exchange.formats.cvat_objects import object_lines, read_own_zip
from core.exchange.gathering import Gathering
from core.exchange.importer import COMPLETE, RGB, Found, Importer, ImportRequest
from core.exchange.parallel import in_threads
from core.exchange.unprocessed import UNPROCESSED
from core.project.model import MAX_OBJECTS

_CLASSES, _OBJECTS, _LIST = "SegmentationClass", "SegmentationObject", "ImageSets/Segmentation/default.txt"
_LABELS = "labelmap.txt"
_HEADER = "# label:color_rgb:parts:actions"
_WRITTEN_HERE = "# Masks from PCVOS Studio: each label is an object"
_BACKGROUND = "background"
_BGR = np.ascontiguousarray(DAVIS_PALETTE[None, :, ::-1])
_BYTES_AT_MOST = 2**30  # of one picture, packed or not


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
            file.writestr(_LABELS, _label_map(request, categories))
            file.writestr(_LIST, "".join(f"{name}\n" for name in names))
            for done, (name, (classes, objects)) in enumerate(zip(names, in_threads(jobs), strict=True), start=1):
                file.writestr(f"{_CLASSES}/{name}.png", classes)
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
        with tempfile.TemporaryDirectory() as folder:
            text, names = _unpack(request, Path(folder))
            if names.question:
                return Found({}, (), (names.question,))
            labels = _read_labels(text, request.path)
            gathering = Gathering()
            for name, _ in labels if _WRITTEN_HERE in text.splitlines() else ():  # else: all that a task knows
                _know(name, labels, gathering, is_class=False)
            _gather(Path(folder), labels, request, gathering)
            gathering.notes += names.notes
            return gathering.found()


def _label_map(request: ExportRequest, categories: Categories) -> str:
    """A line for each label, with the colour of its number; of classes also which objects there are."""
    lines = [_HEADER, _WRITTEN_HERE] if categories.are_objects else [_HEADER, *object_lines(request.objects)]
    lines.append(f"{_BACKGROUND}:0,0,0::")
    used = {_BACKGROUND}
    # Objects in the order of their list, which is that of their lines ever since.
    for number in categories.of.values() if categories.are_objects else categories.all:
        name = categories.all[number].name
        name = " ".join(name.replace(":", " ").replace(",", " ").replace("#", " ").split()) or f"Object {number}"
        name = f"{name} {number}" if name in used else name
        used.add(name)
        lines.append(f"{name}:{','.join(map(str, DAVIS_PALETTE[number]))}::")
    return "".join(f"{line}\n" for line in lines)


def frame_name(request: ExportRequest, frame: int) -> str:
    """What CVAT calls a frame: those of a video by their numbers."""
    return f"frame_{frame:06d}" if request.media.is_video else request.stem(frame)


def _table(categories: Categories) -> np.ndarray:
    """The number of each object's category, uint8 (256,), by its id."""
    table = np.zeros(256, np.uint8)
    for id, number in categories.of.items():
        table[id] = number
    return table


def _pngs(labels: np.ndarray, table: np.ndarray | None) -> tuple[bytes, bytes]:
    """Of classes and of objects; without a `table` they are the same."""
    objects = _colour_png(labels)
    return (objects if table is None else _colour_png(cv2.LUT(labels, table))), objects


def _colour_png(labels: np.ndarray) -> bytes:
    # Not indexed: what reads CVAT's masks takes one channel for numbers of labels, three for colours.
    colours = cv2.LUT(cv2.merge([labels] * 3), _BGR)
    return cv2.imencode(".png", colours, [cv2.IMWRITE_PNG_COMPRESSION, 3])[1].tobytes()


def _unpack(request: ImportRequest, folder: Path) -> tuple[str, FrameNames]:
    """The class masks come into `folder`; the text of the label map, and how the frames were found."""
    try:
        with zipfile.ZipFile(request.path) as file:
            text = _label_text(file, request.path)
            return text, _unpack_classes(file, request, folder)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:  # cut, encrypted, or packed otherwise
        raise PCVOSError(f"{request.path} is no zip that can be read, or is cut short: {error}.") from error
    except OSError as error:
        raise PCVOSError(f"{request.path} cannot be read: {error.strerror or error}.") from error


def _label_text(file: zipfile.ZipFile, path: Path) -> str:
    if _LABELS not in file.namelist():
        raise PCVOSError(f"{path} holds no {_LABELS}: export it from CVAT as Segmentation mask 1.1.")
    return file.read(_LABELS).decode("utf-8", "replace")


def _read_labels(text: str, path: Path) -> list[tuple[str, RGB]]:
    """Name and colour of each line of the label map, the background too."""
    labels = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.startswith("#"):
            name, _, rest = line.partition(":")
            parts = rest.partition(":")[0].split(",")
            if len(parts) != 3 or not all(part.strip().isdecimal() and int(part) < 256 for part in parts):
                raise PCVOSError(f"{path}: {_LABELS}, line {number} has no colour: it should be NAME:R,G,B::.")
            red, green, blue = map(int, parts)
            labels.append((name.strip(), (red, green, blue)))
    return labels


def _unpack_classes(file: zipfile.ZipFile, request: ImportRequest, folder: Path) -> FrameNames:
    """The class masks, called like the footage's frames."""
    pictures = [i for i in file.infolist() if i.filename.startswith(f"{_CLASSES}/") and i.filename.endswith(".png")]
    if not pictures:
        raise PCVOSError(f"{request.path} holds no PNG in {_CLASSES}: export it from CVAT as Segmentation mask 1.1.")
    names = FrameNames(request, [info.filename for info in pictures])
    for info in pictures if names.question is None else ():
        if info.file_size > _BYTES_AT_MOST:
            raise PCVOSError(f"{request.path}: {info.filename} is too large.")
        frame = names.find(info.filename)
        if frame is None:
            raise names.refusal(PurePosixPath(info.filename).name, f"{request.path}: {info.filename}")
        (folder / f"{request.media.stems[frame]}.png").write_bytes(file.read(info))
    return names


def _gather(folder: Path, labels: list[tuple[str, RGB]], request: ImportRequest, gathering: Gathering) -> None:
    """The objects of the class masks in a folder."""
    media = request.media
    try:
        masks = load_masks(
            folder, media.stems, media.size, is_video=media.is_video, may_be_empty=True, tell=request.tell
        )
    except PCVOSError as error:  # the folder is nowhere a person could look
        raise PCVOSError(str(error).replace(str(folder), f"{request.path}: {_CLASSES}")) from error
    name_of = _names(masks.objects, masks.colours, labels, request.path)
    for done, annotation in enumerate(masks.annotations):
        request.tell(done, len(masks.annotations))
        gathering.cover(annotation.frame)
        for id, mask in pack_labels(annotation.labels).items():
            if name_of[id] != _BACKGROUND:
                _know(name_of[id], labels, gathering)
                gathering.add(annotation.frame, name_of[id], mask)
    gathering.warnings += masks.warnings


def _know(name: str, labels: list[tuple[str, RGB]], gathering: Gathering, is_class: bool = True) -> None:
    if name != _BACKGROUND:
        gathering.know(name, _number(name, labels), name, class_name=name if is_class else "")


def _names(
    ids: tuple[int, ...], colours: Mapping[int, RGB], labels: list[tuple[str, RGB]], path: Path
) -> dict[int, str]:
    """What label each value in the masks is: by its colour or, in PNGs of one channel, by its line."""
    by_colour = {colour: name for name, colour in labels}
    names = {}
    for id in ids:
        if id in colours:
            name = by_colour.get(tuple(colours[id]))
            value = "#{:02x}{:02x}{:02x}".format(*colours[id])
        else:
            name, value = (labels[id][0] if id < len(labels) else None), str(id)
        if name is None:
            raise PCVOSError(f"{path}: {_CLASSES} holds {value}, but no line of {_LABELS} has it.")
        names[id] = name
    return names


def _number(name: str, labels: list[tuple[str, RGB]]) -> int:
    """The id that an object of this label gets if it is free: that of its colour in the palette, else its line."""
    names, colours = zip(*labels, strict=True)
    line = names.index(name)
    matching = np.flatnonzero((colours[line] == DAVIS_PALETTE).all(axis=1))
    return int(matching[0]) if len(matching) else line
