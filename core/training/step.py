"""The loss of one batch as one call, so that DistributedDataParallel can average its gradients over processes."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.network.pcvos import PCVOS
from core.training.losses import LossTerms, clip_loss
from core.training.rollout import rollout


@dataclass(frozen=True)
class StepSettings:
    """The settings of a step: see `rollout` and `clip_loss`.

    Attributes:
        precision: of autocast; None: float32.
        generator: of the draws, alike on all processes.
    """

    length: int
    true_memory: float
    segment: int
    hardest: float
    loss: LossTerms
    precision: torch.dtype | None
    generator: torch.Generator


class SampleLoss(nn.Module):
    """The mean loss of a batch's clips: a mean over its samples, so that halves of a batch average to the whole."""

    def __init__(self, network: PCVOS):
        super().__init__()
        self.network = network

    def forward(self, frames: Tensor, labels: Tensor, step: StepSettings) -> Tensor:
        """Frames uint8 (B, T, 3, S, S) and labels uint8 (B, T, S, S) to ()."""
        with torch.autocast(frames.device.type, step.precision, enabled=step.precision is not None):
            predictions = rollout(
                self.network, frames, labels, step.length, step.true_memory, step.generator, step.segment
            )
        total = sum(clip_loss(p, step.hardest, step.loss) for p in predictions) / len(predictions)
        assert isinstance(total, Tensor), "no clip"
        return total
