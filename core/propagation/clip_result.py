"""What a run gives: clips, done."""

from dataclasses import dataclass, field

import numpy as np

from core.propagation.prediction import Prediction

Remembered = Prediction[np.ndarray]
"""See `ClipResult`."""


@dataclass(frozen=True)
class ClipResult:
    """One clip, done.

    Attributes:
        frames: frame indices, in the order of the pass.
        labels: uint8 (T, H, W), value = object id, the footage's size.
        soft: per object its probability, uint8 (T, H, W), 255 = 1; None unless asked for in the settings.
        provisional: True if the other pass of a run in both directions will draw these frames again.
        remembered: what a run that goes on after this clip needs to remember its last frame as this run did. None where
            that frame does not enter memory with what was predicted, and in provisional clips.
        confidence: per object of the run how sure it is of it on each frame, float32 (T,), 0 to 1 (see
            `core.propagation.confidence`); 1 where it was annotated, NaN where it does not exist.
        small: per frame, per object that was predicted there (not: annotated), its probability as the network gave it,
            uint8 (h, w), 255 = 1: a cell is 4 x 4 pixels of what the network saw, padding included.
        window: (top, left, height, width) of the frame in what the network saw, pixels.
    """

    frames: tuple[int, ...]
    labels: np.ndarray
    soft: dict[int, np.ndarray] | None
    provisional: bool
    remembered: Remembered | None = None
    confidence: dict[int, np.ndarray] = field(default_factory=dict)
    small: tuple[dict[int, np.ndarray], ...] = ()
    window: tuple[int, int, int, int] = (0, 0, 0, 0)
