"""Predictions: tracks, what a frame shows of them, and what a run gives."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np

from core.propagation.confidence import Evidence

Plane = TypeVar("Plane")
OtherPlane = TypeVar("OtherPlane")


@dataclass(frozen=True)
class Track:
    """Track that is followed through footage: an object, or its distractor (`core.propagation.distractors`)."""

    obj: int
    is_distractor: bool = False


@dataclass(frozen=True)
class Prediction(Generic[Plane]):
    """A frame as it was predicted; planes are tensors on a device or arrays on the host.

    Attributes:
        logits: per object its mask logits, float32 (h, w), at a quarter of the network's size.
        distractors: per object the mask logits of its distractor, where it has one.
    """

    logits: Mapping[int, Plane] = field(default_factory=dict)
    distractors: Mapping[int, Plane] = field(default_factory=dict)

    @property
    def planes(self) -> list[Plane]:
        """All mask logits: of the objects, then of the distractors."""
        return [*self.logits.values(), *self.distractors.values()]

    def with_planes(self, planes: Iterable[OtherPlane]) -> "Prediction[OtherPlane]":
        """A copy with other mask logits, in the order of `planes`."""
        others = iter(planes)
        logits, distractors = ({obj: next(others) for obj in own} for own in (self.logits, self.distractors))
        return Prediction(logits, distractors)


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
        evidence: per frame, per object that was predicted there, what its confidence was made of.
        spared: of a run of what corrections touch, frames of each further clip that need not be drawn: this one agrees
            with what is there.
    """

    frames: tuple[int, ...]
    labels: np.ndarray
    soft: dict[int, np.ndarray] | None
    provisional: bool
    remembered: Remembered | None = None
    confidence: dict[int, np.ndarray] = field(default_factory=dict)
    small: tuple[dict[int, np.ndarray], ...] = ()
    window: tuple[int, int, int, int] = (0, 0, 0, 0)
    evidence: tuple[Mapping[int, Evidence], ...] = ()
    spared: tuple[tuple[int, ...], ...] = ()
