"""A video file's properties beside its frames: codec, pixels, colours, sound."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

# Code points of ITU-T H.273 by the names FFmpeg has for them; 2 and 0 say nothing.
_PRIMARIES = {1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "film", 9: "bt2020"}
_PRIMARIES |= {10: "smpte428", 11: "smpte431", 12: "smpte432", 22: "ebu3213"}
_TRANSFER = {1: "bt709", 4: "gamma22", 5: "gamma28", 6: "smpte170m", 7: "smpte240m", 8: "linear", 9: "log100"}
_TRANSFER |= {10: "log316", 11: "iec61966-2-4", 12: "bt1361e", 13: "iec61966-2-1", 14: "bt2020-10", 15: "bt2020-12"}
_TRANSFER |= {16: "smpte2084", 17: "smpte428", 18: "arib-std-b67"}
_MATRIX = {0: "gbr", 1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "ycgco", 9: "bt2020nc"}
_MATRIX |= {10: "bt2020c", 14: "ictcp"}
_RANGE = {1: "limited", 2: "full"}


@dataclass(frozen=True)
class VideoTags:
    """The properties of a video stream; None: the file does not say.

    Attributes:
        codec, pixel_format: as FFmpeg names them, e.g. "h264", "yuv420p10le". bits: of a component.
        primaries, transfer, matrix: names of H.273's code points, e.g. "bt709", "smpte2084". range: "limited" or
            "full".
        pixel_aspect: width of a pixel through its height.
        sound: the codecs of its sound streams.
    """

    codec: str
    pixel_format: str | None
    bits: int | None
    primaries: str | None
    transfer: str | None
    matrix: str | None
    range: str | None
    pixel_aspect: Fraction
    sound: tuple[str, ...]


def read_tags(path: Path) -> VideoTags | None:
    """The tags of the first video stream; None: there is none, or the file cannot be read."""
    import av

    try:
        with av.open(f"file:{path.absolute()}", metadata_errors="ignore") as container:
            stream = container.streams.video[0]
            context, pixels = stream.codec_context, stream.codec_context.format
            matrix = int(context.colorspace)
            is_rgb = pixels is not None and pixels.is_rgb
            return VideoTags(
                context.name,
                context.pix_fmt,
                pixels.components[0].bits if pixels is not None and pixels.components else None,
                _PRIMARIES.get(int(context.color_primaries)),
                _TRANSFER.get(int(context.color_trc)),
                _MATRIX.get(matrix) if matrix or is_rgb else None,
                _RANGE.get(int(context.color_range)),
                Fraction(stream.sample_aspect_ratio or 1),
                tuple(sound.codec_context.name for sound in container.streams.audio),
            )
    except (av.FFmpegError, IndexError, OSError):
        return None
