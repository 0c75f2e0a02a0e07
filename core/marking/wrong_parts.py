"""Where a mask is wrong, and where a person would point to say so: used in training and in evaluation."""

from dataclasses import dataclass

import cv2
import numpy as np


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
