"""From decoded frames to the pixels a person sees.

RGB is what swscale makes of the frame's own tags (matrix and range; untagged footage is taken as BT.601, limited range,
as FFmpeg and OpenCV take it), 8 bit. Pixels are as coded: the sample aspect ratio is not applied, fields are not
separated. A rotation or mirroring of the display matrix is applied. Should the size change midway, frames are scaled to
the first's.
"""

import threading
from collections.abc import Callable

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter


class Developer:
    """Makes RGB of the decoded frames of one video. From any thread.

    Args:
        first: the first frame, which tells the size and the display matrix.

    Attributes:
        size: (height, width) as displayed.
    """

    def __init__(self, first: VideoFrame):
        self._coded_size = first.width, first.height
        self._turn = _display_turn(first)
        self._reformatter = VideoReformatter()
        self._lock = threading.Lock()  # converting touches up the tags of the frame, which may be in a cache
        self.size: tuple[int, int] = self._turn(np.empty((first.height, first.width))).shape

    def develop(self, frame: VideoFrame) -> np.ndarray:
        """uint8 (H, W, 3) RGB, C-contiguous, of its own memory."""
        width, height = self._coded_size
        with self._lock:
            rgb = self._reformatter.reformat(frame, width=width, height=height, format="rgb24")
        return np.array(self._turn(rgb.to_ndarray()), order="C")  # a copy: that is a view of a padded buffer


def _display_turn(frame: VideoFrame) -> Callable[[np.ndarray], np.ndarray]:
    """What turns coded pixels (H, W, ...) into displayed ones: a view, by the frame's display matrix.

    The matrix (libavutil/display.h) sends coded (x, y) to (a x + c y, b x + d y). Footage is turned by quarters and
    mirrored; anything between is brought to the nearest of these.
    """
    try:
        data = frame.side_data.get("DISPLAYMATRIX")
    except ValueError:  # the frame has side data of a kind PyAV does not know; it still tells the angle
        turns = round(frame.rotation / 90)
        return lambda pixels: np.rot90(pixels, turns)
    if data is None:
        return lambda pixels: pixels
    matrix = np.frombuffer(bytes(data), np.int32)
    a, b, _, c, d = (int(value) for value in matrix[:5])
    transposed = abs(b) + abs(c) > abs(a) + abs(d)
    step_x, step_y = (-1 if value < 0 else 1 for value in ((c, b) if transposed else (a, d)))
    return lambda pixels: (pixels.swapaxes(0, 1) if transposed else pixels)[::step_y, ::step_x]
