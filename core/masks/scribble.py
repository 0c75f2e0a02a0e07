"""Scribbles become a mask: GrabCut (Rother et al., 2004) on a small copy, its edge refined at full size.

The strokes, the present mask and the network's estimate seed the graph cut on a region around them. Its edge is then
moved onto the image's by a guided filter (He et al., 2013) in a band around it. Where there is a mask already, only
what hangs together with a stroke changes: the rest stays as it is, pixel for pixel.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np

OBJECT, BACKGROUND = 1, 2
"""Values of strokes."""

_PIXELS = 40_000  # of the region as GrabCut sees it: its time grows faster than they do
_AGAIN = 8  # small pixels on both sides of GrabCut's first edge, in which it cuts once more
_COLOURS = 5  # of each side's model, as in GrabCut's mixtures
_BAND = 2  # small pixels on both sides of an edge, in which it is refined
_GUIDED_PIXELS = 120_000  # of the region as the guided filter sees it
_EPSILON = 0.01**2  # colour variance (of 0 to 1) that counts as an edge
_ROW = 1024  # points that OpenCV maps at a time: it takes no rows of more than 32767
_FAR = 45.0  # colour distance (Lab, 8 bit) that weighs as much as being a stroke's whole extent away from it
_HOLE = 0.02  # of the mask: holes smaller than this are filled
_REACH = 0.5  # of a stroke's extent: how far from it a mask that is there may change
_VAGUE_REACH = 0.3  # the same, of an estimate
_LEAST = 0.4  # of the region's shorter side: how long a stroke counts at least
_SURE = 0.2  # of an estimate's extent: what is farther from its edge, and from strokes, is as it says


@dataclass(frozen=True)
class _Seeds:
    """The evidence on the region, at one size: bool (h, w) each. `prior`: present mask or estimate say object."""

    object: np.ndarray
    background: np.ndarray
    present: np.ndarray
    prior: np.ndarray


def scribble_mask(
    image: np.ndarray,
    strokes: np.ndarray,
    present: np.ndarray | None = None,
    estimate: np.ndarray | None = None,
    forbidden: np.ndarray | None = None,
) -> np.ndarray:
    """The mask that a person means. The same input gives the same mask.

    Args:
        image: uint8 (H, W, 3) RGB.
        strokes: uint8 (H, W), 1 where the object was scribbled, 2 where background was, 0 elsewhere.
        present: bool (H, W), the object's mask so far, if there is one.
        estimate: bool (H, W), where the network takes the object to be, if known.
        forbidden: bool (H, W), pixels that cannot be the object's, or None.

    Returns:
        bool (H, W): holds every object stroke but for forbidden pixels, and no background stroke.
    """
    nothing = np.zeros(strokes.shape, bool)
    given = nothing if present is None else present
    likely = nothing if estimate is None else estimate
    seeds = _Seeds(strokes == OBJECT, strokes == BACKGROUND, given, given | likely)
    mask = given.copy() if given.any() else likely.copy()
    if seeds.object.any() or (seeds.background.any() and mask.any()):
        top, left, height, width = _region(seeds)
        inside = np.s_[top : top + height, left : left + width]
        mask[inside] = _segment(image[inside], _Seeds(*(plane[inside] for plane in vars(seeds).values())))
    mask[seeds.object] = True
    mask[seeds.background] = False
    if forbidden is not None:
        mask[forbidden] = False
    return mask


def _region(seeds: _Seeds) -> tuple[int, int, int, int]:
    """(top, left, height, width) of what GrabCut looks at: all that is known, and around it.

    Strokes alone say little of how far the object reaches, so that then it is a good deal more.
    """
    image_height, image_width = seeds.object.shape
    known = seeds.object | seeds.background | seeds.prior
    left, top, width, height = cv2.boundingRect(known.view(np.uint8))
    if seeds.prior.any() or seeds.background.any():
        margin = 16 + max(width, height) // 4
    else:
        margin = max(width, height, min(image_height, image_width) // 4)
    bottom, right = min(image_height, top + height + margin), min(image_width, left + width + margin)
    top, left = max(0, top - margin), max(0, left - margin)
    return top, left, bottom - top, right - left


def _segment(image: np.ndarray, seeds: _Seeds) -> np.ndarray:
    """The mask of a region, bool (h, w); strokes may be missing from it where they are thin."""
    scale = min(1.0, math.sqrt(_PIXELS / seeds.object.size))
    size = tuple(max(1, round(n * scale)) for n in seeds.object.shape)
    small = _resized(image, size)
    coarse = _coarse_seeds(seeds, size)
    cut = _cut(small, coarse)
    if cut is None:
        return seeds.present if seeds.present.any() else seeds.prior
    cut = _tidy(cut, coarse)
    if not seeds.present.any():
        return cut if scale == 1 else _refine(image, cut)
    changed = _changes(cut, coarse)
    if scale < 1:
        refined = _refine(image, np.where(changed, cut, coarse.present))
        changed = _enlarged(cv2.dilate(changed.view(np.uint8), _disc(_BAND)), seeds.object.shape, cv2.INTER_NEAREST) > 0
        return np.where(changed, refined, seeds.present)
    return np.where(changed, cut, seeds.present)


def _coarse_seeds(seeds: _Seeds, size: tuple[int, int]) -> _Seeds:
    """The seeds at a smaller size. A stroke never vanishes; where both kinds meet, the larger share counts."""
    ours, theirs = _counts(seeds.object, size), _counts(seeds.background, size)
    present, prior = (_resized(plane * np.uint8(255), size) > 127 for plane in (seeds.present, seeds.prior))
    return _Seeds((ours > 0) & (ours >= theirs), (theirs > 0) & (theirs > ours), present, prior)


def _counts(plane: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Per pixel of a smaller size, how often corners of a plane's pixels fall into it, int (h, w)."""
    left, top, width, height = cv2.boundingRect(plane.view(np.uint8))
    if not width:
        return np.zeros(size, np.intp)
    points = cv2.findNonZero(plane[top : top + height, left : left + width].view(np.uint8)).reshape(-1, 2)
    near = points + np.array((left, top))
    far = near + 1
    scaled = [
        (near[:, i] * size[1 - i] // plane.shape[1 - i], (far[:, i] * size[1 - i] - 1) // plane.shape[1 - i])
        for i in (0, 1)
    ]
    cells = [row * size[1] + column for column in scaled[0] for row in scaled[1]]
    return np.bincount(np.concatenate(cells), minlength=size[0] * size[1]).reshape(size)


def _cut(image: np.ndarray, seeds: _Seeds) -> np.ndarray | None:
    """GrabCut, bool (h, w); None where its colour models cannot be made (too few pixels)."""
    cv2.setRNGSeed(0)
    labels = np.full(seeds.object.shape, cv2.GC_PR_BGD, np.uint8)
    has_prior = seeds.prior.any()
    image = np.ascontiguousarray(image)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    try:
        likely = _likely(image, seeds)
        labels[likely] = cv2.GC_PR_FGD
        if not seeds.background.any():  # nobody said what is background: the cut does not get to spread over all of it
            reach = max(1, min(labels.shape) // (6 if has_prior else 20))
            labels[cv2.dilate(likely.view(np.uint8), _disc(reach)) == 0] = cv2.GC_BGD
        if has_prior:
            _fix(labels, seeds.prior, ~_open_to_change(seeds))
        _fix(labels, seeds.object, seeds.object | seeds.background)
        cv2.grabCut(image, labels, None, models[0], models[1], 1, cv2.GC_INIT_WITH_MASK)  # type: ignore[call-overload]  # None: no box
        cut = labels & 1  # GC_FGD and GC_PR_FGD are odd
        sure = (cv2.erode(cut, _disc(_AGAIN)) > 0) | (cv2.dilate(cut, _disc(_AGAIN)) == 0)
        _fix(labels, cut > 0, sure)
        cv2.grabCut(image, labels, None, models[0], models[1], 1, cv2.GC_EVAL)  # type: ignore[call-overload]  # None: no box
    except cv2.error:
        return None
    return labels & 1 > 0


def _fix(labels: np.ndarray, is_object: np.ndarray, where: np.ndarray) -> None:
    """Let GrabCut not doubt what is there, bool (h, w) each."""
    labels[where & is_object] = cv2.GC_FGD
    labels[where & ~is_object] = cv2.GC_BGD


def _open_to_change(seeds: _Seeds) -> np.ndarray:
    """Where the cut may come out otherwise than what is known already, bool (h, w).

    A stroke speaks of its surroundings, about as far as it is long itself; and the edge of an estimate is vague.
    """
    drawn = (seeds.object | seeds.background).view(np.uint8)
    stats = cv2.connectedComponentsWithStats(drawn, connectivity=8)[2]
    extent = stats[1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max()
    away = cv2.distanceTransform(1 - drawn, cv2.DIST_L2, 5)
    has_present = seeds.present.any()
    reach = _REACH if has_present else _VAGUE_REACH
    is_open = away <= reach * max(extent, _LEAST * min(away.shape))
    if not has_present:
        prior = seeds.prior.view(np.uint8)
        width = max(2, round(_SURE * max(cv2.boundingRect(prior)[2:])))
        edges = cv2.distanceTransform(1 - prior, cv2.DIST_L2, 5) + cv2.distanceTransform(prior, cv2.DIST_L2, 5)
        is_open |= edges <= width
    return is_open


def _likely(image: np.ndarray, seeds: _Seeds) -> np.ndarray:
    """Where the cut begins to look for the object, bool (h, w).

    What is known already; without that, what is of the object strokes' colours rather than of the background's, and
    hangs together with a stroke. The region's border is probably background.
    """
    near = cv2.dilate(seeds.object.view(np.uint8), _disc(2)) > 0
    if seeds.prior.any():
        return seeds.prior | near
    border = np.ones_like(near)
    border[2:-2, 2:-2] = False
    outside = (border | (cv2.dilate(seeds.background.view(np.uint8), _disc(2)) > 0)) & ~near
    if not outside.any():
        return near
    colours = cv2.cvtColor(image, cv2.COLOR_RGB2LAB).astype(np.float32)
    to_object, to_background = (_distance(colours, where) for where in (near, outside))
    extent = max(*cv2.boundingRect(near.view(np.uint8))[2:], min(near.shape) / 2)
    away = cv2.distanceTransform((~near).view(np.uint8), cv2.DIST_L2, 5) / extent
    return near | _touching((to_object + (_FAR * away) ** 2 < to_background) | near, near)


def _distance(colours: np.ndarray, where: np.ndarray) -> np.ndarray:
    """The distance of each pixel's colour to the nearest of the main colours in `where`, squared, float32 (h, w)."""
    samples = colours[where]
    count = min(_COLOURS, len(samples))
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 10, 1.0)
    _, _, centres = cv2.kmeans(  # type: ignore[call-overload]  # OpenCV's stubs ask for labels to begin with
        samples[:: 1 + len(samples) // 4000], count, None, stop, 1, cv2.KMEANS_PP_CENTERS
    )
    flat = colours.reshape(-1, 3)
    products = flat @ (-2 * centres.T) + (centres**2).sum(1)
    return ((flat**2).sum(1) + products.min(1)).reshape(where.shape)


def _tidy(cut: np.ndarray, seeds: _Seeds) -> np.ndarray:
    """Without pieces that nobody pointed at, and without small holes that nobody scribbled."""
    cut = _touching(cut, seeds.object | seeds.prior)
    _, holes, stats, _ = cv2.connectedComponentsWithStats((~cut).view(np.uint8), connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] < _HOLE * cut.sum()
    small[0] = False
    small[holes[seeds.background]] = False
    return cut | small[holes]


def _changes(cut: np.ndarray, seeds: _Seeds) -> np.ndarray:
    """Where the cut differs from the present mask and hangs together with a stroke that says so, bool (h, w)."""
    changed = np.zeros_like(cut)
    for difference, stroke in ((cut & ~seeds.present, seeds.object), (seeds.present & ~cut, seeds.background)):
        # Slivers along the outline would connect everything with everything.
        solid = cv2.morphologyEx(difference.view(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0
        near = cv2.dilate(stroke.view(np.uint8), _disc(1)) > 0
        changed |= _touching(solid, near) | (difference & near)
    return changed


def _refine(image: np.ndarray, coarse: np.ndarray) -> np.ndarray:
    """A coarse mask at the image's size, its edge moved onto the image's, bool (h, w)."""
    size = image.shape[:2]
    plane = coarse.view(np.uint8)
    soft = _enlarged(plane * np.uint8(255), size, cv2.INTER_LINEAR)
    mask = soft > 127
    band = cv2.dilate(plane, _disc(_BAND)) - cv2.erode(plane, _disc(_BAND))
    band = _enlarged(band, size, cv2.INTER_NEAREST)
    left, top, width, height = cv2.boundingRect(band)
    if width:
        inside = np.s_[top : top + height, left : left + width]
        points = cv2.findNonZero(band[inside]).reshape(-1, 2)
        radius = _BAND * math.sqrt(band.size / coarse.size)
        mask[inside][points[:, 1], points[:, 0]] = _guided(image[inside], soft[inside], points, radius) > 0.5
    return mask


def _guided(image: np.ndarray, mask: np.ndarray, points: np.ndarray, radius: float) -> np.ndarray:
    """Guided filter in colour, float32 (n,); its coefficients come from a smaller copy (He and Sun, 2015).

    Args:
        image: uint8 (h, w, 3). mask: uint8 (h, w), 255 inside. points: int (n, 2), x and y of the pixels wanted.
        radius: of the window, pixels.
    """
    scale = min(1.0, math.sqrt(_GUIDED_PIXELS / mask.size))
    size = tuple(max(1, round(n * scale)) for n in mask.shape)
    window = (2 * max(1, round(radius * scale)) + 1,) * 2
    guide = _resized(image, size).astype(np.float32) / 255
    target = _resized(mask, size).astype(np.float32) / 255
    mean, mean_target = cv2.blur(guide, window), cv2.blur(target, window)
    cross = cv2.blur(guide * target[..., None], window) - mean * mean_target[..., None]
    r, g, b = cv2.split(guide)
    (rr, rg, rb), (_, gg, gb), (_, _, bb) = (
        cv2.split(cv2.blur(guide * own[..., None], window) - mean * own_mean[..., None])
        for own, own_mean in zip((r, g, b), cv2.split(mean), strict=True)
    )
    slope = _solve(rr + _EPSILON, rg, rb, gg + _EPSILON, gb, bb + _EPSILON, cross)
    offset = mean_target - (slope * mean).sum(2)
    x, y = ((points[:, i] + 0.5) * size[1 - i] / mask.shape[1 - i] - 0.5 for i in (0, 1))
    slope, offset = (_sampled(cv2.blur(plane, window), x, y) for plane in (slope, offset))
    return (slope * image[points[:, 1], points[:, 0]]).sum(1) / 255 + offset[:, 0]


def _sampled(plane: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A float32 plane (h, w) or (h, w, c) between its pixels, (n, c)."""
    rows = -(-len(x) // _ROW)
    columns, lines = (np.resize(v.astype(np.float32), (rows, _ROW)) for v in (x, y))
    found = cv2.remap(plane, columns, lines, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return found.reshape(rows * _ROW, -1)[: len(x)]


def _solve(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray, e: np.ndarray, f: np.ndarray, right: np.ndarray):
    """x of [[a b c] [b d e] [c e f]] x = right (h, w, 3) for each pixel, by cofactors; float32 (h, w, 3)."""
    aa, bb, cc = d * f - e * e, c * e - b * f, b * e - c * d
    dd, ee, ff = a * f - c * c, b * c - a * e, a * d - b * b
    x, y, z = cv2.split(right)
    determinant = a * aa + b * bb + c * cc
    found = (aa * x + bb * y + cc * z, bb * x + dd * y + ee * z, cc * x + ee * y + ff * z)
    return cv2.merge([v / determinant for v in found])


def _touching(mask: np.ndarray, where: np.ndarray) -> np.ndarray:
    """The pieces of `mask` that have pixels in `where`, bool (h, w)."""
    count, pieces = cv2.connectedComponents(mask.view(np.uint8), connectivity=8)
    kept = np.zeros(count, bool)
    kept[pieces[where & mask]] = True
    kept[0] = False
    return kept[pieces]


def _resized(plane: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return plane if plane.shape[:2] == size else cv2.resize(plane, size[::-1], interpolation=cv2.INTER_AREA)


def _enlarged(plane: np.ndarray, size: tuple[int, int], method: int) -> np.ndarray:
    return cv2.resize(plane, size[::-1], interpolation=method)


def _disc(radius: int) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2)
