"""Footage as everything else sees it: numbered RGB frames of one size."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Self

import numpy as np

from core.media.clock import ClockPart
from core.media.colour import Colour
from core.progress import UNWATCHED, Progress

SQUARE = Fraction(1)
"""The sample aspect ratio of square pixels."""


class FrameSource(ABC):
    """Footage, read frame by frame; a frame is its index, counted from 0.

    Attributes:
        path: the file or folder, as given.
        size: (height, width) in pixels, as displayed: a stored rotation is already applied.
        stems: the name of each frame without a suffix, as its mask file is called. A folder keeps its file stems, in
            natural order; the frames of a video are numbered from 00000.
        rate: frames per second on average.
        timestamps: presentation time of each frame in seconds, ascending.
        colour: which colours the RGB numbers mean: those of the footage, of which none is converted.
        sample_aspect_ratio: how wide a pixel is to be shown, over how high. The frames are of pixels as stored.
        clock_parts: those of a file that is joined from several recordings; None: it is not.
        is_video: whether this is a video file rather than a folder of images.
        warnings: sentences for the person, e.g. that a video is truncated. Reading can add to them.
    """

    path: Path
    size: tuple[int, int]
    stems: Sequence[str]
    rate: Fraction
    timestamps: Sequence[Fraction]
    is_video: bool
    warnings: list[str]
    colour: Colour = Colour()
    sample_aspect_ratio: Fraction = SQUARE
    clock_parts: tuple[ClockPart, ...] | None = None

    def __len__(self) -> int:
        return len(self.stems)

    def read(self, index: int, progress: Progress = UNWATCHED) -> np.ndarray:
        """The pixels of frame `index`: uint8 (H, W, 3) RGB, C-contiguous, the caller's own copy. From any thread.

        Args:
            index: the frame.
            progress: asked now and then whether the frame is still wanted, while it takes work to reach. What was
                decoded by then is kept, so that one frame near `index` is at hand at the least.

        Raises:
            IndexError: no such frame (negative ones included). PCVOSError: the frame cannot be read.
            Cancelled: it is not wanted any more.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"Frame {index} is outside 0 to {len(self) - 1} of {self.path}.")
        return self._read_unless(index, progress)

    @abstractmethod
    def _read(self, index: int) -> np.ndarray:
        """Read a frame whose index exists; see `read`."""

    def _read_unless(self, index: int, progress: Progress) -> np.ndarray:
        """Read as `_read` does, for footage of which a frame takes long; here none does."""
        progress.raise_if_cancelled()
        return self._read(index)

    def nearest_decoded(self, index: int) -> tuple[int, np.ndarray] | None:
        """The frame to show at once in place of frame `index`: the nearest one that is decoded, as (its index, its
        pixels as from `read`). Never waits for decoding, on whatever thread. None: no frame is, as in a folder."""
        return None

    def prepare(self, index: int, progress: Progress = UNWATCHED) -> None:  # noqa: B027 - nothing to do here
        """Decode what lies around frame `index`, so that stepping away from it either way is quick.

        For idle moments after a `read`; useful where `open_media` was told `interactive`. Returns when done, or when
        it is cancelled, and then goes on where it was the next time. A folder needs none of it. Errors are left
        to the `read` that meets them.
        """

    def stored_index(self) -> bytes | None:
        """The index that `open_media` takes to open the same footage again at once; None: nothing would help."""
        return None

    @abstractmethod
    def fingerprint(self) -> str:
        """A cheap, stable identity of the footage (hexadecimal): it differs when the frames are other ones."""

    @abstractmethod
    def close(self) -> None:
        """Let go of open files; reading afterwards is an error."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class FrameNumbers(Sequence[str]):
    """The stems of a video: 00000, 00001, ..., made when asked for."""

    def __init__(self, count: int):
        self._numbers = range(count)

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, index):
        chosen = self._numbers[index]
        return [f"{i:05d}" for i in chosen] if isinstance(chosen, range) else f"{chosen:05d}"


class Timestamps(Sequence[Fraction]):
    """Presentation times in seconds: `ticks` (ascending integers) times `time_base`, made when asked for."""

    def __init__(self, ticks: Sequence[int] | np.ndarray, time_base: Fraction):
        self._ticks = ticks
        self._time_base = time_base

    def __len__(self) -> int:
        return len(self._ticks)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return [int(tick) * self._time_base for tick in self._ticks[index]]
        return int(self._ticks[index]) * self._time_base
