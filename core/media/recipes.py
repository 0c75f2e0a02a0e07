"""How frames become a video: encoders and their settings, and which colours the numbers mean."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

BT709 = 1  # ITU-T H.273 code points, as FFmpeg numbers them
BT2020 = 9
UNSPECIFIED = 2
RGB = 0  # as a matrix: there is none
LIMITED, FULL = 1, 2


@dataclass(frozen=True)
class Recipe:
    """A way to encode video.

    Attributes:
        encoders: FFmpeg's names, in order of preference.
        pixels: the pixel format that is encoded.
        options: of the first encoder; the others get a bit rate instead.
        containers: by suffix, FFmpeg's names.
        has_alpha: whether frames are RGBA, with straight alpha, or RGB.
        needs_even: whether both sides must be even: an odd one is filled up by repeating the last row or column.
        exact_alpha: whether the alpha is encoded by itself, without loss (VP9 only, see `vp9_alpha`).
        metadata: of the stream.
    """

    encoders: tuple[str, ...]
    pixels: str
    options: Mapping[str, str]
    containers: Mapping[str, str]
    has_alpha: bool = False
    needs_even: bool = False
    exact_alpha: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_rgb(self) -> bool:
        return not self.pixels.startswith("yuv")


_MP4, _MOV, _MKV, _WEBM = {".mp4": "mp4"}, {".mov": "mov"}, {".mkv": "matroska"}, {".webm": "webm"}

H264 = Recipe(
    ("libx264", "libopenh264", "mpeg4"),
    "yuv420p",
    {"crf": "18", "preset": "veryfast"},
    _MP4 | _MOV | _MKV,
    needs_even=True,
)
PRORES_4444 = Recipe(
    ("prores_ks",), "yuva444p10le", {"profile": "4444", "alpha_bits": "16", "vendor": "apl0"}, _MOV, has_alpha=True
)
VP9 = Recipe(
    ("libvpx-vp9",),
    "yuva420p",
    # Key frames at fixed places: those of the alpha must be at the same ones.
    {"crf": "20", "b": "0", "row-mt": "1", "deadline": "good", "cpu-used": "4", "auto-alt-ref": "0"}
    | {"g": "60", "keyint_min": "60"},
    _WEBM,
    has_alpha=True,
    needs_even=True,
    exact_alpha=True,
    metadata={"alpha_mode": "1"},
)
ANIMATION = Recipe(("qtrle",), "argb", {}, _MOV, has_alpha=True)
FFV1 = Recipe(("ffv1",), "bgra", {"level": "3", "slicecrc": "1", "slices": "12"}, _MKV, has_alpha=True)


@dataclass(frozen=True)
class Colour:
    """Which colours RGB numbers mean: primaries and transfer, code points of ITU-T H.273.

    The matrix of what is encoded follows from them: BT.2020's for its primaries, else BT.709's; limited range.
    """

    primaries: int = BT709
    transfer: int = BT709

    @property
    def matrix(self) -> int:
        return BT2020 if self.primaries == BT2020 else BT709


def colour_of(footage: Path) -> Colour:
    """The colours of a video's frames as `FrameSource.read` gives them, by its tags; BT.709 where it has none, and for
    images."""
    if footage.is_dir():
        return Colour()
    import av

    try:
        with av.open(f"file:{footage.absolute()}", metadata_errors="ignore") as container:
            context = container.streams.video[0].codec_context
            primaries, transfer = int(context.color_primaries), int(context.color_trc)
    except (av.FFmpegError, IndexError, OSError):
        return Colour()
    known = [BT709 if code in (0, UNSPECIFIED) else code for code in (primaries, transfer)]
    return Colour(*known)
