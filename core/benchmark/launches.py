"""The load on a GPU while something runs: kernels launched, and times that the host waits."""

import sys
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
    waits = waits_of(run)
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


def waits_of(run: Callable[[], object]) -> Counter[str]:
    """Times that the host waits while it runs, by file and line of core/."""
    waits: Counter[str] = Counter()

    def note(message: Warning | str, *_: object, **__: object) -> None:
        if "synchroniz" in str(message):
            waits[_line_of_core()] += 1

    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.showwarning = note
            run()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    return waits


def _line_of_core() -> str:
    """The innermost line of core/ under way: a warning itself names PyTorch's line where Python code of it waits."""
    frame, root = sys._getframe(1), Path(__file__).resolve().parents[1]
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(root) and path != Path(__file__):
            return f"{path.name}:{frame.f_lineno}"
        frame = frame.f_back  # type: ignore[assignment]
    return "elsewhere"
