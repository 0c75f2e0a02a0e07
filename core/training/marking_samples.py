"""Samples for the marking network: a crop of a photo, what is meant in it, and what a person pointed at first."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch.utils.data import IterableDataset

from core.marking.marks import draw_box, draw_point, draw_stroke
from core.marking.middle_line import middle_line
from core.marking.wrong_parts import depth, largest_wrong_part
from core.network.marking import PLANES
from core.training.clips import colour_matrix, motion_blur
from core.training.data import IGNORE
from core.training.marking_photos import PhotoStore

POSITIVE, NEGATIVE, PREVIOUS, BOX, ESTIMATE = range(len(PLANES))

_ALONE = 0.3


@dataclass(frozen=True)
class MarkingSampleSettings:
    """The form of samples.

    Attributes:
        size: side of the square crops, pixels, a multiple of 16.
        targets: things that are marked on one crop, each by itself: they share its key features.
        extent: the object's longer side in the crop, shares of its side, least and most; drawn evenly by logarithm.
        zoom: pixels of the crop to one of the photo, least and most.
        paste_share: share of crops with a further object of another photo pasted in.
        union_share: of targets where several objects show, how many are several of them as one.
        touching_share: of the others there, how many are what touches them as well, as a rider and his horse.
        spoilt_share: share of targets that begin with a mask as propagation gets it wrong, and a mark on what is wrong.
        estimate_share: share of targets for which memory expects something.
    """

    size: int = 224
    targets: int = 2
    extent: tuple[float, float] = (0.15, 1.2)
    zoom: tuple[float, float] = (0.35, 2.2)
    paste_share: float = 0.25
    union_share: float = 0.2
    touching_share: float = 0.35
    spoilt_share: float = 0.25
    estimate_share: float = 0.22


@dataclass(frozen=True)
class MarkingSample:
    """image uint8 (3, S, S) RGB; truth uint8 (T, S, S), 1 what is meant, 255 unknown; planes uint8 (T, 5, S, S), 255
    for 1: what is known before the first look."""

    image: np.ndarray
    truth: np.ndarray
    planes: np.ndarray


class MarkingSampleMaker:
    """Makes samples at random; `rng` decides everything."""

    def __init__(self, photos: PhotoStore, settings: MarkingSampleSettings, rng: np.random.Generator):
        self.photos, self.settings, self.rng = photos, settings, rng

    def make(self) -> MarkingSample:
        """One sample, all of whose targets show."""
        while True:
            image, labels, has_regions = self.photos.draw(self.rng)
            target = self._choose(labels, has_regions)
            if target is None:
                continue
            image, labels, unit = self._crop(image, labels, target)
            if self.rng.random() < self.settings.paste_share:
                self._paste(image, labels)
            truths = self._targets(labels, unit, has_regions)
            if truths:
                break
        image = self._recolour(image)
        planes = np.stack([self._begin(truth, labels, image) for truth in truths])
        return MarkingSample(np.ascontiguousarray(image.transpose(2, 0, 1)), np.stack(truths), planes)

    def _choose(self, labels: np.ndarray, has_regions: bool) -> int | None:
        """The label the crop is made around."""
        ids, counts = np.unique(labels, return_counts=True)
        shares = counts / labels.size
        low, high = (0.02, 0.5) if has_regions else (0.002, 0.9)
        fit = [int(i) for i, s in zip(ids, shares, strict=True) if i not in (0, IGNORE) and low <= s <= high]
        return fit[self.rng.integers(len(fit))] if fit else None

    def _crop(self, image: np.ndarray, labels: np.ndarray, target: int) -> tuple[np.ndarray, np.ndarray, int]:
        """A crop in which the target has a random size and place; what lies beyond the photo is unknown."""
        s, rng = self.settings, self.rng
        left, top, width, height = cv2.boundingRect((labels == target).view(np.uint8))
        share = np.exp(rng.uniform(*np.log(s.extent)))
        least = s.size / (1.2 * min(labels.shape))  # a crop is little larger than the photo
        zoom = float(np.clip(share * s.size / max(width, height), max(least, s.zoom[0]), max(least, s.zoom[1])))
        seen = s.size / zoom
        ys, xs = np.nonzero(labels == target)
        pick = rng.integers(len(ys))
        anchor = np.array([left + width / 2, top + height / 2])
        if max(width, height) > 0.8 * seen:
            anchor = np.array([xs[pick], ys[pick]], np.float64)
        centre = anchor + rng.uniform(-0.35, 0.35, 2) * seen
        for axis, extent in ((0, labels.shape[1]), (1, labels.shape[0])):  # no more beyond the photo than need be
            half = min(seen, extent) / 2
            centre[axis] = np.clip(centre[axis], half, extent - half)
        angle = np.deg2rad(rng.normal() * 6)
        stretch = np.exp(rng.uniform(-0.12, 0.12))
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        linear = zoom * turn @ np.diag([stretch, 1 / stretch])
        if rng.random() < 0.5:
            linear[:, 0] *= -1
        matrix = np.hstack([linear, (np.full(2, s.size / 2) - linear @ centre)[:, None]])
        source = image
        if zoom < 0.6:
            source = cv2.GaussianBlur(image, (0, 0), 0.4 / zoom)
        size = (s.size, s.size)
        cropped = cv2.warpAffine(source, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        mapped = cv2.warpAffine(labels, matrix, size, flags=cv2.INTER_NEAREST, borderValue=IGNORE)
        return cropped, mapped, target

    def _paste(self, image: np.ndarray, labels: np.ndarray) -> None:
        """Lay an object of another photo over the crop, or behind its objects, as one more object; in place."""
        s, rng = self.settings, self.rng
        other, other_labels, has_regions = self.photos.draw(rng)
        own = None if has_regions else self._choose(other_labels, has_regions)
        if own is None:
            return
        mask = (other_labels == own).view(np.uint8)
        left, top, width, height = cv2.boundingRect(mask)
        zoom = s.size * rng.uniform(0.15, 0.7) / max(width, height)
        place = rng.uniform(0.05, 0.95, 2) * s.size
        flip = rng.choice([-1.0, 1.0])
        matrix = np.array(
            [
                [flip * zoom, 0, place[0] - flip * zoom * (left + width / 2)],
                [0, zoom, place[1] - zoom * (top + height / 2)],
            ]
        )
        alpha = cv2.warpAffine(mask * 255, matrix, (s.size, s.size), flags=cv2.INTER_LINEAR)
        alpha = cv2.GaussianBlur(alpha, (3, 3), 0.8).astype(np.float32) / 255
        if rng.random() < 0.35:
            alpha *= labels == 0
        pixels = cv2.warpAffine(other, matrix, (s.size, s.size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        image[:] = image + alpha[..., None] * (pixels.astype(np.float32) - image)
        free = next(i for i in range(1, IGNORE) if not (labels == i).any())
        labels[alpha > 0.5] = free

    def _targets(self, labels: np.ndarray, unit: int, has_regions: bool) -> list[np.ndarray]:
        """The targets, uint8 (S, S) each: the object the crop was made around, another one, several as one."""
        s, rng = self.settings, self.rng
        least = max(60, 0.0015 * labels.size)
        ids, counts = np.unique(labels, return_counts=True)
        visible = [int(i) for i, c in zip(ids, counts, strict=True) if i not in (0, IGNORE) and c >= least]
        if unit not in visible:
            return []
        truths = []
        for index in range(s.targets):
            chosen = [unit if index == 0 or rng.random() < 0.4 else visible[rng.integers(len(visible))]]
            if len(visible) > 1 and not has_regions and rng.random() < s.union_share:
                chosen = list(rng.permutation(visible)[: rng.integers(2, len(visible) + 1)])
            elif len(visible) > 1 and not has_regions and rng.random() < s.touching_share:
                chosen += _touching(labels, chosen[0], visible)
            truth = np.isin(labels, chosen).view(np.uint8)
            truth[labels == IGNORE] = IGNORE
            truths.append(truth)
        return truths

    # what is known at first

    def _begin(self, truth: np.ndarray, labels: np.ndarray, image: np.ndarray) -> np.ndarray:
        """Planes before the first look: a first mark on nothing, or on a mask that is wrong."""
        s, rng = self.settings, self.rng
        planes = np.zeros((len(PLANES), *truth.shape), np.uint8)
        is_object = truth == 1
        kind = rng.random()
        if kind < s.spoilt_share:
            spoilt = spoil(is_object, labels, image, rng)
            if spoilt.any():
                planes[PREVIOUS] = spoilt * np.uint8(255)
                if rng.random() < 0.3:
                    planes[PREVIOUS] = cv2.GaussianBlur(planes[PREVIOUS], (0, 0), rng.uniform(1, 3))
                add_mark(planes, planes[PREVIOUS] > 127, truth, rng)
                return planes
        if rng.random() < s.estimate_share:
            soft = spoil(is_object, labels, image, rng).astype(np.float32) * rng.uniform(150, 255)
            planes[ESTIMATE] = cv2.GaussianBlur(soft, (0, 0), rng.uniform(1, 4))
        way = rng.random()
        nothing = np.zeros_like(is_object)
        if way < 0.45:
            add_mark(planes, nothing, truth, rng, stroke_share=0.0)
            if rng.random() < 0.3:  # several clicks at once
                for _ in range(rng.integers(1, 5)):
                    _add_random_point(planes, is_object, truth, rng)
        elif way < 0.85:
            draw = (_add_long_stroke, _add_stroke, _add_straight_stroke)[rng.choice(3, p=(0.4, 0.25, 0.35))]
            draw(planes[POSITIVE], is_object, rng)
        else:
            left, top, width, height = cv2.boundingRect(is_object.view(np.uint8))
            give = rng.normal(0, 0.04, 4) * (width, height, width, height)
            draw_box(planes[BOX], (left + give[0], top + give[1], left + width + give[2], top + height + give[3]))
            if rng.random() < 0.3:
                add_mark(planes, nothing, truth, rng)
        return planes

    def _recolour(self, image: np.ndarray) -> np.ndarray:
        rng = self.rng
        image = cv2.transform(image, colour_matrix(rng, 0.15, grey=rng.random() < 0.04))
        if rng.random() < 0.1:
            image = motion_blur(image, rng)
        return image


def _touching(labels: np.ndarray, own: int, others: list[int]) -> list[int]:
    """Other labels that touch this one."""
    near = cv2.dilate((labels == own).view(np.uint8), np.ones((5, 5), np.uint8)) > 0
    return [i for i in others if i != own and (near & (labels == i)).sum() > 20]


def add_mark(
    planes: np.ndarray, mask: np.ndarray, truth: np.ndarray, rng: np.random.Generator, stroke_share: float = 0.2
) -> bool:
    """Mark the largest wrong part of `mask`, bool (S, S), in `planes`, uint8 (5, S, S); in place. False if there is
    none: mostly a click at its deepest point, at times one elsewhere inside, or a stroke."""
    part = largest_wrong_part(mask, truth == 1, truth == IGNORE)
    if part is None or part.where.sum() < 4:
        return False
    plane = planes[POSITIVE if part.is_missing else NEGATIVE]
    if rng.random() < stroke_share:
        top, left, height, width = part.region
        inside = np.zeros(truth.shape, bool)
        inside[top : top + height, left : left + width] = part.where
        _add_stroke(plane, inside, rng)
    elif rng.random() < 0.6:
        draw_point(plane, *part.deepest())
    else:
        ys, xs = np.nonzero(part.depth >= rng.uniform(0.2, 0.9) * part.depth.max())
        pick = rng.integers(len(ys))
        draw_point(plane, part.region[1] + xs[pick], part.region[0] + ys[pick])
    return True


def correct(planes: np.ndarray, levels: np.ndarray, truth: np.ndarray, rng: np.random.Generator) -> None:
    """Hand the network its own mask, uint8 (S, S), 255 for 1, and mark what is wrong about it, in `planes`, uint8
    (5, S, S); in place. In `_ALONE` of the cases nothing else is known, as of a mask that was there before all marks.
    """
    mask = levels > 127
    is_alone = rng.random() < _ALONE and mask.any()
    if is_alone:
        planes[:] = 0
    planes[PREVIOUS] = mask * np.uint8(255) if is_alone or rng.random() < 0.5 else levels
    add_mark(planes, mask, truth, rng, stroke_share=0.12)


def _add_random_point(planes: np.ndarray, is_object: np.ndarray, truth: np.ndarray, rng: np.random.Generator) -> None:
    """A point somewhere in the object, or near it in the background; in place."""
    if rng.random() < 0.6:
        where = depth(is_object) > 2
        plane = planes[POSITIVE]
    else:
        reach = 2 * int(rng.integers(6, 30)) + 1
        near = cv2.dilate(is_object.view(np.uint8), np.ones((reach, reach), np.uint8)) > 0
        where = depth(near & (truth == 0)) > 3
        plane = planes[NEGATIVE]
    ys, xs = np.nonzero(where)
    if len(ys):
        pick = rng.integers(len(ys))
        draw_point(plane, xs[pick], ys[pick])


def _add_stroke(plane: np.ndarray, where: np.ndarray, rng: np.random.Generator) -> None:
    """A stroke along a bool (S, S): from pixel to pixel of it as long as the way lies inside; in place."""
    away = depth(where)
    ys, xs = np.nonzero(away >= rng.uniform(0.15, 0.5) * away.max())
    if not len(ys):
        return
    pick = rng.integers(len(ys))
    points = [(float(xs[pick]), float(ys[pick]))]
    for _ in range(rng.integers(1, 5)):
        tries = rng.integers(len(ys), size=8)
        # The longest way that stays inside: people draw along things.
        best, longest = None, 4.0
        for i in tries:
            end = (float(xs[i]), float(ys[i]))
            length = np.hypot(end[0] - points[-1][0], end[1] - points[-1][1])
            t = np.linspace(0, 1, 16)
            line = where[
                np.rint(points[-1][1] + t * (end[1] - points[-1][1])).astype(int),
                np.rint(points[-1][0] + t * (end[0] - points[-1][0])).astype(int),
            ]
            if length > longest and line.all():
                best, longest = end, length
        if best is None:
            break
        points.append(best)
    draw_stroke(plane, points)


def _add_straight_stroke(plane: np.ndarray, where: np.ndarray, rng: np.random.Generator) -> None:
    """A straight stroke along the largest part of a bool (S, S), as one draws it without looking closely: through its
    deepest pixel, or less far; in place."""
    part = largest_wrong_part(np.zeros_like(where), where)
    if part is None:
        return
    way = np.array(part.stroke(), np.float64)
    middle = way[len(way) // 2]
    draw_stroke(plane, middle + (way - middle) * rng.uniform(0.6, 1.0) + rng.normal(0, 1, way.shape))


def _add_long_stroke(plane: np.ndarray, where: np.ndarray, rng: np.random.Generator) -> None:
    """A stroke through a bool (S, S) as a person draws it who means all of it: along its middle line, from end to end
    or a part of that way; in place."""
    away = depth(where)
    deep = away >= rng.uniform(0.1, 0.4) * away.max()
    _, parts, stats, _ = cv2.connectedComponentsWithStats(deep.view(np.uint8), connectivity=8)
    areas = stats[1:, cv2.CC_STAT_AREA]
    index = 1 + int(rng.choice(len(areas), p=areas / areas.sum()))
    left, top, width, height = (int(n) for n in stats[index, :4])
    part = parts[top : top + height, left : left + width] == index
    begin = (int(rng.integers(height)), int(rng.integers(width))) if rng.random() < 0.3 else None
    way = [(left + x, top + y) for x, y in middle_line(part, begin)]
    if rng.random() < 0.4:
        kept = max(2, round(len(way) * rng.uniform(0.4, 1)))
        first = int(rng.integers(max(1, len(way) - kept + 1)))
        way = way[first : first + kept]
    draw_stroke(plane, way)


def spoil(is_object: np.ndarray, labels: np.ndarray, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A mask as propagation gets it wrong, bool (H, W): bent edges, lost limbs, holes, leaks, other objects.

    What is lost and what leaks is a blob or ends where the colours of the picture, uint8 (H, W, 3), do.
    """
    mask = is_object.astype(np.float32)
    height, width = mask.shape
    extent = max(8, *cv2.boundingRect(is_object.view(np.uint8))[2:])
    if rng.random() < 0.7:  # bent
        strength = extent * rng.uniform(0.01, 0.06)
        field = [cv2.resize(rng.normal(size=(6, 6)).astype(np.float32) * strength, (width, height)) for _ in range(2)]
        grid_x, grid_y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
        places = grid_x + field[0], grid_y + field[1]
        mask = np.asarray(cv2.remap(mask, *places, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
    smooth = cv2.GaussianBlur(image, (0, 0), 1.5)
    for _ in range(rng.integers(0, 3)):  # lost: all beyond a line, or something at a random place of the object
        ys, xs = np.nonzero(is_object)
        pick = rng.integers(len(ys)) if len(ys) else 0
        if not len(ys):
            break
        way = rng.random()
        if way < 0.25:
            turn = rng.uniform(0, 2 * np.pi)
            away = np.arange(width) - xs[pick], np.arange(height)[:, None] - ys[pick]
            across = away[0] * np.cos(turn) + away[1] * np.sin(turn)
            if (is_object & (across > 0)).sum() < 0.6 * is_object.sum():
                mask[across > 0] = 0
        elif way < 0.6:
            lost = _alike(smooth, xs[pick], ys[pick], extent * rng.uniform(0.1, 0.5), rng)
            if (is_object & lost).sum() < 0.6 * is_object.sum():
                mask[lost] = 0
        else:
            _blob(mask, xs[pick], ys[pick], extent * rng.uniform(0.08, 0.3), 0.0, rng)
    for _ in range(rng.integers(0, 3)):  # leaks from the edge, or apart from it
        edge = cv2.morphologyEx(is_object.view(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
        ys, xs = np.nonzero(edge)
        if not len(ys):
            break
        pick = rng.integers(len(ys))
        far = rng.normal(size=2) * extent * (0.1 if rng.random() < 0.7 else 0.8)
        x, y = xs[pick] + far[0], ys[pick] + far[1]
        if rng.random() < 0.5:
            x, y = int(np.clip(x, 0, width - 1)), int(np.clip(y, 0, height - 1))
            mask[_alike(smooth, x, y, extent * rng.uniform(0.1, 0.4), rng)] = 1
        else:
            _blob(mask, x, y, extent * rng.uniform(0.06, 0.25), 1.0, rng)
    others = [int(i) for i in np.unique(labels) if i not in (0, IGNORE) and not (is_object & (labels == i)).any()]
    if others and rng.random() < 0.4:
        mask[labels == others[rng.integers(len(others))]] = 1
    if rng.random() < 0.5:
        radius = max(1, int(extent * rng.uniform(0.005, 0.03)))
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2)
        mask = np.asarray((cv2.dilate if rng.random() < 0.5 else cv2.erode)(mask, kernel))
    return mask > 0.5


def _alike(image: np.ndarray, x: int, y: int, radius: float, rng: np.random.Generator) -> np.ndarray:
    """What hangs together with a pixel of uint8 (H, W, 3), is coloured like it and no farther away than `radius`, bool
    (H, W)."""
    height, width = image.shape[:2]
    filled = np.ones((height + 2, width + 2), np.uint8)  # 1: not to be filled
    cv2.circle(filled, (int(x) + 1, int(y) + 1), max(2, round(radius)), 0, -1)
    filled[[0, -1]], filled[:, [0, -1]] = 1, 1
    flags = 4 | cv2.FLOODFILL_FIXED_RANGE | cv2.FLOODFILL_MASK_ONLY | (2 << 8)
    reach = (float(rng.uniform(12, 45)),) * 3
    cv2.floodFill(image, filled, (int(x), int(y)), (0, 0, 0), reach, reach, flags)
    return filled[1:-1, 1:-1] == 2


def _blob(mask: np.ndarray, x: float, y: float, radius: float, value: float, rng: np.random.Generator) -> None:
    """An irregular blob of `value` around (x, y) in a float32 (S, S); in place."""
    turns = np.linspace(0, 2 * np.pi, 9)[:-1]
    reach = radius * rng.uniform(0.5, 1.5, 8) * np.array([rng.uniform(0.6, 1.6)])
    corners = np.stack([x + reach * np.cos(turns), y + reach * np.sin(turns)], 1)
    cv2.fillPoly(mask, [np.rint(corners).astype(np.int32)], value)


class MarkingSampleStream(IterableDataset):
    """An endless stream of samples as tensors, see `MarkingSample`. Seeded per worker."""

    def __init__(self, photos: PhotoStore, settings: MarkingSampleSettings, seed: int):
        self.photos, self.settings, self.seed = photos, settings, seed

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
        cv2.setNumThreads(1)
        worker = torch.utils.data.get_worker_info()
        rng = np.random.default_rng([self.seed, worker.id if worker else 0])
        maker = MarkingSampleMaker(self.photos, self.settings, rng)
        while True:
            sample = maker.make()
            yield torch.from_numpy(sample.image), torch.from_numpy(sample.truth), torch.from_numpy(sample.planes)
