"""Decoded frames, kept undeveloped (YUV, half the size of RGB)."""

import threading
from bisect import bisect_left, insort

from av.video.frame import VideoFrame


class FrameCache:
    """The decoded frames nearest to the one that was asked for last, within a budget of bytes. From any thread.

    Near rather than recent: on the way to a frame within a long group of pictures, what lies far before it gives way
    first, and what lies around it stays.

    Args:
        budget: bytes; one frame is kept in any case.
    """

    def __init__(self, budget: int):
        self._budget = self._limit = budget
        self._bytes = 0
        self._focus = 0
        self._frames: dict[int, VideoFrame] = {}
        self._order: list[int] = []  # the keys of `_frames`, ascending
        self._lock = threading.Lock()

    def limit(self, share: int) -> None:
        """Keep to one `share`-th of the budget, from the next frame on."""
        self._limit = self._budget // share

    def focus(self, index: int) -> None:
        """Keep what is near `index`, from the next frame on."""
        self._focus = index

    def clear(self) -> None:
        with self._lock:
            self._frames.clear()
            self._order.clear()
            self._bytes = 0

    def __contains__(self, index: int) -> bool:
        return index in self._frames

    def get(self, index: int) -> VideoFrame | None:
        return self._frames.get(index)

    def nearest(self, index: int) -> tuple[int, VideoFrame] | None:
        """The frame nearest to `index` (of two as near, the earlier) and its index."""
        with self._lock:
            if not self._order:
                return None
            place = bisect_left(self._order, index)
            nearest = min(self._order[max(0, place - 1) : place + 1], key=lambda number: abs(number - index))
            return nearest, self._frames[nearest]

    def put(self, index: int, frame: VideoFrame) -> None:
        with self._lock:
            if index in self._frames:
                self._bytes -= byte_count(self._frames[index])
            else:
                insort(self._order, index)
            self._frames[index] = frame
            self._bytes += byte_count(frame)
            while self._bytes > self._limit and len(self._order) > 1:
                first, last = self._order[0], self._order[-1]
                farthest = self._order.pop(0 if self._focus - first >= last - self._focus else -1)
                self._bytes -= byte_count(self._frames.pop(farthest))


def byte_count(frame: VideoFrame) -> int:
    """The memory that a decoded frame takes."""
    return sum(plane.buffer_size for plane in frame.planes)
