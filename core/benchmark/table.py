"""The engine by clip length L and number of objects K: what longer clips buy (paper Sec. 4, Table 1)."""

import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from core.benchmark.bench import peak_memory
from core.benchmark.cases import Case, footage
from core.benchmark.launches import count
from core.media.arrays import ArraySource
from core.network.devices import wait_for
from core.network.pcvos import PCVOS
from core.propagation import PropagationSettings, Propagator
from core.propagation.settings import Precision

PUBLISHED = {5: 11.5, 10: 24.4, 15: 30.7, 25: 33.8}
"""Frames a second by L, as published for one A6000."""


@dataclass(frozen=True)
class Row:
    """The figures measured for one L and K.

    Attributes:
        frames_per_second: of the engine alone, frames in RAM to label maps. end_to_end: with a video file read and
            PNGs written; None: not measured.
        launches, waits: kernels, and times that the host waited, a frame; None but on CUDA.
        peak_bytes: most memory beyond the network and its memory of earlier frames; None where it cannot be told.
    """

    preset: str
    interval: int
    objects: int
    frames_per_second: float
    launches: float | None
    waits: float | None
    peak_bytes: int | None
    end_to_end: float | None = None


@dataclass(frozen=True)
class TableSettings:
    """The rows, each measured on footage of (H, W) at its own size, two clips, as the median of `repeats` turns."""

    size: tuple[int, int]
    intervals: tuple[int, ...] = (1, 5, 10, 15, 25)
    objects: tuple[int, ...] = (1, 3, 10)
    repeats: int = 3
    precision: Precision = "auto"

    def frames(self, interval: int) -> int:
        """Frames drawn for a row: whole clips, ten frames at least."""
        return interval * max(2, -(-10 // interval))

    def clip(self, interval: int, objects: int) -> tuple[np.ndarray, np.ndarray]:
        """Frames uint8 (T, H, W, 3), and the label map (H, W) of the first one."""
        frames, labels = footage(Case(self.size, objects, 1), count=self.frames(interval) + 1)
        return frames, labels[0]


def measure(network: PCVOS, settings: TableSettings) -> Iterator[Row]:
    """The engine alone, row by row; `network` as `prepare` leaves it."""
    for interval in settings.intervals:
        for objects in settings.objects:
            yield _row(network, settings, interval, objects)


def _row(network: PCVOS, settings: TableSettings, interval: int, objects: int) -> Row:
    device = next(network.parameters()).device
    frames, labels = settings.clip(interval, objects)
    run_settings = PropagationSettings(
        interval=interval, resolution=None, precision=settings.precision, distractors=False, cache_bytes=0
    )
    propagator = Propagator(network, ArraySource(frames), run_settings)
    propagator.memory.add(0, labels, range(1, objects + 1))
    propagator.prepare()

    def run() -> None:
        for _ in propagator.run(start=1):
            pass
        wait_for(device)

    run()
    seconds = []
    for _ in range(settings.repeats):
        begin = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - begin)
    peaks: list[int] = []
    with peak_memory(device, peaks):
        run()
    drawn, counted = settings.frames(interval), count(run, device)
    return Row(
        network.config.name,
        interval,
        objects,
        drawn / statistics.median(seconds),
        None if counted is None else counted.launches / drawn,
        None if counted is None else counted.waits.total() / drawn,
        max(peaks, default=None),
    )


def table(rows: list[Row]) -> Iterator[str]:
    """Lines for a terminal."""
    yield "preset    L   K   frames/s   end to end   launches   waits   peak MiB   published (A6000)"
    for row in rows:
        peak = None if row.peak_bytes is None else row.peak_bytes / 2**20
        published = PUBLISHED.get(row.interval) if row.preset == "paper" and row.objects == 1 else None
        cells = (
            _cell(row.frames_per_second, 10, 2),
            _cell(row.end_to_end, 12, 2),
            _cell(row.launches, 10, 0),
            _cell(row.waits, 7, 1),
            _cell(peak, 10, 0),
            _cell(published, 10, 1),
        )
        yield " ".join([f"{row.preset:6} {row.interval:4} {row.objects:3}", *cells])


def _cell(number: float | None, width: int, digits: int) -> str:
    return f"{'-':>{width}}" if number is None else f"{number:{width}.{digits}f}"
