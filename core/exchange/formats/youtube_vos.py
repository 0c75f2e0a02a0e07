"""A folder as YouTube-VOS has it: `JPEGImages/ID`, `Annotations/ID`, and `meta.json` with the frames of each object.

Several videos can be exported into one folder, one after the other: `meta.json` grows.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from core.errors import PCVOSError
from core.exchange.exporter import Exporter, ExportRequest
from core.exchange.formats.indexed_png import label_map_bytes, read_label_folder
from core.exchange.importer import COMPLETE, Found, Importer, ImportRequest, Question, id_objects, sequence_name
from core.exchange.json_fields import Node
from core.exchange.sequences import FRAMES, IMAGES, MASKS, find_sequence, picture_bytes, write_sequence
from core.exchange.unprocessed import UNPROCESSED
from core.project.classes import clean_class
from core.project.model import ObjectInfo


class YouTubeVOS(Exporter):
    """Attributes: meta: what the file is called that lists the objects."""

    name = "youtube-vos"
    label = "YouTube-VOS folder"
    writes = "JPEGImages/ID, Annotations/ID, and meta.json with each object's category (its class or name) and frames."
    options = (IMAGES, UNPROCESSED)
    group = "data sets"
    meta: ClassVar[str] = "meta.json"

    def check(self, request: ExportRequest) -> None:
        self._videos(request)

    def files(self, request: ExportRequest) -> Iterator[str]:
        video = sequence_name(request.media)
        if request.options["images"]:
            yield from (f"{FRAMES}/{video}/{request.stem(frame)}.jpg" for frame in request.range)
        yield from (f"{MASKS}/{video}/{request.stem(frame)}.png" for frame in request.range)
        if video in self._videos(request):
            yield self.meta

    def estimate(self, request: ExportRequest) -> int:
        return label_map_bytes(request) + (picture_bytes(request) if request.options["images"] else 0)

    def write(self, request: ExportRequest, place: Path) -> Iterator[int]:
        video = sequence_name(request.media)
        frames = place / FRAMES / video if request.options["images"] else None
        yield from write_sequence(request, frames, place / MASKS / video)
        objects = {str(info.id): _about(info) | {"frames": _frames_of(request, info.id)} for info in request.objects}
        videos = self._videos(request) | {video: {"objects": objects}}
        (place / self.meta).write_text(json.dumps({"videos": videos}, indent=1), encoding="utf-8")

    def _videos(self, request: ExportRequest) -> dict[str, Any]:
        """Videos that the target's `meta.json` has already."""
        path = request.target / self.meta
        return Node.load(path).at("videos", dict).value if path.is_file() else {}


class YouTubeVOSFolder(Importer):
    name = "youtube-vos"
    label = "YouTube-VOS or MOSE folder"
    reads = "Annotations/ID for the video called like the footage; names of objects from meta.json."
    options = (COMPLETE,)

    def recognises(self, path: Path) -> bool:
        return (path / MASKS).is_dir() and any(path.glob("meta*.json"))

    def read(self, request: ImportRequest) -> Found:
        root = request.path / MASKS
        if not root.is_dir():
            raise PCVOSError(f"{request.path} holds no folder {MASKS}: give the folder of the data set.")
        folder = find_sequence(root, request)
        if isinstance(folder, Question):
            return Found({}, (), (folder,))
        return _with_listed(read_label_folder(folder, request), _listed(request.path, folder.name))


def _about(info: ObjectInfo) -> dict[str, str]:
    """An object's category and, where that is its class, its name."""
    return {"category": info.class_name, "name": info.name} if info.class_name else {"category": info.name}


def _with_listed(found: Found, listed: dict[int, tuple[str | None, str]]) -> Found:
    """Label maps whose objects are called as the meta files call them; also those that are only listed there."""
    objects = {object.key: object for object in found.objects}
    if all(object.is_id for object in found.objects):  # else nothing says which colour is which number
        objects = {object.key: object for object in id_objects(tuple(listed))} | objects
    named = []
    for object in objects.values():
        name, class_name = (None, "") if object.id is None else listed.get(object.id, (None, ""))
        named.append(replace(object, name=name, class_name=class_name))
    return replace(found, objects=tuple(named))


def _frames_of(request: ExportRequest, obj: int) -> list[str]:
    cells = request.project.cells_in(request.first, request.last, (obj,))
    written = frozenset(request.frames)
    return [request.stem(frame) for (frame, _), cell in cells if frame in written and not cell.mask.is_empty]


def _listed(root: Path, video: str) -> dict[int, tuple[str | None, str]]:
    """The objects of a video by number, also those on no frame: what the meta files call them, and their class if it is
    told apart from that."""
    listed: dict[int, tuple[str | None, str]] = {}
    for path in sorted(root.glob("meta*.json")):
        videos = Node.load(path).at("videos", dict)
        if video in videos.value:
            for id, item in videos.at(video, dict).at("objects", dict).members(dict).items():
                if not id.isdecimal():
                    raise item.wrong("is not called by the number of an object")
                category, name = item.get("category", str), item.get("name", str)
                if category or int(id) not in listed:
                    listed[int(id)] = (name, clean_class(category or "")) if name else (category, "")
    return listed
