"""Waits for a device are counted by the line of core/ that waits."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from core.benchmark import launches
from core.network.transfer import download


def test_a_wait_is_told_by_the_line_of_core(monkeypatch: pytest.MonkeyPatch):
    """Also where PyTorch's own Python code stands between: a stream's `synchronize` warns in torch/cuda/streams.py."""
    modes: list[str] = []
    monkeypatch.setattr(torch.cuda, "set_sync_debug_mode", modes.append)
    wait = lambda: warnings.warn("called a synchronizing CUDA operation", stacklevel=1)  # noqa: E731
    monkeypatch.setattr(torch.cuda, "current_stream", lambda _: SimpleNamespace(synchronize=wait))
    array = SimpleNamespace(numpy=lambda: np.zeros(1), copy_=lambda *_, **__: None)
    monkeypatch.setattr(torch, "empty", lambda *_, **__: array)
    tensor = SimpleNamespace(device=torch.device("cuda"), shape=(1,), dtype=torch.uint8)

    def run() -> None:
        download([tensor])
        download([tensor])
        warnings.warn("something else", stacklevel=1)

    found = launches.waits_of(run)
    assert modes == ["warn", "default"]
    assert found.total() == 2 and all(place.startswith("transfer.py:") for place in found)
