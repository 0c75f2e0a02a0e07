"""Attribution: the memory that each position of a frame was read from.

The readout of a query position is a weighted sum of memory values, its weights the softmax over the best few
similarities (paper Sec. 3.3, Eq. 1 and 2; top-k: Sec. 4.1). Which positions these are, and how much each counts, is
kept here as arrays: no network and no tensors, so that whoever points at pixel after pixel waits for nothing.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

Kind = Literal["permanent", "working", "temporary"]
"""The kinds of memory (`core.propagation.memory`)."""


@dataclass(frozen=True)
class Source:
    """A frame in memory."""

    frame: int
    kind: Kind


@dataclass(frozen=True)
class Read:
    """A place that was read: its middle (x, y) in pixels of the footage, and its share, 0 to 1."""

    source: Source
    x: float
    y: float
    share: float


@dataclass(frozen=True, eq=False)
class Attribution:
    """The memory that positions of one frame were read from, for objects that were remembered on the same frames.

    Attributes:
        sources: all memory frames that could be read.
        grid: (rows, columns) of positions, each `stride` pixels of what the network saw. window: (top, left, height,
            width) of the frame in that, pixels. size: (height, width) of the footage.
        queries: the positions, row by row, int64 (Q,), ascending.
        places: the best k memory positions of each, int64 (Q, k): place // (rows * columns) is the source, the rest the
            position there. weights: how much each counts, float32, sum 1 a row.
        direction: of the pass. counts: its share in the masks, 0 to 1: where a run went both ways, two passes are
            joined.
        clip: the frames that were predicted together.
    """

    frame: int
    objects: frozenset[int]
    sources: tuple[Source, ...]
    grid: tuple[int, int]
    window: tuple[int, int, int, int]
    size: tuple[int, int]
    stride: int
    queries: np.ndarray
    places: np.ndarray
    weights: np.ndarray
    direction: Literal["forward", "backward"]
    counts: float
    clip: tuple[int, ...]

    def reads(self, x: int, y: int) -> list[Read] | None:
        """The places that a pixel of the footage was read from, those that count most first; None: its position is none
        of these."""
        position = positions_of(np.array([y]), np.array([x]), self.grid, self.window, self.size, self.stride)[0]
        row = int(np.searchsorted(self.queries, position))
        if row == len(self.queries) or self.queries[row] != position:
            return None
        (rows, columns), places = self.grid, []
        for place, weight in zip(self.places[row].tolist(), self.weights[row].tolist(), strict=True):
            source, cell = divmod(place, rows * columns)
            places.append(Read(self.sources[source], *self._middle(*divmod(cell, columns)), weight))
        return sorted(places, key=lambda read: -read.share)

    @property
    def shares(self) -> np.ndarray:
        """The share of each source in all that was read, float (sources,), sum 1."""
        sources = (self.places // (self.grid[0] * self.grid[1])).ravel()
        total = np.bincount(sources, weights=self.weights.ravel(), minlength=len(self.sources))
        share: np.ndarray = total / max(total.sum(), 1e-9)
        return share

    def _middle(self, row: int, column: int) -> tuple[float, float]:
        """Middle (x, y) of what a position has of the frame, in pixels of the footage."""
        top, left, height, width = self.window
        ends = []
        for place, begin, extent, pixels in ((column, left, width, self.size[1]), (row, top, height, self.size[0])):
            low, high = (min(max(self.stride * (place + i) - begin, 0), extent) for i in (0, 1))
            ends.append((low + high) / 2 * pixels / extent)
        return ends[0], ends[1]


def positions_of(
    y: np.ndarray,
    x: np.ndarray,
    grid: tuple[int, int],
    window: tuple[int, int, int, int],
    size: tuple[int, int],
    stride: int,
) -> np.ndarray:
    """Positions that show pixels of the footage, int64 (n,); arguments as the attributes of `Attribution`."""
    top, left, height, width = window
    row = ((y + 0.5) * (height / size[0]) + top).astype(np.int64) // stride
    column = ((x + 0.5) * (width / size[1]) + left).astype(np.int64) // stride
    positions: np.ndarray = row.clip(0, grid[0] - 1) * grid[1] + column.clip(0, grid[1] - 1)
    return positions
