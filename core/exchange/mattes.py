"""Mattes of what a project holds: those of an export, frame by frame, and of one frame for whoever shows it."""

import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, repeat
from types import MappingProxyType
from typing import Any

import cv2
import numpy as np

from core.errors import PCVOSError
from core.exchange.exporter import ExportRequest
from core.exchange.options import Option, Value
from core.exchange.parallel import in_threads
from core.masks.matte import Matte, MatteSettings, make_matte, sharing, smoothed
from core.media import read_ahead
from core.project.model import Cell
from core.project.project import Project

TOGETHER = 0
"""The id of the matte of all objects as one."""

THREADS = min(6, os.cpu_count() or 1)
"""Frames that are worked on at once; more would only take memory."""

_GUIDED, _NETWORK, _HARD = "picture", "network", "hard"

MATTE_OPTIONS = (
    Option(
        "edges",
        "Edges",
        "choice",
        _GUIDED,
        choices=((_GUIDED, "As in the picture"), (_NETWORK, "Soft"), (_HARD, "Hard")),
        help="Soft edges come from the network's probabilities, and can be drawn to the edges of the picture.",
    ),
    Option("grow", "Grow", "float", 0.0, -50, 50, 0.5, "pixels", help="Below 0 the matte shrinks."),
    Option("feather", "Feather", "float", 0.0, 0, 100, 0.5, "pixels", help="Blurs edges over so many pixels."),
    Option("gamma", "Gamma", "float", 1.0, 0.1, 10, 0.1, help="Above 1 what is half transparent gets more opaque."),
    Option(
        "smooth",
        "Calm edges",
        "int",
        0,
        0,
        5,
        1,
        "frames",
        help="Averages edges with those of so many frames before and after, where they are in the same place.",
    ),
)


DEFAULT_EDGES: Mapping[str, Value] = MappingProxyType({option.name: option.default for option in MATTE_OPTIONS})


@dataclass(frozen=True)
class MattedFrame:
    """A frame with its mattes: pixels uint8 (H, W, 3) RGB; by object id, or `TOGETHER`."""

    frame: int
    pixels: np.ndarray
    mattes: Mapping[int, Matte]


def matted_frames(request: ExportRequest, *, together: bool, maximum: int = 255) -> Iterator[MattedFrame]:
    """The frames of an export in their order, worked on in threads.

    Args:
        together: all chosen objects as one, or else one matte for each that is on the frame.
        maximum: the levels of the mattes are to sum to no more than this.
    """
    settings = matte_settings(request.options)
    reach = settings.smooth
    count = min(len(request.media), request.project.footage.frames)
    written = frozenset(request.frames)
    around = range(max(request.frames[0] - reach, 0), min(request.frames[-1] + reach, count - 1) + 1)
    frames = in_threads(_jobs(request, around, settings, together), THREADS)
    for before_and_after, matted in _windows(frames, reach):
        if matted.frame in written:
            mattes = calmed(matted.mattes, [other.mattes for other in before_and_after]) if reach else matted.mattes
            yield replace(matted, mattes=sharing(mattes, maximum))


def matte_one(request: ExportRequest, frame: int, *, together: bool, maximum: int = 255) -> MattedFrame:
    """One frame as `matted_frames` gives it, for previews and estimates."""
    alone = replace(request, first=frame, last=frame, frames=(frame,))
    return next(matted_frames(alone, together=together, maximum=maximum))


def alpha_of(matted: MattedFrame, id: int = TOGETHER, maximum: int = 255) -> np.ndarray:
    """One of the mattes, uint8 or uint16 (H, W); 0 where there is none of this id."""
    if id in matted.mattes:
        return matted.mattes[id].levels(maximum)
    return np.zeros(matted.pixels.shape[:2], np.uint8 if maximum < 256 else np.uint16)


def cut_out(matted: MattedFrame, order: int = cv2.COLOR_RGB2RGBA) -> np.ndarray:
    """The frame with the matte of all as straight alpha, uint8 (H, W, 4), RGBA unless `order` (of OpenCV) is another;
    its colours are whole."""
    picture = cv2.cvtColor(matted.pixels, order)
    cv2.insertChannel(alpha_of(matted), picture, 3)
    return picture


def edges_of(project: Project) -> dict[str, Value]:
    """The values that a project has for `MATTE_OPTIONS`: exports begin with them. What it lacks, or what cannot be used
    of what it has, is the default."""
    stored, values = project.content.edges, dict(DEFAULT_EDGES)
    for option in MATTE_OPTIONS:
        try:
            values[option.name] = option.checked(stored[option.name])
        except (KeyError, PCVOSError):  # an option of another version
            continue
    return values


def matte_settings(options: Mapping[str, Value]) -> MatteSettings:
    """Settings from values of all `MATTE_OPTIONS`."""
    edges = options["edges"]
    chosen: dict[str, Any] = {name: options[name] for name in ("grow", "feather", "gamma", "smooth")}
    return MatteSettings(guided=edges == _GUIDED, hard=edges == _HARD, **chosen)


def make_mattes(
    pixels: np.ndarray, cells: Mapping[int, Cell], settings: MatteSettings, *, together: bool, side: int = 0
) -> dict[int, Matte]:
    """The mattes of the objects on one frame, before `calmed` and `sharing`.

    Args:
        pixels: uint8 (H, W, 3) RGB; only their size counts where edges are not drawn to the picture, or nothing is.
        cells: what is known of the objects there, by id.
        together: all as one, `TOGETHER`, or else one for each whose mask is not empty.
        side: see `side_seen`.
    """
    labels = np.zeros(pixels.shape[:2], np.uint8)
    for id, cell in sorted(cells.items(), key=lambda item: item[1].corrected):  # as `ExportRequest.labels`
        cell.mask.draw(labels, id)
    filled = {id: cell for id, cell in cells.items() if not cell.mask.is_empty}
    if together:  # where one has no soft mask the others contradict the mask, and do not count
        soft = [cell.soft for cell in filled.values() if cell.soft is not None]
        return {TOGETHER: make_matte(labels > 0, soft, pixels, settings, side)}
    mattes = {}
    for id, cell in filled.items():
        soft = [] if cell.soft is None else [cell.soft]
        mattes[id] = make_matte(labels == id, soft, pixels, settings, side)
    return mattes


def calmed(mattes: Mapping[int, Matte], around: Sequence[Mapping[int, Matte]]) -> dict[int, Matte]:
    """A frame's mattes averaged with those of the frames before and after it, which come in their order."""
    return {id: smoothed(matte, [other[id] for other in around if id in other]) for id, matte in mattes.items()}


def side_seen(project: Project) -> int:
    """The shorter side of what the network saw in the last run, pixels; 0: not known."""
    for _, run in reversed(project.runs()):
        if "resolution" in run.settings:
            return int(run.settings["resolution"] or min(project.footage.size))
    return 0


def _jobs(request: ExportRequest, frames: range, settings: MatteSettings, together: bool) -> Iterator[partial]:
    side = side_seen(request.project)
    for frame, pixels in read_ahead(request.media, frames, depth=THREADS):
        yield partial(_matted, frame, pixels, request.cells(frame), settings, together, side)


def _matted(
    frame: int, pixels: np.ndarray, cells: Mapping[int, Cell], settings: MatteSettings, together: bool, side: int
) -> MattedFrame:
    return MattedFrame(frame, pixels, make_mattes(pixels, cells, settings, together=together, side=side))


def _windows(frames: Iterable[MattedFrame], reach: int) -> Iterator[tuple[list[MattedFrame], MattedFrame]]:
    """Each frame, behind those up to `reach` before and after it."""
    window: deque[MattedFrame] = deque()
    begun = 0  # how many of the window were given
    for frame in chain(frames, repeat(None, reach)):
        if frame is not None:
            window.append(frame)
        if len(window) > begun and (frame is None or len(window) > begun + reach):
            this = window[begun]
            yield [other for other in list(window)[: begun + reach + 1] if other is not this], this
            begun += 1
            if begun > reach:
                window.popleft()
                begun -= 1
