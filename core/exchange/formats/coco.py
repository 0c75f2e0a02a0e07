"""COCO JSON: an image for every frame, an annotation for every object on it, with its mask as RLE.

`track_id` is the object's id, and its category is its class, or itself if it has none; `tracks` lists the objects, also
those on no frame. Read are also polygons, and files of other programs, where an object is what has one `track_id`, or
else one category, and is on some frame.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from core.exchange.categories import Categories, Category, categories_of, head, know_listed, read_categories
from core.exchange.collector import Gathering
from core.exchange.exporter import Exporter, ExportRequest, from_samples
from core.exchange.footage_fit import FrameNames, fit
from core.exchange.importer import COMPLETE, Found, Importer, ImportRequest
from core.exchange.json_fields import Node
from core.exchange.options import Option
from core.exchange.rle import coco_masks, decode, encode
from core.exchange.unprocessed import UNPROCESSED
from core.files import decoded
from core.masks.packed_mask import PackedMask
from core.media.images import ImageFolder

COMPRESSED = Option("compressed", "Compressed RLE", "bool", True, help="Otherwise the runs are lists of numbers.")


class Coco(Exporter):
    name = "coco"
    label = "COCO JSON"
    writes = "One JSON file: images, annotations (RLE, area, bbox, track_id), and a category a class."
    target = "file"
    suffixes = (".json",)
    options = (COMPRESSED, UNPROCESSED)
    group = "data sets"

    def check(self, request: ExportRequest) -> None:
        coco_masks()

    def estimate(self, request: ExportRequest) -> int:
        categories = categories_of(request)
        return from_samples(
            request.frames,
            lambda frame: 120 + sum(len(json.dumps(a)) for a in _annotations(request, frame, categories)),
        )

    def write(self, request: ExportRequest, place: Path) -> Iterator[int]:
        height, width = request.size
        images = [
            {"id": frame, "file_name": image_name(request, frame), "width": width, "height": height}
            for frame in request.frames
        ]
        content, categories = {**head(request), "images": images}, categories_of(request)
        with place.open("w", encoding="utf-8") as file:  # a piece at a time: masks of hours need not be in memory
            file.write(json.dumps(content)[:-1] + ', "annotations": [')
            number = 0
            for done, frame in enumerate(request.frames, start=1):
                for annotation in _annotations(request, frame, categories):
                    number += 1
                    file.write((",\n" if number > 1 else "\n") + json.dumps({"id": number} | annotation))
                yield done
            file.write("]}\n")


class CocoFile(Importer):
    name = "coco"
    label = "COCO JSON"
    reads = "Annotations with RLE (compressed or not) or polygons; an object is a track_id, or else a category."
    is_folder = False
    suffixes = (".json",)
    options = (COMPLETE,)

    def recognises(self, path: Path) -> bool:
        return has_keys(path, '"images"', '"annotations"')

    def read(self, request: ImportRequest) -> Found:
        root = Node.load(request.path)
        nodes, gathering = root.at("images", list).items(dict), Gathering()
        files = [image.at("file_name", str) for image in nodes]
        names = FrameNames(request, [file.value for file in files], strangers=True)
        if names.question:
            return Found({}, (), (names.question,))
        images, categories = _images(nodes, frames_of(files, names, gathering)), read_categories(root)
        annotations = root.at("annotations", list).items(dict)
        numbers = _numbers(annotations, categories)
        know_listed(gathering, root, categories, numbers)
        for annotation, (number, category) in request.progress.over([*zip(annotations, numbers, strict=True)]):
            image = annotation.at("image_id", int, str)
            if image.value not in images:
                raise image.wrong(f"is {image.value}, but there is no such image")
            frame, size = images[image.value]
            if frame is not None:
                mask = read_mask(annotation.at("segmentation"), size, request)
                if mask is None:
                    gathering.leave_out(annotation)
                    continue
                name = categories[category].name
                gathering.know(number, number, name, categories[category].colour, class_name=name)
                gathering.add(frame, number, mask)
        return gathering.found(in_front="later")


def image_name(request: ExportRequest, frame: int) -> str:
    """The name of a frame's image: its file in a folder, else its number with .jpg."""
    if isinstance(request.media, ImageFolder):
        return request.media.files[frame].name
    return f"{request.stem(frame)}.jpg"


def bounding_box(mask: PackedMask) -> list[int]:
    """[x, y, width, height] of a packed mask."""
    top, left, height, width = mask.box
    return [left, top, width, height]


def read_mask(segmentation: Node, size: tuple[int, int], request: ImportRequest) -> PackedMask | None:
    """A `segmentation` at the footage's size; None if it has no pixel: then it is of a box alone, or of points or lines
    in place of a polygon, and does not say that its object is absent.

    Args:
        size: (height, width) of its image.
    """
    if segmentation.value is None:
        return None
    mask = fit(decode(segmentation, size), request.media.size, str(segmentation))
    return None if mask.is_empty else mask


def frames_of(files: list[Node], names: FrameNames, gathering: Gathering) -> list[int | None]:
    """The frame of each file's name; None: it belongs to none, of which a warning tells.

    Raises:
        PCVOSError: none of them belongs to any.
    """
    frames = [names.find(file.value) for file in files]
    if files and not any(frame is not None for frame in frames):
        raise names.refusal(files[0].value, str(files[0]))
    if strangers := frames.count(None):
        gathering.warnings.append(f"Images that belong to no frame of the footage, left out: {strangers}.")
    for frame in frames:
        if frame is not None:
            gathering.cover(frame)
    gathering.notes += names.notes
    return frames


def has_keys(path: Path, *keys: str) -> bool:
    """Whether the JSON file's text holds these; a look is enough to tell formats apart."""
    if path.suffix.lower() != ".json" or not path.is_file():
        return False
    try:
        text = decoded(path.read_bytes())
    except UnicodeDecodeError:
        return False
    return all(key in text for key in keys)


def _annotations(request: ExportRequest, frame: int, categories: Categories) -> Iterator[dict[str, Any]]:
    """The annotations of the objects that are on a frame; without ids."""
    compressed = bool(request.options["compressed"])
    for obj, mask in request.masks(frame).items():
        yield {
            "image_id": frame,
            "category_id": categories.of[obj],
            "track_id": obj,
            "iscrowd": 0,
            "area": int(np.count_nonzero(mask.inside())),
            "bbox": bounding_box(mask),
            "segmentation": encode(mask, compressed=compressed),
        }


def _images(nodes: list[Node], frames: list[int | None]) -> dict[Any, tuple[int | None, tuple[int, int]]]:
    """Frame (None: of none) and (height, width) of each image, by id."""
    images = {}
    for image, frame in zip(nodes, frames, strict=True):
        size = image.at("height", int).value, image.at("width", int).value
        images[image.at("id", int, str).value] = (frame, size)
    return images


def _numbers(annotations: list[Node], known: dict[int, Category]) -> list[tuple[int, int]]:
    """Numbers of each annotation: of its object, which is its track's if all have one, and of its category."""
    categories = [annotation.at("category_id", int) for annotation in annotations]
    if wrong := next((category for category in categories if category.value not in known), None):
        raise wrong.wrong(f"is {wrong.value}, but there is no such category")
    tracks = [_track(annotation) for annotation in annotations]
    tracked = None not in tracks
    return [
        (track if tracked and track is not None else category.value, category.value)
        for track, category in zip(tracks, categories, strict=True)
    ]


def _track(annotation: Node) -> int | None:
    """The track of an annotation; CVAT writes it among its attributes."""
    track = annotation.get("track_id", int)
    if track is None and annotation.get("attributes", dict) is not None:
        track = annotation.at("attributes").get("track_id", int)
    return track
