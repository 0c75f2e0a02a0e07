"""Label maps drawn over footage, for looking at."""

import cv2
import numpy as np

from core.masks.palette import DISPLAY_PALETTE

_LINE_PER_HEIGHT = 1 / 540  # contour width: 1 pixel at 480p, 2 at 1080p, 4 at 2160p


def draw_overlay(
    frame: np.ndarray, labels: np.ndarray, alpha: float = 0.5, palette: np.ndarray = DISPLAY_PALETTE
) -> np.ndarray:
    """Lay each object's colour over the frame, with a contour line of full colour just inside its edge.

    The line is inside, so that its outer edge is exactly where the mask ends. There is none where the picture cuts an
    object off.

    Args:
        frame: uint8 (H, W, 3) RGB, left as it is.
        labels: uint8 (H, W), value = object id, 0 background.
        alpha: opacity of the colour inside the contour, 0 to 1.
        palette: uint8 (256, 3) RGB, row = object id.

    Returns:
        uint8 (H, W, 3) RGB.
    """
    if frame.shape != (*labels.shape, 3):
        raise ValueError(f"frame {frame.shape} and labels {labels.shape} do not match")
    drawn = frame.copy()
    left, top, width, height = cv2.boundingRect(labels)
    if not width:
        return drawn
    line = max(1, round(min(labels.shape) * _LINE_PER_HEIGHT))
    # The box of the objects, with a margin from which the contour sees what lies around them.
    box = np.s_[max(top - line, 0) : top + height + line, max(left - line, 0) : left + width + line]
    area = drawn[box]
    inside = np.ascontiguousarray(labels[box])
    colour = cv2.LUT(cv2.merge([inside] * 3), palette[None])
    blended = cv2.addWeighted(area, 1 - alpha, colour, alpha, 0)
    cv2.copyTo(blended, inside, area)
    cv2.copyTo(colour, _contours(inside, line), area)
    return drawn


def _contours(labels: np.ndarray, line: int) -> np.ndarray:
    """uint8 (H, W), not 0 on the objects' pixels within `line` of a pixel with another label."""
    square = np.ones((2 * line + 1, 2 * line + 1), np.uint8)
    differs = cv2.morphologyEx(labels, cv2.MORPH_GRADIENT, square)
    return cv2.min(differs, labels)
