"""Mattes: how much of each pixel belongs to an object, from its mask, the network's probabilities and the picture.

The mask decides: beyond a band along its outline the matte is exactly 0 or 1. Within it, the edge is the network's
probabilities or, where these are missing or contradict the mask (a person corrected it), what the network usually has
at such a distance from the outline: so a corrected frame does not flicker against its neighbours. Then the edge is
drawn to the picture's by a guided filter (He, Sun, Tang: Guided Image Filtering, 2013), computed on a small picture and
applied to the whole one (He, Sun: Fast Guided Filter, 2015), and narrowed as much as the network's pixels are larger
than the picture's.

All of it happens in the object's bounding box and a margin.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from core.masks.soft_mask import STRIDE, SoftMask

USUAL_SIDE = 480
"""The shorter side of what the network sees, where no soft mask tells: the default resolution."""

# Chosen on pictures with known, ragged mattes: natural footage cut out by true masks and laid over other footage.
_BAND = 2.0  # cells to either side of the outline
_SLOPE = 1.5  # how fast the network's logits rise across an outline, per pixel of what it sees: measured on footage
_NARROWED = 1.25  # how much narrower an edge gets for each pixel of the picture in one of the network's
_DISAGREE = 0.75  # cells: contradictions this close to the outline are only its roughness
_RADIUS = 0.75  # cells: of the guided filter
_GUIDE_STRIDE = 2.4  # pixels of the guided filter's picture to a cell, at the most
_EPSILON = 1e-5  # of the guided filter, for a picture of 0 to 1: contrast well below its root is no edge

_FAR = 1e6  # pixels: where there is no outline, OpenCV's distances are near the largest number there is

Region = tuple[int, int, int, int]


@dataclass(frozen=True)
class MatteSettings:
    """Settings of edges.

    Attributes:
        guided: whether they are drawn to the picture's. hard: whether the mask is the matte, before all that follows.
        grow: pixels by which the matte grows; negative: shrinks. feather: pixels over which its edge is blurred more.
        gamma: above 1 what is half transparent becomes more opaque, below 1 less.
        smooth: frames before and after whose edges are averaged with a frame's, see `smoothed`.
    """

    guided: bool = True
    hard: bool = False
    grow: float = 0.0
    feather: float = 0.0
    gamma: float = 1.0
    smooth: int = 0


@dataclass(frozen=True)
class Matte:
    """The matte of an object on a frame.

    Attributes:
        size: (height, width) of the frame.
        region: (top, left, height, width) outside of which it is 0; zeros when it is 0 everywhere.
        alpha: float32 (h, w), 0 to 1, in the region.
        distance: float32 (h, w), pixels from the mask's outline, inside above 0; as far as it is soft.
        band: how far it is soft, before it was grown or feathered: pixels to either side of the outline.
    """

    size: tuple[int, int]
    region: Region
    alpha: np.ndarray
    distance: np.ndarray
    band: float

    def full(self) -> np.ndarray:
        """The whole frame's alpha, float32 (H, W)."""
        plane = np.zeros(self.size, np.float32)
        plane[_slices(self.region)] = self.alpha
        return plane

    def levels(self, maximum: int) -> np.ndarray:
        """The whole frame's alpha in whole numbers, 0 to `maximum`: uint8 or uint16 (H, W)."""
        kind = np.uint8 if maximum < 256 else np.uint16
        plane = np.zeros(self.size, kind)
        plane[_slices(self.region)] = np.rint(self.alpha * np.float32(maximum)).astype(kind)
        return plane


def make_matte(
    mask: np.ndarray, soft: Sequence[SoftMask], image: np.ndarray | None, settings: MatteSettings, side: int = 0
) -> Matte:
    """The matte of one object, or of several as one.

    Args:
        mask: bool (H, W): where they are.
        soft: their soft masks, as far as there are.
        image: the frame, uint8 (H, W, 3) RGB; None: without a guide.
        settings: `smooth` is left to `smoothed`, all else is done.
        side: the shorter side, in pixels, of what the network saw on the frames around; 0: not known. It counts where
            there is no soft mask.
    """
    size = mask.shape
    network_side = min(soft[0].window[2:]) if soft else side or USUAL_SIDE
    cell = STRIDE * min(size) / network_side
    band = _BAND * cell
    reach = band + abs(settings.grow) + 1.5 * settings.feather
    region = _around(mask, int(np.ceil(reach)) + 2)
    if not region[2]:
        return Matte(size, region, np.zeros((0, 0), np.float32), np.zeros((0, 0), np.float32), band)
    inside = np.ascontiguousarray(mask[_slices(region)]).view(np.uint8)
    distance = _signed_distance(inside)
    alpha = inside.astype(np.float32)
    if not settings.hard:
        alpha = _soft_edge(inside, distance, soft, size, region, cell)
        if settings.guided and image is not None:
            alpha = guided(image[_slices(region)], alpha, cell)
        alpha = _decided((alpha - 0.5) * (_NARROWED * max(1.0, cell / STRIDE)) + 0.5, distance / band)
    return Matte(size, region, _shaped(alpha, settings), np.clip(distance, -reach, reach).astype(np.float32), band)


def smoothed(matte: Matte, others: Sequence[Matte]) -> Matte:
    """A matte averaged with those of neighbouring frames, where its edge and theirs are in the same place.

    Nothing is moved: where the outline has gone by more than a quarter of the band, also if only nearby, the neighbour
    does not count.
    """
    if not matte.alpha.size:
        return matte
    total, weights = matte.alpha.copy(), np.ones_like(matte.alpha)
    reach = float(np.abs(matte.distance).max(initial=0))
    edge = np.abs(matte.distance) < reach
    around = np.ones((2 * round(matte.band / 2) + 1,) * 2, np.uint8)
    for other in others:
        alpha = _cut(other.alpha, other.region, matte.region, 0)
        distance = _cut(other.distance, other.region, matte.region, -reach)
        near = np.abs(distance - matte.distance) <= matte.band / 4
        near = edge & (cv2.erode(near.astype(np.uint8), around) > 0)
        total += np.where(near, alpha, 0)
        weights += near
    return replace(matte, alpha=total / weights)


def sharing(mattes: Mapping[int, Matte], maximum: int) -> dict[int, Matte]:
    """Mattes of the objects of one frame so that their `levels(maximum)` sum to at most `maximum` on every pixel."""
    if len(mattes) < 2:
        return dict(mattes)
    size = next(iter(mattes.values())).size
    total, count = np.zeros(size, np.float32), np.zeros(size, np.uint8)
    for matte in mattes.values():
        total[_slices(matte.region)] += matte.alpha
        count[_slices(matte.region)] += matte.alpha > 0
    # Rounding up can add half a level for each object.
    crowded = (count > 1) & (total > 1 - count / np.float32(2 * maximum))
    limited = {}
    for obj, matte in mattes.items():
        here, alpha = _slices(matte.region), matte.alpha
        if (shared := crowded[here]).any():
            part = np.floor(alpha / np.maximum(total[here], 1) * np.float32(maximum)) / np.float32(maximum)
            alpha = np.where(shared, part, alpha)
        limited[obj] = replace(matte, alpha=alpha)
    return limited


# the parts


def _soft_edge(
    inside: np.ndarray,
    distance: np.ndarray,
    soft: Sequence[SoftMask],
    size: tuple[int, int],
    region: Region,
    cell: float,
) -> np.ndarray:
    """Alpha by the network's probabilities and, where they do not tell, by the distance from the outline."""

    def usual() -> np.ndarray:
        return 1 / (1 + np.exp(-np.clip(distance * (_SLOPE * STRIDE / cell), -20, 20)))

    if not soft:
        return usual()
    p = np.minimum(sum(one.enlarged(size, region) for one in soft), 1)
    wrong = (p > 0.5).view(np.uint8) != inside
    if not wrong.any() or not (wrong := wrong & (np.abs(distance) > _DISAGREE * cell)).any():
        return p
    reach = int(np.ceil(2 * cell))
    doubt = cv2.dilate(wrong.view(np.uint8), np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)).astype(np.float32)
    return p + (usual() - p) * cv2.blur(doubt, (reach, reach))


def guided(image: np.ndarray, alpha: np.ndarray, cell: float) -> np.ndarray:
    """`alpha` as a linear function of the picture's colours around each pixel: float32 (h, w), not clipped.

    Args:
        image: uint8 (h, w, 3) RGB. alpha: float32 (h, w), 0 to 1. cell: pixels of the picture to a cell of the network.
    """
    height, width = alpha.shape
    scale = min(1.0, _GUIDE_STRIDE / cell)
    small = max(1, round(width * scale)), max(1, round(height * scale))
    guide = cv2.split(cv2.resize(image, small, interpolation=cv2.INTER_AREA).astype(np.float32) * np.float32(1 / 255))
    wanted = cv2.resize(alpha, small, interpolation=cv2.INTER_AREA)
    radius = max(1, round(_RADIUS * cell * scale))

    def mean(plane: np.ndarray) -> np.ndarray:
        return cv2.blur(plane, (2 * radius + 1, 2 * radius + 1), borderType=cv2.BORDER_REFLECT)

    colour, level = [mean(plane) for plane in guide], mean(wanted)
    shared = [mean(plane * wanted) - c * level for plane, c in zip(guide, colour, strict=True)]
    slopes = _solved(guide, colour, mean, shared)
    result = level - sum(slope * c for slope, c in zip(slopes, colour, strict=True))
    result = cv2.resize(mean(result), (width, height), interpolation=cv2.INTER_LINEAR)
    for slope, channel in zip(slopes, cv2.split(image), strict=True):
        slope = cv2.resize(mean(slope), (width, height), interpolation=cv2.INTER_LINEAR)
        result += np.asarray(cv2.multiply(slope, channel, scale=1 / 255, dtype=cv2.CV_32F))
    return result


def _solved(
    guide: Sequence[np.ndarray],
    colour: Sequence[np.ndarray],
    mean: Callable[[np.ndarray], np.ndarray],
    shared: Sequence[np.ndarray],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The slopes: the covariance of the colours, plus epsilon on its diagonal, inverted, times `shared`."""

    def covariance(i: int, j: int) -> np.ndarray:
        return mean(guide[i] * guide[j]) - colour[i] * colour[j]

    rr, gg, bb = (covariance(i, i) + np.float32(_EPSILON) for i in range(3))
    rg, rb, gb = covariance(0, 1), covariance(0, 2), covariance(1, 2)
    a, d, e = gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg  # of the adjugate, row by row
    f, h, i = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    x, y, z = shared
    inverse = 1 / np.maximum(rr * a + rg * d + rb * e, np.float32(_EPSILON**3))
    return (a * x + d * y + e * z) * inverse, (d * x + f * y + h * z) * inverse, (e * x + h * y + i * z) * inverse


def _decided(alpha: np.ndarray, away: np.ndarray) -> np.ndarray:
    """Alpha, and what the mask says from one band off its outline on (`away`, in bands): a ramp leads there."""
    away = away * np.float32(2)
    alpha = cv2.min(cv2.max(alpha, away - np.float32(1)), away + np.float32(2))
    return np.clip(alpha, 0, 1, out=alpha)


def _shaped(alpha: np.ndarray, settings: MatteSettings) -> np.ndarray:
    """Grown, feathered, and bent."""
    if settings.grow:
        alpha = _grown(alpha, settings.grow)
    if settings.feather:
        alpha = cv2.GaussianBlur(alpha, (0, 0), settings.feather / 2, borderType=cv2.BORDER_REPLICATE)
    return alpha if settings.gamma == 1 else alpha ** (1 / settings.gamma)


def _grown(alpha: np.ndarray, pixels: float) -> np.ndarray:
    """By whole pixels and, for what is left, between two of them."""
    change = cv2.dilate if pixels > 0 else cv2.erode
    whole, rest = divmod(abs(pixels), 1)

    def by(radius: int) -> np.ndarray:
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
        return change(alpha, kernel, borderType=cv2.BORDER_REPLICATE) if radius else alpha

    less = by(int(whole))
    return less if not rest else less + (by(int(whole) + 1) - less) * np.float32(rest)


def _signed_distance(inside: np.ndarray) -> np.ndarray:
    """Pixels from the outline, above 0 inside; float32. Half a pixel is the least: the outline runs between pixels."""
    within = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_5)
    without = cv2.distanceTransform(1 - inside, cv2.DIST_L2, cv2.DIST_MASK_5)
    return np.where(inside > 0, within - 0.5, 0.5 - without).clip(-_FAR, _FAR)


def _around(mask: np.ndarray, margin: int) -> Region:
    left, top, width, height = cv2.boundingRect(np.ascontiguousarray(mask).view(np.uint8))
    if not width:
        return 0, 0, 0, 0
    right, bottom = min(left + width + margin, mask.shape[1]), min(top + height + margin, mask.shape[0])
    left, top = max(left - margin, 0), max(top - margin, 0)
    return top, left, bottom - top, right - left


def _slices(region: Region) -> tuple[slice, slice]:
    top, left, height, width = region
    return slice(top, top + height), slice(left, left + width)


def _cut(plane: np.ndarray, region: Region, wanted: Region, fill: float) -> np.ndarray:
    """A plane of one region in another, `fill` where they do not meet."""
    padded = np.full(wanted[2:], fill, np.float32)
    top, left = max(region[0], wanted[0]), max(region[1], wanted[1])
    bottom, right = (min(region[i] + region[i + 2], wanted[i] + wanted[i + 2]) for i in (0, 1))
    if top < bottom and left < right:
        here = _slices((top - wanted[0], left - wanted[1], bottom - top, right - left))
        padded[here] = plane[_slices((top - region[0], left - region[1], bottom - top, right - left))]
    return padded
