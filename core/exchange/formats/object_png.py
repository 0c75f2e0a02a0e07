"""PNGs, one a frame and object, in a folder for each object, as in SA-V: so objects can overlap."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np

from core.errors import PCVOSError
from core.exchange.exporter import Exporter, ExportRequest, from_samples
from core.exchange.formats.indexed_png import load, write_plainly
from core.exchange.importer import Found, FoundObject, Importer, ImportRequest, numbers_question
from core.exchange.options import Option, Value
from core.exchange.parallel import in_threads
from core.exchange.unprocessed import UNPROCESSED
from core.masks.frame_numbers import UnclearNumberingError
from core.masks.label_map import encode_grey, encode_label_map
from core.masks.mask_files import mask_pngs
from core.masks.packed_mask import PackedMask
from core.media.images import natural_key
from core.project.model import MAX_OBJECTS

_UNION, _EACH = "one", "each"
_OBJECTS = 8  # whose size is found out, for that of all


class ObjectPNGs(Exporter):
    name = "png-objects"
    label = "One PNG per object (SA-V)"
    writes = (
        "ID/NAME.png for each object where something is known of it: 1 is the object, 0 is not. Objects can overlap."
    )
    options = (UNPROCESSED,)

    def is_apart(self, options: Mapping[str, Value]) -> bool:
        return True

    def files(self, request: ExportRequest) -> Iterator[str]:
        return object_files(request)

    def estimate(self, request: ExportRequest) -> int:
        def size_of(frame: int) -> int:
            masks = list(_said(request, frame).values())
            return from_samples(masks, lambda mask: len(encode_label_map(_plane(mask))), _OBJECTS) if masks else 0

        return from_samples(request.frames, size_of)

    def write(self, request: ExportRequest, place: Path) -> Iterator[int]:
        make_folders(request, place)
        jobs = (partial(_write_objects, request.stem(frame), _said(request, frame), place) for frame in request.frames)
        for done, _ in enumerate(in_threads(jobs), start=1):
            yield done


class BinaryPNGs(Exporter):
    name = "png-binary"
    label = "Black and white PNGs"
    writes = (
        "NAME.png for every frame, 8-bit grey: 255 is object, 0 is not; one for all objects, or ID/NAME.png for each."
    )
    options = (
        Option(
            "objects",
            "Objects",
            "choice",
            _UNION,
            choices=((_UNION, "All in one picture"), (_EACH, "A folder for each")),
        ),
        UNPROCESSED,
    )

    def is_apart(self, options: Mapping[str, Value]) -> bool:
        return options["objects"] == _EACH

    def files(self, request: ExportRequest) -> Iterator[str]:
        if request.options["objects"] == _EACH:
            return object_files(request)
        return (f"{request.stem(frame)}.png" for frame in request.range)

    def estimate(self, request: ExportRequest) -> int:
        def size_of(frame: int) -> int:
            if request.options["objects"] != _EACH:
                return sum(len(encode_grey(plane)) for _, plane in self._planes(request, frame))
            masks, none = request.masks(frame), PackedMask.empty(request.size)
            return from_samples(request.ids, lambda id: len(encode_grey(_plane(masks.get(id, none), 255))), _OBJECTS)

        return from_samples(request.frames, size_of)

    def write(self, request: ExportRequest, place: Path) -> Iterator[int]:
        if request.options["objects"] == _EACH:
            make_folders(request, place)
        jobs = (
            partial(_write_planes, place, request.stem(frame), list(self._planes(request, frame)))
            for frame in request.frames
        )
        for done, _ in enumerate(in_threads(jobs), start=1):
            yield done

    @staticmethod
    def _planes(request: ExportRequest, frame: int) -> Iterator[tuple[str, np.ndarray]]:
        """Folder and picture of each file of a frame."""
        masks = request.masks(frame)
        if request.options["objects"] == _EACH:
            for id in request.objects_said(frame):
                yield folder_name(id), _plane(masks.get(id, PackedMask.empty(request.size)), 255)
        else:
            plane = np.zeros(request.size, np.uint8)
            for mask in masks.values():
                mask.draw(plane, 255)
            yield ".", plane


class ObjectFolders(Importer):
    name = "png-objects"
    label = "One PNG per object (SA-V)"
    reads = (
        "A folder with a folder for each object, called by its id or its name, of PNGs: all but black is the object."
    )

    def recognises(self, path: Path) -> bool:
        return path.is_dir() and not any(path.glob("*.[pP][nN][gG]")) and bool(_folders(path))

    def read(self, request: ImportRequest) -> Found:
        folders = _folders(request.path)
        if not folders:
            raise PCVOSError(
                f"{request.path} holds no folder with PNGs: give the folder that holds one for each object."
            )
        names = {file.name for folder in folders for file in mask_pngs(folder)}
        masks: dict[int, dict[str, PackedMask]] = {}
        notes: list[str] = []
        warnings: list[str] = []
        for number, folder in enumerate(folders):
            try:
                loaded = load(folder, request, request.progress.part(number, len(folders)), names=names)
            except UnclearNumberingError as error:
                return Found({}, (), (numbers_question(error),))
            for annotation in loaded.annotations:
                part_of_it, top, left = annotation.packed.part()
                mask = PackedMask.pack_part(part_of_it, annotation.packed.shape, top, left)
                masks.setdefault(annotation.frame, {})[folder.name] = mask
            notes += loaded.notes if not loaded.colours else loaded.notes[1:]
            warnings += [f"{folder.name}/{warning}" for warning in loaded.warnings]
        objects = tuple(map(_object, _sorted([*folders, *_empty_folders(request.path)])))
        return Found(masks, objects, notes=tuple(dict.fromkeys(notes)), warnings=tuple(warnings), in_front="higher id")


def folder_name(id: int) -> str:
    """The folder of an object, named as SA-V does."""
    return f"{id:03d}"


def object_files(request: ExportRequest) -> Iterator[str]:
    """A file for every frame and object."""
    return (f"{folder_name(id)}/{request.stem(frame)}.png" for id in request.ids for frame in request.range)


def make_folders(request: ExportRequest, place: Path) -> None:
    """One for each object; also for one on no frame."""
    for id in request.ids:
        (place / folder_name(id)).mkdir()


def _said(request: ExportRequest, frame: int) -> dict[int, PackedMask]:
    """The masks of the objects of which the files of a frame say something; an empty one: it is not there."""
    masks, none = request.masks(frame), PackedMask.empty(request.size)
    return {id: masks.get(id, none) for id in request.objects_said(frame)}


def _plane(mask: PackedMask, value: int = 1) -> np.ndarray:
    plane = np.zeros(mask.size, np.uint8)
    mask.draw(plane, value)
    return plane


def _write_objects(stem: str, masks: dict[int, PackedMask], place: Path) -> None:
    for id, mask in masks.items():
        write_plainly(place / folder_name(id) / f"{stem}.png", _plane(mask))


def _write_planes(place: Path, stem: str, planes: list[tuple[str, np.ndarray]]) -> None:
    for folder, plane in planes:
        (place / folder / f"{stem}.png").write_bytes(encode_grey(plane))


def _folders(path: Path) -> list[Path]:
    """Folders of objects, in natural order."""
    folders = [f for f in path.iterdir() if f.is_dir() and not f.name.startswith(".") and any(f.glob("*.[pP][nN][gG]"))]
    return _sorted(folders)


def _empty_folders(path: Path) -> list[Path]:
    """Folders of objects that are on no frame: called by an id, with nothing in them."""
    return [f for f in path.iterdir() if f.is_dir() and _object(f).is_id and not any(f.iterdir())]


def _sorted(folders: list[Path]) -> list[Path]:
    return sorted(folders, key=lambda folder: natural_key(folder.name))


def _object(folder: Path) -> FoundObject:
    if folder.name.isdecimal() and 1 <= int(folder.name) <= MAX_OBJECTS:
        return FoundObject(folder.name, int(folder.name), is_id=True)
    # SA-V numbers from 0, which is no id: a new object, with the next free one
    return FoundObject(folder.name, name=f"Object {int(folder.name)}" if folder.name.isdecimal() else folder.name)
