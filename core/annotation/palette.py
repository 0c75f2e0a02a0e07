"""The colours of object ids: the DAVIS / Pascal VOC palette for files, a brighter one for the screen."""

from collections.abc import Mapping

import numpy as np

_DARKEST_LUMA = 96.0  # of 255; a colour below this is hard to see over dark footage


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


def palette_of(colours: Mapping[int, tuple[int, int, int]]) -> np.ndarray:
    """A palette for the screen, uint8 (256, 3) RGB, with the colours that were chosen for some ids, 8-bit RGB."""
    palette = DISPLAY_PALETTE.copy()
    for id, colour in colours.items():
        palette[id] = colour
    return palette
