"""Masks stay where marks are: of a new mask, what hangs together with the marks that ask for it."""

import cv2
import numpy as np


def local_change(
    mask: np.ndarray, previous: np.ndarray, this: np.ndarray, not_this: np.ndarray, sliver: int
) -> np.ndarray:
    """`previous`, changed as in `mask` where that is connected with a mark; elsewhere it stays, pixel for pixel.

    What is added hangs together with a mark that says "this", what is taken away with one that says "not this".
    Slivers along the outline would connect everything with everything: they do not count.

    Args:
        mask, previous: bool (H, W), new and old. this, not_this: bool (H, W), the marks as drawn.
        sliver: pixels; what is no wider is a sliver.
    """
    result = previous.copy()
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (sliver + 1,) * 2)
    for asked, difference, value in ((this, mask & ~previous, True), (not_this, previous & ~mask, False)):
        left, top, width, height = cv2.boundingRect(difference.view(np.uint8))
        here = np.s_[top : top + height, left : left + width]
        wanted, part = asked[here], difference[here]
        if not wanted.any():
            continue
        solid = cv2.morphologyEx(part.view(np.uint8), cv2.MORPH_OPEN, kernel) > 0
        touched = touching(solid, wanted)
        # Opening rounds corners off; they belong to the part again.
        near = cv2.dilate(touched.view(np.uint8), kernel) > 0
        result[here][part & (near | wanted)] = value
    return result


def touching(mask: np.ndarray, where: np.ndarray) -> np.ndarray:
    """The connected parts (8 neighbours) of `mask` with a pixel in `where`, bool (H, W) each."""
    count, parts = cv2.connectedComponents(np.ascontiguousarray(mask).view(np.uint8), connectivity=8)
    kept = np.zeros(count, bool)
    kept[parts[where & mask]] = True
    kept[0] = False
    return kept[parts]


def near(mask: np.ndarray, where: np.ndarray, gap: float) -> np.ndarray:
    """The connected parts of `mask` with a pixel in `where`, and those close to them, bool (H, W) each; all of it if
    none has one.

    Args:
        gap: how far apart is close, in extents (the longer side of the bounding box) of the parts with such a pixel.
    """
    left, top, width, height = cv2.boundingRect(mask.view(np.uint8))
    here = np.s_[top : top + height, left : left + width]
    part = mask[here]
    touched = touching(part, where[here])
    height, width = cv2.boundingRect(touched.view(np.uint8))[:1:-1]
    if not height or np.array_equal(touched, part):
        return mask
    away = cv2.distanceTransform((~touched).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_3)
    result = np.zeros_like(mask)
    result[here] = touching(part, away <= gap * max(height, width))
    return result
