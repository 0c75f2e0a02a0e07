"""`pcvos mark`: the mask of what points and a box on one frame mean."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.benchmark.machine import known_choices
from core.commands.result_places import check_writable
from core.errors import PCVOSError
from core.marking.marker import Marker
from core.marking.marks import Marks
from core.masks.label_map import write_label_map
from core.masks.mask_files import load_masks
from core.media import open_media
from core.network.checkpoint import load_network
from core.network.marking_weights import load_marking


@dataclass(frozen=True)
class MarkRequest:
    """The command line's request.

    Attributes:
        footage: a video or a folder of images. frame: counted from 0.
        points, not_points: X,Y each. box: X,Y,X,Y or None.
        mask: a PNG, the mask so far; None: there is none.
        output: the PNG to write, the object as 1.
    """

    footage: Path
    frame: int
    output: Path
    points: Sequence[str] = ()
    not_points: Sequence[str] = ()
    box: str | None = None
    mask: Path | None = None
    weights: Path | None = None
    marking_weights: Path | None = None
    device: str = "auto"
    overwrite: bool = False


def mark(request: MarkRequest, say: Callable[[str], None]) -> None:
    """Write the mask that the marks mean.

    Raises:
        PCVOSError: the footage, the frame, a mark, the mask so far, the weights or the output cannot be used.
    """
    marks = Marks.clicks(
        [_point("--point", text) for text in request.points],
        [_point("--not", text) for text in request.not_points],
        None if request.box is None else _box("--box", request.box),
    )
    _check_output(request)
    with open_media(request.footage) as media:
        if not 0 <= request.frame < len(media):
            last = len(media) - 1
            raise PCVOSError(f"There is no frame {request.frame}: {request.footage} has frames 0 to {last}.")
        marks.check(media.size)
        previous = None if request.mask is None else _read_mask(request, request.mask, media.stems, media.size)
        network = load_network(request.weights, request.device, known_choices)
        device = next(network.parameters()).device
        marker = Marker(network, load_marking(request.marking_weights, device))
        marked = marker.mask(media.read(request.frame), marks, previous)
    write_label_map(request.output, marked.label.astype(np.uint8))
    say(f"{request.output}: {np.count_nonzero(marked.label)} pixels.")


def _check_output(request: MarkRequest) -> None:
    output = request.output
    if output.suffix.lower() != ".png":
        raise PCVOSError(f"{output} is no name for a mask: give --output a name that ends in .png.")
    if output.is_dir() or (output.exists() and not request.overwrite):
        raise PCVOSError(f"{output} exists already: choose another --output, or give --overwrite.")
    check_writable(output.parent)


def _read_mask(request: MarkRequest, path: Path, stems: Sequence[str], size: tuple[int, int]) -> np.ndarray:
    """The mask so far, bool (H, W): all objects of the file as one."""
    read = load_masks(path, stems, size, mask_frame=request.frame, may_be_empty=True)
    return read.annotations[0].labels > 0


def _point(option: str, text: str) -> tuple[float, float]:
    x, y = _numbers(option, text, 2)
    return x, y


def _box(option: str, text: str) -> tuple[float, float, float, float]:
    left, top, right, bottom = _numbers(option, text, 4)
    return left, top, right, bottom


def _numbers(option: str, text: str, count: int) -> tuple[float, ...]:
    """Numbers with commas between them."""
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != count:
        example = "120,80" if count == 2 else "40,30,200,160 (left, top, right, bottom)"
        raise PCVOSError(f"{option} {text} is no {'point' if count == 2 else 'box'}: write, for example, {example}.")
    return numbers
