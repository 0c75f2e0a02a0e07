"""`pcvos eval`: J and F of propagation, or of masks made elsewhere, on a folder of sequences."""

import json
import os
import shlex
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.benchmark.machine import choices_for, describe
from core.commands.frame_progress import FrameProgress
from core.commands.result_places import check_writable
from core.commands.run_record import device_name, versions
from core.commands.terminal import Say
from core.errors import PCVOSError
from core.evaluation.dataset import Layout, SequenceFolder, find_sequences
from core.evaluation.page import PICTURES, report_page
from core.evaluation.pictures import Picture, picture_worst
from core.evaluation.results import RunResults, all_tables, runs_as_json, scores_csv
from core.evaluation.sequence_runner import (
    Round,
    SequenceRunner,
    Variant,
    counted_frames,
    judge_masks,
    too_short,
    variants,
)
from core.evaluation.tables import table_lines
from core.evaluation.truth import Truth, read_masks, read_truth
from core.files import atomic_write, disk_error
from core.masks.label_map import write_label_map
from core.masks.packed_labels import PackedLabels
from core.media import FrameSource, open_media
from core.network.checkpoint import DEFAULT_WEIGHTS, load_network
from core.studio.run_settings import RunSettings

CSV, JSON, PAGE, MASKS = "scores.csv", "scores.json", "report.html", "masks"
NOT_SCORED = ("interval", "refinement", "soft", "exact", "cache_bytes")  # told elsewhere, or of no run here


@dataclass(frozen=True)
class EvalRequest:
    """The command line's request.

    Attributes:
        dataset, layout, split, limit: as `find_sequences` takes them.
        settings: of every run, but for its interval and what is switched off; with weights and device.
        intervals, without, ablations: as `variants` takes them.
        corrections: how many the simulated annotator makes in each sequence.
        predictions: a folder of masks to score instead of running anything.
        output: the folder for the reports; None: only the tables on stdout.
        save_masks: also write the masks there, of the last round.
        overwrite: replace an earlier evaluation in `output`.
    """

    dataset: Path
    settings: RunSettings
    layout: Layout = "davis"
    split: str | None = None
    limit: int | None = None
    intervals: tuple[int, ...] = (5,)
    without: tuple[str, ...] = ()
    ablations: bool = False
    corrections: int = 0
    predictions: Path | None = None
    output: Path | None = None
    save_masks: bool = False
    overwrite: bool = False


def evaluate(request: EvalRequest, say: Say, note: Say, warn: Say) -> None:
    """Do what `request` asks. What is found by then is also written when it ends early.

    Args:
        say: takes the tables, a line at a time. note: takes where the reports are. warn: takes a sentence on each
            sequence that is left out.

    Raises:
        PCVOSError: the data set, a mask, the weights, the place or a setting cannot be used.
        KeyboardInterrupt: with a sentence on what was written.
    """
    _check(request)
    chosen = variants(request.settings.propagation, request.intervals, request.without, request.ablations)
    sequences = find_sequences(request.dataset, request.layout, request.split, request.limit)
    if request.predictions:
        work: _Evaluation = _Predictions(request, sequences, warn)
    else:
        work = _Propagation(request, sequences, warn, chosen)
    try:
        work.work()
    except (PCVOSError, KeyboardInterrupt) as error:
        written = work.write(complete=False)
        if isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt(f"Interrupted after {work.done} of {len(sequences)} sequences{written}.") from None
        if written:
            warn(f"Stopped after {work.done} of {len(sequences)} sequences{written}.")
        raise
    if not work.done:
        raise PCVOSError(
            f"No sequence of {request.dataset} has a frame that counts: masks are needed behind the first."
        )
    for i, table in enumerate(all_tables(work.runs)):
        for line in ("",) * bool(i) + tuple(table_lines(table)):
            say(line)
    if work.write(complete=True):
        note(f"{CSV}, {JSON} and {PAGE} are in {request.output}.")


class _Evaluation(ABC):
    """Goes through the sequences, keeps what was found, and writes it."""

    def __init__(self, request: EvalRequest, sequences: Sequence[SequenceFolder], warn: Say):
        self.request, self.sequences = request, sequences
        self.runs: list[RunResults] = []
        self.done = 0
        self._warn = warn
        self._began, self._started = time.perf_counter(), datetime.now().astimezone().isoformat(timespec="seconds")
        self._left_out: dict[str, str] = {}
        self._pictures: list[Picture] = []
        self._stems: dict[str, Sequence[str]] = {}
        self._facts: dict[str, Any] = {}

    def work(self) -> None:
        """Do all sequences, one after the other."""
        frames = sum(sequence.count_frames() for sequence in self.sequences)
        with FrameProgress("Evaluating", frames * self.runs_per_frame()) as progress:
            for sequence in self.sequences:
                with open_media(sequence.frames) as media:
                    truth = read_truth(sequence, media, self._warn)
                    if why := too_short(truth, self.request.corrections):
                        self._leave_out(sequence.name, why)
                        continue
                    scored = self.score(sequence.name, media, truth, progress.advance)
                    self._stems[sequence.name] = list(media.stems)
                for run, rounds in zip(self.runs, scored, strict=True):
                    run.rounds[sequence.name] = rounds
                self.done += 1

    @abstractmethod
    def runs_per_frame(self) -> int:
        """Number of times that each frame is drawn or read, about."""

    @abstractmethod
    def score(self, name: str, media: FrameSource, truth: Truth, advance: Callable[[int], None]) -> list[list[Round]]:
        """The rounds of one sequence, for each of `runs`."""

    def keep_pictures(self, scored: Round, masks: dict[int, PackedLabels], truth: Truth, media: FrameSource) -> None:
        """Draw the worst frames, if there will be a page."""
        if self.request.output:
            self._pictures += picture_worst(scored.scores, masks, truth, media)
            self._pictures = sorted(self._pictures, key=lambda picture: picture.j)[:PICTURES]

    def write(self, complete: bool) -> str:
        """Write the reports, where they are wanted and there is something to say; where they are, for a sentence."""
        output = self.request.output
        if output is None or not self.done:
            return ""
        _make_folder(output)
        record = self._record(complete)
        atomic_write(output / CSV, scores_csv(self.runs).encode())
        atomic_write(output / JSON, json.dumps(record, indent=1).encode() + b"\n")
        page = report_page(self._shown_facts(record), self.runs, self._pictures, self._stems)
        atomic_write(output / PAGE, page.encode("utf-8", "backslashreplace"))
        return f"; their scores are in {output}"

    def _leave_out(self, name: str, why: str) -> None:
        self._left_out[name] = why
        self._warn(f"{name} is left out: {why}.")

    def _record(self, complete: bool) -> dict[str, Any]:
        request = self.request
        return {
            "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
            "started": self._started,
            "complete": complete,
            "seconds": round(time.perf_counter() - self._began, 1),
            "dataset": {
                "path": str(request.dataset.absolute()),
                "layout": request.layout,
                "split": request.split,
                "sequences": self.done,
                "left_out": self._left_out,
            },
            **self._facts,
            "versions": versions(),
            "machine": {"cores": os.cpu_count(), "threads": torch.get_num_threads()},
            "runs": runs_as_json(self.runs, self._stems),
        }

    def _shown_facts(self, record: dict[str, Any]) -> dict[str, Any]:
        dataset = record["dataset"]
        facts = {
            "data set": f"{dataset['path']} ({dataset['layout']}, {dataset['sequences']} sequences)",
            "split": dataset["split"] or "all",
            "left out": ", ".join(self._left_out) or "none",
            "complete": "yes" if record["complete"] else f"no: {self.done} of {len(self.sequences)} sequences",
        }
        for what in ("predictions", "weights", "settings", "device", "versions"):
            value = record.get(what)
            if value is not None:
                facts[what] = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else value
        return facts | {"started": f"{record['started']}, {record['seconds']} s", "command": record["command"]}


class _Predictions(_Evaluation):
    """Masks that are there already."""

    def __init__(self, request: EvalRequest, sequences: Sequence[SequenceFolder], warn: Say):
        super().__init__(request, sequences, warn)
        self.runs = [RunResults("predictions")]
        assert request.predictions is not None, "nothing to score"
        self._folder = request.predictions
        self._facts = {"predictions": str(self._folder.absolute())}
        for sequence in sequences:
            if not (self._folder / sequence.name).is_dir():
                raise PCVOSError(
                    f"There is no folder {self._folder / sequence.name}: --predictions needs one for each "
                    "sequence, or a --split that leaves this one out."
                )

    def runs_per_frame(self) -> int:
        return 1

    def score(self, name: str, media: FrameSource, truth: Truth, advance: Callable[[int], None]) -> list[list[Round]]:
        folder = self._folder / name
        masks, _ = read_masks(folder, name, media, self._warn)
        counted = counted_frames(truth)
        if missing := [frame for frame in counted if frame not in masks]:
            raise PCVOSError(
                f"{folder} lacks the masks of {len(missing)} of {len(counted)} frames that count, the first is "
                f"{media.stems[missing[0]]}.png: add them."
            )
        scored = Round(judge_masks(name, truth, masks))
        advance(len(media))
        self.keep_pictures(scored, masks, truth, media)
        return [[scored]]


class _Propagation(_Evaluation):
    """Masks that the network makes."""

    def __init__(self, request: EvalRequest, sequences: Sequence[SequenceFolder], warn: Say, chosen: Sequence[Variant]):
        super().__init__(request, sequences, warn)
        self.runs = [RunResults(own.name, own.settings.interval, own.without) for own in chosen]
        self._distinct = {own.effective: own for own in reversed(chosen)}
        if len(self._distinct) == 1 and not request.corrections:  # then no feature is asked for twice
            chosen = [replace(own, settings=replace(own.settings, cache_bytes=0)) for own in chosen]
            self._distinct = {chosen[0].effective: chosen[0]}
        self._variants = chosen
        engine = request.settings.engine
        self._network = load_network(engine.weights, engine.device, choices_for)
        path = engine.weights or DEFAULT_WEIGHTS
        self._facts = {
            "weights": {"path": str(path.absolute()), "fingerprint": self._network.weights_fingerprint},
            "settings": _settings(request),
            "device": device_name(next(self._network.parameters()).device),
            "choices": describe(self._network.choices),
        }

    def runs_per_frame(self) -> int:
        return len(self._distinct) * (1 + 2 * self.request.corrections)  # with corrections, in both directions

    def score(self, name: str, media: FrameSource, truth: Truth, advance: Callable[[int], None]) -> list[list[Round]]:
        runner = SequenceRunner(self._network, name, media, truth, advance)
        masks: dict[int, PackedLabels] = {}
        first = self._variants[0].effective
        rounds: dict[Any, list[Round]] = {}
        for effective, variant in self._distinct.items():
            folders = self._mask_folders(effective, name)
            keeps = effective == first and self.request.output is not None

            def take(
                number: int, frame: int, labels: np.ndarray, keeps: bool = keeps, folders: list[Path] = folders
            ) -> None:
                if keeps and number == 0 and frame in truth.masks:
                    masks[frame] = PackedLabels(labels)
                for folder in folders if number == self.request.corrections else ():
                    write_label_map(folder / f"{media.stems[frame]}.png", labels)

            rounds[effective] = list(runner.run(variant, self.request.corrections, take))
        self.keep_pictures(rounds[first][0], masks, truth, media)
        return [rounds[own.effective] for own in self._variants]

    def _mask_folders(self, effective: Any, name: str) -> list[Path]:
        """Folders for the masks of a sequence, if wanted: one for each run that comes to the same."""
        if not self.request.save_masks:
            return []
        assert self.request.output is not None, "--save-masks goes with --output"
        root = self.request.output / MASKS
        own = [variant for variant in self._variants if variant.effective == effective]
        folders = [(root / variant.folder_name if len(self._variants) > 1 else root) / name for variant in own]
        for folder in folders:
            _make_folder(folder)
        return folders


def _check(request: EvalRequest) -> None:
    """Refuse options that contradict each other, and a place that reports cannot go to."""
    if request.corrections < 0 or request.corrections > 1000:
        raise PCVOSError(f"--corrections {request.corrections}: give a number from 0 to 1000.")
    if request.predictions and (request.corrections or request.without or request.ablations or request.save_masks):
        raise PCVOSError(
            "--predictions scores masks that are there already: leave out --corrections, --without, --ablations and "
            "--save-masks."
        )
    if request.predictions and not request.predictions.is_dir():
        raise PCVOSError(f"{request.predictions} is no folder: give --predictions one with a folder for each sequence.")
    output = request.output
    if output is None:
        if request.save_masks:
            raise PCVOSError("--save-masks needs a place: give --output a folder.")
        return
    if output.exists() and not output.is_dir():
        raise PCVOSError(f"{output} is a file: give --output a folder.")
    if output.is_dir() and any(output.iterdir()) and not request.overwrite:
        raise PCVOSError(f"{output} is not empty: choose another --output, or give --overwrite.")
    check_writable(output)


def _settings(request: EvalRequest) -> dict[str, Any]:
    """All that the scores depend on, by the name of the option."""
    settings = {name: value for name, value in asdict(request.settings.propagation).items() if name not in NOT_SCORED}
    settings["resolution"] = settings["resolution"] or "native"
    return settings | {
        "interval": list(request.intervals),
        "without": list(request.without),
        "ablations": request.ablations,
        "corrections": request.corrections,
    }


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(error, folder) from error
