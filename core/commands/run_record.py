"""`run.json`: what a run was made from and how it went, and whether another one may go on with it."""

import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import torch
from pydantic import ConfigDict, TypeAdapter

from core.errors import PCVOSError
from core.files import atomic_write

NAME = "run.json"

State = Literal["running", "done", "interrupted", "failed"]

_PACKAGES = ("pcvos-studio", "torch", "numpy", "av", "opencv-python")


@dataclass(frozen=True)
class RunRecord:
    """The content of `run.json`.

    Attributes:
        command: the command line.
        state: "running" is also what a run leaves that was killed.
        started: when the run, or its continuation, began: ISO 8601, with the zone.
        device: where the network ran. passed_over: why not on a better device that seems to be there; "" if none is.
        choices: how it ran on a CPU, by what was measured there (`core.benchmark.machine`).
        memory_at_most: bytes that the run takes at most, beyond the program and the network.
        frames, frames_done: how many the range has, and how many of them are in the folder.
        fps: frames written per second of propagation, since the run was last resumed.
        seconds: time by part, and in all. A run that was resumed adds up; of one that was killed the last part is
            missing.
        input, masks, weights: path, fingerprint, and what else is worth knowing. Weights and device are empty until the
            network is loaded.
        settings: by the name of their option.
        versions: of Python, of the packages, of the system.
        overlay: the overlay video, once it is complete.
        stems: names of the range's frames.
    """

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")  # a field of another version

    command: str
    started: str
    frames: int
    input: dict[str, Any]
    masks: dict[str, Any]
    settings: dict[str, Any]
    versions: dict[str, str]
    stems: list[str]
    weights: dict[str, Any] = field(default_factory=dict)
    device: str = ""
    passed_over: str = ""
    choices: dict[str, Any] = field(default_factory=dict)
    memory_at_most: int | None = None
    state: State = "running"
    frames_done: int = 0
    fps: float | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    overlay: str | None = None

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """The record in `folder`; None if there is none. Raises PCVOSError if it cannot be read as one."""
        path = folder / NAME
        try:
            return TypeAdapter(cls).validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise PCVOSError(
                f"{path} is damaged, or not of a run of this version: remove it, or choose another --output."
            ) from error

    def write(self, folder: Path) -> None:
        """Write `run.json`; raises as `core.files.atomic_write` does."""
        fields = asdict(self)
        stems = fields.pop("stems")  # last, for it is long
        atomic_write(folder / NAME, json.dumps(fields | {"stems": stems}, indent=2).encode() + b"\n")

    def check_same_run(self, now: "RunRecord", folder: Path) -> None:
        """Raise PCVOSError, saying what differs, unless input, masks, weights and settings are those of this run."""
        difference = self._difference(now)
        if difference:
            raise PCVOSError(
                f"--resume cannot go on in {folder}: {difference}; repeat the command as it was, or begin anew with "
                "--overwrite."
            )

    def _difference(self, now: "RunRecord") -> str | None:
        for what, verb in (("input", "is"), ("masks", "are"), ("weights", "are")):
            before, after = getattr(self, what), getattr(now, what)
            if after and before["fingerprint"] != after["fingerprint"]:
                return f"the {what} {after['path']} {verb} not what the run there began with ({before['path']})"
        for name in sorted(self.settings.keys() | now.settings.keys()):
            before, after = self.settings.get(name), now.settings.get(name)
            if before != after:
                return f"the run there has --{name.replace('_', '-')} {_shown(before)}, this one {_shown(after)}"
        return None


def add_seconds(*parts: Mapping[str, float]) -> dict[str, float]:
    """Sums by part."""
    names = dict.fromkeys(name for some in parts for name in some)
    return {name: round(sum(some.get(name, 0.0) for some in parts), 3) for name in names}


def versions() -> dict[str, str]:
    """Versions of what a run depends on."""
    by_package = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            by_package[package] = version(package)
        except PackageNotFoundError:
            by_package[package] = "not installed"
    return by_package | {"torch": torch.__version__, "system": platform.platform()}


def device_name(device: torch.device) -> str:
    """The device in words: its name in torch, and that of the processor."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return f"{device} ({_processor()}, {torch.get_num_threads()} threads)"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def _shown(value: Any) -> str:
    words = {None: "unset", True: "on", False: "off"}
    return words[value] if value is None or isinstance(value, bool) else str(value)
