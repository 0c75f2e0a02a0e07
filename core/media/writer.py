"""Writing video.

Decisions:
- H.264 (libx264 at CRF 18, or another encoder that is here), yuv420p, tagged and converted as BT.709 limited range:
  what every player takes.
- 4:2:0 needs even sides: an odd width or height is filled up by repeating the last column or row.
- The file begins at time 0: the first timestamp is subtracted from all.
- The clock ticks at a multiple of the rate, up to 65,535 a second (as fast as MPEG-4 goes), so that a constant rate is
  exact and a variable one is off by at most 16 microseconds.
- The file takes its name only when it is complete.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Self

import numpy as np

from core.errors import PCVOSError
from core.files import atomic_path, disk_error

ENCODERS = ("libx264", "libopenh264", "mpeg4")  # in order of preference

_FORMATS = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska"}
_TICKS = 65_535
_BT709, _LIMITED_RANGE = 1, 1  # ITU-T H.273 code points, as FFmpeg numbers them
_BITS_PER_PIXEL = 0.2  # for encoders without a constant quality


class VideoWriter:
    """A video file in the making; a context manager. The file appears when the block ends without an error.

    Args:
        path: the file; .mp4, .mov or .mkv.
        size: (height, width) of the frames.
        rate: frames per second, on average if `write` is given timestamps.

    Raises:
        ResourceError: the disk is full. PCVOSError: the place cannot be written, the suffix is unknown, or the block
        ended without a frame. Nothing is left behind.
    """

    def __init__(self, path: str | Path, size: tuple[int, int], rate: Fraction | float):
        self.path = Path(path)
        self.size = size
        self.rate = Fraction(rate).limit_denominator(1001)
        self._format = _FORMATS.get(self.path.suffix.lower())
        if self._format is None:
            raise PCVOSError(f"{self.path} is not a name for a video; let it end in {', '.join(_FORMATS)}.")
        if self.rate <= 0 or min(size) < 1:
            raise ValueError(f"No video can have {rate} frames per second of {size[1]}x{size[0]} pixels.")
        self._time_base = Fraction(1, self.rate.numerator * max(1, _TICKS // self.rate.numerator))
        self._frames = 0
        self._start = Fraction(0)
        self._last_tick = -1

    def __enter__(self) -> Self:
        self._block = self._writing()
        self._block.__enter__()
        return self

    def __exit__(self, *error) -> bool | None:
        return self._block.__exit__(*error)

    def write(self, frame: np.ndarray, timestamp: Fraction | None = None) -> None:
        """Append a frame.

        Args:
            frame: uint8 (H, W, 3) RGB, of the size given.
            timestamp: when it is shown, in seconds, later than the one before. Without, frames follow at the rate.

        Raises:
            ResourceError: the disk is full. ValueError: another size or type, or a timestamp that is not later.
        """
        if frame.shape != (*self.size, 3) or frame.dtype != np.uint8:
            raise ValueError(f"A frame is {frame.dtype} {frame.shape}, expected uint8 {(*self.size, 3)}.")
        time = self._frames / self.rate if timestamp is None else Fraction(timestamp)
        if not self._frames:
            self._start = time
        tick = round((time - self._start) / self._time_base)
        if tick <= self._last_tick:
            raise ValueError(f"Timestamp {time} is not later than the one before it.")
        picture = self._to_yuv(frame)
        picture.pts, picture.time_base = tick, self._time_base
        with _disk_errors(self.path):
            self._container.mux(self._stream.encode(picture))
        self._frames += 1
        self._last_tick = tick

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            import av
            from av.video.reformatter import VideoReformatter
        except ImportError as error:
            raise PCVOSError(
                f"{self.path} cannot be written without PyAV ({error}); install it with: pip install av"
            ) from error

        self._reformatter = VideoReformatter()
        with atomic_path(self.path) as temporary, _disk_errors(self.path):
            self._container = av.open(f"file:{temporary.absolute()}", "w", format=self._format)
            try:
                self._stream = self._add_stream()
                yield
                if not self._frames:
                    raise PCVOSError(f"{self.path} was not written, for there was no frame to write.")
                self._container.mux(self._stream.encode(None))
            finally:
                self._container.close()

    def _add_stream(self):
        from av.codec import Codec, codecs_available

        encoder = next((name for name in ENCODERS if name in codecs_available and Codec(name, "w").is_encoder), None)
        if encoder is None:
            raise PCVOSError(f"{self.path} cannot be written: PyAV has none of the encoders {', '.join(ENCODERS)}.")
        stream = self._container.add_stream(encoder, rate=self.rate)
        height, width = (side + side % 2 for side in self.size)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.time_base = stream.codec_context.time_base = self._time_base
        context = stream.codec_context
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _LIMITED_RANGE
        if encoder == "libx264":
            stream.options = {"crf": "18", "preset": "veryfast"}
        else:
            stream.bit_rate = int(height * width * self.rate * _BITS_PER_PIXEL)
        return stream

    def _to_yuv(self, frame: np.ndarray):
        from av.video.frame import VideoFrame
        from av.video.reformatter import ColorRange, Colorspace

        height, width = self.size
        even = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        picture = VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24")
        return self._reformatter.reformat(
            picture, format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
        )


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    from av import FFmpegError

    try:
        yield
    except FFmpegError as error:
        raise disk_error(OSError(error.errno, error.strerror), path) from error
