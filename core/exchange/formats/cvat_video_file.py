"""Reading CVAT's XML 1.1, of video (tracks) and of images, zipped or bare; `cvat_video` writes it.

A track with masks on several frames is an object. CVAT itself has no tracks of masks, and writes each mask as a track
with one frame: those of a group are one object; of those without, that have one label, the first on each frame is one
object, the second another. Masks and polygons are read, all else is counted. `outside` says that an object is not
there; a frame without an element says nothing.
"""

import zipfile
import zlib
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

import numpy as np

from core.errors import PCVOSError
from core.exchange.collector import Gathering
from core.exchange.footage_fit import FrameNames, check_shape, fit
from core.exchange.formats.cvat_video import OBJECTS, PER_OBJECT
from core.exchange.importer import COMPLETE, RGB, Found, Importer, ImportRequest
from core.exchange.json_fields import Node
from core.exchange.rle import decode
from core.masks.packed_mask import PackedMask
from core.masks.palette import rgb
from core.progress import UNWATCHED, Progress

_SHAPES = {"mask", "polygon"}
_OTHERS = {"box", "polyline", "points", "ellipse", "cuboid", "skeleton"}
_PIECE = 2**16  # bytes
_MOST_PIXELS = 2**28


class CvatVideoFile(Importer):
    name = "cvat-video"
    label = "CVAT for video 1.1"
    reads = "annotations.xml, zipped or bare: masks and polygons of tracks, each an object, and of images."
    is_folder = False
    suffixes = (".xml", ".zip")
    options = (COMPLETE,)

    def recognises(self, path: Path) -> bool:
        if not path.is_file():
            return False
        if zipfile.is_zipfile(path):
            try:
                with zipfile.ZipFile(path) as archive:
                    return _name_in(archive) is not None
            except (zipfile.BadZipFile, RuntimeError):
                return False
        with path.open("rb") as file:
            return b"<annotations" in file.read(4096).replace(b"\0", b"")  # UTF-16, too

    def read(self, request: ImportRequest) -> Found:
        images = _ImageNames(request)
        _parse(request, images, UNWATCHED)
        names = FrameNames(request, images.names, strangers=True)
        if names.question:
            return Found({}, (), (names.question,))
        reader = _Reader(request, names)
        _parse(request, reader, request.progress)
        return reader.found()


def _parse(request: ImportRequest, target: object, progress: Progress) -> None:
    """Feed the file to what `ElementTree.XMLParser` tells of its elements."""
    parser = ElementTree.XMLParser(target=target)
    try:
        with _opened(request.path) as (file, size):
            done = 0
            while piece := file.read(_PIECE):
                parser.feed(piece)
                done += len(piece)
                progress.say(min(done, size), size)
        parser.close()
    except (ElementTree.ParseError, LookupError, ValueError) as error:  # the latter: an encoding there is not
        raise PCVOSError(f"{request.path} is no XML, or is cut short: {error}.") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise PCVOSError(f"{request.path} is no zip that can be read, or is cut short: {error}.") from error
    except OSError as error:
        raise PCVOSError(f"{request.path} cannot be read: {error.strerror or error}.") from error


class _Target:
    """The target of `ElementTree.XMLParser`; a document type could hold traps, and no file of CVAT has one."""

    def __init__(self, request: ImportRequest):
        self._request = request

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise PCVOSError(f"{self._request.path} has a document type, which no file of CVAT has: it is not read.")


class _ImageNames(_Target):
    """The names of all images in a file: only all of them together say which frames they are."""

    def __init__(self, request: ImportRequest):
        super().__init__(request)
        self.names: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "image":
            self.names.append(attributes.get("name", ""))


@dataclass(frozen=True)
class _Shape:
    """A mask on a frame (None: of none of the footage); None: the object is not there."""

    frame: int | None
    z_order: int
    mask: PackedMask | None


@dataclass
class _Track:
    """The facts on a track, or on one shape on an image; `object` is the id that this program has written, or 0."""

    number: str
    label: str
    group: str
    object: int = 0
    shapes: list[_Shape] = field(default_factory=list)

    @property
    def is_single(self) -> bool:
        """Whether it is how CVAT writes one mask: a frame, and at most one on which it is over."""
        there = sum(shape.mask is not None for shape in self.shapes)
        return there == 1 and len(self.shapes) <= 2


@dataclass(frozen=True)
class _Own:
    """An object of the project that the file was written of."""

    name: str
    class_name: str
    label: str
    colour: RGB | None


class _Reader(_Target):
    """The masks of a file; nothing else is kept of it."""

    def __init__(self, request: ImportRequest, names: FrameNames):
        super().__init__(request)
        self._media, self._names = request.media, names
        self._size = (request.media.size[0], request.media.size[1])  # (height, width) of what masks are drawn on
        self._path: list[str] = []
        self._text = ""
        self._sides: dict[str, int] = {}
        self._own: dict[int, _Own] = {}
        self._is_per_object = False
        self._track: _Track | None = None
        self._image: int | None = None
        self._tracks: list[_Track] = []
        self._strangers: set[str] = set()
        self._frames: set[int] = set()
        self._left_out: Counter[str] = Counter()

    # as the parser calls them

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if not self._path and tag != "annotations":
            raise PCVOSError(f"{self._request.path} is no file of CVAT: it begins with <{tag}>, not <annotations>.")
        self._path.append(tag)
        self._text = ""
        inside = self._path[1] if len(self._path) > 1 else ""
        if tag == "track":
            own = attributes.get("object", "")
            group = attributes.get("group_id", "0")
            self._track = _Track(attributes.get("id", ""), self._label(tag, attributes), group)
            self._track.object = int(own) if own.isdecimal() else 0
        elif tag == "image":
            self._begin_image(attributes)
        elif inside == OBJECTS:
            self._note_own(tag, attributes)
        elif inside in ("track", "image") and len(self._path) == 3:
            self._take(tag, attributes)

    def data(self, text: str) -> None:
        self._text += text if self._path[-2:-1] == ["original_size"] else ""

    def end(self, tag: str) -> None:
        self._path.pop()
        if self._path[-1:] == ["original_size"] and self._text.strip().isdecimal():
            self._sides[tag] = int(self._text)
        elif tag == "original_size" and {"width", "height"} <= self._sides.keys():
            self._set_size(self._sides["height"], self._sides["width"], "The video")
        elif tag == "track" and self._track is not None:
            self._tracks.append(self._track)
            self._track = None
        elif tag == "image":
            self._image = None

    def close(self) -> None:
        pass

    # what they hold

    def _where(self, tag: str, attributes: Mapping[str, str]) -> str:
        track = f"track {self._track.number}, " if self._track else ""
        frame = f"frame {attributes['frame']}, " if "frame" in attributes else ""
        return f"{self._request.path}: {track}{frame}{tag}"

    def _label(self, tag: str, attributes: Mapping[str, str]) -> str:
        label = attributes.get("label", "").strip()
        if not label:
            raise PCVOSError(f"{self._where(tag, attributes)} has no label.")
        return label

    def _number(self, tag: str, attributes: Mapping[str, str], name: str) -> int:
        try:
            return int(attributes[name])
        except (KeyError, ValueError):
            problem = f"is {attributes[name][:20]}, no whole number" if name in attributes else "is missing"
            raise PCVOSError(f"{self._where(tag, attributes)}: {name} {problem}.") from None

    def _set_size(self, height: int, width: int, what: str) -> None:
        check_shape((height, width), self._media.size, f"{what} of {self._request.path}")
        if height * width > _MOST_PIXELS:
            raise PCVOSError(f"{what} of {self._request.path} is too large: {width}x{height}.")
        self._size = (height, width)

    def _begin_image(self, attributes: Mapping[str, str]) -> None:
        name = attributes.get("name", "")
        self._image = self._names.find(name)
        if self._image is None:
            self._strangers.add(name)
        else:
            self._frames.add(self._image)
        sides = [attributes.get(side, "") for side in ("height", "width")]
        if all(side.isdecimal() for side in sides) and self._image is not None:
            self._set_size(int(sides[0]), int(sides[1]), f"The image {name}")

    def _note_own(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == OBJECTS:
            self._is_per_object = attributes.get("tracks") == PER_OBJECT
        elif tag == "object":
            name, label = attributes.get("name", ""), attributes.get("label", "")
            colour = _colour(attributes.get("color", ""))
            self._own[self._number(tag, attributes, "id")] = _Own(name, attributes.get("class", ""), label, colour)

    def _take(self, tag: str, attributes: Mapping[str, str]) -> None:
        """A shape of a track or an image."""
        if tag in _OTHERS:
            self._left_out[tag] += 1
        if tag not in _SHAPES:
            return
        z_order = self._number(tag, attributes, "z_order") if "z_order" in attributes else 0
        if self._track is None:
            if self._image is not None:
                alone = _Track("", self._label(tag, attributes), attributes.get("group_id", "0"))
                alone.shapes.append(_Shape(self._image, z_order, self._mask(tag, attributes)))
                self._tracks.append(alone)
            return
        number = self._number(tag, attributes, "frame")
        frame = number if 0 <= number < len(self._media) else None
        outside = attributes.get("outside") == "1"
        if frame is not None:
            self._frames.add(frame)
        elif not outside:
            self._strangers.add(str(number))
        mask = None if outside else PackedMask.empty(self._size) if frame is None else self._mask(tag, attributes)
        self._track.shapes.append(_Shape(frame, z_order, mask))

    def _mask(self, tag: str, attributes: Mapping[str, str]) -> PackedMask:
        where = self._where(tag, attributes)
        packed = self._runs(attributes, where) if tag == "mask" else self._polygon(attributes, where)
        return packed if packed.size == tuple(self._media.size) else fit(packed.unpack(), self._media.size, where)

    def _runs(self, attributes: Mapping[str, str], where: str) -> PackedMask:
        left, top, width, height = (
            self._number("mask", attributes, side) for side in ("left", "top", "width", "height")
        )
        if min(left, top) < 0 or min(width, height) < 1 or top + height > self._size[0] or left + width > self._size[1]:
            raise PCVOSError(f"{where}: its box does not lie in the frame of {self._size[1]}x{self._size[0]}.")
        try:
            runs = [int(run) for run in attributes.get("rle", "").split(",")]
        except ValueError as error:
            raise PCVOSError(f"{where}: rle is no list of numbers.") from error
        if min(runs) < 0 or sum(runs) > width * height:
            raise PCVOSError(f"{where}: rle fills {sum(runs)} pixels, but {width}x{height} are {width * height}.")
        part = np.zeros(width * height, np.uint8)
        part[: sum(runs)] = np.repeat(np.arange(len(runs)) % 2, runs)
        return PackedMask.pack_part(part.reshape(height, width), self._size, top, left)

    def _polygon(self, attributes: Mapping[str, str], where: str) -> PackedMask:
        try:
            points = [float(n) for pair in attributes.get("points", "").split(";") for n in pair.split(",")]
        except ValueError as error:
            raise PCVOSError(f"{where}: points are no pairs of numbers.") from error
        return PackedMask.pack(decode(Node([points], where, "points"), self._size))

    # all of it

    def found(self) -> Found:
        """The content of the file.

        Raises:
            PCVOSError: nothing of it belongs to the footage.
        """
        if self._strangers and not self._frames:
            name, path = next(iter(self._strangers)), self._request.path
            raise PCVOSError(f"{path} speaks of {name}, but the footage's frames are 0 to {len(self._media) - 1}.")
        gathering, masks = Gathering(), []
        gathering.notes += self._names.notes
        for id, own in self._own.items():
            gathering.know(id, id, own.name, own.colour, own.class_name)
        seen: Counter[Hashable] = Counter()
        for track in self._tracks:
            if all(shape.mask is None for shape in track.shapes):
                continue
            key = self._known(track, gathering, seen)
            says_absent = self._is_per_object if track.object in self._own else not track.is_single
            for shape in track.shapes:
                if shape.frame is not None and (shape.mask is not None or says_absent):
                    masks.append((shape.frame, shape.z_order, key, shape.mask or PackedMask.empty(self._media.size)))
        for frame in sorted(self._frames):
            gathering.cover(frame)
        for frame, _, key, mask in sorted(masks, key=lambda item: item[:2]):
            gathering.add(frame, key, mask)
        if max(seen.values(), default=0) > 1:
            gathering.warnings.append(
                "CVAT does not say which mask is which on the next frame: they go by their order."
            )
        if self._strangers:
            gathering.warnings.append(f"Frames that the footage has not, left out: {len(self._strangers)}.")
        for tag, count in self._left_out.items():
            gathering.warnings.append(f"Shapes that are no masks ({tag}), left out: {count}.")
        return gathering.found(in_front="later")

    def _known(self, track: _Track, gathering: Gathering, seen: Counter[Hashable]) -> Hashable:
        """The key that a track's object is kept by; it is known then.

        Args:
            seen: how many single masks of a label there were on a frame so far.
        """
        own = self._own.get(track.object)
        if own is not None and own.label == track.label:
            return track.object
        if not track.is_single:
            key: Hashable = ("track", len(gathering))
        elif track.group != "0":
            key = (track.label, track.group)
        else:
            place = (track.label, next(shape.frame for shape in track.shapes if shape.mask is not None))
            key = (track.label, "", seen[place])
            seen[place] += 1
        gathering.know(key, len(gathering) + 1, track.label, class_name=track.label)
        return key


@contextmanager
def _opened(path: Path) -> Iterator[tuple[IO[bytes], int]]:
    """The XML, and how many bytes it has."""
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            yield file, path.stat().st_size
        return
    with zipfile.ZipFile(path) as archive:
        name = _name_in(archive)
        if name is None:
            raise PCVOSError(f"{path} holds no XML: export it from CVAT as CVAT for video 1.1.")
        with archive.open(name) as file:
            yield file, archive.getinfo(name).file_size


def _name_in(archive: zipfile.ZipFile) -> str | None:
    """The name of the annotations in a zip, which can lie in a folder: they are called so, or are the only XML."""
    names = [name for name in archive.namelist() if name.lower().endswith(".xml")]
    called = [name for name in names if name.replace("\\", "/").rpartition("/")[2].lower() == "annotations.xml"]
    return next(iter(called or (names if len(names) == 1 else [])), None)


def _colour(text: str) -> RGB | None:
    try:
        return rgb(bytes.fromhex(text.removeprefix("#"))) if len(text) == 7 else None
    except ValueError:
        return None
