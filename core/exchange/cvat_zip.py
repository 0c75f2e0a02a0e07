"""The content of a zip of CVAT's "Segmentation mask 1.1", as CVAT and other programs pack it.

A folder may lie around it all, names may have backslashes and capitals, the label map a byte-order mark; and the class
masks may be pictures in colours, or indexed or grey ones whose values are colours of a palette or numbers of lines.
"""

import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from core.errors import PCVOSError
from core.exchange.footage_fit import FrameNames
from core.exchange.importer import RGB, ImportRequest
from core.files import decoded
from core.masks.label_map import ReadMask, object_ids
from core.masks.mask_files import fit_masks
from core.masks.mask_pictures import VOID, as_in_file, codes_of, distinct, open_png
from core.masks.packed_labels import PackedLabels, values_of
from core.masks.palette import DAVIS_PALETTE

CLASSES, LABELS, BACKGROUND = "SegmentationClass", "labelmap.txt", "background"

_BYTES_AT_MOST = 2**30  # of one picture, packed or not
_LABELS_AT_MOST = 254
_BLACK = 0
_VOID_COLOUR = int(codes_of(DAVIS_PALETTE[VOID : VOID + 1])[0])


@dataclass(frozen=True)
class ClassMasks:
    """The class masks of a zip, at the footage's size.

    Attributes:
        text: the label map's. labels: name and colour of each of its lines, the background too.
        names: how the frames were found; if there is a question to that, there are no masks.
        masks: by frame; an id is the number of a line, from 1. warnings: sentences.
    """

    text: str
    labels: tuple[tuple[str, RGB], ...]
    names: FrameNames
    masks: Mapping[int, PackedLabels]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _Picture:
    """A class mask: the values that occur in it, ascending, their colours as 0xRRGGBB, the index of each pixel's value.

    Attributes:
        is_colour: whether its values are the colours.
    """

    values: tuple[int, ...]
    colours: tuple[int, ...]
    index: PackedLabels
    is_colour: bool


def read_zip(request: ImportRequest) -> ClassMasks:
    """Read the class masks.

    Raises:
        PCVOSError: no zip, or one without a label map or class masks; one that belongs to no frame, or whose values no
            line of the label map has.
    """
    path = request.path
    with _opened(path) as file:
        root, text = _label_text(file, path)
        labels = _read_labels(text, path)
        members = _class_members(file, path, root)
        names = FrameNames(request, list(members))
        if names.question:
            return ClassMasks(text, labels, names, {})
        pictures: dict[int, tuple[str, _Picture]] = {}
        for name, info in request.progress.over(members.items()):
            where, frame = f"{path}: {name}", names.find(name)
            if frame is None:
                raise names.refusal(PurePosixPath(name).name, where)
            if info.file_size > _BYTES_AT_MOST:
                raise PCVOSError(f"{where} is too large.")
            pictures[frame] = (where, _read_picture(file.read(info), where))
    wheres, drawn = zip(*pictures.values(), strict=True)
    lines, warnings = _lines(drawn, labels, path)
    read = [_as_mask(picture, lines) for picture in drawn]
    fitted, resized = fit_masks([Path(where) for where in wheres], read, request.media.size)
    masks = {frame: mask.packed for frame, mask in zip(pictures, fitted, strict=True)}
    return ClassMasks(text, labels, names, dict(sorted(masks.items())), (*warnings, *resized))


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as file:
            yield file
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:  # cut, encrypted, or packed otherwise
        raise PCVOSError(f"{path} is no zip that can be read, or is cut short: {error}.") from error
    except OSError as error:
        raise PCVOSError(f"{path} cannot be read: {error.strerror or error}.") from error


def _members(file: zipfile.ZipFile) -> dict[PurePosixPath, zipfile.ZipInfo]:
    """The files in it, without those that systems hide."""
    named = {PurePosixPath(info.filename.replace("\\", "/")): info for info in file.infolist() if not info.is_dir()}
    return {
        name: info
        for name, info in named.items()
        if not name.name.startswith(".") and "__MACOSX" not in name.parts and not info.filename.endswith("\\")
    }


def _label_text(file: zipfile.ZipFile, path: Path) -> tuple[PurePosixPath, str]:
    """The folder of the label map, and its text."""
    tables = [name for name in _members(file) if name.name.lower() == LABELS]
    if not tables:
        raise PCVOSError(f"{path} holds no {LABELS}: export it from CVAT as Segmentation mask 1.1.")
    depth = min(len(name.parts) for name in tables)
    tables = [name for name in tables if len(name.parts) == depth]
    if len(tables) > 1:
        raise PCVOSError(f"{path} holds {tables[0]} and {tables[1]}: make a zip of each, and import them one by one.")
    data = file.read(_members(file)[tables[0]])
    try:
        return tables[0].parent, decoded(data)
    except UnicodeDecodeError:
        return tables[0].parent, data.decode("utf-8", "replace")


def _read_labels(text: str, path: Path) -> tuple[tuple[str, RGB], ...]:
    """Name and colour of each line of the label map, the background too."""
    labels = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.startswith("#"):
            name, _, rest = line.partition(":")
            parts = rest.partition(":")[0].split(",")
            if len(parts) != 3 or not all(part.strip().isdecimal() and int(part) < 256 for part in parts):
                raise PCVOSError(f"{path}: {LABELS}, line {number} has no colour: it should be NAME:R,G,B::.")
            red, green, blue = map(int, parts)
            labels.append((name.strip(), (red, green, blue)))
    if len(labels) > _LABELS_AT_MOST + 1:
        raise PCVOSError(f"{path}: {LABELS} has {len(labels)} labels, but at most {_LABELS_AT_MOST} are possible.")
    return tuple(labels)


def _class_members(file: zipfile.ZipFile, path: Path, root: PurePosixPath) -> dict[str, zipfile.ZipInfo]:
    """The class masks, by name from the label map's folder on."""
    members = {}
    for name, info in _members(file).items():
        if name.is_relative_to(root) and name.suffix.lower() == ".png":
            below = name.relative_to(root)
            if below.parts[0].lower() == CLASSES.lower():
                members[str(below)] = info
    if not members:
        raise PCVOSError(f"{path} holds no PNG in {CLASSES}: export it from CVAT as Segmentation mask 1.1.")
    return members


def _read_picture(data: bytes, where: str) -> _Picture:
    image, bits, _ = open_png(data, where)
    image = image.getchannel(0) if image.mode == "LA" else image
    if image.mode in ("P", "L", "1", "I;16", "I"):
        values = np.array(image) if image.mode == "P" else as_in_file(np.array(image), bits)
        if values.max() > 255:
            raise PCVOSError(f"{where} has values over 255: they are no lines of {LABELS}.")
        values = values.astype(np.uint8)
        present = values_of(values)
        palette = _palette(image, bits)
        index = np.zeros(256, np.uint8)
        index[present] = np.arange(len(present))
        colours = tuple(palette.get(value, -1) for value in present)
        return _Picture(tuple(present), colours, PackedLabels(index[values]), is_colour=False)
    codes, index = distinct(codes_of(np.array(image.convert("RGB"))))
    if len(codes) > 256:
        raise PCVOSError(f"{where} holds {len(codes)} colours: it is no mask, or has soft edges; export it anew.")
    return _Picture(tuple(codes.tolist()), tuple(codes.tolist()), PackedLabels(index.astype(np.uint8)), is_colour=True)


def _as_mask(picture: _Picture, lines: Mapping[tuple[bool, int], int]) -> ReadMask:
    """A label map of numbers of lines."""
    own = picture.colours if picture.is_colour else picture.values
    table = np.array([lines[picture.is_colour, value] for value in own], np.uint8)
    return ReadMask(PackedLabels(table[picture.index.unpack()]), object_ids(table))


def _palette(image: Image.Image, bits: int) -> dict[int, int]:
    """The colour of each value in an indexed or grey picture."""
    if image.mode == "P" and image.palette is not None:
        declared = np.frombuffer(bytes(image.palette.palette), np.uint8).reshape(-1, 3)
    else:
        white = 2 ** min(bits, 8) - 1
        declared = np.repeat((np.arange(white + 1) * (255 // white)).astype(np.uint8)[:, None], 3, axis=1)
    return dict(enumerate(codes_of(declared).tolist()))


def _lines(
    pictures: Sequence[_Picture], labels: Sequence[tuple[str, RGB]], path: Path
) -> tuple[dict[tuple[bool, int], int], list[str]]:
    """The line, from 1, that each value is (0: background), by whether it is a colour; and what is to be said of it.

    Colours, those of palettes too, are looked up in the label map if all of them are there. Else values of indexed and
    grey pictures are numbers of lines, from 0; where no line is the background, that is 0.
    """
    is_background = [name == BACKGROUND or colour == (0, 0, 0) for name, colour in labels]
    lines = [0 if is_none else line for line, is_none in enumerate(is_background, start=1)]
    line_of = {_BLACK: 0, _VOID_COLOUR: 0} | dict(zip(codes_of(_table(labels)).tolist(), lines, strict=True))
    colours = {colour for picture in pictures if picture.is_colour for colour in picture.colours}
    if unknown := sorted(colours - line_of.keys()):
        raise _no_line(path, f"#{unknown[0]:06x}")
    plain = [picture for picture in pictures if not picture.is_colour]
    pairs = {pair for picture in plain for pair in zip(picture.values, picture.colours, strict=True)}
    by_colour = {(value, line_of.get(colour)) for value, colour in pairs}
    values = {value for value, _ in pairs}
    warnings: list[str] = []
    by_value = {value: line for value, line in by_colour if line is not None}
    if not len(by_colour) == len(by_value) == len(values):
        by_value, warnings = _by_line(values, lines, labels, path)
    return {(True, colour): line_of[colour] for colour in colours} | {(False, v): by_value[v] for v in values}, warnings


def _by_line(
    values: set[int], lines: Sequence[int], labels: Sequence[tuple[str, RGB]], path: Path
) -> tuple[dict[int, int], list[str]]:
    """The line of each value, as its number; and what is to be said of it. 255 is void where there are fewer lines."""
    numbers = dict(enumerate(lines if 0 in lines else [0, *lines]))
    objects = [line for line in lines if line]
    warnings = []
    if VOID in values and VOID not in numbers and values <= {0, VOID}:
        if len(objects) != 1:
            raise PCVOSError(
                f"{path}: {CLASSES} is black and white, but {LABELS} has {len(objects)} labels and none of them is "
                "white: export it in colours."
            )
        numbers[VOID] = objects[0]
        warnings.append(f"The class masks are black and white: white is {labels[objects[0] - 1][0]}, the only label.")
    numbers.setdefault(VOID, 0)
    if unknown := sorted(values - numbers.keys()):
        raise _no_line(path, str(unknown[0]))
    return numbers, warnings


def _table(labels: Sequence[tuple[str, RGB]]) -> np.ndarray:
    """uint8 (n, 3), the colour of each label."""
    return np.array([colour for _, colour in labels], np.uint8).reshape(-1, 3)


def _no_line(path: Path, value: str) -> PCVOSError:
    return PCVOSError(f"{path}: {CLASSES} holds {value}, but no line of {LABELS} has it.")
