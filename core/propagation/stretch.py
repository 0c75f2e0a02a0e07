"""Mask logits of a clip: as they were predicted, and joined with those of the other pass."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
import torch
from torch import Tensor

from core.network.transfer import upload
from core.propagation.prediction import Prediction
from core.propagation.schedule import Annotated, forward_weight


@dataclass(frozen=True)
class Stretch:
    """Frames of a clip, in its order, with the same objects.

    Attributes:
        logits: mask logits of each object, float32 (D, h, w).
    """

    frames: tuple[int, ...]
    logits: Mapping[int, Tensor]

    def cut(self, places: slice) -> "Stretch":
        """A part of its frames."""
        logits = {o: planes[places] for o, planes in self.logits.items()}
        return replace(self, frames=self.frames[places], logits=logits)

    def of_frame(self, place: int) -> Prediction[Tensor]:
        """One frame."""
        return Prediction({o: planes[place] for o, planes in self.logits.items()})


def joined(
    backward: Stretch,
    forward: Callable[[int], Mapping[int, np.ndarray]],
    annotated: Annotated,
    device: torch.device,
) -> Iterator[Stretch]:
    """Join what both passes predicted on the frames of a clip; cut where the objects change.

    Args:
        forward: of a frame what the forward pass predicted, float32 (h, w) by object; asked once for each.
        device: where the logits are to be.
    """
    waiting = [(i, forward(frame)) for i, frame in enumerate(backward.frames)]
    for _, group in groupby(waiting, key=lambda item: sorted(item[1])):
        places, planes_there = zip(*group, strict=True)
        own = backward.cut(slice(places[0], places[-1] + 1))
        other = {obj: upload([planes[obj] for planes in planes_there], device) for obj in planes_there[0]}
        logits = {
            obj: blend(other.get(obj), own.logits.get(obj), [forward_weight(obj, f, annotated) for f in own.frames])
            for obj in sorted({*other, *own.logits})
        }
        yield Stretch(own.frames, logits)


def blend(forward: Tensor | None, backward: Tensor | None, forward_shares: Sequence[float]) -> Tensor:
    """One object's logits (D, h, w) from those of two passes: the mean of the probabilities, weighted frame by frame;
    either may be missing."""
    if forward is None or backward is None:
        only = backward if forward is None else forward
        assert only is not None
        return only
    shares = [np.array(forward_shares, np.float32), 1 - np.array(forward_shares)]
    ours, theirs = (upload([share.astype(np.float32)], forward.device)[0].view(-1, 1, 1) for share in shares)
    return torch.logit(ours * torch.sigmoid(forward) + theirs * torch.sigmoid(backward), eps=1e-7)
