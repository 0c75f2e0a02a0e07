"""Footage with sound, and projects with soft masks, as small as can be."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from exchange_projects import disc, empty_project, put

from core.masks.packed_mask import PackedMask
from core.masks.soft_mask import STRIDE, SoftMask
from core.media import FrameSource, open_media
from core.project.model import Cell, ObjectInfo
from core.project.project import Project

SIZE = (48, 64)
RATE = Fraction(24000, 1001)
COUNT = 12
INFOS = (ObjectInfo(1, "ball", (200, 0, 0)), ObjectInfo(3, "box, left", (0, 200, 0)))


def ball(frame: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """bool (H, W): moves to the right."""
    return disc(size, size[0] / 2, 14 + 3 * frame, 10)


def box(size: tuple[int, int] = SIZE) -> np.ndarray:
    mask = np.zeros(size, bool)
    mask[10:38, :12] = True
    return mask


def soft_of(mask: np.ndarray) -> SoftMask:
    """A soft mask as of a network: at its own size, which is the footage's, on its grid."""
    rows, columns = (-(-side // STRIDE) for side in mask.shape)
    padded = np.pad(mask, ((0, rows * STRIDE - mask.shape[0]), (0, columns * STRIDE - mask.shape[1])), mode="edge")
    cells = padded.reshape(rows, STRIDE, columns, STRIDE).mean((1, 3))
    return SoftMask.pack(np.round(cells * 255).astype(np.uint8), (0, 0, *mask.shape))


def picture(frame: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """uint8 (H, W, 3): the ball and the box before a calm ground."""
    y, x = np.mgrid[: size[0], : size[1]]
    image = np.dstack([60 + x, 90 + y, 120 + 0 * x]).astype(np.uint8)
    image[ball(frame, size)] = 220, 60, 50
    image[box(size)] = 60, 90, 230
    return image


def write_clip(
    path: Path,
    size: tuple[int, int] = SIZE,
    count: int = COUNT,
    times: Sequence[int] | None = None,
    sound: str | None = "aac",
    colours: tuple[int, int, int] = (1, 1, 1),
) -> Path:
    """A video; `times` in milliseconds, or else at `RATE`; its sound is a tone that rises, which tells the time."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=RATE, options={"crf": "10", "bf": "0"})
        stream.height, stream.width, stream.pix_fmt = *size, "yuv444p"
        context = stream.codec_context
        context.color_primaries, context.color_trc, context.colorspace = colours
        context.color_range = 1
        if times:
            stream.time_base = context.time_base = Fraction(1, 1000)
        track = output.add_stream(sound, rate=48000, layout="mono") if sound else None
        for frame in range(count):
            image = av.VideoFrame.from_ndarray(picture(frame, size), format="rgb24")
            image = image.reformat(format="yuv444p", dst_colorspace=1, dst_color_range=1)
            image.pts, image.time_base = (times[frame], Fraction(1, 1000)) if times else (frame, 1 / RATE)
            output.mux(stream.encode(image))
        output.mux(stream.encode(None))
        if track is not None:
            seconds = (times[-1] / 1000 if times else count / float(RATE)) + 0.1
            for samples in _tone(seconds, track):
                output.mux(track.encode(samples))
            output.mux(track.encode(None))
    return path


def _tone(seconds: float, track):
    time = np.arange(int(seconds * 48000)) / 48000
    wave = (np.sin(2 * np.pi * (300 + 2000 * time) * time) * 0.4 * 32767).astype(np.int16)
    resampler = av.AudioResampler(track.codec_context.format, "mono", 48000, frame_size=1024)
    frame = av.AudioFrame.from_ndarray(wave[None], format="s16", layout="mono")
    frame.rate, frame.pts = 48000, 0
    yield from resampler.resample(frame)
    yield from resampler.resample(None)


@dataclass
class Matted:
    """A project with its footage."""

    project: Project
    media: FrameSource


def matted(media: FrameSource, path: Path, corrected: Sequence[int] = (), soft: bool = True) -> Matted:
    """Object 1 moves, object 3 stands still and is hidden on the last frame; frames of `corrected` are a person's."""
    project = empty_project(media, path, INFOS)
    size = tuple(media.size)
    cells = {}
    for frame in range(len(media)):
        for id, mask in ((1, ball(frame, size) & ~box(size)), (3, box(size))):
            if id == 3 and frame == len(media) - 1:
                continue
            given = frame in corrected
            seen = soft_of(mask) if soft and not given else None
            cells[frame, id] = Cell(PackedMask.pack(mask), given, given, None if given else 0.9, seen)
    put(project, cells)
    return Matted(project, media)


def make_matted(folder: Path, suffix: str = ".mp4", **settings) -> Matted:
    media = open_media(write_clip(folder / f"clip{suffix}", **settings))
    return matted(media, folder / "clip.pcvos")


Maker = Callable[..., Matted]
