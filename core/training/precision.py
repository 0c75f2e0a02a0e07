"""Whether bfloat16 pays on a machine: CPUs differ by a factor of four, in both directions."""

import time

import torch
from torch import nn


def faster_precision(device: torch.device) -> str:
    """bf16 on accelerators, and on CPUs where a convolution, forward and backward, is faster in it; else fp32."""
    if device.type != "cpu":
        return "bf16"
    conv = nn.Conv2d(128, 128, 3, padding=1).to(memory_format=torch.channels_last)
    x = torch.randn(8, 128, 32, 32).contiguous(memory_format=torch.channels_last)

    def seconds(enabled: bool) -> float:
        best = float("inf")
        for _ in range(4):
            start = time.perf_counter()
            with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
                y = conv(x)
            y.float().sum().backward()
            best = min(best, time.perf_counter() - start)
        return best

    return "bf16" if seconds(True) < 0.8 * seconds(False) else "fp32"
