"""`pcvos bench`: the engine against the plain transcription, interleaved, on this machine."""

import ctypes
import gc
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch

from core.benchmark.cases import INTERVAL, Case, EngineCase, PlainCase, random_network
from core.network.choices import Choices
from core.network.config import PAPER, SMALL
from core.network.devices import wait_for
from core.network.preparation import prepare
from core.propagation.settings import Precision

PARTS = ("key trunk", "key heads", "key encoder", "matching", "refinement", "decoder", "value encoder", "aggregation")


@dataclass
class Measurement:
    """Repeated timings of one way to do a clip.

    Attributes:
        clip: does it; seconds by part. forget: lets go of what `clip` left, where the next one would do so anyway.
        peak: bytes that a clip takes; nothing where it cannot be told.
    """

    name: str
    clip: Callable[[], dict[str, float]]
    forget: Callable[[], None] = lambda: None
    seconds: list[float] = field(default_factory=list)
    parts: list[dict[str, float]] = field(default_factory=list)
    peak: list[int] = field(default_factory=list)

    def once(self, device: torch.device) -> None:
        start = time.perf_counter()
        self.parts.append(self.clip())
        wait_for(device)
        self.seconds.append(time.perf_counter() - start)

    def measure_memory(self, device: torch.device) -> None:
        """One more clip, not timed: on a CPU it begins with the allocator's reserves given back."""
        self.forget()
        with peak_memory(device, self.peak):
            self.clip()

    @property
    def frames_per_second(self) -> float:
        return INTERVAL / statistics.median(self.seconds)

    def part(self, name: str) -> float:
        """Median milliseconds per frame of a part."""
        return 1000 / INTERVAL * statistics.median(p.get(name, 0.0) for p in self.parts)


def bench(
    device: torch.device,
    size: tuple[int, int],
    case: tuple[int, int],
    repeats: int,
    precision: Precision,
    choices: Mapping[str, Choices],
) -> list[Measurement]:
    """Time a case, (objects, memory frames), `repeats` times after a warm-up, taking turns.

    The engine runs each preset by its `choices`; the transcription as PyTorch does by itself. Memory is measured
    afterwards, in a clip of its own: the most that is used during it beyond what was in use before, by the process
    (CPU, Linux), or of what torch allocates (CUDA).
    """
    setting = Case(size, *case)
    plain = PlainCase(random_network(PAPER), setting, device)
    paper, small = (
        EngineCase(prepare(random_network(config), device, choices[config.name]), setting, precision)
        for config in (PAPER, SMALL)
    )
    measurements = [
        Measurement("plain paper", plain.clip),
        Measurement("paper", paper.clip, paper.forget),
        Measurement("paper, cached", lambda: paper.clip(cached=True)),
        Measurement("small", small.clip, small.forget),
        Measurement("small, cached", lambda: small.clip(cached=True)),
    ]
    for measurement in measurements:
        measurement.clip()
    for _ in range(repeats):
        for measurement in measurements:
            measurement.once(device)
    for measurement in measurements:
        measurement.measure_memory(device)
    return measurements


def report(measurements: list[Measurement]) -> Iterator[str]:
    """A table: milliseconds per frame by part, frames per second, ratio to the first (median of pairs), and the memory
    that a clip takes at its peak, beyond the network and its memory of earlier frames."""
    parts = [p for p in PARTS if any(m.part(p) >= 0.05 for m in measurements)]
    yield " ".join([f"{'ms per frame':16}", *(f"{m.name:>14}" for m in measurements)])
    for part in parts:
        yield " ".join([f"{part:16}", *(f"{m.part(part):14.1f}" for m in measurements)])
    rows = {
        "whole": [f"{1000 / m.frames_per_second:.1f}" for m in measurements],
        "frames/s": [f"{m.frames_per_second:.2f}" for m in measurements],
        "times plain": [f"{ratio(measurements[0], m):.2f}" for m in measurements],
        "MiB for a clip": [f"{max(m.peak) / 2**20:.0f}" if m.peak else "-" for m in measurements],
    }
    for name, cells in rows.items():
        yield " ".join([f"{name:16}", *(f"{cell:>14}" for cell in cells)])


def ratio(base: Measurement, other: Measurement) -> float:
    """Speed of `other` as a multiple: the median over the turns."""
    return statistics.median(b / o for b, o in zip(base.seconds, other.seconds, strict=True))


def machine(device: torch.device) -> str:
    """The machine in a line."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else processor()
    return f"{name}, {torch.get_num_threads()} threads, torch {torch.__version__}, {platform.system()}"


def processor() -> str:
    """The processor and the number of its cores, in words."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]}, {len(names)} cores" if names else platform.processor() or platform.machine()


@contextmanager
def peak_memory(device: torch.device, peaks: list[int]) -> Iterator[None]:
    """Append the most memory used inside the block beyond what was in use before; nothing where it cannot be told."""
    status, reset = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        yield
        peaks.append(torch.cuda.max_memory_allocated(device) - before)
    elif device.type == "cpu" and reset.exists() and _give_back_free_memory():
        reset.write_text("5")  # forget the peak so far
        before = _status_bytes(status, "VmRSS")
        yield
        peaks.append(_status_bytes(status, "VmHWM") - before)
    else:
        yield


def _give_back_free_memory() -> bool:
    """Return what the allocator holds in reserve to the system, so that what is taken next shows; whether it could."""
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):  # no glibc
        return False
    return True


def _status_bytes(status: Path, name: str) -> int:
    line = next(line for line in status.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024
