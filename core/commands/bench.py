"""`pcvos bench`: print how fast this machine propagates, and how much faster than the published way."""

import json
import platform
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
import typer

from core.benchmark.bench import bench, machine, report
from core.benchmark.cases import random_network
from core.benchmark.machine import SWITCH, Measured, choices_for, in_words, is_wanted, measure_and_keep
from core.benchmark.machine import report as report_choices
from core.benchmark.table import Row, TableSettings, measure, table
from core.commands.propagate import PropagateRequest, propagate
from core.commands.run_record import RunRecord
from core.errors import PCVOSError
from core.files import atomic_write
from core.masks.label_map import write_label_map
from core.media.writer import VideoWriter
from core.network import PAPER, PRESETS, load_network, save_network
from core.network.checkpoint import DEFAULT_WEIGHTS
from core.network.choices import Choices
from core.network.devices import choose_device, find_device
from core.network.pcvos import PCVOS
from core.propagation import PropagationSettings
from core.propagation.settings import Precision
from core.studio.run_settings import RunSettings

MOST_OBJECTS = 100
"""Most objects that are benched at once."""


def run_choices(weights: Path | None) -> None:
    """Measure how these weights run fastest on this machine's CPU, keep it, and say what was measured and taken."""
    typer.echo(f"{machine(torch.device('cpu'))}; milliseconds of the processor, the best of five turns")
    typer.echo("Taken: the first way, unless another is clearly faster")
    measured: list[Measured] = []

    def choose(network: PCVOS) -> Choices:
        measured.append(measure_and_keep(network))
        return measured[0].choices

    load_network(weights, "cpu", choose)
    for line in report_choices(measured[0]):
        typer.echo(line)
    if not is_wanted():
        typer.echo(f"{SWITCH} is off: runs do not go by it.")


def run_bench(device: str, height: int, cases: list[tuple[int, int]], repeats: int, precision: Precision) -> None:
    """Bench each case, (objects, memory frames), at 16:9 with `height` rows."""
    place = find_device(device)
    size = (height, 2 * round(height * 8 / 9))
    typer.echo(f"{machine(place)}; {size[1]} x {size[0]}, clips of 5 frames, medians of {repeats} turns")
    typer.echo("MiB for a clip: at its peak, beyond the network and its memory of earlier frames")
    choices = _choices(place)
    for preset, taken in choices.items() if place.type == "cpu" else ():
        typer.echo(f"{preset}: {in_words(taken)}")
    for case in cases:
        typer.echo(f"\n{case[0]} object(s), {case[1]} frames in memory")
        for line in report(bench(place, size, case, repeats, precision, choices)):
            typer.echo(line)


def _choices(device: torch.device) -> dict[str, Choices]:
    """The fastest way of each preset on this machine, as it was measured or is measured now."""
    with tempfile.TemporaryDirectory(prefix="pcvos-bench-") as folder:
        return {
            preset: load_network(_weights(preset, Path(folder)), str(device), choices_for).choices for preset in PRESETS
        }


@dataclass(frozen=True)
class TableRequest:
    """A table by clip length and objects: on which device, and with which presets."""

    device: str
    settings: TableSettings
    presets: tuple[str, ...] = ("small", "paper")


def table_request(
    device: str, height: int, intervals: list[int], objects: list[int], repeats: int, precision: Precision
) -> TableRequest:
    """From the options of the command: 16:9 with `height` rows."""
    if not all(0 < n <= MOST_OBJECTS for n in objects):
        raise PCVOSError(f"--objects takes numbers from 1 to {MOST_OBJECTS}.")
    for interval in intervals:
        PropagationSettings(interval=interval)  # refuses what cannot be
    size = (height, 2 * round(height * 8 / 9))
    return TableRequest(device, TableSettings(size, tuple(intervals), tuple(objects), repeats, precision))


def run_table(request: TableRequest, target: Path | None) -> None:
    """Measure the table, print it, and write it to `target` as JSON."""
    choice = choose_device(request.device)
    if choice.passed_over:
        typer.echo(choice.passed_over, err=True)
    height, width = request.settings.size
    typer.echo(
        f"{machine(choice.device)}; {width} x {height}, two clips or more, medians of {request.settings.repeats}"
    )
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="pcvos-bench-") as folder:
        for preset in request.presets:
            weights = _weights(preset, Path(folder))
            network = load_network(weights, str(choice.device), choices_for)
            for row in measure(network, request.settings):
                typer.echo(f"{row.preset}, L = {row.interval}, K = {row.objects} ...", err=True)
                rows.append(replace(row, end_to_end=_end_to_end(row, weights, choice.device, request, Path(folder))))
    for line in table(rows):
        typer.echo(line)
    if target is not None:
        atomic_write(target, _as_json(rows, choice.device, request).encode())


def _weights(preset: str, folder: Path) -> Path:
    """The shipped weights, or random ones of the published architecture: speed does not depend on which."""
    if preset == "small":
        return DEFAULT_WEIGHTS
    path = folder / "paper.safetensors"
    save_network(path, random_network(PAPER))
    return path


def _end_to_end(row: Row, weights: Path, device: torch.device, request: TableRequest, folder: Path) -> float | None:
    """Frames a second from an H.264 file to PNGs, as `pcvos propagate` does it."""
    settings = request.settings
    frames, labels = settings.clip(row.interval, row.objects)
    place = folder / f"{row.preset}-{row.interval}-{row.objects}"
    place.mkdir()
    with VideoWriter(place / "clip.mp4", settings.size, 25) as video:
        for frame in frames:
            video.write(frame)
    write_label_map(place / "mask.png", labels)
    asked = RunSettings(
        interval=row.interval,
        resolution=None,
        precision=settings.precision,
        distractors=False,
        cache_bytes=0,
        weights=str(weights),
        device=str(device),
    )
    run = PropagateRequest(place / "clip.mp4", place / "mask.png", place / "out", asked, mask_frame=0)
    propagate(run, *[lambda sentence: None] * 3)
    record = RunRecord.read(place / "out")
    assert record is not None, "the run has just written it"
    return record.fps


def _as_json(rows: list[Row], device: torch.device, request: TableRequest) -> str:
    facts = {
        "machine": machine(device),
        "device": str(device),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "settings": asdict(request.settings),
        "rows": [asdict(row) for row in rows],
    }
    return json.dumps(facts, indent=1) + "\n"
