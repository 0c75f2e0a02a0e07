"""A folder for YOLO's segmentation (Ultralytics): `labels/NAME.txt` with polygons, `images/NAME.jpg`, `data.yaml`.

A class is what objects are instances of, or an object that has no class: counted from 0, the project's list of classes
first; `data.yaml` has their names. A line is an object on a frame: its pieces and holes are one polygon, joined by
seams without width, as Ultralytics joins the pieces of COCO's polygons. Corners are the centres of pixels, as shares of
width and height.
"""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from core.exchange.categories import categories_of
from core.exchange.exporter import Exporter, ExportRequest, from_samples
from core.exchange.options import Option
from core.exchange.parallel import in_threads
from core.exchange.polygons import joined, outlines
from core.exchange.sequences import IMAGES, picture, picture_bytes, write_jpeg
from core.exchange.unprocessed import UNPROCESSED
from core.masks.packed_mask import PackedMask

ARE_OBJECTS = "# Masks from PCVOS Studio: each class is an object"
"""A line of `data.yaml` where no object has a class."""

_JOINED, _SEPARATE, _LARGEST = "joined", "separate", "largest"


class Yolo(Exporter):
    name = "yolo"
    label = "YOLO segmentation (Ultralytics)"
    writes = "labels/NAME.txt with a polygon for each object, images/NAME.jpg, and data.yaml with the classes."
    options = (
        Option(
            "pieces",
            "Objects in several pieces",
            "choice",
            _JOINED,
            choices=((_JOINED, "One polygon"), (_SEPARATE, "A polygon each"), (_LARGEST, "Only the largest piece")),
        ),
        Option("tolerance", "Simplify by", "float", 0.0, 0.0, 20.0, 0.5, "pixels"),
        IMAGES,
        UNPROCESSED,
    )
    group = "data sets"

    def files(self, request: ExportRequest) -> Iterator[str]:
        yield "data.yaml"
        for frame in request.range:
            yield f"labels/{request.stem(frame)}.txt"
            if request.options["images"]:
                yield f"images/{request.stem(frame)}.jpg"

    def estimate(self, request: ExportRequest) -> int:
        numbers = _numbers(request)
        text = from_samples(request.frames, lambda frame: len(_lines(request.masks(frame), request, numbers)))
        return text + (picture_bytes(request) if request.options["images"] else 0)

    def write(self, request: ExportRequest, place: Path) -> Iterator[int]:
        (place / "labels").mkdir()
        if request.options["images"]:
            (place / "images").mkdir()
        categories, numbers = categories_of(request), _numbers(request)
        names = "".join(f"  {n}: {json.dumps(known.name)}\n" for n, known in enumerate(categories.all.values()))
        head = f"{ARE_OBJECTS}\n" if categories.are_objects else ""
        head += "path: .\ntrain: images\nval: images\nnames:\n"
        (place / "data.yaml").write_text(head + names, encoding="utf-8")
        jobs = (
            partial(
                _write,
                place,
                request.stem(frame),
                request.masks(frame),
                picture(request, frame) if request.options["images"] else None,
                request,
                numbers,
            )
            for frame in request.frames
        )
        for done, _ in enumerate(in_threads(jobs), start=1):
            yield done


def _numbers(request: ExportRequest) -> dict[int, int]:
    """The class of each object, by its id."""
    categories = categories_of(request)
    places = {number: place for place, number in enumerate(categories.all)}
    return {id: places[number] for id, number in categories.of.items()}


def _write(
    place: Path,
    stem: str,
    masks: dict[int, PackedMask],
    pixels: Path | np.ndarray | None,
    request: ExportRequest,
    numbers: Mapping[int, int],
) -> None:
    (place / "labels" / f"{stem}.txt").write_text(_lines(masks, request, numbers), encoding="ascii")
    if pixels is not None:
        write_jpeg(place / "images" / f"{stem}.jpg", pixels)


def _lines(masks: dict[int, PackedMask], request: ExportRequest, numbers: Mapping[int, int]) -> str:
    """The text of a frame; empty if no object is there."""
    height, width = request.size
    lines = []
    for obj, mask in masks.items():
        for ring in _polygons(mask, str(request.options["pieces"]), float(request.options["tolerance"])):
            ring = ring if len(ring) >= 3 else np.resize(ring, (3, 2))  # one pixel or two: a polygon has three corners
            shares = (ring + 0.5) / (width, height)
            lines.append(" ".join([str(numbers[obj]), *(f"{share:.6f}" for share in shares.ravel())]))
    return "".join(f"{line}\n" for line in lines)


def _polygons(mask: PackedMask, pieces: str, tolerance: float) -> list[np.ndarray]:
    outer, holes = outlines(mask, tolerance)
    if pieces == _JOINED:
        return [joined(outer, holes)]
    if pieces == _LARGEST:
        outer = outer[:1]
    return [joined([ring], _inside(holes, ring)) for ring in outer]


def _inside(holes: list[np.ndarray], ring: np.ndarray) -> list[np.ndarray]:
    """The holes within a piece."""
    return [hole for hole in holes if cv2.pointPolygonTest(ring, tuple(map(float, hole[0])), False) >= 0]
