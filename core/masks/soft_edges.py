"""Masks with soft edges, told from label maps.

In a label map nearly every pixel lies in an area of its value. In a mask that was drawn with smooth edges, blurred, or
once a JPEG, few values fill areas, and all the others lie loose on the edges between them: none of these is an object.
"""

from dataclasses import dataclass
from enum import Enum, auto

import cv2
import numpy as np

_ALIKE = 3  # of a pixel's 8 neighbours, that have its value: then it lies in an area of that
_SERIES = 3  # loose values: fewer can be objects that are lines
_MANY, _VERY_MANY = 8, 32  # as JPEG leaves at its best; as only a wide blur leaves
_FEW = 64  # colours that fill areas
_TAIL = 16  # so near to black or white a wide blur fills areas of one value, too
_NEXT = 3  # so near to black and white the best JPEG stays
_FRAYED = 0.08  # of the pixels at edges
_NOISE = 16  # so far from its colour JPEG makes a flat area
_REACH = 16  # pixels: the block of a JPEG with halved colours
_FAR = 12  # pixels from an edge, and more: not soft edge, but the inside of a picture


class Grey(Enum):
    """The kind of a picture of one channel."""

    LABELS = auto()
    MATTE = auto()  # black and white, with soft edges
    FAINT = auto()  # nothing but edges: a matte if others beside it are
    SOFT_LABELS = auto()  # areas of several values with soft edges
    UNCLEAR = auto()


@dataclass(frozen=True, eq=False)
class Areas:
    """The values of a picture by how they lie.

    Attributes:
        index: int (H, W), a value's number. sizes: pixels of each. loose: bool, those that fill no areas.
        alike: uint8 (H, W), of a pixel's 8 neighbours those with its value.
    """

    index: np.ndarray
    sizes: np.ndarray
    loose: np.ndarray
    alike: np.ndarray

    @classmethod
    def of(cls, index: np.ndarray, count: int) -> "Areas":
        """Find the areas of a picture with values from 0 to `count` - 1."""
        alike = np.zeros(index.shape, np.uint8)
        for one, other in _neighbours():
            same = index[one] == index[other]
            alike[one] += same
            alike[other] += same
        flat = index.ravel()
        sizes = np.bincount(flat, minlength=count)
        in_areas = np.bincount(flat[alike.ravel() >= _ALIKE], minlength=count)
        return cls(index, sizes, (sizes > 0) & (2 * in_areas < sizes), alike)

    def is_loose(self) -> np.ndarray:
        """bool (H, W)"""
        return self.loose[self.index]


def kind_of_grey(values: np.ndarray, white: int, areas: Areas | None = None) -> Grey:
    """The kind of a picture uint8 (H, W) in which 0 is background and `white` the most that a pixel can be.

    Args:
        areas: its, if they are known already.
    """
    areas = areas or Areas.of(values, 256)
    kind = _kind_by_values(values, white, areas)
    return Grey.UNCLEAR if kind == Grey.LABELS and _is_frayed(areas) else kind


def _is_frayed(areas: Areas) -> bool:
    """Whether at the edges of values that fill areas many pixels of these are loose, in clumps, not as specks: JPEG
    leaves ids so that are small, or near to each other."""
    inside = (slice(1, -1), slice(1, -1))
    alike, fills = areas.alike[inside], ~areas.is_loose()[inside]
    loose = fills & (alike < _ALIKE)
    if np.count_nonzero(np.bincount(areas.index[inside][loose], minlength=2)[1:]) < _SERIES:
        return False
    count, edge = np.count_nonzero(loose), np.count_nonzero(fills & (alike < 8))
    return bool(count > _FRAYED * edge and np.count_nonzero(loose & (alike == 0)) < 0.6 * count)


def _kind_by_values(values: np.ndarray, white: int, areas: Areas) -> Grey:
    present = np.flatnonzero(areas.sizes)
    inner = present[(present > 0) & (present < white)]
    loose, filled = inner[areas.loose[inner]], inner[~areas.loose[inner]]
    if not len(loose):
        return Grey.LABELS
    has_white = areas.sizes[white] > 0 and not areas.loose[white]
    if has_white and inner.max() >= white - _NEXT and ((inner <= _NEXT) | (inner >= white - _NEXT)).all():
        return Grey.MATTE
    if len(loose) >= _VERY_MANY:
        filled = filled[(filled > _TAIL) & ((filled < white - _TAIL) | (not has_white))]
    is_between = _share_between(values, areas.is_loose())
    if len(filled):
        is_soft = len(loose) > 2 * len(filled) and len(loose) >= _SERIES and is_between >= 0.6
        if not is_soft or (len(loose) < _MANY and np.ptp([0, *filled]) < 2 * _TAIL):
            return Grey.LABELS
        return Grey.UNCLEAR if has_white else Grey.SOFT_LABELS
    if len(loose) < _MANY:
        return Grey.MATTE if has_white and is_between >= 0.6 else Grey.LABELS
    if is_between < 0.3:
        return Grey.LABELS
    high, middle = np.count_nonzero(values > 0.75 * white), np.count_nonzero(_is_middle(values, white))
    if has_white and middle <= 2 * high:
        return Grey.MATTE
    return Grey.FAINT if _is_thin(values > 0) else Grey.UNCLEAR


def fills_areas(values: np.ndarray) -> bool:
    """Whether most of what is not 0 in a picture uint8 (H, W) lies in areas of one value, as objects do."""
    areas = Areas.of(values, 256)
    return bool(np.count_nonzero(~areas.is_loose() & (values > 0)) > 0.5 * np.count_nonzero(values))


def _is_middle(values: np.ndarray, white: int) -> np.ndarray:
    return (values >= 0.25 * white) & (values <= 0.75 * white)


def _share_between(values: np.ndarray, chosen: np.ndarray) -> float:
    """The share of the chosen pixels that have both a lower and a higher neighbour."""
    kernel = np.ones((3, 3), np.uint8)
    between = (cv2.erode(values, kernel) < values) & (cv2.dilate(values, kernel) > values)
    return float(between[chosen].mean())


def _is_thin(inside: np.ndarray) -> bool:
    """Whether hardly anything of it lies deep inside."""
    deep = cv2.erode(inside.view(np.uint8), np.ones((9, 9), np.uint8), borderValue=0)
    return bool(np.count_nonzero(deep) < 0.2 * np.count_nonzero(inside))


def harden(areas: Areas, colours: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """A picture of areas with soft edges, with each pixel of its nearest area's value; None: it is no such picture.

    Args:
        areas: of it. colours: uint8 (n, channels), each value's; that of the background is 0 in all channels.

    Returns:
        int (H, W), each pixel's value; and the values that are left.
    """
    colours = colours.astype(np.int32)
    loose = np.flatnonzero(areas.loose)
    filled = np.flatnonzero((areas.sizes > 0) & ~areas.loose)
    filled = filled[np.argsort(-areas.sizes[filled], kind="stable")]
    kept: list[int] = []
    becomes = np.arange(len(colours))
    for value in filled:
        near = [other for other in kept if np.abs(colours[other] - colours[value]).max() <= _NOISE]
        if near and len(loose) >= _MANY:
            becomes[value] = near[0]
        else:
            kept.append(int(value))
    objects = [value for value in kept if colours[value].max() > _NOISE]
    merged = np.bincount(becomes[filled], areas.sizes[filled], len(colours))
    if any(merged[value] > 2 * areas.sizes[value] for value in objects):
        return None  # one colour runs into the next, as in a picture
    if not objects or len(kept) > _FEW or len(loose) < max(_SERIES, 2 * len(objects) + 1):
        return None
    index = becomes[areas.index]
    rows, columns = np.nonzero(areas.is_loose())
    index[rows, columns] = _nearest(index, rows, columns, kept, colours, areas)
    return (index, np.array(kept)) if _lies_on_edges(index, rows, columns) else None


def _nearest(
    index: np.ndarray, rows: np.ndarray, columns: np.ndarray, kept: list[int], colours: np.ndarray, areas: Areas
) -> np.ndarray:
    """For each of some pixels the value nearest in colour, of those that fill areas near it."""
    own = colours[areas.index[rows, columns]]
    fills = ~areas.is_loose()
    best, least = np.full(len(rows), kept[0]), np.full(len(rows), np.inf)
    for value in kept:
        away = cv2.distanceTransform((~((index == value) & fills)).view(np.uint8), cv2.DIST_L2, 3)
        cost = ((own - colours[value]) ** 2).sum(axis=1).astype(float)
        cost[away[rows, columns] > _REACH] += 1e9  # only if nothing is near
        better = cost < least
        best[better], least[better] = value, cost[better]
    return best


def _lies_on_edges(index: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> bool:
    """Whether nearly all of these pixels lie where one value ends and another begins."""
    is_inside = np.ones(index.shape, bool)
    for one, other in _neighbours():
        same = index[one] == index[other]
        is_inside[one] &= same
        is_inside[other] &= same
    if is_inside.all():
        return False
    away = cv2.distanceTransform(is_inside.view(np.uint8), cv2.DIST_L2, 3)
    return float((away[rows, columns] <= _FAR).mean()) >= 0.9


def _neighbours() -> tuple[tuple[tuple[slice, slice], tuple[slice, slice]], ...]:
    """Two parts of a picture each, in which a pixel and one of its neighbours have the same place."""
    all_, first, last = slice(None), slice(1, None), slice(None, -1)
    return (
        ((all_, first), (all_, last)),
        ((first, all_), (last, all_)),
        ((first, first), (last, last)),
        ((first, last), (last, first)),
    )
