"""CVAT's own format for video, 1.1: XML with a track for each object and a mask as RLE for each frame, zipped or bare.

Unlike CVAT's masks it keeps which object is which, those that overlap, and those on no frame. CVAT itself has no tracks
of masks: of a track it takes the first one. With `tracks=mask` each mask is a track of its own, as CVAT writes masks;
those of an object are a group then.

Described in https://docs.cvat.ai/docs/other/xml_format: the runs of an RLE go along the rows of the mask's box, the
first one is outside.
"""

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from core.exchange.categories import Categories, categories_of
from core.exchange.exporter import Exporter, ExportRequest, from_samples
from core.exchange.importer import sequence_name
from core.exchange.options import Option, Value
from core.exchange.unprocessed import UNPROCESSED
from core.masks.packed_mask import PackedMask

NAME_IN_ZIP = "annotations.xml"
OBJECTS = "objects"
"""The element that lists the project's objects; other programs pass it over."""

PER_OBJECT, PER_MASK = "object", "mask"

_SHAPE = 130  # bytes of an element without its runs, about
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class CvatVideo(Exporter):
    name = "cvat-video"
    label = "CVAT for video 1.1"
    writes = "annotations.xml with a track for each object and its masks (RLE), in a zip, or by itself as .xml."
    target = "file"
    suffixes = (".zip", ".xml")
    options = (
        Option(
            "tracks",
            "A track is",
            "choice",
            PER_OBJECT,
            choices=((PER_OBJECT, "An object"), (PER_MASK, "One mask, for CVAT")),
            help="CVAT has no tracks of masks: of a track it takes the first one. As a track each, it takes all.",
        ),
        UNPROCESSED,
    )
    group = "data sets"

    def is_apart(self, options: Mapping[str, Value]) -> bool:
        return True

    def notes(self, request: ExportRequest) -> tuple[str, ...]:
        if request.options["tracks"] == PER_MASK:
            return ()
        return ("CVAT itself takes only the first mask of a track: for CVAT, let a track be one mask (tracks=mask).",)

    def estimate(self, request: ExportRequest) -> int:
        def size(frame: int) -> int:
            return sum(len(_runs(mask)) + _SHAPE for mask in request.masks(frame).values())

        text = from_samples(request.frames, size) + 1000
        return text // 3 if request.target.suffix.lower() == ".zip" else text

    def write(self, request: ExportRequest, place: Path) -> Iterator[int]:
        categories, written, done = categories_of(request), 0, 0
        with _opened(place) as file:
            _write_head(file, request, categories)
            writer = _Tracks(file, request, categories)
            steps = len(request.objects) * len(request.range)
            for id in sorted(request.ids):  # what comes later is in front
                for _ in writer.write(id):
                    written += 1
                    while done < written * len(request.frames) // steps:
                        done += 1
                        yield done
            file.write("</annotations>\n")


class _Tracks:
    """Writes the tracks of one object after the other."""

    def __init__(self, file: TextIO, request: ExportRequest, categories: Categories):
        self._file, self._request, self._categories = file, request, categories
        self._last = len(request.media) - 1
        self._count = 0

    def write(self, id: int) -> Iterator[int]:
        """Write the shapes of an object; yields each frame of the range."""
        per_mask, is_open = self._request.options["tracks"] == PER_MASK, False
        waiting: list[int] = []  # frames on which it is known to be absent, before the first mask
        for frame, mask in self._said(id):
            if mask is None:
                pass
            elif per_mask and not mask.is_empty:
                self._open(id)
                self._shape(frame, id, mask)
                if frame < self._last:
                    self._shape(frame + 1, id, mask, outside=True)
                self._close()
            elif not per_mask and (is_open or not mask.is_empty):
                if not is_open:
                    self._open(id)
                    for before in waiting:
                        self._shape(before, id, None, outside=True)
                    is_open = True
                self._shape(frame, id, mask, outside=mask.is_empty)
            elif not per_mask:
                waiting.append(frame)
            yield frame
        if is_open:
            self._close()

    def _said(self, id: int) -> Iterator[tuple[int, PackedMask | None]]:
        """Each frame of the range with the object's mask, empty where it is absent; None: nothing is said there."""
        request = self._request
        cells = request.project.cells_in(request.first, request.last, (id,))
        following = next(cells, None)
        for frame in request.range:
            if following is not None and following[0][0] == frame:
                yield frame, following[1].mask
                following = next(cells, None)
            else:
                yield frame, PackedMask.empty(request.size) if id in request.objects_said(frame) else None

    def _open(self, id: int) -> None:
        label = self._categories.all[self._categories.of[id]].name
        group = id if self._request.options["tracks"] == PER_MASK else 0
        attributes = {"id": self._count, "label": label, "source": "manual"} | ({"group_id": group} if group else {})
        self._file.write(f"  <track{_attributes(attributes | {'object': id})}>\n")
        self._count += 1

    def _close(self) -> None:
        self._file.write("  </track>\n")

    def _shape(self, frame: int, id: int, mask: PackedMask | None, outside: bool = False) -> None:
        if mask is None or mask.is_empty:  # where it is not there, a shape has to be somewhere all the same
            runs, (top, left, height, width) = "0, 1", (0, 0, 1, 1)
        else:
            runs, (top, left, height, width) = _runs(mask), mask.box
        state = {"frame": frame, "keyframe": 1, "outside": int(outside), "occluded": 0}
        place = {"rle": runs, "left": left, "top": top, "width": width, "height": height, "z_order": id}
        self._file.write(f"    <mask{_attributes(state | place)}></mask>\n")


def _runs(mask: PackedMask) -> str:
    """The lengths of runs outside and inside in turn, along the rows of the mask's box."""
    pixels = mask.inside().reshape(-1).view(np.uint8)
    edges = np.flatnonzero(np.diff(pixels, prepend=0))
    return ", ".join(map(str, np.diff(edges, prepend=0, append=len(pixels)).tolist()))


def _write_head(file: TextIO, request: ExportRequest, categories: Categories) -> None:
    height, width = request.size
    last = len(request.media) - 1
    file.write('<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n')
    file.write("  <meta>\n    <task>\n")
    about = {"name": sequence_name(request.media), "size": last + 1, "mode": "interpolation", "overlap": 0}
    for name, value in (about | {"start_frame": 0, "stop_frame": last, "frame_filter": ""}).items():
        file.write(f"      <{name}>{escape(_plain(value))}</{name}>\n")
    file.write("      <labels>\n")
    for category in categories.all.values():
        colour = "#{:02x}{:02x}{:02x}".format(*category.colour or (0, 0, 0))  # each has one in an export
        file.write(
            f"        <label><name>{escape(_plain(category.name))}</name><color>{colour}</color><type>mask</type>"
            "<attributes></attributes></label>\n"
        )
    file.write("      </labels>\n")
    file.write(f"      <original_size><width>{width}</width><height>{height}</height></original_size>\n")
    file.write(f"    </task>\n  </meta>\n  <{OBJECTS}{_attributes({'tracks': request.options['tracks']})}>\n")
    for info in request.objects:
        colour = "#{:02x}{:02x}{:02x}".format(*info.colour)
        label = categories.all[categories.of[info.id]].name
        said = {"id": info.id, "name": info.name, "class": info.class_name, "label": label, "color": colour}
        file.write(f"    <object{_attributes(said)}></object>\n")
    file.write(f"  </{OBJECTS}>\n")


def _attributes(values: Mapping[str, object]) -> str:
    return "".join(f" {name}={quoteattr(_plain(value))}" for name, value in values.items())


def _plain(value: object) -> str:
    """Without what XML has no way to write."""
    return _NO_XML.sub("\ufffd", str(value))


@contextmanager
def _opened(place: Path) -> Iterator[TextIO]:
    """The XML to be written, by itself or in a zip."""
    if place.suffix.lower() != ".zip":
        with place.open("w", encoding="utf-8", newline="\n") as file:
            yield file
        return
    with (
        zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open(NAME_IN_ZIP, "w", force_zip64=True) as raw,
        io.TextIOWrapper(raw, "utf-8", newline="\n") as file,
    ):
        yield file
