"""Training a network within a time limit, in pieces that follow each other."""

import copy
import logging
import multiprocessing
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader

from core.network.pcvos import PCVOS
from core.progress import UNWATCHED, Progress
from core.training.clips import ClipSettings, ClipStream
from core.training.data import TrainingData
from core.training.distributed import ALONE, Processes
from core.training.run_folder import RunFolder, RunProgress, average_in
from core.training.stages import FROM_IMAGENET, Phase, Schedule
from core.training.step import SampleLoss, StepSettings

log = logging.getLogger(__name__)

Batch = tuple[torch.Tensor, torch.Tensor]
"""Frames uint8 (B, T, 3, S, S) and labels uint8 (B, T, S, S)."""

SAVE_MINUTES = 5.0
"""Training minutes between saves."""

MEASURED = ("loss", "clips_per_second", "validation_j")
"""Columns of the curve beside the progress."""


@dataclass(frozen=True)
class TrainingSettings:
    """Settings of a run.

    Attributes:
        budget_minutes: training time of the whole run; the schedule stretches over it.
        budget_steps: steps of the whole run, in place of a time; None: the time counts.
        session_minutes: stop after this much in this session; the run can be resumed.
        batch: samples at once on each process. accumulate: so many batches make one step.
        rate: base learning rate. ema: decay of the averaged weights, which are what counts.
        workers: processes that make clips.
        precision: "fp32", "bf16", or "fp16" with scaled gradients.
        validate_minutes: training minutes between validations.
    """

    budget_minutes: float = 90.0
    session_minutes: float = float("inf")
    budget_steps: int | None = None
    batch: int = 4
    accumulate: int = 1
    rate: float = 3e-4
    ema: float = 0.998
    weight_decay: float = 0.01
    workers: int = 1
    precision: str = "bf16"
    seed: int = 0
    validate_minutes: float = 15.0


@dataclass
class TrainingProgress(RunProgress):
    """Progress of a run, with the clips that it has seen."""

    clips: int = 0


class Trainer:
    """One run in a folder, which is resumed when it holds one."""

    def __init__(
        self,
        network: PCVOS,
        data: TrainingData,
        folder: str | Path,
        settings: TrainingSettings,
        device: torch.device,
        validate: Callable[[PCVOS], float] | None = None,
        schedule: Schedule = FROM_IMAGENET,
        processes: Processes = ALONE,
        watch: Progress = UNWATCHED,
    ):
        """`watch` is told of every step, and may raise `Cancelled`: what was learned by then is saved."""
        self.settings, self.data, self.device, self.validate = settings, data, device, validate
        self.schedule, self.processes, self._watch = schedule, processes, watch
        self._folder = RunFolder(folder, MEASURED)
        self.network = network.to(device).to(memory_format=torch.channels_last).train()
        for name, parameter in self.network.named_parameters():
            parameter.requires_grad_(not name.startswith(schedule.frozen))
        self.ema = copy.deepcopy(self.network).requires_grad_(False)
        for module in self.network.modules():  # their statistics stay ImageNet's
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        self._sample_loss: nn.Module = SampleLoss(self.network)
        if processes.count > 1:
            self._sample_loss = DistributedDataParallel(self._sample_loss)
        self._scaler = torch.amp.GradScaler(device.type, enabled=settings.precision == "fp16")
        self.optimizer = torch.optim.AdamW(
            _groups(self.network, settings, schedule), lr=settings.rate, betas=(0.9, 0.98), fused=True
        )
        self.progress = TrainingProgress()
        if self._folder.holds_run:
            self.progress = self._folder.load(self.network, self.ema, self.optimizer, TrainingProgress)

    @property
    def share(self) -> float:
        """Progress of the run, 0 to 1."""
        if self.settings.budget_steps is not None:
            return min(1.0, self.progress.step / self.settings.budget_steps)
        return min(1.0, self.progress.minutes / self.settings.budget_minutes)

    def run(self) -> None:
        """Train until the budget or the session's time is used up; the state is saved now and then, and at the end.

        Raises:
            PCVOSError: another training of the same folder still runs.
        """
        with self._folder.claimed() if self.processes.is_first else nullcontext():
            self._run()

    def _run(self) -> None:
        deadline = self.progress.minutes + self.settings.session_minutes
        self._saved = self._validated = self.progress.minutes
        generator = torch.Generator().manual_seed(self.settings.seed + self.progress.step)
        try:
            while self.share < 1 and self.progress.minutes < deadline:
                self._run_phase(self.schedule.phase(self.share), deadline, generator)
        finally:  # an interrupt loses nothing
            self.save()
        if self.validate and self.processes.is_first:
            self._log(validation_j=self.validate(self.ema))

    def _run_phase(self, phase: Phase, deadline: float, generator: torch.Generator) -> None:
        """Train on one kind of clip until the phase, the budget or the session is over."""
        log.info("phase until %.0f %%: %s", 100 * phase.until, asdict(phase.clips))
        batches = iter(self._loader(phase.clips))
        reported = self.progress.minutes
        losses: list[float] = []
        while self.share < min(1.0, phase.until) and self.progress.minutes < deadline:
            before = time.monotonic()
            losses.append(self.train_step([next(batches) for _ in range(self.settings.accumulate)], phase, generator))
            took = self.processes.shared((time.monotonic() - before) / 60)
            self.progress.minutes += took
            self._watch.say(round(1000 * self.share), 1000)
            if len(losses) == 50:
                rate = 50 * self._samples / 60 / (self.progress.minutes - reported)
                self._log(loss=sum(losses) / 50, clips_per_second=rate)
                losses, reported = [], self.progress.minutes
            if self.progress.minutes - self._saved > SAVE_MINUTES:
                self.save()
                self._saved = self.progress.minutes
            if self.validate and self.progress.minutes - self._validated > self.settings.validate_minutes:
                if self.processes.is_first:
                    self._log(validation_j=self.validate(self.ema))
                self._validated = self.progress.minutes

    @property
    def _samples(self) -> int:
        """Samples of one step, on all processes."""
        return self.settings.batch * self.settings.accumulate * self.processes.count

    def train_step(self, batches: list[Batch], phase: Phase, generator: torch.Generator) -> float:
        """One step of the optimizer; the loss of its batches. `generator` is alike on all processes."""
        factor = self.schedule.learning_rate(self.share)
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.rate * group["factor"] * factor
        step = self._step_settings(phase, generator)
        self.optimizer.zero_grad(set_to_none=True)
        value = 0.0
        for i, (frames, labels) in enumerate(batches):
            frames, labels = frames.to(self.device, non_blocking=True), labels.to(self.device, non_blocking=True)
            with self._gradients_stay_here(i + 1 < len(batches)):
                loss = self._sample_loss(frames, labels, step) / len(batches)
                self._scaler.scale(loss).backward()
            value += loss.item()
        self._scaler.unscale_(self.optimizer)
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), 3.0)
        if self._scaler.is_enabled() or torch.isfinite(norm):
            self._scaler.step(self.optimizer)  # skips by itself what is not finite
        else:
            log.warning("step %d skipped: the gradient is not finite", self.progress.step)
        self._scaler.update()
        self.progress.step += 1
        self.progress.clips += self._samples
        average_in(self.ema, self.network, self.settings.ema, self.progress.step)
        return value

    def _step_settings(self, phase: Phase, generator: torch.Generator) -> StepSettings:
        """The schedule's settings for this step, its draws made."""
        precision = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(self.settings.precision)
        return StepSettings(
            length=phase.clips.length,
            true_memory=self.schedule.true_memory_share(self.share),
            segment=int(torch.rand((), generator=generator) < phase.progressive_share),
            hardest=self.schedule.hardest_share(self.share),
            loss=self.schedule.loss,
            precision=precision,
            generator=generator,
        )

    def _gradients_stay_here(self, stay: bool) -> AbstractContextManager:
        """Whether processes keep their gradients to themselves: until the last batch of a step."""
        if stay and isinstance(self._sample_loss, DistributedDataParallel):
            return self._sample_loss.no_sync()
        return nullcontext()

    def _loader(self, clips: ClipSettings) -> DataLoader:
        fork = "fork" in multiprocessing.get_all_start_methods()
        workers = self.settings.workers if fork else 0
        cv2.setNumThreads(1)  # before the fork: a worker that asks for it waits for ever for threads that it has not
        seed = self.settings.seed + 7919 * (self.progress.step + 1) + 104_729 * self.processes.rank
        stream = ClipStream(self.data, clips, seed)
        return DataLoader(
            stream,
            batch_size=self.settings.batch,
            num_workers=workers,
            multiprocessing_context="fork" if workers else None,
            prefetch_factor=4 if workers else None,
            pin_memory=self.device.type == "cuda",
        )

    def save(self) -> None:
        """Write the run's state, by the first process."""
        if self.processes.is_first:
            self._folder.save(self.network, self.ema, self.optimizer, self.progress)

    def _log(self, **measured: float) -> None:
        if self.processes.is_first:
            self._folder.log(self.progress, **measured)


def _groups(network: PCVOS, settings: TrainingSettings, schedule: Schedule) -> list[dict]:
    """Parameter groups with their rate factors; vectors (biases, norms) are not decayed."""
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            factor = next((f for prefix, f in schedule.rate_factors if name.startswith(prefix)), 1.0)
            groups.setdefault((factor, parameter.dim() > 1), []).append(parameter)
    return [
        {"params": parameters, "factor": factor, "weight_decay": settings.weight_decay if matrix else 0.0}
        for (factor, matrix), parameters in groups.items()
    ]
