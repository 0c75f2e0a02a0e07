"""Training on several processes at once, as torchrun starts them: one process a device."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist


@dataclass(frozen=True)
class Processes:
    """The processes of one training. `rank`: which one this is, from 0; the first writes files. `count`: of all."""

    rank: int = 0
    count: int = 1

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    def shared(self, value: float) -> float:
        """The first process's `value`, on all of them: clocks differ, and all must stop at the same step."""
        if self.count == 1:
            return value
        tensor = torch.tensor(value, dtype=torch.float64)
        if dist.get_backend() == "nccl":
            tensor = tensor.cuda()
        dist.broadcast(tensor, 0)
        return tensor.item()


ALONE = Processes()


@contextmanager
def joined_processes(device: str) -> Iterator[tuple[Processes, str]]:
    """Join the processes that torchrun started (it says so in the environment), and leave them again.

    Args:
        device: as the person named it.

    Yields:
        The processes, and this one's device: with several processes on CUDA each has a card of its own.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield ALONE, device
        return
    on_cuda = device.startswith("cuda") or (device == "auto" and torch.cuda.is_available())
    dist.init_process_group("nccl" if on_cuda else "gloo")
    try:
        if on_cuda:
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
            device = f"cuda:{os.environ['LOCAL_RANK']}"
        yield Processes(dist.get_rank(), count), device
    finally:
        dist.destroy_process_group()
