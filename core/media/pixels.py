"""From decoded frames to the pixels a person sees.

RGB is what swscale makes of the frame's matrix and range, 8 bit; where the matrix is not tagged, `colour` says which it
is, and the range is limited. Primaries and transfer are left as they are: HDR is shown by its numbers. Pixels are as
coded: the sample aspect ratio is not applied, fields are not separated. A rotation or mirroring of the display matrix
is applied. Should the size change midway, frames are scaled to the first's.
"""

import threading
from collections.abc import Callable
from fractions import Fraction

import numpy as np
from av.sidedata.sidedata import SideData
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from core.media.colour import Colour, colour_of, is_known_matrix, matrix_of


class Developer:
    """Makes RGB of the decoded frames of one video. From any thread.

    Args:
        first: the first frame, which tells the size, the display matrix and the colours.

    Attributes:
        size: (height, width) as displayed. colour: which colours the RGB numbers mean.
        is_exact: whether the matrix that is tagged is one that swscale knows, so that the colours are right.
    """

    def __init__(self, first: VideoFrame):
        self._coded_size = first.width, first.height
        coded = first.height, first.width
        self._turn = _display_turn(first)
        self.colour: Colour = colour_of(first.color_primaries, first.color_trc, coded)
        self._matrix = None if first.format.is_rgb else matrix_of(first.colorspace, first.color_primaries, coded)
        self.is_exact = first.format.is_rgb or is_known_matrix(first.colorspace)
        self._reformatter = VideoReformatter()
        self._lock = threading.Lock()  # converting touches up the tags of the frame, which may be in a cache
        self.size: tuple[int, int] = self._turn(np.empty(coded)).shape
        self._is_turned: bool = self._turn(np.empty((1, 2))).shape == (2, 1)

    def shown_aspect(self, stored: Fraction) -> Fraction:
        """The sample aspect ratio as the frames are shown: where rows are columns, it is upside down."""
        return 1 / stored if self._is_turned else stored

    def develop(self, frame: VideoFrame) -> np.ndarray:
        """uint8 (H, W, 3) RGB, C-contiguous, of its own memory."""
        width, height = self._coded_size
        with self._lock:
            rgb = self._reformatter.reformat(
                frame,
                width=width,
                height=height,
                format="rgb24",
                src_colorspace=self._matrix,
                dst_colorspace=self._matrix,  # of RGB it means nothing, but an unknown one is refused
            )
        return np.array(self._turn(rgb.to_ndarray()), order="C")  # a copy: that is a view of a padded buffer


def _display_turn(frame: VideoFrame) -> Callable[[np.ndarray], np.ndarray]:
    """The function from coded pixels (H, W, ...) to displayed ones: a view, by the frame's display matrix.

    The matrix (libavutil/display.h) sends coded (x, y) to (a x + c y, b x + d y). Footage is turned by quarters and
    mirrored; anything between is brought to the nearest of these.
    """
    try:
        data = frame.side_data.get("DISPLAYMATRIX")
    except ValueError:  # the frame has side data of a kind PyAV does not know; it still tells the angle
        turns = round(frame.rotation / 90)
        return lambda pixels: np.rot90(pixels, turns)
    if not isinstance(data, SideData):
        return lambda pixels: pixels
    matrix = np.frombuffer(bytes(data), np.int32)
    a, b, _, c, d = (int(value) for value in matrix[:5])
    transposed = abs(b) + abs(c) > abs(a) + abs(d)
    step_x, step_y = (-1 if value < 0 else 1 for value in ((c, b) if transposed else (a, d)))
    return lambda pixels: (pixels.swapaxes(0, 1) if transposed else pixels)[::step_y, ::step_x]
