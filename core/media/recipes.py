"""Recipes for videos: encoders and their settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field


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
