"""Frames that are in memory already, as footage."""

import hashlib
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from core.media.source import FrameSource


@dataclass(frozen=True)
class LabelledSequence:
    """A short video in memory with a mask for every frame.

    Attributes:
        frames: uint8 (T, H, W, 3) RGB. labels: uint8 (T, H, W), 0 background, objects from 1.
    """

    name: str
    frames: np.ndarray
    labels: np.ndarray


class ArraySource(FrameSource):
    """Footage from an array.

    Args:
        frames: uint8 (T, H, W, 3) RGB. name: what it is called in messages. rate: frames per second.
    """

    def __init__(self, frames: np.ndarray, name: str = "frames", rate: Fraction = Fraction(25)):
        self._frames = frames
        self.path = Path(name)
        height, width = frames.shape[1:3]
        self.size = height, width
        self.stems = [f"{i:05d}" for i in range(len(frames))]
        self.rate = rate
        self.timestamps = [i / rate for i in range(len(frames))]
        self.is_video = False
        self.warnings = []

    def _read(self, index: int) -> np.ndarray:
        return self._frames[index].copy()

    def fingerprint(self) -> str:
        return hashlib.sha256(np.ascontiguousarray(self._frames).data).hexdigest()

    def close(self) -> None:
        """Nothing is open."""
