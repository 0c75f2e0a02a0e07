"""Reading YOLO's segmentation (Ultralytics): text files with polygons, and `data.yaml`; `yolo` writes it.

There are classes, but no objects: what lines of one class say on a frame is one object. Boxes are counted and left out.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from core.errors import PCVOSError
from core.exchange.collector import Gathering
from core.exchange.footage_fit import FrameNames
from core.exchange.formats.yolo import ARE_OBJECTS
from core.exchange.importer import COMPLETE, Found, Importer, ImportRequest
from core.masks.packed_mask import PackedMask
from core.media.images import natural_key
from core.project.classes import clean_class

_LABELS = "labels"
_LISTS = ("classes.txt", "obj.names")  # where there is no data.yaml
_LARGEST = 2**20  # bytes of data.yaml
_BOX = 5  # numbers of a line


class YoloFolder(Importer):
    name = "yolo"
    label = "YOLO segmentation (Ultralytics)"
    reads = "labels/NAME.txt with polygons, the names of classes from data.yaml; each class is one object."
    options = (COMPLETE,)

    def recognises(self, path: Path) -> bool:
        return path.is_dir() and next(_files(path), None) is not None

    def read(self, request: ImportRequest) -> Found:
        files = sorted(_files(request.path), key=lambda file: natural_key(str(file)))
        if not files:
            raise PCVOSError(f"{request.path} holds no text file in {_LABELS}: give the folder of the data set.")
        names, are_objects = _classes(request.path)
        relative = [file.relative_to(request.path).as_posix() for file in files]
        frames = FrameNames(request, relative, strangers=True)
        if frames.question:
            return Found({}, (), (frames.question,))
        gathering, strangers, boxes, shared = Gathering(), [], 0, False
        masks: dict[tuple[int, int], PackedMask] = {}  # by class and frame
        for file, name in request.progress.over([*zip(files, relative, strict=True)]):
            frame = frames.find(name)
            if frame is None:
                strangers.append(file)
                continue
            gathering.cover(frame)
            polygons, more = _polygons(file)
            boxes += more
            for number, rings in polygons.items():
                masks[number, frame] = _filled(rings, request.media.size)
                shared |= len(rings) > 1
        for (number, frame), mask in sorted(masks.items(), key=lambda item: item[0]):
            name = names.get(number, f"Class {number}")
            gathering.know(number, number + 1, name, class_name="" if are_objects else name)
            gathering.add(frame, number, mask)
        gathering.notes += frames.notes
        if len(strangers) == len(files):
            raise frames.refusal(strangers[0].name, str(request.path))
        if strangers:
            gathering.warnings.append(f"Files that belong to no frame of the footage, left out: {len(strangers)}.")
        if boxes:
            gathering.warnings.append(f"Boxes, which are no masks, left out: {boxes}.")
        if shared and not are_objects:
            gathering.warnings.append("YOLO tells no objects apart: all of a class on a frame is one object.")
        return gathering.found(in_front="later")


def _files(path: Path) -> Iterator[Path]:
    """The text files with polygons: in `labels` or folders of it, or in `labels` of a split."""
    if path.name == _LABELS:
        roots = [path]
    else:
        roots = [path / _LABELS, *(path / split / _LABELS for split in ("train", "valid", "val", "test"))]
    for root in roots:
        if root.is_dir():
            yield from (file for file in root.rglob("*.txt") if not file.name.startswith("."))


def _classes(path: Path) -> tuple[dict[int, str], bool]:
    """The names of classes by number, as far as they are said; and whether these are objects, as written here."""
    for folder in (path, path.parent):
        for file in sorted(folder.glob("*.y*ml")):
            content, text = _yaml(file)
            if isinstance(content, dict) and "names" in content:
                return _named(content["names"], file), ARE_OBJECTS in text.splitlines()
        for name in _LISTS:
            if (folder / name).is_file():
                return _named(_text(folder / name).splitlines(), folder / name), False
        if path.name != _LABELS:
            break
    return {}, False


def _yaml(file: Path) -> tuple[Any, str]:
    import yaml

    text = _text(file)
    try:
        return yaml.safe_load(text), text
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise PCVOSError(f"{file} is no YAML, or is cut short: {' '.join(str(error).split())}.") from error


def _text(file: Path) -> str:
    try:
        if file.stat().st_size > _LARGEST:
            raise PCVOSError(f"{file} is too large for a list of classes.")
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise PCVOSError(f"{file} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise PCVOSError(f"{file} is no text.") from error


def _named(names: Any, file: Path) -> dict[int, str]:
    """Names by number, from a list or from a mapping from numbers."""
    items = dict(enumerate(names)) if isinstance(names, list) else names
    if not isinstance(items, dict) or not all(
        type(number) is int and number >= 0 and isinstance(name, str | int | float) for number, name in items.items()
    ):
        raise PCVOSError(f"{file}: names is neither a list nor numbers with names.")
    return {number: clean_class(str(name)) or f"Class {number}" for number, name in items.items()}


def _polygons(file: Path) -> tuple[dict[int, list[np.ndarray]], int]:
    """The polygons of a file by class, float64 (n, 2) each, shares of width and height; and how many boxes it has."""
    polygons: dict[int, list[np.ndarray]] = {}
    boxes = 0
    for number, line in enumerate(_lines(file), start=1):
        fields = line.split()
        if not fields:
            continue
        try:
            shares = np.array(fields[1:], np.float64)
            kind = int(fields[0])
        except ValueError as error:
            raise PCVOSError(f"{file}, line {number} is not a class and numbers.") from error
        if len(fields) == _BOX:
            boxes += 1
            continue
        if len(shares) % 2:  # the confidence of a prediction comes last
            shares = shares[:-1]
        if kind < 0 or len(shares) < 6 or not np.isfinite(shares).all() or np.abs(shares).max() > 2:
            raise PCVOSError(f"{file}, line {number} is no polygon: a class, then three or more pairs from 0 to 1.")
        polygons.setdefault(kind, []).append(shares.reshape(-1, 2))
    return polygons, boxes


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="ascii").splitlines()
    except OSError as error:
        raise PCVOSError(f"{file} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise PCVOSError(f"{file} is no text with numbers.") from error


def _filled(rings: list[np.ndarray], size: tuple[int, int]) -> PackedMask:
    """Polygons through the centres of pixels, each filled by the even-odd rule."""
    height, width = size
    mask = np.zeros(size, np.uint8)
    for ring in rings:
        corners = np.rint(ring * (width, height) - 0.5).astype(np.int32)
        cv2.fillPoly(mask, [np.clip(corners, (0, 0), (width - 1, height - 1))], 1)
    return PackedMask.pack(mask)
