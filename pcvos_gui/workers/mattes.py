"""Mattes for the canvas, worked out beside the window."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal

from core.errors import PCVOSError
from core.exchange.mattes import TOGETHER, calmed, make_mattes
from core.masks.matte import Matte, MatteSettings
from core.media import FrameSource, open_media
from core.progress import Cancelled, Progress
from core.project.model import Cell
from pcvos_gui.workers.newest import NewestJobWorker

log = logging.getLogger(__name__)

_MEDIA_CACHE_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Footage:
    """Footage, for frames that are not at hand: its path, its rate if it is a folder, and its `stored_index()`."""

    path: Path
    rate: Fraction
    index: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class MatteJob:
    """The matte of one frame, of some objects as one.

    Attributes:
        number: of the job, in its result.
        cells: what is known of these objects, by frame, then id: of the frame, and of those around it as far as the
            settings' `smooth` reaches; all of them have an entry.
        pixels: by frame, uint8 (H, W, 3) RGB, not written to any more: the frame's, and those around that are at hand.
        side: see `core.exchange.mattes.side_seen`. footage: None: all pixels are at hand.
    """

    number: int
    frame: int
    cells: Mapping[int, Mapping[int, Cell]] = field(repr=False)
    pixels: Mapping[int, np.ndarray] = field(repr=False)
    settings: MatteSettings
    side: int
    footage: Footage | None


@dataclass(frozen=True)
class MatteDone:
    """The matte, uint8 (H, W), 255 inside, read-only; None: `trouble` says why not."""

    number: int
    frame: int
    alpha: np.ndarray | None = field(repr=False)
    trouble: str = ""


class MatteWorker(NewestJobWorker["MatteJob | None", MatteDone]):
    """Works on the newest job; another one, or `cancel`, ends it between two frames.

    The footage is opened for frames around that are not at hand, and stays open until it is another one or `rest`.

    Signals:
        done(MatteDone): also of jobs that are no longer the newest, if they were done by then.
    """

    done = Signal(object)
    gives_late_results = True

    def __init__(self, parent: QObject | None = None):
        self._footage: Footage | None = None
        self._media: FrameSource | None = None
        # By frame, with what they were made of: the next job's frame is calmed by almost the same ones.
        self._around: dict[int, tuple[object, Matte]] = {}
        super().__init__("mattes", parent)

    def rest(self) -> None:
        """Forget the job, and let go of the footage and of all that was kept."""
        self.submit(None)

    def _give(self, result: MatteDone) -> None:
        self.done.emit(result)

    # on the thread

    @contextmanager
    def _held(self) -> Iterator[None]:
        try:
            yield
        finally:
            self._let_go()

    def _do(self, job: MatteJob | None, progress: Progress) -> Iterator[MatteDone]:
        if job is None:
            self._let_go()
            return
        try:
            yield MatteDone(job.number, job.frame, self._alpha(job, progress))
        except Cancelled:
            raise
        except Exception as error:  # whatever it is, the next job shall work
            log.exception("no matte of frame %d", job.frame)
            trouble = str(error) if isinstance(error, PCVOSError) else type(error).__name__
            yield MatteDone(job.number, job.frame, None, trouble)

    def _let_go(self) -> None:
        self._around.clear()
        self._close()

    def _close(self) -> None:
        media, self._media, self._footage = self._media, None, None
        if media is not None:
            media.close()

    def _alpha(self, job: MatteJob, progress: Progress) -> np.ndarray:
        self._around = {frame: kept for frame, kept in self._around.items() if frame in job.cells}
        for frame in sorted(job.cells, key=lambda frame: abs(frame - job.frame)):
            progress.raise_if_cancelled()
            of = (job.cells[frame], replace(job.settings, smooth=0), job.side)
            if frame not in self._around or self._around[frame][0] != of:
                self._around[frame] = of, self._matte(job, frame)
        mattes = {TOGETHER: self._around[job.frame][1]}
        if len(job.cells) > 1:
            others = [frame for frame in sorted(job.cells) if frame != job.frame]
            mattes = calmed(mattes, [{TOGETHER: self._around[frame][1]} for frame in others])
        alpha = mattes[TOGETHER].levels(255)
        alpha.flags.writeable = False
        return alpha

    def _matte(self, job: MatteJob, frame: int) -> Matte:
        cells = job.cells[frame]
        is_seen = job.settings.guided and any(not cell.mask.is_empty for cell in cells.values())
        pixels = self._pixels(job, frame) if is_seen else job.pixels[job.frame]
        return make_mattes(pixels, cells, job.settings, together=True, side=job.side)[TOGETHER]

    def _pixels(self, job: MatteJob, frame: int) -> np.ndarray:
        if frame in job.pixels:
            return job.pixels[frame]
        assert job.footage is not None, "something is not at hand"
        if self._media is None or job.footage != self._footage:
            self._close()
            path, rate, index = job.footage.path, job.footage.rate, job.footage.index
            self._media = open_media(path, folder_rate=rate, cache_bytes=_MEDIA_CACHE_BYTES, index=index)
            self._footage = job.footage
        return self._media.read(frame)
