"""Writing video.

Decisions:
- Unless another recipe is given: H.264 (libx264 at CRF 18, or another encoder that is here), yuv420p: what every player
  takes.
- The RGB that comes in is full range; what is encoded is converted to, and tagged as, limited range of the matrix that
  goes with its primaries, BT.709 unless told otherwise. Primaries and transfer are tagged, and never converted: swscale
  converts as soon as it is told of them, so the tags are put on what it has made.
- The sample aspect ratio is tagged; the pixels stay as they are.
- 4:2:0 needs even sides: an odd width or height is filled up by repeating the last column or row.
- The file begins at time 0: the first timestamp is subtracted from all.
- The clock ticks at a multiple of the rate, up to 65,535 a second (as fast as MPEG-4 goes), so that a constant rate is
  exact and a variable one is off by at most 16 microseconds. It is slower where frames lie an hour or more apart: MP4
  counts the ticks from one to the next in 31 bits.
- The file takes its name only when it is complete.
"""

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from core.errors import PCVOSError
from core.files import atomic_path, disk_error
from core.media.colour import FULL, LIMITED, RGB, Colour, matrix_of
from core.media.matroska import PLACEHOLDER, set_sample_aspect_ratio
from core.media.rates import simple_rate
from core.media.recipes import H264, Recipe
from core.media.sound import Sound, SoundCopier
from core.media.source import SQUARE, FrameSource
from core.media.vp9_alpha import AlphaEncoder

if TYPE_CHECKING:
    from av.video.stream import VideoStream

_OF_THE_DISK = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT),
    *(errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.EMFILE, errno.ENFILE, errno.ENXIO, errno.ENODEV),
}
_TICKS = 65_535
_TICKS_BETWEEN_FRAMES = 2**27  # at most: with B-frames, as many frames as are reordered must fit into 31 bits
_BITS_PER_PIXEL = 0.2  # for encoders without a constant quality


class VideoWriter:
    """A video file in the making; a context manager. The file appears when the block ends without an error.

    Args:
        path: the file; its suffix must be one of the recipe's.
        size: (height, width) of the frames.
        rate: frames per second, on average if `write` is given timestamps.
        longest: the longest time between two of these timestamps, in seconds, if it is much more than the average.
        recipe: how it is encoded. colour: which colours the frames' numbers mean.
        sample_aspect_ratio: how wide a pixel is shown, over how high.
        sound: what is to be heard, from the first frame on; None: nothing.

    Raises:
        ResourceError: the disk is full. PCVOSError: the place cannot be written, the suffix is unknown, or the block
        ended without a frame. Nothing is left behind.
    """

    def __init__(
        self,
        path: str | Path,
        size: tuple[int, int],
        rate: Fraction | float,
        *,
        longest: Fraction = Fraction(0),
        recipe: Recipe = H264,
        colour: Colour | None = None,
        sample_aspect_ratio: Fraction = SQUARE,
        sound: Sound | None = None,
    ):
        self.path = Path(path)
        self.size = size
        self.rate = simple_rate(rate)
        self.recipe, self.colour = recipe, colour or Colour()
        self.sample_aspect_ratio = sample_aspect_ratio
        self._sound = sound
        self._copier: SoundCopier | None = None
        self._alpha: AlphaEncoder | None = None
        self._format = recipe.containers.get(self.path.suffix.lower())
        if self._format is None:
            suffixes = ", ".join(recipe.containers)
            raise PCVOSError(f"{self.path} is not a name for a video; let it end in {suffixes}.")
        if self.rate <= 0 or min(size) < 1:
            raise ValueError(f"No video can have {rate} frames per second of {size[1]}x{size[0]} pixels.")
        multiple = min(_TICKS, int(_TICKS_BETWEEN_FRAMES / max(longest, 1 / self.rate))) // self.rate.numerator
        self._time_base = Fraction(1, self.rate.numerator * max(1, multiple))
        self._frames = 0
        self._start = self._last_time = Fraction(0)
        self._last_tick = -1

    @classmethod
    def like(cls, media: FrameSource, frames: Sequence[int], path: str | Path, **choices) -> Self:
        """A video of some of a footage's frames, ascending: of its size, rate, colours and sample aspect ratio.

        Args:
            choices: further arguments.
        """
        times = [media.timestamps[frame] for frame in frames]
        return cls(
            path,
            media.size,
            media.rate,
            longest=max((later - earlier for earlier, later in pairwise(times)), default=Fraction(0)),
            colour=media.colour,
            sample_aspect_ratio=media.sample_aspect_ratio,
            **choices,
        )

    def __enter__(self) -> Self:
        self._block = self._writing()
        self._block.__enter__()
        return self

    def __exit__(self, *error) -> bool | None:
        return self._block.__exit__(*error)

    def write(self, frame: np.ndarray, timestamp: Fraction | None = None) -> None:
        """Append a frame.

        Args:
            frame: uint8 (H, W, 3) RGB, of the size given; (H, W, 4) with straight alpha if the recipe has alpha.
            timestamp: when it is shown, in seconds, later than the one before. Without, frames follow at the rate.

        Raises:
            ResourceError: the disk is full. ValueError: another size or type, or a timestamp that is not later.
        """
        shape = (*self.size, 4 if self.recipe.has_alpha else 3)
        if frame.shape != shape or frame.dtype != np.uint8:
            raise ValueError(f"A frame is {frame.dtype} {frame.shape}, expected uint8 {shape}.")
        time = self._frames / self.rate if timestamp is None else Fraction(timestamp)
        if not self._frames:
            self._start = time
        elif time <= self._last_time:
            raise ValueError(f"Timestamp {time} is not later than the one before it.")
        tick = max(round((time - self._start) / self._time_base), self._last_tick + 1)
        padded = self._filled_up(frame)
        picture = self._converted(padded)
        picture.pts, picture.time_base = tick, self._time_base
        with _disk_errors(self.path):
            packets = self._stream.encode(picture)
            if self._alpha is not None:
                packets = self._alpha.join(packets, padded[..., 3], tick)
            self._container.mux(packets)
            if self._copier is not None:
                self._copier.up_to(time - self._start)
        self._frames += 1
        self._last_tick, self._last_time = tick, time

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
            # Of itself the muxer would make a slow clock faster, and then run out of bits.
            has_scale = self._format in ("mp4", "mov")
            clock = {"video_track_timescale": str(self._time_base.denominator)} if has_scale else {}
            self._container = av.open(f"file:{temporary.absolute()}", "w", format=self._format, container_options=clock)
            try:
                self._stream = self._add_stream()
                if self._sound is not None:
                    self._copier = SoundCopier(self._sound, self._container, self.path.suffix.lower())
                yield
                if not self._frames:
                    raise PCVOSError(f"{self.path} was not written, for there was no frame to write.")
                packets = self._stream.encode(None)
                self._container.mux(packets if self._alpha is None else self._alpha.join(packets, None))
                if self._copier is not None:
                    self._copier.up_to(None)
            finally:
                if self._copier is not None:
                    self._copier.close()
                self._container.close()
            if self._needs_display_size:
                set_sample_aspect_ratio(temporary, self._padded, self.sample_aspect_ratio)

    def _add_stream(self) -> "VideoStream":
        from av.codec import Codec, codecs_available
        from av.video.stream import VideoStream

        recipe, encoders = self.recipe, self.recipe.encoders
        encoder = next((name for name in encoders if name in codecs_available and Codec(name, "w").is_encoder), None)
        if encoder is None:
            raise PCVOSError(f"{self.path} cannot be written: PyAV has none of the encoders {', '.join(encoders)}.")
        stream = self._container.add_stream(encoder, rate=self.rate)
        assert isinstance(stream, VideoStream), "so is the encoder"
        height, width = self._padded
        stream.width, stream.height, stream.pix_fmt = width, height, recipe.pixels
        stream.time_base = stream.codec_context.time_base = self._time_base
        context = stream.codec_context
        context.color_primaries, context.color_trc = self.colour.primaries, self.colour.transfer
        context.colorspace, context.color_range = self._matrix_and_range
        if self.sample_aspect_ratio != SQUARE:
            context.sample_aspect_ratio = self.sample_aspect_ratio
        stream.metadata.update(recipe.metadata)
        if self._needs_display_size:
            stream.metadata.update(PLACEHOLDER)
        if recipe.exact_alpha:
            self._alpha = AlphaEncoder((height, width), self.rate, self._time_base, recipe.options)
        if encoder == encoders[0]:
            stream.options = dict(recipe.options)
        else:
            stream.bit_rate = int(height * width * self.rate * _BITS_PER_PIXEL)
        return stream

    @property
    def _needs_display_size(self) -> bool:
        return self._format in ("matroska", "webm") and self.sample_aspect_ratio != SQUARE

    @property
    def _padded(self) -> tuple[int, int]:
        """(height, width) of what is encoded."""
        height, width = self.size
        return (height + height % 2, width + width % 2) if self.recipe.needs_even else self.size

    def _filled_up(self, frame: np.ndarray) -> np.ndarray:
        height, width = (padded - side for padded, side in zip(self._padded, self.size, strict=True))
        if height or width:
            frame = np.pad(frame, ((0, height), (0, width), (0, 0)), mode="edge")
        return np.ascontiguousarray(frame)

    def _converted(self, frame: np.ndarray):
        from av.video.frame import VideoFrame
        from av.video.reformatter import ColorRange, Interpolation

        if self.recipe.exact_alpha:  # goes its own way
            frame = np.ascontiguousarray(frame[..., :3])
        picture = VideoFrame.from_ndarray(frame, format="rgba" if frame.shape[2] == 4 else "rgb24")
        if self.recipe.is_rgb:
            picture = self._reformatter.reformat(picture, format=self.recipe.pixels)
        else:
            picture = self._reformatter.reformat(
                picture,
                format=self.recipe.pixels,
                src_color_range=ColorRange.JPEG,
                dst_colorspace=matrix_of(self.colour.matrix, self.colour.primaries, self.size),
                dst_color_range=ColorRange.MPEG,
                interpolation=Interpolation.BICUBIC | Interpolation.ACCURATE_RND,
            )
        # Some encoders take the tags from the stream (H.264), some from every frame (ProRes).
        picture.color_primaries, picture.color_trc = self.colour.primaries, self.colour.transfer
        picture.colorspace, picture.color_range = self._matrix_and_range
        return picture

    @property
    def _matrix_and_range(self) -> tuple[int, int]:
        return (RGB, FULL) if self.recipe.is_rgb else (self.colour.matrix, LIMITED)


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    from av import FFmpegError

    try:
        yield
    except FFmpegError as error:
        if error.errno in _OF_THE_DISK:
            raise disk_error(OSError(error.errno, error.strerror), path) from error
        raise PCVOSError(
            f"{path} cannot be written: FFmpeg refuses what it is to hold ({error.strerror}). Choose another format, "
            "or leave the sound out."
        ) from error
