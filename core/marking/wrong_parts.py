"""Wrong parts of a mask, and where a person would point at them: used in training and in evaluation."""

from dataclasses import dataclass

import cv2
import numpy as np

from core.marking.middle_line import middle_line


@dataclass(frozen=True)
class WrongPart:
    """The largest connected part of a mask that is wrong.

    Attributes:
        is_missing: it belongs to the object and was left out; otherwise it does not belong and is there.
        region: (top, left, height, width) of its bounding box.
        where: bool (height, width), the part in its box.
        depth: float32 (height, width), distance of its pixels from what is not of it; beyond the picture nothing is.
    """

    is_missing: bool
    region: tuple[int, int, int, int]
    where: np.ndarray
    depth: np.ndarray

    def deepest(self) -> tuple[int, int]:
        """(x, y) of the pixel farthest from the part's outline; the first in reading order of several."""
        y, x = np.unravel_index(int(self.depth.argmax()), self.depth.shape)
        return self.region[1] + int(x), self.region[0] + int(y)

    def stroke(self) -> tuple[tuple[int, int], ...]:
        """(x, y) of the corners of a stroke along the part: from its deepest pixel both ways along the main axis of
        what is at least half as deep, as far as a straight line stays inside."""
        ys, xs = np.nonzero(self.depth >= 0.5 * self.depth.max())
        points = np.stack([xs, ys], 1).astype(np.float64)
        centred = points - points.mean(0)
        along = np.linalg.eigh(centred.T @ centred)[1][:, -1]
        reach = centred @ along
        middle = np.array(self.deepest(), np.float64) - self.region[1::-1]
        corners = [self._as_far(middle, points[i]) for i in (int(reach.argmin()), int(reach.argmax()))]
        way = (corners[0], tuple(int(n) for n in middle), corners[1])
        return tuple((x + self.region[1], y + self.region[0]) for x, y in dict.fromkeys(way))

    def long_stroke(self) -> tuple[tuple[int, int], ...]:
        """(x, y) of the corners of a stroke from end to end of the part, along the middle line of what hangs together
        with its deepest pixel and is at least 0.15 times as deep."""
        (x, y), (top, left) = self.deepest(), self.region[:2]
        _, parts = cv2.connectedComponents((self.depth >= 0.15 * self.depth.max()).view(np.uint8), connectivity=8)
        return tuple((left + x, top + y) for x, y in middle_line(parts == parts[y - top, x - left]))

    def _as_far(self, begin: np.ndarray, end: np.ndarray) -> tuple[int, int]:
        """The last pixel on the way from one to the other before it leaves the part."""
        steps = 1 + int(np.abs(end - begin).max())
        line = np.rint(begin + np.linspace(0, 1, steps + 1)[:, None] * (end - begin)).astype(int)
        outside = ~self.where[line[:, 1], line[:, 0]]
        last = int(outside.argmax()) - 1 if outside.any() else steps
        return int(line[last, 0]), int(line[last, 1])


def largest_wrong_part(mask: np.ndarray, truth: np.ndarray, ignored: np.ndarray | None = None) -> WrongPart | None:
    """The largest connected part (8 neighbours) in which `mask` misses something of `truth`, or has too much; None if
    nothing is wrong. All bool (H, W); of `ignored` pixels nothing is known. Of two of one size the missing one."""
    best: WrongPart | None = None
    most = 0
    for is_missing, wrong in ((True, truth & ~mask), (False, mask & ~truth)):
        if ignored is not None:
            wrong = wrong & ~ignored
        count, labels, stats, _ = cv2.connectedComponentsWithStats(wrong.view(np.uint8), connectivity=8)
        if count < 2:
            continue
        index = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
        left, top, width, height, area = (int(n) for n in stats[index])
        if area > most:
            most = area
            where = labels[top : top + height, left : left + width] == index
            best = WrongPart(is_missing, (top, left, height, width), where, depth(where))
    return best


def depth(where: np.ndarray) -> np.ndarray:
    """Distance of each pixel of a bool (h, w) from what is not of it, float32; beyond the border nothing is of it."""
    padded = np.pad(where.view(np.uint8), 1)
    return cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
