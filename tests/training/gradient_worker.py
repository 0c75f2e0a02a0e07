"""One of two processes that share a batch: its gradients, averaged over both, go to FOLDER/RANK.safetensors."""

import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from stand_in_weights import video
from torch.nn.parallel import DistributedDataParallel

from core.network import PCVOS, SMALL
from core.training.distributed import joined_processes
from core.training.losses import LossTerms
from core.training.step import SampleLoss, StepSettings

with joined_processes("cpu") as (processes, _):
    torch.manual_seed(3)
    network = PCVOS(SMALL)
    frames, labels = video(f"sample {processes.rank}", 5, 48, 48, 1 + processes.rank)
    frames = torch.from_numpy(frames).permute(0, 3, 1, 2)[None]
    labels = torch.from_numpy(np.ascontiguousarray(labels))[None]
    settings = StepSettings(2, 0.5, 0, 0.5, LossTerms(), None, torch.Generator().manual_seed(1))
    loss = DistributedDataParallel(SampleLoss(network))  # must outlive the backward pass, which averages
    loss(frames, labels, settings).backward()
    gradients = {name: p.grad for name, p in network.named_parameters() if p.grad is not None}
    save_file(gradients, Path(sys.argv[1]) / f"{processes.rank}.safetensors")
