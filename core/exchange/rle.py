"""COCO's ways to write a mask: runs down the columns, plain or compressed to text, and polygons.

Encoding and polygons are pycocotools's. Runs are read here: pycocotools takes runs that do not fill the mask without a
word, and gives what happened to be in memory for the rest.
"""

from typing import Any

import numpy as np

from core.errors import PCVOSError
from core.exchange.json_fields import Node
from core.masks.packed_mask import PackedMask

_MOST_PIXELS = 2**28
_FAR = 1e308


def coco_masks() -> Any:
    """The module `pycocotools.mask`; PCVOSError if it is missing."""
    try:
        from pycocotools import mask
    except ImportError as error:
        raise PCVOSError(
            f"COCO's masks need pycocotools ({error}); install it with: pip install pycocotools"
        ) from error
    return mask


def encode(mask: PackedMask, *, compressed: bool = True) -> dict[str, Any]:
    """A COCO RLE that JSON can hold: `size` [height, width], and `counts` as text, or as a list of runs."""
    runs = _runs(mask)
    if not compressed:
        return {"size": list(mask.size), "counts": runs}
    rle = coco_masks().frPyObjects({"size": list(mask.size), "counts": runs}, *mask.size)
    return {"size": list(mask.size), "counts": rle["counts"].decode("ascii")}


def _runs(mask: PackedMask) -> list[int]:
    """The lengths of runs outside and inside in turn, down one column after the other. Only the box is looked at: of
    the hundreds of masks on a frame of 4K, all pixels would take minutes."""
    (height, width), (top, left, rows, _) = mask.size, mask.box
    columns = np.ascontiguousarray(mask.inside().T).view(np.uint8)
    if rows == height:  # runs can go on from one column to the next
        edges = np.flatnonzero(np.diff(columns.reshape(-1), prepend=0, append=0)) + left * height
    else:
        column, row = np.nonzero(np.diff(columns, axis=1, prepend=0, append=0))
        edges = (left + column) * height + top + row
    return np.diff(edges[edges < height * width], prepend=0, append=height * width).tolist()


def runs_of_text(text: str) -> list[int]:
    """The runs that COCO has compressed to text; ValueError if it is none.

    Each number is written in groups of five bits, the lowest first, in characters from "0" on; 32 more says that
    another group follows. From the fourth number on it is the difference to the one before the last.
    """
    runs: list[int] = []
    value = shift = 0
    for code in text.encode("ascii"):
        group = code - 48
        if not 0 <= group < 64 or shift > 60:
            raise ValueError("it holds what is no run")
        value |= (group & 31) << shift
        shift += 5
        if not group & 32:
            value -= (group & 16) << shift - 4  # the sign
            runs.append(value + (runs[-2] if len(runs) > 2 else 0))
            value = shift = 0
    if shift:
        raise ValueError("it ends within a run")
    return runs


def decode(node: Node, size: tuple[int, int] | None = None) -> np.ndarray:
    """A `segmentation` of a COCO file, as bool (H, W).

    Args:
        node: an RLE, or a list of polygons, of which those with fewer than three corners have no pixel.
        size: (height, width) of its image, to which an RLE must agree; needed for polygons.

    Raises:
        PCVOSError: it names the field that is wrong.
    """
    node.expect(dict, list)
    return _runs_to_mask(node, size) if isinstance(node.value, dict) else _fill(node, size)


def _runs_to_mask(node: Node, size: tuple[int, int] | None) -> np.ndarray:
    sides = [side.value for side in node.at("size", list).items(int)]
    if len(sides) != 2 or min(sides) < 1 or sides[0] * sides[1] > _MOST_PIXELS:
        raise node.at("size").wrong(f"is {sides}, not the height and width of a picture")
    if size is not None and tuple(sides) != tuple(size):
        raise node.at("size").wrong(f"is {sides}, but its image is {list(size)} (height, width)")
    counts = node.at("counts", list, str)
    runs = _checked_runs(counts)
    height, width = sides
    if sum(runs) != height * width:
        raise counts.wrong(f"fills {sum(runs)} pixels, but {height}x{width} are {height * width}")
    return _spread(runs, (height, width))


def _spread(runs: list[int], size: tuple[int, int]) -> np.ndarray:
    """bool (H, W); only the columns from the first to the last that hold anything are filled."""
    height = size[0]
    mask, ends = np.zeros(size, bool), np.cumsum(runs)
    inside = np.arange(len(runs)) % 2 == 1
    filled = np.flatnonzero(inside & (np.array(runs) > 0))
    if len(filled):
        first, last = ends[filled[0] - 1] // height, (ends[filled[-1]] - 1) // height
        ends = np.clip(ends, first * height, (last + 1) * height)
        part = np.repeat(inside, np.diff(ends, prepend=first * height))
        mask[:, first : last + 1] = part.reshape(-1, height).T
    return mask


def _checked_runs(counts: Node) -> list[int]:
    if isinstance(counts.value, list):
        runs = [run.value for run in counts.items(int)]
    else:
        try:
            runs = runs_of_text(counts.value)
        except ValueError as error:  # of text that is not ASCII, too
            raise counts.wrong(f"is no compressed RLE: {error}") from error
    if min(runs, default=0) < 0:
        raise counts.wrong("holds a negative run")
    return runs


def _fill(node: Node, size: tuple[int, int] | None) -> np.ndarray:
    if size is None:
        raise node.wrong("is a polygon, but the size of its image is not known")
    polygons = node.items(list)
    for polygon in polygons:
        numbers = [number.value for number in polygon.items(float)]
        if len(numbers) % 2:
            raise polygon.wrong(f"has {len(numbers)} numbers: a polygon needs pairs")
        if not all(-_FAR < number < _FAR for number in numbers):  # nor for what is not a number
            raise polygon.wrong("holds a number that no place can have")
    polygons = [polygon for polygon in polygons if len(polygon.value) >= 6]
    if not polygons:
        return np.zeros(size, bool)
    masks = coco_masks()
    limit = 4 * max(size)  # far outside is as good as outside, and drawn in a moment
    points = [np.clip(polygon.value, -limit, limit).tolist() for polygon in polygons]
    rle = masks.merge(masks.frPyObjects(points, *size))
    return _spread(runs_of_text(rle["counts"].decode("ascii")), size)
