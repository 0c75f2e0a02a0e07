"""The load on a GPU while something runs: kernels launched, and times that the host waits."""

import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch


@dataclass(frozen=True)
class Counted:
    """`waits`: by file and line. `busy`: share of the (profiled) time that the device works, 0 to 1."""

    launches: int
    waits: Counter[str]
    busy: float


def count(run: Callable[[], object], device: torch.device) -> Counted | None:
    """Run it twice and count; None where the device is not a CUDA device."""
    if device.type != "cuda":
        return None
    waits = _waits(run)
    activities = [torch.profiler.ProfilerActivity.CPU, torch.profiler.ProfilerActivity.CUDA]
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    with torch.profiler.profile(activities=activities) as profile:
        begin.record()
        run()
        end.record()
        torch.cuda.synchronize(device)
    events = profile.key_averages()
    busy = sum(event.self_device_time_total for event in events) / 1e3 / max(begin.elapsed_time(end), 1e-6)
    return Counted(sum(event.count for event in events if "LaunchKernel" in event.key), waits, busy)


def _waits(run: Callable[[], object]) -> Counter[str]:
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            run()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    return Counter(f"{Path(one.filename).name}:{one.lineno}" for one in told if "synchroniz" in str(one.message))
