"""Devices a network can run on: which there are, how much memory they have, and what their errors mean."""

import contextlib
import os
import shutil
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch

from core.errors import PCVOSError, ResourceError

NAMES = "auto, cpu, cuda, cuda:1 or mps"


@dataclass(frozen=True)
class DeviceReport:
    """One device of this machine.

    Attributes:
        name: as `find_device` takes it. title: for people.
        free_bytes, total_bytes: its memory (a CPU's: the machine's); None where it cannot be told.
        problem: why it cannot be used, in a sentence; None if it can.
    """

    name: str
    title: str
    free_bytes: int | None
    total_bytes: int | None
    problem: str | None = None


@dataclass(frozen=True)
class Choice:
    """A device, and why a better one was passed over, in sentences; "" where there is none."""

    device: torch.device
    passed_over: str = ""


class DeviceError(PCVOSError):
    """There is no such device, or it does not work."""


class DeviceLostError(ResourceError):
    """A device has failed so that this program can do nothing more with it."""

    def __init__(self, device: torch.device):
        what = f"The device {device} has failed, and does nothing more for this program"
        super().__init__(f"{what}: start it again, or go on with the CPU.", "device lost")


def describe_devices() -> list[DeviceReport]:
    """All devices of this machine, accelerators first, those too that PyTorch cannot use."""
    reports = [_describe(torch.device("cuda", i)) for i in range(_count_gpus())]
    if not reports and (reason := why_no_gpu()):
        reports.append(DeviceReport("cuda", "GPU", None, None, reason))
    if torch.backends.mps.is_available():
        reports.append(_describe(torch.device("mps")))
    return [*reports, _describe(torch.device("cpu"))]


def find_device(device: str) -> torch.device:
    """The device of that name; raises DeviceError where there is none or it does not work."""
    return choose_device(device).device


def choose_device(device: str) -> Choice:
    """The device of that name, tried out.

    Args:
        device: "auto": the CUDA device with most free memory that works, else MPS, else the CPU. "cpu", "cuda" (as
            "auto" takes it), "cuda:1", "mps": that one.

    Raises:
        DeviceError: there is no such device, or it does not work; why, and what to do.
    """
    if device == "auto":
        return _best_device()
    try:
        wanted = torch.device(device)
    except RuntimeError as error:
        raise DeviceError(f"There is no device {device!r}: choose {NAMES}.") from error
    if wanted.type not in ("cpu", "cuda", "mps"):
        raise DeviceError(f"There is no device {device!r}: choose {NAMES}.")
    if wanted.type == "mps" and not torch.backends.mps.is_available():
        raise _no_device("There is no MPS device on this machine")
    if wanted.type == "cuda":
        wanted = _named_gpu(device, wanted.index)
    if problem := why_not(wanted):
        raise _no_device(problem.removesuffix("."))
    return Choice(wanted)


def _best_device() -> Choice:
    reasons: list[str] = []
    for device in _gpus_by_free_memory():
        if (problem := why_not(device)) is None:
            return Choice(device, " ".join(reasons))
        reasons.append(problem)
    if not reasons and (reason := why_no_gpu()):
        reasons.append(reason)
    if torch.backends.mps.is_available():
        if (problem := why_not(torch.device("mps"))) is None:
            return Choice(torch.device("mps"), " ".join(reasons))
        reasons.append(problem)
    return Choice(torch.device("cpu"), " ".join(reasons))


def _named_gpu(name: str, index: int | None) -> torch.device:
    count = _count_gpus()
    if not count:
        reason = why_no_gpu()
        raise _no_device(reason.removesuffix(".") if reason else f"There is no CUDA device {name!r} on this machine")
    if index is None:
        return _gpus_by_free_memory()[0]
    if index >= count:
        present = ", ".join(f"cuda:{i}" for i in range(count))
        raise _no_device(f"There is no CUDA device {name!r} on this machine, which has {present}")
    return torch.device("cuda", index)


def _no_device(what: str) -> DeviceError:
    return DeviceError(f"{what}: choose auto or cpu.", "no device")


def _count_gpus() -> int:
    with warnings.catch_warnings():  # `why_no_gpu` tells them
        warnings.simplefilter("ignore")
        return torch.cuda.device_count() if torch.cuda.is_available() else 0


def _gpus_by_free_memory() -> list[torch.device]:
    """CUDA devices, most free memory first; of one alone its memory is not asked, which takes a while."""
    devices = [torch.device("cuda", i) for i in range(_count_gpus())]
    return devices if len(devices) < 2 else sorted(devices, key=lambda d: -(memory_of(d)[0] or 0))


def _describe(device: torch.device) -> DeviceReport:
    problem = why_not(device)
    free, total = (None, None) if problem else memory_of(device)
    return DeviceReport(str(device), title_of(device), free, total, problem)


def title_of(device: torch.device) -> str:
    """A device in words."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type.upper()


# memory


def memory_of(device: torch.device) -> tuple[int | None, int | None]:
    """Free and total memory, bytes; None where it cannot be told."""
    if device.type == "cpu":
        memory = psutil.virtual_memory()
        return memory.available, memory.total
    try:
        if device.type == "cuda":
            return torch.cuda.mem_get_info(device)
        total = torch.mps.recommended_max_memory()
        return max(0, total - torch.mps.driver_allocated_memory()), total
    except RuntimeError:
        return None, None


def release_memory(device: torch.device) -> None:
    """Give back what PyTorch keeps for later."""
    with contextlib.suppress(RuntimeError):  # a device that has failed refuses this too
        if device.type == "cuda":
            torch.cuda.empty_cache()
        elif device.type == "mps":
            torch.mps.empty_cache()


def bytes_in_use(device: torch.device) -> int | None:
    """Memory of an accelerator that this process holds, what PyTorch keeps for later included; None where it cannot be
    told."""
    if device.type == "cuda":
        return torch.cuda.memory_reserved(device)
    return torch.mps.driver_allocated_memory() if device.type == "mps" else None


def wait_for(device: torch.device) -> None:
    """Stand still until a device has done all it was asked for."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


@contextlib.contextmanager
def float32_exactly(device: torch.device) -> Iterator[None]:
    """Inside, products of float32 are of float32: as PyTorch has it, convolutions on CUDA round them to TF32."""
    if device.type != "cuda":
        yield
        return
    convolutions, products = torch.backends.cudnn, torch.backends.cuda.matmul
    before = convolutions.allow_tf32, products.allow_tf32
    convolutions.allow_tf32 = products.allow_tf32 = False
    try:
        yield
    finally:
        convolutions.allow_tf32, products.allow_tf32 = before


# why a device cannot be used


def why_not(device: torch.device) -> str | None:
    """Why a device that is there does not work, in a sentence; None if it does: a small kernel runs on it."""
    if device.type == "cpu":
        return None
    try:
        if float(torch.ones(2, device=device).add(1).sum()) == 4:
            return None
        return f"{title_of(device)} ({device}) computes wrongly."
    except (RuntimeError, NotImplementedError) as error:  # AcceleratorError is a RuntimeError
        return f"{title_of(device)} ({device}) cannot be used: {_cause(error, device)}."


def _cause(error: Exception, device: torch.device) -> str:
    text = str(error)
    if "no kernel image" in text:
        built = ", ".join(torch.cuda.get_arch_list()) or "no GPU"
        major, minor = torch.cuda.get_device_capability(device)
        return f"it is of type sm_{major}{minor}, and PyTorch {torch.__version__} is built for {built}"
    if is_lack_of_memory(error):
        return "its memory is full; close other programs that use it"
    return " ".join(text.split("\n")[0].split()).removesuffix(".")


def why_no_gpu() -> str | None:
    """Why PyTorch sees no CUDA device although this machine seems to have an NVIDIA GPU, in a sentence with what to do;
    None if it sees one, or there is none."""
    if not _has_nvidia_gpu():
        return None
    if torch.version.cuda is None:
        what = f"PyTorch {torch.__version__} is built without CUDA"
        return f"This machine's NVIDIA GPU is not used: {what}; install a build with it (pytorch.org)."
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    if hidden is not None and not hidden.strip().strip("-1"):
        return f"This machine's NVIDIA GPU is not used: CUDA_VISIBLE_DEVICES is {hidden!r}, which hides it; unset it."
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        if torch.cuda.is_available():
            return None
    said = " ".join(str(one.message) for one in told)
    if "too old" in said:
        what = f"its driver is older than PyTorch {torch.__version__} wants"
        return f"This machine's NVIDIA GPU is not used: {what}; update the driver, or install an older PyTorch."
    detail = f" ({' '.join(said.split())[:160]})" if said else ""
    return f"This machine's NVIDIA GPU is not used: CUDA does not start{detail}; check that nvidia-smi lists it."


def _has_nvidia_gpu() -> bool:
    return Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None


# what errors mean


_LACK_OF_MEMORY = (
    "out of memory",
    "allocate memory",
    "not enough memory",
    "alloc_failed",  # cuBLAS, cuDNN
    "cudnn_status_not_initialized",  # what it says when its handle does not fit
    "unable to find an engine",  # cuDNN: none whose workspace fits
    "invalid buffer size",  # MPS
)

_DEAD = (
    "illegal memory access",
    "device-side assert",
    "unspecified launch failure",
    "misaligned address",
    "illegal instruction",
    "uncorrectable ecc",
    "hardware stack error",
    "launch timed out",
    "gpu is lost",
)


def is_lack_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, the machine's or the device's: allocators and libraries have many words for it."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _LACK_OF_MEMORY)


def is_dead(error: BaseException) -> bool:
    """Whether a device has failed so that nothing more can be done with it before this program is started anew."""
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _DEAD)
