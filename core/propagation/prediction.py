"""What is predicted: tracks, and what a frame shows of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Plane = TypeVar("Plane")
OtherPlane = TypeVar("OtherPlane")


@dataclass(frozen=True)
class Track:
    """What is followed through footage: an object, or its distractor (`core.propagation.distractors`)."""

    obj: int
    is_distractor: bool = False


@dataclass(frozen=True)
class Prediction(Generic[Plane]):
    """A frame as it was predicted; planes are tensors on a device or arrays on the host.

    Attributes:
        logits: per object its mask logits, float32 (h, w), at a quarter of the network's size.
        absent: objects whose presence was denied (`core.propagation.presence.is_present`).
        distractors: per object the mask logits of its distractor, where it has one.
    """

    logits: Mapping[int, Plane] = field(default_factory=dict)
    absent: frozenset[int] = frozenset()
    distractors: Mapping[int, Plane] = field(default_factory=dict)

    @property
    def planes(self) -> list[Plane]:
        """All mask logits: of the objects, then of the distractors."""
        return [*self.logits.values(), *self.distractors.values()]

    def with_planes(self, planes: Iterable[OtherPlane]) -> "Prediction[OtherPlane]":
        """The same with other mask logits, in the order of `planes`."""
        others = iter(planes)
        logits, distractors = ({obj: next(others) for obj in own} for own in (self.logits, self.distractors))
        return Prediction(logits, self.absent, distractors)
