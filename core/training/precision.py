"""Whether bfloat16 pays on a machine: CPUs differ by a factor of four, in both directions."""

import time

import torch
from torch import nn


def faster_precision(device: torch.device) -> str:
    """bf16 on accelerators, and on CPUs where a convolution, forward and backward, is faster in it; else fp32.

    What counts is the processor's time of one thread, as other work on the machine must not decide.
    """
    if device.type != "cpu":
        return "bf16"
    conv = nn.Conv2d(128, 128, 3, padding=1).to(memory_format=torch.channels_last)
    x = torch.randn(8, 128, 32, 32).contiguous(memory_format=torch.channels_last)

    def seconds(enabled: bool) -> float:
        start = time.thread_time()
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            y = conv(x)
        y.float().sum().backward()
        return time.thread_time() - start

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        half, full = (min(times) for times in zip(*((seconds(True), seconds(False)) for _ in range(8)), strict=True))
    finally:
        torch.set_num_threads(threads)
    return "bf16" if half < 0.8 * full else "fp32"
