"""A video to look at: the footage with the objects' colours drawn over it, and its sound."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from core.exchange.exporter import Exporter, ExportRequest
from core.exchange.options import Option
from core.exchange.unprocessed import UNPROCESSED
from core.exchange.video_export import SOUND_OPTION, check_gapless, is_steady, video_of
from core.masks.overlay import draw_overlay
from core.media import read_ahead
from core.media.sound import describe_sound

_BYTES_PER_PIXEL = 0.06  # of busy footage at the writer's quality


class OverlayVideo(Exporter):
    name = "overlay"
    label = "Overlay video (H.264)"
    writes = "A video of the footage with each object in its colour, H.264, with the footage's sound."
    target = "file"
    suffixes = (".mp4", ".mov", ".mkv")
    options = (Option("opacity", "Opacity of the colours", "int", 50, 0, 100, 5, "%"), SOUND_OPTION, UNPROCESSED)
    group = "video"

    def check(self, request: ExportRequest) -> None:
        check_gapless(request)

    def notes(self, request: ExportRequest) -> tuple[str, ...]:
        height, width = request.size
        notes = []
        if height % 2 or width % 2:
            notes.append(f"H.264 needs even sides: the video is {width + width % 2}x{height + height % 2}.")
        if request.options["sound"] and request.media.is_video:
            notes += describe_sound(request.media.path, request.target.suffix.lower())
        return tuple(notes)

    def estimate(self, request: ExportRequest) -> int:
        height, width = request.size
        return round(len(request.frames) * height * width * _BYTES_PER_PIXEL)

    def write(self, request: ExportRequest, place: Path) -> Iterator[int]:
        media, steady = request.media, is_steady(request.media, request.frames)
        with video_of(request, place) as video:
            for done, (frame, pixels) in enumerate(read_ahead(media, request.frames), start=1):
                video.write(_drawn(request, frame, pixels), None if steady else media.timestamps[frame])
                yield done

    def preview(self, request: ExportRequest, frame: int) -> np.ndarray:
        return _drawn(request, frame, request.media.read(frame))


def _drawn(request: ExportRequest, frame: int, pixels: np.ndarray) -> np.ndarray:
    return draw_overlay(pixels, request.labels(frame), int(request.options["opacity"]) / 100, request.palette)
