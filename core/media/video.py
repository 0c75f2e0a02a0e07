"""A video file as footage: any frame, exactly as decoding the whole file in order would give it.

Decisions:
- Frame i is the i-th presentation timestamp of the index (see `video_index`). Reading on goes on decoding; any other
  frame is reached by decoding from the key packet its references begin at, until its own timestamp comes out.
- Frames decoded on the way are kept, undeveloped (YUV, half the size of RGB), as far as the byte budget goes, so that
  going backwards decodes each group of pictures once and not once a frame. Reading forwards needs, and keeps, only an
  eighth.
- A frame that cannot be decoded never shifts the others: the nearest earlier one that can stands in, and a warning
  says so.
- RGB is what swscale makes of the frame's own tags (matrix and range; untagged footage is taken as BT.601, limited
  range, as FFmpeg and OpenCV take it), 8 bit. Pixels are as coded: the sample aspect ratio is not applied, fields are
  not separated. A rotation or mirroring of the display matrix is applied. Should the size change midway, frames are
  scaled to the first's.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from core.errors import PCVOSError
from core.media.source import FrameNumbers, FrameSource, Timestamps
from core.media.stream import OpenVideo
from core.media.video_index import build_index

_FORWARD_SHARE = 8  # reading forwards keeps one such part of the budget
_WORTH_A_SEEK = 8  # frames: decoding over a gap as short as this is cheaper than seeking
_FINGERPRINT_BYTES = 2**20


class VideoFile(FrameSource):
    """The frames of a video file.

    Args:
        path: an existing file.
        cache_bytes: how much memory decoded frames may take.

    Raises:
        PCVOSError: not a video, or one without a frame.
    """

    is_video = True

    def __init__(self, path: Path, cache_bytes: int):
        self.path = path
        self._index = build_index(path)
        self.stems = FrameNumbers(len(self._index))
        self.rate = self._index.rate
        self.timestamps = Timestamps(self._index.ticks, self._index.time_base)
        self.warnings = list(self._index.warnings)
        self._lock = threading.Lock()
        self._cache = _FrameCache(cache_bytes)
        self._stand_in: dict[int, int] = {}
        self._reformatter = VideoReformatter()
        self._video = OpenVideo(path, threads=not self._index.damaged)
        self._run: Iterator[tuple[int, VideoFrame]] = iter(())
        self._position = -1  # the last frame the run gave
        self._closed = False
        first = self._frame(0)
        self._coded_size = first.width, first.height
        self._turn = _display_turn(first)
        self.size = self._turn(np.empty((first.height, first.width))).shape

    def _read(self, index: int) -> np.ndarray:
        with self._lock:
            if self._closed:
                raise ValueError(f"{self.path} has been closed.")
            return self._to_rgb(self._frame(index))

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._video.close()
            self._cache.clear()

    def fingerprint(self) -> str:
        length = self.path.stat().st_size
        digest = hashlib.sha256(repr((self.size, len(self), length)).encode())
        with self.path.open("rb") as file:
            digest.update(file.read(_FINGERPRINT_BYTES))
            file.seek(max(0, length - _FINGERPRINT_BYTES))
            digest.update(file.read())
        return digest.hexdigest()

    def _to_rgb(self, frame: VideoFrame) -> np.ndarray:
        width, height = self._coded_size
        rgb = self._reformatter.reformat(frame, width=width, height=height, format="rgb24")
        return np.array(self._turn(rgb.to_ndarray()), order="C")  # a copy: the frame's own buffer may be in the cache

    def _frame(self, index: int) -> VideoFrame:
        """The decoded frame, or its stand-in, from the cache or by decoding."""
        index = self._stand_in.get(index, index)
        frame = self._cache.get(index)
        if frame is not None:
            return frame
        ahead = self._is_ahead(index)
        self._cache.limit(_FORWARD_SHARE if ahead else 1)
        if not ahead:
            self._start(self._index.key[index])
        number, frame = self._decode_to(index)
        return frame if number == index else self._decode_around(index)

    def _is_ahead(self, index: int) -> bool:
        """Whether to go on decoding rather than begin anew for this frame."""
        if index <= self._position or self._position < 0:
            return False
        return index - self._position <= _WORTH_A_SEEK or self._index.key[index] <= self._index.key[self._position]

    def _start(self, key: int) -> None:
        """Begin a run of decoding at a key packet."""
        self._position = -1
        self._run = self._decode_from(key)

    def _decode_from(self, key: int) -> Iterator[tuple[int, VideoFrame]]:
        """(index, frame) from a key packet on. Leading frames that need an earlier key are passed over."""
        index = self._index
        if not index.keys:
            self._video.reopen()
            yield from enumerate(self._video.frames(self._video.packets()))
            return
        begin = index.keys[key]
        trusted = None
        for frame in self._video.frames(self._video.packets_from(begin)):
            number = index.find(frame.pts)
            if number is None or frame.pts < begin.pts:
                continue
            if trusted is None:  # a key that does not show itself begins a gradual refresh, complete by the next key
                trusted = key if frame.pts == begin.pts or begin.discard or key == 0 else key + 1
            if index.key[number] >= trusted:
                yield number, frame

    def _decode_to(self, index: int) -> tuple[int, VideoFrame | None]:
        """Go on until the frame is there, or passed: the last one up to it, with its index; (-1, None) without one."""
        nearest = -1, None
        for number, frame in self._run:
            self._position = number
            self._cache.put(number, frame)
            if number <= index:
                nearest = number, frame
            if number >= index:
                break
        return nearest

    def _decode_around(self, index: int) -> VideoFrame:
        """For a frame that did not come out: try earlier keys, until it does or an earlier frame can stand in."""
        self._video.reopen(threads=False)
        nearest, frame = -1, None
        for key in range(self._index.key[index], -1, -1):
            self._start(key)
            nearest, frame = self._decode_to(index)
            if nearest == index:
                return frame
            if frame is not None:
                break
        if frame is None:
            raise PCVOSError(
                f"Frame {index} of {self.path} cannot be decoded any more; check that the file is unchanged."
            )
        last = max(index, self._position - 1)
        self._stand_in.update(dict.fromkeys(range(nearest + 1, last + 1), nearest))
        frames = f"Frame {index}" if last == nearest + 1 else f"Frames {nearest + 1} to {last}"
        self.warnings.append(f"{frames} of {self.path} cannot be decoded; frame {nearest} stands in.")
        return frame


class _FrameCache:
    """The latest decoded frames, within a budget of bytes; the very last one always."""

    def __init__(self, budget: int):
        self._budget = self._limit = budget
        self._bytes = 0
        self._frames: OrderedDict[int, VideoFrame] = OrderedDict()

    def limit(self, share: int) -> None:
        """Keep to one `share`-th of the budget, from the next frame on."""
        self._limit = self._budget // share

    def clear(self) -> None:
        self._frames.clear()
        self._bytes = 0

    def get(self, index: int) -> VideoFrame | None:
        frame = self._frames.get(index)
        if frame is not None:
            self._frames.move_to_end(index)
        return frame

    def put(self, index: int, frame: VideoFrame) -> None:
        if index in self._frames:
            self._bytes -= _byte_count(self._frames.pop(index))
        self._frames[index] = frame
        self._bytes += _byte_count(frame)
        while self._bytes > self._limit and len(self._frames) > 1:
            self._bytes -= _byte_count(self._frames.popitem(last=False)[1])


def _byte_count(frame: VideoFrame) -> int:
    return sum(plane.buffer_size for plane in frame.planes)


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
