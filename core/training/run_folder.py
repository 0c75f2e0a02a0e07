"""The folder of a training run, which the run goes on from: weights, their average, the optimizer, the curve."""

import csv
import io
import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import torch
from filelock import FileLock, Timeout
from safetensors.torch import load_file, save
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from core.errors import PCVOSError
from core.files import atomic_write

log = logging.getLogger(__name__)


@dataclass
class RunProgress:
    """Steps of the optimizer and minutes of training so far."""

    step: int = 0
    minutes: float = 0.0


P = TypeVar("P", bound=RunProgress)


class RunFolder:
    """`network.safetensors`, `ema.safetensors`, `optimizer.pt`, `progress.json` and, a row now and then, `log.csv`.

    Args:
        measured: the columns of the curve beside the progress.
    """

    def __init__(self, path: str | Path, measured: Sequence[str]):
        self.path, self._measured = Path(path), measured
        self.path.mkdir(parents=True, exist_ok=True)

    @property
    def holds_run(self) -> bool:
        """Whether there is a run to go on with."""
        return (self.path / "progress.json").is_file()

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Keep the folder for this process as long as the block lasts.

        Raises:
            PCVOSError: another training writes there; two would overwrite each other's state.
        """
        lock = FileLock(self.path / ".lock", thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            what = f"{self.path} is in use by a training that still runs"
            raise PCVOSError(f"{what}: stop that one first, or give another folder.") from None
        except NotImplementedError:  # a file system without locks
            log.info("No lock in %s", self.path)
        try:
            yield
        finally:
            lock.release()

    def save(
        self, network: nn.Module, average: nn.Module, optimizer: torch.optim.Optimizer, progress: RunProgress
    ) -> None:
        """Write the run's state; each file as a whole."""
        for name, module in (("network", network), ("ema", average)):
            state = {k: v.contiguous() for k, v in module.state_dict().items()}
            atomic_write(self.path / f"{name}.safetensors", save(state))
        data = io.BytesIO()
        torch.save(optimizer.state_dict(), data)
        atomic_write(self.path / "optimizer.pt", data.getvalue())
        atomic_write(self.path / "progress.json", json.dumps(asdict(progress)).encode())

    def load(self, network: nn.Module, average: nn.Module, optimizer: torch.optim.Optimizer, kind: type[P]) -> P:
        """Give all of them the run's state; its progress. Without the network's own weights their average serves, and
        without the optimizer's state it begins anew."""
        progress = kind(**json.loads((self.path / "progress.json").read_text()))
        averaged = load_file(self.path / "ema.safetensors")
        weights = self.path / "network.safetensors"
        average.load_state_dict(averaged)
        network.load_state_dict(load_file(weights) if weights.is_file() else averaged)
        if (self.path / "optimizer.pt").is_file():
            device = next(network.parameters()).device
            optimizer.load_state_dict(torch.load(self.path / "optimizer.pt", map_location=device, weights_only=True))
        log.info("resumed at step %d, %.1f minutes", progress.step, progress.minutes)
        return progress

    def log(self, progress: RunProgress, **measured: float) -> None:
        """One row of the curve; columns that are not `measured` now stay empty."""
        done = asdict(progress)
        row: dict[str, float | str] = {"minutes": round(done.pop("minutes"), 2)} | done
        row |= {name: round(float(measured[name]), 4) if name in measured else "" for name in self._measured}
        log.info("%s", ", ".join(f"{k} {v}" for k, v in row.items() if v != ""))
        path = self.path / "log.csv"
        new = not path.is_file()
        with path.open("a", newline="") as file:
            writer = csv.DictWriter(file, row)
            if new:
                writer.writeheader()
            writer.writerow(row)


def average_in(average: nn.Module, network: nn.Module, decay: float, step: int) -> None:
    """Move averaged weights towards a network's after its step `step`, with at most `decay`: less at first."""
    decay = min(decay, (1 + step) / (10 + step))
    averaged: list[torch.Tensor] = list(average.parameters())
    get_ema_multi_avg_fn(decay)(averaged, list(network.parameters()), step)
