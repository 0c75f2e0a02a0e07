"""The colours of object ids: the DAVIS / Pascal VOC palette for files, a brighter one for the screen."""

from collections.abc import Iterable, Mapping

import cv2
import numpy as np

RGB = tuple[int, int, int]

_DARKEST_LUMA = 96.0  # of 255; a colour below this is hard to see over dark footage


def rgb(channels: Iterable[int]) -> RGB:
    """Three channels as plain numbers."""
    red, green, blue = (int(channel) for channel in channels)
    return red, green, blue


def _davis_palette() -> np.ndarray:
    """Id bits 0, 3, 6 go to red, 1, 4, 7 to green, 2, 5 to blue, from each channel's highest bit down."""
    ids = np.arange(256)
    palette = np.zeros((256, 3), np.uint8)
    for bit in range(8):
        palette[:, bit % 3] |= (((ids >> bit) & 1) << (7 - bit // 3)).astype(np.uint8)
    return palette


def _display_palette(palette: np.ndarray) -> np.ndarray:
    """Lift every colour but the background's: value to the upper half, then towards white until it is light enough.

    Scaling the value to its maximum would be simpler, but gives ids of one hue (1, 8, 9 …) one colour.
    """
    colours = palette[1:].astype(np.float64)
    value = colours.max(axis=1, keepdims=True)
    colours *= (128 + value / 2) / value
    luma = (colours @ (0.299, 0.587, 0.114))[:, None]
    colours += (255 - colours) * np.clip((_DARKEST_LUMA - luma) / (255 - luma), 0, 1)
    return np.concatenate([palette[:1], np.rint(colours).astype(np.uint8)])


#: uint8 (256, 3) RGB, row = object id: what files carry. 0 is black, 255 ("void") is (224, 224, 192).
DAVIS_PALETTE = _davis_palette()
DAVIS_PALETTE.setflags(write=False)

#: uint8 (256, 3) RGB, row = object id: `DAVIS_PALETTE` brightened for the screen. Never written into a mask file.
DISPLAY_PALETTE = _display_palette(DAVIS_PALETTE)
DISPLAY_PALETTE.setflags(write=False)


def palette_of(colours: Mapping[int, RGB]) -> np.ndarray:
    """A palette for the screen, uint8 (256, 3) RGB, with the colours that were chosen for some ids, 8-bit RGB."""
    palette = DISPLAY_PALETTE.copy()
    for id, colour in colours.items():
        palette[id] = colour
    return palette


_CANDIDATES = 32  # colours of the palette that are tried
_ALIKE, _SAME = 36.0, 14.0  # distances in CIE Lab: hard to tell from footage beneath; from another object's colour
_FEW = 0.02  # share of a frame that may be alike
_TO_XYZ = np.array([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]])


def distinct_colour(id: int, used: Iterable[RGB], image: np.ndarray | None = None) -> RGB:
    """A colour of the screen's palette for a new object: its own, unless footage or another object looks like that.

    Args:
        used: colours of the other objects. image: uint8 (H, W, 3) RGB, the footage; None: nothing is known of it.

    Returns:
        8-bit RGB.
    """
    candidates = DISPLAY_PALETTE[[id, *(i for i in range(1, _CANDIDATES + 1) if i != id)]]
    lab = _to_lab(candidates)
    blame = np.zeros(len(candidates))
    if image is not None:
        small = cv2.resize(image, (48, 32), interpolation=cv2.INTER_AREA)
        share = (_distances(lab, _to_lab(small.reshape(-1, 3))) < _ALIKE).mean(axis=1)
        blame += np.where(share > _FEW, share, 0)
    others = np.array(list(used), np.uint8).reshape(-1, 3)
    if len(others):
        blame += _distances(lab, _to_lab(others)).min(axis=1) < _SAME
    return rgb(candidates[np.argmin(blame)])


def _to_lab(colours: np.ndarray) -> np.ndarray:
    """CIE Lab under D65, (n, 3), of uint8 (n, 3) sRGB (IEC 61966-2-1, CIE 15). OpenCV makes tables of 0.14 s for it."""
    channels = colours / 255
    linear = np.where(channels > 0.04045, ((channels + 0.055) / 1.055) ** 2.4, channels / 12.92)
    xyz = linear @ _TO_XYZ.T / _TO_XYZ.sum(axis=1)
    root = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.stack([116 * root[:, 1] - 16, 500 * (root[:, 0] - root[:, 1]), 200 * (root[:, 1] - root[:, 2])], axis=1)


def _distances(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Between each of (n, 3) and each of (m, 3): (n, m)."""
    return np.linalg.norm(one[:, None] - other[None], axis=2)
