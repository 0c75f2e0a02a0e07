"""Training the marking network within a time limit, in pieces that follow each other, on frozen key features."""

import copy
import logging
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from core.network.decoder import enlarge
from core.network.imagenet import normalise
from core.network.marking import STRIDE, MarkingNetwork
from core.network.pcvos import PCVOS, KeyFeatures
from core.training.losses import marking_loss
from core.training.marking_photos import PhotoStore
from core.training.marking_samples import (
    MarkingSampleSettings,
    MarkingSampleStream,
    correct,
)
from core.training.run_folder import RunFolder, RunProgress, average_in

log = logging.getLogger(__name__)

SAVE_MINUTES = 4.0
REPORT_BATCHES = 25
MEASURED = ("loss", "iou_first", "iou_last", "marks_per_second")
"""Columns of the curve beside the progress."""


@dataclass(frozen=True)
class MarkingPhase:
    """A part of the run, up to progress `until`, with crops of one size and so many of them a step."""

    until: float
    samples: MarkingSampleSettings
    batch: int


SCHEDULE = (
    MarkingPhase(0.70, MarkingSampleSettings(size=192), 4),
    MarkingPhase(0.92, MarkingSampleSettings(size=256, extent=(0.12, 1.2)), 3),
    MarkingPhase(1.00, MarkingSampleSettings(size=320, extent=(0.08, 1.1), zoom=(0.5, 2.4)), 2),
)
"""Small crops first: what they teach costs least."""

LATE = (
    MarkingPhase(0.35, MarkingSampleSettings(size=224), 4),
    MarkingPhase(0.65, MarkingSampleSettings(size=320, extent=(0.10, 1.2), zoom=(0.5, 2.4)), 2),
    MarkingPhase(1.00, MarkingSampleSettings(size=448, extent=(0.15, 1.1), zoom=(0.5, 3.0)), 1),
)
"""To go on from trained weights: up to crops nearly as high as a frame, as large things are found less often there."""


@dataclass(frozen=True)
class MarkingTrainingSettings:
    """Settings of a run.

    Attributes:
        budget_minutes: training time of the whole run; the schedule stretches over it.
        session_minutes: stop after this much in this session; the run can be resumed.
        rate: base learning rate. ema: decay of the averaged weights, which are what counts.
        rounds: most marks on one crop; each is a step of its own, on the features found once.
        flat: share of the run before the rate falls.
        precision: "fp32" or "bf16".
    """

    budget_minutes: float = 75.0
    session_minutes: float = float("inf")
    rate: float = 3e-4
    ema: float = 0.997
    weight_decay: float = 0.01
    rounds: int = 4
    flat: float = 0.5
    precision: str = "fp32"
    seed: int = 0


@dataclass
class MarkingProgress(RunProgress):
    """Progress of a run; `marks`: looks of the network at one object each."""

    marks: int = 0


class MarkingTrainer:
    """One run in a folder, which is resumed when it holds one."""

    def __init__(
        self,
        network: PCVOS,
        marking: MarkingNetwork,
        photos: PhotoStore,
        folder: str | Path,
        settings: MarkingTrainingSettings,
        device: torch.device,
        schedule: tuple[MarkingPhase, ...] = SCHEDULE,
    ):
        """`network` gives the key features, and learns nothing; `marking` was made for it."""
        self.settings, self.photos, self.device = settings, photos, device
        self.schedule = schedule
        self._folder = RunFolder(folder, MEASURED)
        self.network = network.to(device).to(memory_format=torch.channels_last).eval().requires_grad_(False)
        self.marking = marking.to(device).to(memory_format=torch.channels_last).train()
        self.ema = copy.deepcopy(self.marking).requires_grad_(False)
        self.optimizer = torch.optim.AdamW(
            _groups(self.marking, settings), lr=settings.rate, betas=(0.9, 0.98), fused=True
        )
        self.progress = MarkingProgress()
        if self._folder.holds_run:
            self.progress = self._folder.load(self.marking, self.ema, self.optimizer, MarkingProgress)
        self._rng = np.random.default_rng([settings.seed, self.progress.step])

    @property
    def share(self) -> float:
        """Progress of the run, 0 to 1."""
        return min(1.0, self.progress.minutes / self.settings.budget_minutes)

    def run(self) -> None:
        """Train until the budget or the session's time is used up; the state is saved now and then, and at the end.

        Raises:
            PCVOSError: another training of the same folder still runs.
        """
        deadline = self.progress.minutes + self.settings.session_minutes
        self._saved = self.progress.minutes
        with self._folder.claimed():
            try:
                while self.share < 1 and self.progress.minutes < deadline:
                    phase = next((p for p in self.schedule if self.share < p.until), self.schedule[-1])
                    self._run_phase(phase, deadline)
            finally:  # an interrupt loses nothing
                self.save()

    def _run_phase(self, phase: MarkingPhase, deadline: float) -> None:
        """Train on one kind of sample until the phase, the budget or the session is over."""
        log.info("phase until %.0f %%: %s", 100 * phase.until, asdict(phase.samples))
        batches = iter(self._loader(phase))
        reported, marks = self.progress.minutes, self.progress.marks
        results: list[tuple[float, float, float]] = []
        while self.share < min(1.0, phase.until) and self.progress.minutes < deadline:
            before = time.monotonic()
            results.append(self._batch(*next(batches)))
            self.progress.minutes += (time.monotonic() - before) / 60
            if len(results) == REPORT_BATCHES:
                rate = (self.progress.marks - marks) / 60 / (self.progress.minutes - reported)
                loss, first, last = np.mean(results, 0)
                self._folder.log(self.progress, loss=loss, iou_first=first, iou_last=last, marks_per_second=rate)
                results, reported, marks = [], self.progress.minutes, self.progress.marks
            if self.progress.minutes - self._saved > SAVE_MINUTES:
                self.save()
                self._saved = self.progress.minutes

    def _batch(self, images: Tensor, truth: Tensor, planes: Tensor) -> tuple[float, float, float]:
        """All rounds of marks on a batch, a step each: mean loss, mean IoU after the first and after the last.

        Args:
            images: uint8 (B, 3, S, S). truth: uint8 (B, T, S, S). planes: uint8 (B, T, 5, S, S).
        """
        targets = truth.shape[1]
        frames = normalise(images.to(self.device)).contiguous(memory_format=torch.channels_last)
        with torch.no_grad(), self._autocast():
            known = self.network.encode_key(frames)
        owner = torch.arange(len(images), device=self.device).repeat_interleave(targets)
        features = known.each(lambda feature: feature[owner])
        truth, planes = truth.flatten(0, 1), planes.flatten(0, 1)
        losses, ious = [], []
        for round_ in range(rounds := int(self._rng.integers(2, self.settings.rounds + 1))):
            loss, probabilities = self._step(features, truth.to(self.device), planes)
            losses.append(loss)
            ious.append(_mean_iou(probabilities, truth))
            if round_ + 1 < rounds:
                for known, level, own in zip(planes.numpy(), probabilities.numpy(), truth.numpy(), strict=True):
                    correct(known, level, own, self._rng)
        return float(np.mean(losses)), ious[0], ious[-1]

    def _step(self, features: KeyFeatures, truth: Tensor, planes: Tensor) -> tuple[float, Tensor]:
        """One step on N objects; the loss, and their probabilities as levels, uint8 (N, S, S) on the CPU."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.rate * self._rate_factor()
        inputs = (planes.to(self.device).float() / 255).contiguous(memory_format=torch.channels_last)
        with self._autocast():
            coarse = self.marking(features, inputs)
        logits = enlarge(coarse.float(), STRIDE).squeeze(1)
        loss = marking_loss(logits, truth)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.marking.parameters(), 3.0)
        if torch.isfinite(norm):
            self.optimizer.step()
        else:
            log.warning("step %d skipped: the gradient is not finite", self.progress.step)
        self.progress.step += 1
        self.progress.marks += len(planes)
        average_in(self.ema, self.marking, self.settings.ema, self.progress.step)
        return loss.item(), (logits.detach().sigmoid() * 255).round().to("cpu", torch.uint8)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.settings.precision == "bf16")

    def _rate_factor(self) -> float:
        """A short warm-up, flat, then a cosine down to 2 %."""
        flat = self.settings.flat
        late = max(0.0, (self.share - flat) / (1 - flat))
        warm_up = min(1.0, 0.05 + self.progress.step / 100)
        return min(warm_up, 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * late)))

    def _loader(self, phase: MarkingPhase) -> DataLoader:
        # In this process: making a sample costs a fiftieth of learning from it, and OpenCV's locks outlive a fork.
        stream = MarkingSampleStream(self.photos, phase.samples, self.settings.seed + 7919 * (self.progress.step + 1))
        return DataLoader(stream, batch_size=phase.batch)

    def save(self) -> None:
        """Write the run's state."""
        self._folder.save(self.marking, self.ema, self.optimizer, self.progress)


def _mean_iou(levels: Tensor, truth: Tensor) -> float:
    mask, own, seen = levels > 127, truth == 1, truth != 255
    both = (mask & own & seen).flatten(1).sum(1)
    any_ = ((mask | own) & seen).flatten(1).sum(1)
    return float((both / any_.clamp(min=1)).mean())


def _groups(marking: MarkingNetwork, settings: MarkingTrainingSettings) -> list[dict]:
    """Parameter groups: vectors (biases, norms) are not decayed."""
    groups: dict[bool, list[nn.Parameter]] = {}
    for parameter in marking.parameters():
        groups.setdefault(parameter.dim() > 1, []).append(parameter)
    return [
        {"params": parameters, "weight_decay": settings.weight_decay if matrix else 0.0}
        for matrix, parameters in groups.items()
    ]
