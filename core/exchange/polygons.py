"""Masks as polygons: the outlines of their pieces and holes, and all of them joined to one."""

import cv2
import numpy as np

from core.masks.packed_mask import PackedMask


def outlines(mask: PackedMask, tolerance: float = 0.0) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The rings around the pieces of a mask, the largest first, and around its holes.

    A ring runs through pixels of the mask, as `cv2.fillPoly` wants it: filled, with its line, the rings of pieces less
    the rings of holes give the mask again (if `tolerance` is 0).

    Args:
        tolerance: how far in pixels a ring may lie from that, to have fewer corners.

    Returns:
        int32 (n, 2) each, (x, y) of pixels in the frame.
    """
    top, left, _, _ = mask.box
    rings, tree = cv2.findContours(
        mask.inside().view(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE, offset=(left, top)
    )
    pieces: list[np.ndarray] = []
    holes: list[np.ndarray] = []
    for ring, (_, _, _, parent) in zip(rings, [] if tree is None else tree[0], strict=True):
        if tolerance > 0:
            ring = cv2.approxPolyDP(ring, tolerance, closed=True)
        (pieces if parent < 0 else holes).append(ring[:, 0])
    return sorted(pieces, key=_area, reverse=True), holes


def joined(pieces: list[np.ndarray], holes: list[np.ndarray]) -> np.ndarray:
    """One ring through all, int32 (n, 2): each is joined to the nearest before by a seam that goes there and back, so
    that by the even-odd rule holes stay holes."""
    ring = pieces[0]
    for other in (*pieces[1:], *holes):
        distances = ((ring[:, None].astype(np.int64) - other[None]) ** 2).sum(axis=2)
        at, start = np.unravel_index(distances.argmin(), distances.shape)
        loop = np.concatenate([other[start:], other[: start + 1]])
        ring = np.concatenate([ring[: at + 1], loop, ring[at:]])
    return ring


def _area(ring: np.ndarray) -> float:
    return cv2.contourArea(ring)
