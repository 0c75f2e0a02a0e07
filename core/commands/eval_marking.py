"""`pcvos eval --marking`: marking scored with a simulated annotator."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from core.commands.progress import FrameProgress
from core.commands.result_places import check_writable
from core.errors import PCVOSError
from core.evaluation.dataset import Layout, find_sequences
from core.evaluation.marking import (
    CaseResult,
    GrabCutMethod,
    Kind,
    LearnedMethod,
    Method,
    annotate,
    marked_cases,
    marking_table,
)
from core.evaluation.tables import table_lines
from core.files import atomic_write
from core.marking.marker import Marker
from core.network.checkpoint import load_network
from core.network.marking_weights import load_marking

Say = Callable[[str], None]

JSON = "marking.json"


def evaluate_marking(
    dataset: Path,
    layout: Layout,
    split: str | None,
    limit: int | None,
    kind: Kind,
    every: int,
    weights: Path | None,
    marking_weights: Path | None,
    device: str,
    output: Path | None,
    say: Say,
) -> None:
    """Print IoU after so many marks, NoC and the time of a mark, for the network and for GrabCut.

    Args:
        dataset, layout, split, limit: as `find_sequences` takes them. kind: what the first mark is.
        every: every so many frames that have a mask. output: also write each case to `marking.json` there.

    Raises:
        PCVOSError: the data set, the weights or the place cannot be used.
    """
    if every < 1:
        raise PCVOSError(f"--every {every} leaves no frame: give 1 or more.")
    if output is not None:
        check_writable(output)
    sequences = find_sequences(dataset, layout, split, limit)
    network = load_network(weights, device)
    marker = Marker(network, load_marking(marking_weights, next(network.parameters()).device))
    methods: tuple[Method, ...] = (LearnedMethod(marker), GrabCutMethod())
    found: dict[str, list[CaseResult]] = {method.name: [] for method in methods}
    total = sum(-(-sequence.count_frames() // every) for sequence in sequences)
    with FrameProgress("marking", total) as progress:
        for case in marked_cases(sequences, every):
            for method in methods:
                result = annotate(method, case, kind)
                if result is not None:
                    found[method.name].append(result)
            progress.advance(1)
    if not any(found.values()):
        raise PCVOSError(f"No frame of {dataset} shows an object that could be marked: check --every and the masks.")
    for line in table_lines(marking_table(list(found.items()), kind)):
        say(line)
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        cases = {name: [asdict(case) for case in cases] for name, cases in found.items()}
        content = {"first mark": kind, "every": every, "methods": cases}
        atomic_write(output / JSON, json.dumps(content, indent=1).encode())
