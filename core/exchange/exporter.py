"""The interface of export formats, and the request they are given."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, TypeVar

import numpy as np

from core.errors import PCVOSError
from core.exchange.options import Option, Value, resolve
from core.exchange.unprocessed import EMPTY, SKIP, STOP, UNPROCESSED, frames_to_write, in_words
from core.masks.overlay import draw_overlay
from core.masks.packed_mask import PackedMask
from core.masks.palette import DISPLAY_PALETTE
from core.media.source import FrameSource
from core.project.model import Cell, ObjectInfo
from core.project.project import Project

T = TypeVar("T")


@dataclass(frozen=True)
class ExportRequest:
    """The request for an export; made by `export_request`, which checks it.

    Attributes:
        project: as it is on disk or in memory; only read, and only on the thread that opened it.
        media: its footage.
        target: the file or folder to make, absolute.
        first, last: the range that was asked for, inclusive.
        objects: those to write, in the order of the project's list; at least one.
        options: a value for every option of the format.
        frames: those that are written, ascending, at least one: all of the range, but for those that are left out as
            they were never processed (see `core.exchange.unprocessed`).
        unknown: of objects of which something is unknown in the range: where, bool (all frames of the footage,).
    """

    project: Project
    media: FrameSource
    target: Path
    first: int
    last: int
    objects: tuple[ObjectInfo, ...]
    options: Mapping[str, Value]
    frames: Sequence[int]
    unknown: Mapping[int, np.ndarray]

    @property
    def range(self) -> range:
        """All frames from `first` to `last`, also those that are left out."""
        return range(self.first, self.last + 1)

    @property
    def which_frames(self) -> str:
        """Frames that are written, in words."""
        first, last, count = self.frames[0], self.frames[-1], len(self.frames)
        return f"frames {first} to {last}" if count == last - first + 1 else f"{count} of the frames {first} to {last}"

    @property
    def stops(self) -> bool:
        """Whether there is something unknown, and nobody has said what is to become of it."""
        return bool(self.unknown) and self.options[UNPROCESSED.name] == STOP

    @property
    def about_unknown(self) -> str:
        """Number of frames never processed, for each object, and what becomes of them; "": there are none."""
        said = in_words(self.objects, self.unknown, self.range)
        if not said or self.stops:
            return said
        if self.options[UNPROCESSED.name] == EMPTY:
            return f"{said} Written as absent there."
        left_out = len(self.range) - len(self.frames)
        return f"{said} Left out" + (f": {left_out} of {len(self.range)} frames." if left_out else " there.")

    def objects_said(self, frame: int) -> tuple[int, ...]:
        """Ids of the objects of which files of a frame say something: without those that are left out there."""
        if not self.unknown or self.options[UNPROCESSED.name] != SKIP:
            return self.ids
        return tuple(id for id in self.ids if id not in self.unknown or not self.unknown[id][frame])

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the frames."""
        return self.project.footage.size

    @property
    def ids(self) -> tuple[int, ...]:
        """The objects' ids."""
        return tuple(info.id for info in self.objects)

    @property
    def palette(self) -> np.ndarray:
        """The objects' colours, uint8 (256, 3) RGB, row = id."""
        palette = DISPLAY_PALETTE.copy()
        for info in self.objects:
            palette[info.id] = info.colour
        return palette

    def stem(self, frame: int) -> str:
        """The name of a frame's files, without a suffix: as its image, or its number of five digits."""
        return self.media.stems[frame]

    def cells(self, frame: int) -> dict[int, Cell]:
        """The masks of the chosen objects on a frame, by id, ascending; an empty mask: it is not there."""
        return {obj: cell for (_, obj), cell in self.project.cells_in(frame, frame, self.ids)}

    def masks(self, frame: int) -> dict[int, PackedMask]:
        """The masks of `cells` that are not empty. They can overlap."""
        return {obj: cell.mask for obj, cell in self.cells(frame).items() if not cell.mask.is_empty}

    def objects_without_mask(self) -> tuple[ObjectInfo, ...]:
        """The chosen objects that are on none of the frames."""
        left = set(self.ids)
        for frame in self.frames:
            if not left:
                break
            cells = self.project.cells_in(frame, frame, left)
            left -= {obj for (_, obj), cell in cells if not cell.mask.is_empty}
        return tuple(info for info in self.objects if info.id in left)

    def labels(self, frame: int) -> np.ndarray:
        """The label map of the chosen objects, uint8 (H, W), the caller's own. Where they overlap, a corrected one is
        above, as in `Project.labels`."""
        labels = np.zeros(self.size, np.uint8)
        for obj, cell in sorted(self.cells(frame).items(), key=lambda item: item[1].corrected):
            cell.mask.draw(labels, obj)
        return labels


class Exporter(ABC):
    """One format to write; stateless. What is imported only for it, it imports inside its methods.

    Attributes:
        name: what it is called on the command line: lower-case letters, digits and dashes.
        label: what it is called in a list to choose from.
        writes: one sentence on what it writes.
        target: whether that is a file, or a folder with files in it.
        suffixes: of a file, the ones it can have, the usual one first.
        options: what can be chosen; `UNPROCESSED` is among them in every format.
        group: heading in a list: "masks", "data sets", "mattes" or "video".
    """

    name: ClassVar[str]
    label: ClassVar[str]
    writes: ClassVar[str]
    target: ClassVar[Literal["file", "folder"]] = "folder"
    suffixes: ClassVar[tuple[str, ...]] = ()
    options: ClassVar[tuple[Option, ...]] = ()
    group: ClassVar[Literal["masks", "data sets", "mattes", "video"]] = "masks"

    def check(self, request: ExportRequest) -> None:  # noqa: B027 - most formats can hold anything
        """Raise PCVOSError for what this format cannot hold, or a missing package; before anything is written."""

    def is_apart(self, options: Mapping[str, Value]) -> bool:
        """Whether each object has files (or a track) of its own, and can be left out of a frame without the others."""
        return False

    def notes(self, request: ExportRequest) -> tuple[str, ...]:
        """Sentences for the person on what will be different in the file: e.g. an odd width that is filled up."""
        return ()

    def files(self, request: ExportRequest) -> Iterator[str]:
        """For a folder: the paths of all files that an export like this can write, in the folder, with "/". Those that
        are there already are not overwritten unasked. When they are replaced, those not written anew are removed.
        """
        raise NotImplementedError  # a file has no need of it

    def beside(self, request: ExportRequest) -> tuple[str, ...]:
        """For a file: the names of others that are written beside it, e.g. of what says how it was made."""
        return ()

    @abstractmethod
    def estimate(self, request: ExportRequest) -> int:
        """About how many bytes it will take. Quick: some frames stand for all (`from_samples`)."""

    @abstractmethod
    def write(self, request: ExportRequest, place: Path) -> Iterator[int]:
        """Write everything, and yield after each frame how many are done, 1 to `len(request.frames)`.

        Closing the iterator ends it: it lets go of open files; what it has written is removed by `run_export`.

        Args:
            place: a path of the target's name beside it, for the format alone. A file is not there yet; a folder is,
                and is empty. Nothing else is to be written to, but for files of the names `beside` gives in the folder
                it is in. It takes the target's place when the iterator ends.
        """

    def preview(self, request: ExportRequest, frame: int) -> np.ndarray:
        """The look of a frame, for a dialog: uint8 (H, W, 3) RGB, or (H, W, 4) with straight alpha."""
        return draw_overlay(request.media.read(frame), request.labels(frame), palette=request.palette)


def export_request(
    exporter: Exporter,
    project: Project,
    media: FrameSource,
    target: Path,
    *,
    first: int | None = None,
    last: int | None = None,
    objects: tuple[int, ...] | None = None,
    options: Mapping[str, Value] | None = None,
) -> ExportRequest:
    """A request that can be carried out.

    Args:
        first, last: None: the footage's first and last frame.
        objects: ids; None: all.
        options: those that are not the default.

    Raises:
        PCVOSError: frames or objects that there are not, no objects, a wrong suffix, wrong options, or nothing is left
            when what was never processed is left out.
    """
    count = min(len(media), project.footage.frames)
    first = 0 if first is None else first
    last = count - 1 if last is None else last
    if not 0 <= first <= last < count:
        raise PCVOSError(f"Frames {first} to {last} are no range of the footage: its frames are 0 to {count - 1}.")
    if tuple(media.size) != tuple(project.footage.size):
        raise PCVOSError(
            f"{media.path} is not of the size that the masks of {project.path} have: link the right footage."
        )
    if exporter.target == "file" and target.suffix.lower() not in exporter.suffixes:
        raise PCVOSError(f"{target} is no name for {exporter.label}: let it end in {' or '.join(exporter.suffixes)}.")
    chosen, values = _chosen(project, objects), resolve(exporter.options, options or {}, exporter.name)
    unknown = _unknown(project, first, last, chosen)
    span = range(first, last + 1)
    frames: Sequence[int] = span
    if values[UNPROCESSED.name] == SKIP:
        frames = frames_to_write(span, unknown, len(chosen), exporter.is_apart(values))
        if not frames:
            said = in_words(chosen, unknown, span)
            raise PCVOSError(f"{said} Without these no frame is left: choose fewer objects, or propagate first.")
    return ExportRequest(project, media, Path(target).absolute(), first, last, chosen, values, frames, unknown)


def check_processed(request: ExportRequest) -> None:
    """Raise PCVOSError if something of the range was never processed, and nobody has said what is to become of it."""
    if request.stops:
        what = f"{request.about_unknown} It is not known whether they are there"
        raise PCVOSError(f"{what}: propagate first, or choose what is to be written.", "unprocessed")


def _unknown(project: Project, first: int, last: int, objects: tuple[ObjectInfo, ...]) -> dict[int, np.ndarray]:
    """Find `ExportRequest.unknown`."""
    unprocessed = {}
    for id, frames in project.unprocessed(first, last, [info.id for info in objects]).items():
        if len(frames):
            unprocessed[id] = np.zeros(project.footage.frames, bool)
            unprocessed[id][frames] = True
    return unprocessed


def _chosen(project: Project, ids: tuple[int, ...] | None) -> tuple[ObjectInfo, ...]:
    present = [info.id for info in project.objects]
    if not present:
        raise PCVOSError(f"{project.path} has no objects to export: mark one first.")
    if unknown := sorted(set(ids or ()) - set(present)):
        raise PCVOSError(
            f"There is no object {unknown[0]} in {project.path}: its ids are {', '.join(map(str, present))}."
        )
    if ids is not None and not ids:
        raise PCVOSError("No object is chosen: choose at least one to export.")
    return tuple(info for info in project.objects if ids is None or info.id in ids)


def from_samples(frames: Sequence[T], size_of: Callable[[T], int], samples: int = 5) -> int:
    """Bytes of all frames (or whatever else there are many of), if `size_of` tells them of some, spread evenly.

    Args:
        frames: at least one. size_of: the bytes of one, by encoding it.
    """
    count = min(samples, len(frames))
    chosen = [frames[round((i + 0.5) * len(frames) / count - 0.5)] for i in range(count)]
    return round(sum(map(size_of, chosen)) / count * len(frames))
