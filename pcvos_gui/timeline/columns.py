"""From frames to columns of pixels: what a timeline of any length has to draw."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

HIGH_CONFIDENCE = 0.85
"""From it on a frame seldom deserves a look; below `LOW_CONFIDENCE` it does."""

_FRAME_STEPS = tuple(digit * 10**power for power in range(8) for digit in (1, 2, 5))
_TIME_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 36000)


@dataclass(frozen=True)
class Visible:
    """The part of the footage that is drawn: frames `first` to `first + span`, over `width` pixels.

    `first` and `span` are in frames and need not be whole. A frame is as wide as its share: frame f reaches from
    `x(f)` to `x(f + 1)`.
    """

    first: float
    span: float
    width: int

    def x(self, frame: float) -> float:
        """Left edge of a frame, in pixels."""
        return (frame - self.first) * self.width / self.span

    def centre(self, frame: float) -> float:
        return self.x(frame + 0.5)

    def frame(self, x: float) -> float:
        """The frame (not whole) at a pixel; not held within the footage."""
        return self.first + x * self.span / self.width

    @property
    def per_frame(self) -> float:
        """Pixels a frame takes."""
        return self.width / self.span


def fitted(first: float, span: float, width: int, frames: int, fewest: float = 12) -> Visible:
    """A `Visible` moved and sized until it lies within footage of `frames` frames."""
    span = min(max(span, min(fewest, frames)), max(frames, 1))
    return Visible(min(max(first, 0.0), frames - span) if frames else 0.0, span, max(width, 1))


@dataclass(frozen=True)
class Columns:
    """Frames gathered into columns; where a frame is wider than a pixel, a column is one frame.

    Attributes:
        left, right: int32 (n,), the pixels a column takes, right excluded.
        states: uint8 (n,), flags that any frame of the column has.
        confidence: float32 (n,), the least one of the column; NaN where none is known.
        open: float32 (n,), the least one that nobody has seen to.
    """

    left: np.ndarray
    right: np.ndarray
    states: np.ndarray
    confidence: np.ndarray
    open: np.ndarray


def gather(visible: Visible, states: np.ndarray, confidence: np.ndarray, seen_to: np.ndarray | None = None) -> Columns:
    """The columns of the visible frames.

    Args:
        states: uint8 (frames,). confidence: float32 (frames,), NaN where unknown. seen_to: bool (frames,), ticked
            off or done; None: nothing is.
    """
    begin = max(0, int(np.floor(visible.first)))
    end = min(len(states), int(np.ceil(visible.first + visible.span)))
    if end <= begin:
        none = np.zeros(0, np.int32)
        return Columns(none, none, np.zeros(0, np.uint8), *[np.zeros(0, np.float32)] * 2)
    asks = confidence if seen_to is None else np.where(seen_to, np.float32(np.nan), confidence)
    if visible.per_frame >= 1:
        edges = np.floor((np.arange(begin, end + 1) - visible.first) * visible.per_frame).astype(np.int32)
        right, here = np.maximum(edges[1:], edges[:-1] + 1), slice(begin, end)
        return Columns(edges[:-1], right, states[here], confidence[here], asks[here])
    pixels = np.arange(visible.width, dtype=np.int32)
    starts = np.ceil(visible.first + pixels * (visible.span / visible.width)).astype(np.int64)
    starts = np.minimum(starts, end - 1)
    starts[0] = begin
    any_state = np.bitwise_or.reduceat(states[:end], starts)
    least, open_ = (np.fmin.reduceat(values[:end], starts) for values in (confidence, asks))
    return Columns(pixels, pixels + 1, any_state, least, open_)


def at_pixels(visible: Visible, values: np.ndarray, several: np.ufunc = np.maximum) -> np.ndarray:
    """Values that the pixels of a row show, uint8 (width,).

    Args:
        values: uint8 (frames,). several: what becomes of those of several frames in a pixel.
    """
    end = min(len(values), int(np.ceil(visible.first + visible.span)))
    if end <= 0:
        return np.zeros(visible.width, np.uint8)
    first = np.minimum(frames_at(visible), end - 1)
    return values[first] if visible.per_frame >= 1 else several.reduceat(values[:end], first)


def frames_at(visible: Visible) -> np.ndarray:
    """The frame in the middle of each pixel, int64 (width,); where pixels have several, the first of each."""
    middle = 0.5 if visible.per_frame >= 1 else 0.0
    return np.floor(visible.first + (np.arange(visible.width) + middle) / visible.per_frame).astype(np.int64)


def spread(columns: Columns, flag: int, apart: int) -> np.ndarray:
    """Indices of columns with a flag, none nearer to the one before than `apart` pixels: as many marks as there is
    room for."""
    marked = np.flatnonzero(columns.states & flag)
    kept, last = [], -apart
    for index in marked.tolist():
        left = int(columns.left[index])
        if left - last >= apart:
            kept.append(index)
            last = left
    return np.array(kept, np.int64)


def frame_ticks(visible: Visible, apart: float) -> list[int]:
    """Frames for a ruler: round numbers at least `apart` pixels from each other."""
    step = next(s for s in _FRAME_STEPS if s * visible.per_frame >= apart or s == _FRAME_STEPS[-1])
    start = max(0, int(np.ceil(visible.first / step)) * step)
    return list(range(start, int(np.floor(visible.first + visible.span)) + 1, step))


def time_ticks(visible: Visible, timestamps: Sequence, apart: float) -> list[tuple[int, float]]:
    """(frame, seconds) for a ruler: the frames that are on the screen at round times, `apart` pixels or more between
    them where the rate is steady.

    Args:
        timestamps: of the footage, seconds, ascending.
    """
    last_frame = len(timestamps) - 1
    first, last = (min(max(int(f), 0), last_frame) for f in (visible.first, visible.first + visible.span))
    start, end = float(timestamps[first]), float(timestamps[last])
    if end <= start:
        return [(first, start)]
    per_second = (visible.x(last) - visible.x(first)) / (end - start)
    step = next(s for s in _TIME_STEPS if s * per_second >= apart or s == _TIME_STEPS[-1])
    numbers = range(int(np.ceil(start / step - 1e-9)), int(end / step + 1e-9) + 1)
    return [(_frame_at(timestamps, n * step, first, last), n * step) for n in numbers]


def _frame_at(timestamps: Sequence, seconds: float, first: int, last: int) -> int:
    return max(first, bisect_right(timestamps, seconds + 1e-6, first, last + 1, key=float) - 1)


def timecode(seconds: float) -> str:
    """ "01:02.480", with hours in front from the first one on."""
    milliseconds = round(max(0.0, seconds) * 1000)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    rest = f"{minutes:02d}:{milliseconds // 1000:02d}.{milliseconds % 1000:03d}"
    return f"{hours}:{rest}" if hours else rest
