"""The fastest way of this machine to run a network on its CPU: measured once (`core.benchmark.timing`), kept, and
read from then on."""

import hashlib
import json
import logging
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import platformdirs
import torch
from pydantic import TypeAdapter, ValidationError

from core.benchmark.bench import processor
from core.benchmark.timing import Measured, measure, most_threads
from core.errors import PCVOSError
from core.files import atomic_write
from core.network.choices import DEFAULT, Choices
from core.network.marking_weights import DEFAULT_MARKING_WEIGHTS
from core.network.pcvos import PCVOS
from core.progress import UNWATCHED, Progress

log = logging.getLogger(__name__)

SWITCH = "PCVOS_MEASURE"
"""Environment variable; "off": nothing is measured, and networks run as by default."""

_MEASURED = TypeAdapter(Measured)


def choices_for(network: PCVOS, progress: Progress = UNWATCHED) -> Choices:
    """The choices for a network that is not yet prepared: as they were measured before, or else measured now, which
    takes some seconds.

    Raises:
        Cancelled: it is not wanted any more.
    """
    if not is_wanted():
        return DEFAULT
    return _applied(recall(network) or measure_and_keep(network, progress))


def known_choices(network: PCVOS) -> Choices:
    """The same where they were measured before; the default ones otherwise."""
    measured = recall(network) if is_wanted() else None
    return _applied(measured) if measured else DEFAULT


def _applied(measured: Measured) -> Choices:
    torch.set_num_threads(measured.choices.threads or most_threads())
    return measured.choices


def is_measured(network: PCVOS) -> bool:
    """Whether `choices_for` need not measure."""
    return not is_wanted() or recall(network) is not None


def is_wanted() -> bool:
    """Whether networks run by what was measured."""
    return os.environ.get(SWITCH, "").lower() not in ("off", "0", "no")


def measure_and_keep(network: PCVOS, progress: Progress = UNWATCHED) -> Measured:
    """Measure, and note it for later; where nothing can be noted it is measured the next time too."""
    begin = time.perf_counter()
    measured = measure(network, progress)
    log.info("this machine was measured in %.1f s: %s", time.perf_counter() - begin, describe(measured.choices))
    with suppress(OSError, PCVOSError):
        file = cache_file()
        file.parent.mkdir(parents=True, exist_ok=True)
        kept = _kept()
        kept[_key(network)] = _MEASURED.dump_python(measured, mode="json")
        atomic_write(file, json.dumps(kept, indent=1).encode())
    return measured


def describe(choices: Choices) -> dict[str, Any]:
    """Choices as run.json has them."""
    winograd = "all that can" if choices.winograd is None else sorted(choices.winograd)
    layout = "channels-last" if choices.channels_last else "channels-first"
    return {
        "precision": choices.precision,
        "layout": layout,
        "threads": choices.threads,
        "marking": choices.marking,
        "winograd": winograd,
    }


# what was measured before


def cache_file() -> Path:
    """File in which it is kept; can be deleted at any time."""
    return platformdirs.user_cache_path("pcvos-studio", appauthor=False) / "machine.json"


def recall(network: PCVOS) -> Measured | None:
    """The measurement of this network on this machine; None: there is none."""
    try:
        return _MEASURED.validate_python(_kept()[_key(network)])
    except (KeyError, ValidationError):  # of another version, or damaged
        return None


def _kept() -> dict[str, Any]:
    try:
        kept = json.loads(cache_file().read_bytes())
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def _key(network: PCVOS) -> str:
    machine = f"{processor()}, {torch.backends.cpu.get_cpu_capability()}, {most_threads()} threads"
    weights = network.weights_fingerprint[:16]
    with suppress(OSError):  # without marking weights the rest is measured nevertheless
        weights += f", marking {hashlib.sha256(DEFAULT_MARKING_WEIGHTS.read_bytes()).hexdigest()[:16]}"
    return f"{machine}, torch {torch.__version__}, {network.config.name} {weights}"


def report(measured: Measured) -> Sequence[str]:
    """Lines for a terminal."""
    lines = []
    for timing in measured.timings:
        cells = ", ".join(f"{name} {ms:.1f} ms" for name, ms in timing.ms.items())
        lines.append(f"{timing.what}: {cells}: {timing.taken}")
    return [*lines, *measured.notes, f"Taken: {in_words(measured.choices)}."]


def in_words(choices: Choices) -> str:
    """Choices as a part of a sentence."""
    few = "all that can" if choices.winograd is None else f"{len(choices.winograd)} convolutions"
    words = describe(choices) | {"winograd": few, "threads": choices.threads or "as they are"}
    return ", ".join(f"{name} {value}" for name, value in words.items())
