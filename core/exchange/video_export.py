"""The video formats' common work: frames with their mattes into a file, at the footage's times, with its sound."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import ClassVar

import numpy as np

from core.errors import PCVOSError
from core.exchange.exporter import Exporter, ExportRequest
from core.exchange.mattes import MATTE_OPTIONS, MattedFrame, cut_out, matte_one, matted_frames
from core.exchange.options import Option
from core.exchange.sidecar import describe
from core.exchange.unprocessed import UNPROCESSED
from core.media import FrameSource, VideoWriter
from core.media.colour import Colour
from core.media.recipes import H264, Recipe
from core.media.sound import Sound, describe_sound

SOUND_OPTION = Option("sound", "Sound", "bool", True, help="Brings the footage's sound along, cut to the frames.")

_JITTER = Fraction(11, 10_000)
"""Seconds by which timestamps may miss a constant rate: some containers count in milliseconds."""


class MatteVideo(Exporter):
    """A video of the footage with its matte.

    Attributes:
        recipe: how it is encoded.
        alpha: what the sidecar says of the alpha.
        bytes_per_pixel: about what a frame takes, for the estimate.
    """

    target = "file"
    group = "video"
    options: ClassVar[tuple[Option, ...]] = (*MATTE_OPTIONS, SOUND_OPTION, UNPROCESSED)
    recipe: ClassVar[Recipe]
    alpha: ClassVar[str] = "straight"
    bytes_per_pixel: ClassVar[float]

    def picture(self, request: ExportRequest, matted: MattedFrame) -> np.ndarray:
        """The pixels of a frame to encode, uint8 (H, W, 3) or (H, W, 4), as the recipe takes it."""
        return cut_out(matted)

    def check(self, request: ExportRequest) -> None:
        check_gapless(request)
        try:
            from av.codec import codecs_available
        except ImportError as error:
            raise PCVOSError(
                f"{request.target} cannot be written without PyAV ({error}); install it with: pip install av"
            ) from error
        if not any(name in codecs_available for name in self.recipe.encoders):
            raise PCVOSError(
                f"{self.label} cannot be written: this PyAV has no {' or '.join(self.recipe.encoders)}; choose another "
                "format, or install PyAV from PyPI."
            )

    def notes(self, request: ExportRequest) -> tuple[str, ...]:
        notes = []
        height, width = request.size
        if self.recipe.needs_even and (height % 2 or width % 2):
            size = f"{width + width % 2}x{height + height % 2}"
            notes.append(f"This format needs even sides: the video is {size}, the last row or column repeated.")
        if request.options["sound"] and request.media.is_video:
            notes += describe_sound(request.media.path, request.target.suffix.lower())
        if self.alpha == "straight":
            notes.append("The alpha is straight: the colours are not multiplied by it.")
        return tuple(notes)

    def beside(self, request: ExportRequest) -> tuple[str, ...]:
        return (f"{request.target.name}.json",)

    def estimate(self, request: ExportRequest) -> int:
        height, width = request.size
        return round(len(request.frames) * height * width * self.bytes_per_pixel)

    def write(self, request: ExportRequest, place: Path) -> Iterator[int]:
        media, colour = request.media, request.media.colour
        steady = is_steady(media, request.frames)
        with video_of(request, place, self.recipe) as video:
            for done, matted in enumerate(matted_frames(request, together=True), start=1):
                video.write(self.picture(request, matted), None if steady else media.timestamps[matted.frame])
                yield done
        note = describe(self, request, alpha=self.alpha, colour=_colour(self.recipe, colour), steady_rate=steady)
        place.with_name(f"{place.name}.json").write_bytes(note)

    def preview(self, request: ExportRequest, frame: int) -> np.ndarray:
        return self.picture(request, matte_one(request, frame, together=True))


def video_of(request: ExportRequest, place: Path, recipe: Recipe = H264) -> VideoWriter:
    """The video of an export, with the footage's sound if that is asked for."""
    sound = sound_of(request) if request.options["sound"] else None
    return VideoWriter.like(request.media, request.frames, place, recipe=recipe, sound=sound)


def check_gapless(request: ExportRequest) -> None:
    """Raise PCVOSError if frames are left out between others: a video would jump there, and run away from its sound."""
    first, last = request.frames[0], request.frames[-1]
    if len(request.frames) < last - first + 1:
        written = set(request.frames)
        gap = next(frame for frame in range(first, last) if frame not in written)
        raise PCVOSError(
            f"Frame {gap} was never processed and lies between others: a video cannot leave it out; propagate there, "
            "choose a range without it, or have the object absent there.",
            "gap",
        )


def is_steady(media: FrameSource, frames: Sequence[int]) -> bool:
    """Whether frames follow one another at the footage's rate, as exactly as its container can tell."""
    start = media.timestamps[frames[0]]
    return all(abs(media.timestamps[f] - start - i / media.rate) <= _JITTER for i, f in enumerate(frames))


def sound_of(request: ExportRequest) -> Sound | None:
    """The footage's sound of the frames of an export."""
    media = request.media
    if not media.is_video:
        return None
    first, last = request.frames[0], request.frames[-1]
    end = media.timestamps[last + 1] if last + 1 < len(media) else media.timestamps[last] + 1 / media.rate
    return Sound(media.path, media.timestamps[first], end, media.clock_parts)


def _colour(recipe: Recipe, colour: Colour) -> dict[str, object]:
    """Code points of ITU-T H.273."""
    matrix, spread = ("RGB", "full") if recipe.is_rgb else (colour.matrix, "limited")
    return {"primaries": colour.primaries, "transfer": colour.transfer, "matrix": matrix, "range": spread}
