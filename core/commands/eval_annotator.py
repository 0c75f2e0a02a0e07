"""`pcvos eval --annotator`: what right masks cost a simulated annotator, by the way the next frame is chosen."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core.benchmark.machine import choices_for
from core.commands.frame_progress import FrameProgress
from core.commands.result_places import check_writable
from core.commands.terminal import Say
from core.errors import PCVOSError
from core.evaluation.annotator import (
    POLICIES,
    TOUCHED,
    AnnotatedRound,
    Annotator,
    Policy,
    annotator_table,
    touched_table,
)
from core.evaluation.dataset import Layout, find_sequences
from core.evaluation.tables import table_lines
from core.evaluation.truth import read_truth
from core.files import atomic_write
from core.marking.marker import Marker
from core.media import open_media
from core.network.checkpoint import load_network
from core.network.marking_weights import DEFAULT_MARKING_WEIGHTS, load_marking
from core.studio.run_settings import RunSettings

JSON = "annotator.json"


@dataclass(frozen=True)
class AnnotatorRequest:
    """The command line's request.

    Attributes:
        dataset, layout, split, limit: as `find_sequences` takes them. settings: with device and weights.
        rounds: corrections. marks: the most for one object on one frame.
        touched: also draw only what corrections touch, and compare.
        output: a folder for `annotator.json`; with the same request it goes on where it was interrupted.
    """

    dataset: Path
    layout: Layout
    split: str | None
    limit: int | None
    settings: RunSettings
    marking_weights: Path | None
    rounds: int
    marks: int
    output: Path | None
    touched: bool = False

    @property
    def ways_of_working(self) -> dict[str, tuple[Policy, bool]]:
        """Policy, and whether only what corrections touch is drawn, by name."""
        ways: dict[str, tuple[Policy, bool]] = {policy: (policy, False) for policy in POLICIES}
        if self.touched:  # the oracle costs as much, and tells no more of this
            ways |= {policy + TOUCHED: (policy, True) for policy in POLICIES if policy != "worst"}
        return ways


def evaluate_annotator(request: AnnotatorRequest, say: Say, warn: Say) -> None:
    """Print J&F after each correction, the area under it, marks to the targets and seconds, a row for each policy.

    Raises:
        PCVOSError: the data set, the weights or the place cannot be used.
    """
    if not 0 <= request.rounds <= 100 or not 1 <= request.marks <= 100:
        raise PCVOSError("--annotator takes 0 to 100 rounds, and --marks 1 to 100 of them.")
    if request.output is not None:
        check_writable(request.output)
    sequences = find_sequences(request.dataset, request.layout, request.split, request.limit)
    network = load_network(request.settings.engine.weights, request.settings.device, choices_for)
    marker = Marker(network, load_marking(request.marking_weights, next(network.parameters()).device))
    facts = _facts(request, network.weights_fingerprint)
    done = _read(request.output, facts)
    works = request.ways_of_working
    total = sum(s.count_frames() for s in sequences) * len(works) * (1 + 2 * request.rounds)
    with FrameProgress("Annotating", total) as progress:
        for sequence in sequences:
            if sequence.name in done:
                progress.advance(sequence.count_frames() * len(works) * (1 + 2 * request.rounds))
                continue
            with open_media(sequence.frames) as media:
                truth = read_truth(sequence, media, warn)
                settings = request.settings.propagation
                work = Annotator(network, marker, media, truth, settings, request.marks, progress.advance)
                done[sequence.name] = {name: work.work(how[0], request.rounds, how[1]) for name, how in works.items()}
            _write(request.output, facts, done)
    sequence_rounds = {name: [done[s.name][name] for s in sequences] for name in works}
    tables = [annotator_table(sequence_rounds, request.rounds, request.marks)]
    if request.touched:
        tables.append(touched_table(sequence_rounds, request.rounds))
    for table in tables:
        for line in table_lines(table):
            say(line)


def _facts(request: AnnotatorRequest, fingerprint: str) -> dict[str, Any]:
    """All that the figures depend on."""
    settings = asdict(request.settings.propagation) | {"weights": fingerprint}
    return {
        "dataset": str(request.dataset.absolute()),
        "rounds": request.rounds,
        "marks": request.marks,
        "marking weights": hashlib.sha256(
            (request.marking_weights or DEFAULT_MARKING_WEIGHTS).read_bytes()
        ).hexdigest(),
        "settings": settings,
    } | ({"touched": True} if request.touched else {})


def _read(output: Path | None, facts: dict[str, Any]) -> dict[str, dict[str, list[AnnotatedRound]]]:
    """Sequences that an interrupted evaluation with the same facts has done."""
    if output is None or not (output / JSON).is_file():
        return {}
    try:
        stored = json.loads((output / JSON).read_text())
        if stored["facts"] != facts:
            raise PCVOSError(f"{output / JSON} is of another evaluation: choose another --output.")
        return {
            name: {policy: [AnnotatedRound(**one) for one in rounds] for policy, rounds in own.items()}
            for name, own in stored["sequences"].items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PCVOSError(f"{output / JSON} is no evaluation of this kind: choose another --output.") from error


def _write(output: Path | None, facts: dict[str, Any], done: dict[str, dict[str, list[AnnotatedRound]]]) -> None:
    if output is None:
        return
    output.mkdir(parents=True, exist_ok=True)
    sequences = {name: {p: [asdict(one) for one in own] for p, own in by.items()} for name, by in done.items()}
    atomic_write(output / JSON, json.dumps({"facts": facts, "sequences": sequences}, indent=1).encode())
