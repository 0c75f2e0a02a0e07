"""`pcvos eval --marking`: marking scored with a simulated annotator."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Literal

from core.benchmark.machine import choices_for
from core.commands.frame_progress import FrameProgress
from core.commands.result_places import check_writable
from core.commands.terminal import Say
from core.errors import PCVOSError
from core.evaluation.corrections import SPOILT, correct, corrections_table, spoilt_cases
from core.evaluation.dataset import Layout, SequenceFolder, find_sequences
from core.evaluation.marking import Kind, annotate, marked_cases, marking_table
from core.evaluation.tables import table_lines
from core.files import atomic_write
from core.marking.marker import Marker
from core.network.checkpoint import load_network
from core.network.marking_weights import load_marking

JSON = "marking.json"


def evaluate_marking(
    dataset: Path,
    layout: Layout,
    split: str | None,
    limit: int | None,
    kind: Kind | Literal["corrections"],
    every: int,
    weights: Path | None,
    marking_weights: Path | None,
    device: str,
    output: Path | None,
    predictions: Path | None,
    say: Say,
) -> None:
    """Print IoU after so many marks, NoC and the time of a mark; or what one click makes of masks that are wrong.

    Args:
        dataset, layout, split, limit: as `find_sequences` takes them. kind: what the first mark is.
        every: every so many frames that have a mask. output: also write each case to `marking.json` there.
        predictions: the masks that are corrected, a folder for each sequence.

    Raises:
        PCVOSError: the data set, the weights or the place cannot be used.
    """
    if every < 1:
        raise PCVOSError(f"--every {every} leaves no frame: give 1 or more.")
    if (predictions is not None) != (kind == "corrections"):
        raise PCVOSError(
            "--marking corrections corrects the masks in --predictions DIR, and only that does: make them with "
            "`pcvos eval DATASET --save-masks --output OUT`, and name OUT/masks."
        )
    if output is not None:
        check_writable(output)
    sequences = find_sequences(dataset, layout, split, limit)
    network = load_network(weights, device, choices_for)
    marker = Marker(network, load_marking(marking_weights, next(network.parameters()).device))
    if predictions is not None:
        return _correct(marker, sequences, predictions, every, output, say)
    assert kind != "corrections", "it goes with predictions"
    marked = []
    total = sum(-(-sequence.count_frames() // every) for sequence in sequences)
    with FrameProgress("marking", total) as progress:
        for case in marked_cases(sequences, every):
            marked.append(annotate(marker, case, kind))
            progress.advance(1)
    if not marked:
        raise PCVOSError(f"No frame of {dataset} shows an object that could be marked: check --every and the masks.")
    for line in table_lines(marking_table(marked, kind)):
        say(line)
    _write(output, {"first mark": kind, "every": every, "cases": [asdict(case) for case in marked]})


def _correct(
    marker: Marker, sequences: Sequence[SequenceFolder], predictions: Path, every: int, output: Path | None, say: Say
) -> None:
    corrections = []
    for case, mask in spoilt_cases(sequences, predictions, every):
        corrections.append(correct(marker, case, mask))
        say(f"{corrections[-1].name}: {corrections[-1].before:.3f} to {corrections[-1].after:.3f}")
    if not corrections:
        raise PCVOSError(f"No mask in {predictions} has an IoU of {SPOILT[0]} to {SPOILT[1]}: check --every.")
    for line in table_lines(corrections_table(corrections)):
        say(line)
    _write(output, {"every": every, "corrections": [asdict(one) for one in corrections]})


def _write(output: Path | None, content: dict[str, object]) -> None:
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        atomic_write(output / JSON, json.dumps(content, indent=1).encode())
