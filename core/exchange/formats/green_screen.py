"""A video of the objects before one colour, for programs that know no alpha."""

import cv2
import numpy as np

from core.exchange.exporter import ExportRequest
from core.exchange.mattes import MATTE_OPTIONS, MattedFrame, alpha_of
from core.exchange.options import Option
from core.exchange.unprocessed import UNPROCESSED
from core.exchange.video_export import SOUND_OPTION, MatteVideo
from core.media.recipes import H264

_COLOURS = {
    "green": (0, 177, 64),
    "blue": (0, 71, 187),
    "pure-green": (0, 255, 0),
    "black": (0, 0, 0),
    "white": (255, 255, 255),
}
_LABELS = ("Green", "Blue", "Pure green", "Black", "White")


class GreenScreen(MatteVideo):
    name = "green-screen"
    label = "Green-screen video (H.264)"
    writes = "A video of the objects before a green screen or another colour, H.264, and a .json that says how."
    suffixes = (".mp4", ".mov", ".mkv")
    options = (
        Option("screen", "Screen", "choice", "green", choices=tuple(zip(_COLOURS, _LABELS, strict=True))),
        *MATTE_OPTIONS,
        SOUND_OPTION,
        UNPROCESSED,
    )
    recipe = H264
    alpha = "none: laid over the screen's colour"
    bytes_per_pixel = 0.06

    def picture(self, request: ExportRequest, matted: MattedFrame) -> np.ndarray:
        return laid_over(matted.pixels, alpha_of(matted), _COLOURS[str(request.options["screen"])])


def laid_over(pixels: np.ndarray, alpha: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Straight alpha uint8 (H, W) over one colour: uint8 (H, W, 3), in the numbers as they are, as editors do it."""
    share = cv2.merge([alpha] * 3)
    screen = np.full_like(pixels, colour)
    shown = cv2.multiply(pixels, share, scale=1 / 255, dtype=cv2.CV_32F)
    return cv2.add(shown, cv2.multiply(screen, 255 - share, scale=1 / 255, dtype=cv2.CV_32F), dtype=cv2.CV_8U)
