"""The timeline's view of a project: kept in memory, brought up to date cell by cell."""

from collections.abc import Iterable, Mapping

import numpy as np

from core.project.model import Cell, Key

CORRECTED = 1
IN_MEMORY = 2
PREDICTED = 4
ABSENT = 8
"""Bit of a cell, besides another: its mask is empty."""


def flags_of(cell: Cell) -> int:
    """The bits of one cell; never 0."""
    state = (CORRECTED if cell.corrected else PREDICTED) | (IN_MEMORY if cell.in_memory else 0)
    return state | (ABSENT if cell.mask.is_empty else 0)


class Tracks:
    """The cells that there are, without their masks.

    Attributes:
        states: uint8 (frames,), the bits CORRECTED, IN_MEMORY and PREDICTED of any object's cell there.
        confidence: float32 (frames,), the lowest that is known of an object there; NaN: none is.
    """

    def __init__(self, frames: int):
        self.states = np.zeros(frames, np.uint8)
        self.confidence = np.full(frames, np.nan, np.float32)
        self._flags: dict[int, np.ndarray] = {}  # by object, uint8 (frames,), 0: no cell
        self._confidence: dict[int, np.ndarray] = {}  # by object, float32 (frames,)

    def copy(self) -> "Tracks":
        """A copy, to be changed by itself."""
        copy = Tracks(0)
        copy.states, copy.confidence = self.states.copy(), self.confidence.copy()
        copy._flags = {obj: flags.copy() for obj, flags in self._flags.items()}
        copy._confidence = {obj: confidence.copy() for obj, confidence in self._confidence.items()}
        return copy

    def set(self, frames: np.ndarray, objects: np.ndarray, flags: np.ndarray, confidence: np.ndarray) -> None:
        """Set many cells at once, all arrays (n,); flags 0: there is none. Frames outside the footage are passed over.

        Args:
            frames, objects: integer. flags: uint8. confidence: float, NaN: unknown.
        """
        inside = (frames >= 0) & (frames < len(self.states))
        for obj in np.unique(objects[inside]).tolist():
            chosen = inside & (objects == obj)
            if obj not in self._flags:
                self._flags[obj] = np.zeros(len(self.states), np.uint8)
                self._confidence[obj] = np.full(len(self.states), np.nan, np.float32)
            self._flags[obj][frames[chosen]] = flags[chosen]
            self._confidence[obj][frames[chosen]] = np.where(flags[chosen] > 0, confidence[chosen], np.nan)
        self._combine(np.unique(frames[inside]))

    def update(self, cells: Mapping[Key, Cell | None]) -> None:
        """Set these cells; None: there is none any more."""
        if not cells:
            return
        keys = np.array(list(cells), np.int64)
        flags = np.array([0 if cell is None else flags_of(cell) for cell in cells.values()], np.uint8)
        values = [np.nan if cell is None or cell.confidence is None else cell.confidence for cell in cells.values()]
        self.set(keys[:, 0], keys[:, 1], flags, np.array(values, np.float32))

    def _combine(self, frames: np.ndarray) -> None:
        states = np.zeros(len(frames), np.uint8)
        confidence = np.full(len(frames), np.nan, np.float32)
        for obj, flags in self._flags.items():
            states |= flags[frames] & ~np.uint8(ABSENT)
            np.fmin(confidence, self._confidence[obj][frames], out=confidence)
        self.states[frames] = states
        self.confidence[frames] = confidence

    def has(self, key: Key) -> bool:
        """Whether there is such a cell."""
        frame, obj = key
        return obj in self._flags and 0 <= frame < len(self.states) and bool(self._flags[obj][frame])

    def is_corrected(self, key: Key) -> bool:
        """Whether there is such a cell, and a person painted or accepted it."""
        return self.has(key) and bool(self._flags[key[1]][key[0]] & CORRECTED)

    def frames(self, obj: int, flag: int = 0xFF) -> np.ndarray:
        """Frames of an object's cells that have a bit of `flag`, int64 (n,), ascending."""
        flags = self._flags.get(obj)
        return np.zeros(0, np.int64) if flags is None else np.flatnonzero(flags & flag)

    def flags(self, obj: int) -> np.ndarray:
        """The bits of an object's cells, uint8 (frames,); 0: there is none."""
        flags = self._flags.get(obj)
        return np.zeros(len(self.states), np.uint8) if flags is None else flags

    def confidence_of(self, obj: int) -> np.ndarray:
        """An object's confidence, float32 (frames,); NaN: none is known."""
        confidence = self._confidence.get(obj)
        return np.full(len(self.states), np.nan, np.float32) if confidence is None else confidence

    def keys(self, first: int, last: int, objects: Iterable[int] | None = None, flag: int = 0xFF) -> list[Key]:
        """Cells of frames `first` to `last` (inclusive) that have a bit of `flag`, by frame, then object."""
        wanted = self._flags.keys() if objects is None else self._flags.keys() & set(objects)
        first, last = max(first, 0), min(last, len(self.states) - 1)
        keys = []
        for obj in wanted:
            frames = first + np.flatnonzero(self._flags[obj][first : last + 1] & flag)
            keys += [(frame, obj) for frame in frames.tolist()]
        return sorted(keys)

    def unknown(self, first: int, last: int, obj: int) -> np.ndarray:
        """The frames `first` to `last` (inclusive, in the footage) without a cell of an object, ascending; int64."""
        if obj not in self._flags:
            return np.arange(first, last + 1)
        return first + np.flatnonzero(self._flags[obj][first : last + 1] == 0)

    def next_corrected(self, frame: int, step: int) -> int | None:
        """The nearest corrected frame after (`step` 1) or before (-1) `frame`, itself not counted."""
        if step > 0:
            start = max(frame + 1, 0)
            frames = np.flatnonzero(self.states[start:] & CORRECTED)
            return start + int(frames[0]) if len(frames) else None
        frames = np.flatnonzero(self.states[: max(frame, 0)] & CORRECTED)
        return int(frames[-1]) if len(frames) else None
