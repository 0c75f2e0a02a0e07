"""Runs in little: a few steps on thumbnails, by a clock that goes half a minute a step."""

import csv
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from core.commands.train import TrainRequest, train
from core.errors import PCVOSError, ResourceError
from core.network import PAPER, PCVOS, SMALL, load_network
from core.network.checkpoint import save_network
from core.training import step
from core.training import trainer as training
from core.training.clips import ClipSettings
from core.training.data import DataFolder, TrainingData
from core.training.losses import LossTerms
from core.training.precision import faster_precision
from core.training.stages import CONTINUATION, FROM_IMAGENET, Phase, Schedule, paper_schedule
from core.training.trainer import Trainer, TrainingSettings

CPU = torch.device("cpu")
MakeTrainer = Callable[..., Trainer]


@pytest.fixture
def make_trainer(data: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeTrainer:
    """A run in `tmp_path`: 64 px, clips of one frame; its losses are kept in `losses`."""
    clock = itertools.count(0, 30)
    monkeypatch.setattr(training, "time", SimpleNamespace(monotonic=lambda: float(next(clock))))

    def make(validate: Callable | None = None, seed: int = 0, **settings: object) -> Trainer:
        torch.manual_seed(7)
        schedule = Schedule((Phase(1.0, ClipSettings(size=64, length=1)),))
        defaults = {"budget_minutes": 2.0, "batch": 2, "workers": 0, "precision": "fp32", "seed": seed}
        trainer = Trainer(
            PCVOS(SMALL), data, tmp_path, TrainingSettings(**defaults | settings), CPU, validate, schedule
        )
        trainer.losses = []
        step = trainer.train_step
        trainer.train_step = lambda *args: trainer.losses.append(step(*args)) or trainer.losses[-1]
        return trainer

    return make


def parameters(network: PCVOS) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in network.named_parameters()}


def test_a_run_trains_saves_and_stops_at_its_budget(make_trainer: MakeTrainer, tmp_path: Path):
    trainer = make_trainer(validate=lambda network: 0.625)
    before = parameters(trainer.network)
    trainer.run()
    assert len(trainer.losses) == 4 and all(0 < loss < 20 for loss in trainer.losses)
    assert json.loads((tmp_path / "progress.json").read_text()) == {"step": 4, "minutes": 2.0, "clips": 8}
    after, averaged = parameters(trainer.network), parameters(trainer.ema)
    for name, value in before.items():
        assert torch.equal(after[name], value) == name.startswith(FROM_IMAGENET.frozen), name
    moved = {name for name in averaged if not torch.equal(averaged[name], before[name])}
    assert moved == {name for name in before if not name.startswith(FROM_IMAGENET.frozen)}
    distance = sum((after[n] - averaged[n]).norm() for n in moved)
    assert 0 < distance < sum((after[n] - before[n]).norm() for n in moved), "between start and end"
    saved = load_file(tmp_path / "ema.safetensors")
    assert all(torch.equal(saved[name], value) for name, value in averaged.items())
    with (tmp_path / "log.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[-1]["validation_j"] == "0.625" and rows[-1]["step"] == "4"


@pytest.mark.timeout(120)
def test_a_worker_starts_after_opencv_has_had_threads(make_trainer: MakeTrainer):
    """As a validation before a phase has them."""
    cv2.setNumThreads(4)
    try:
        cv2.remap(*np.zeros((2, 600, 600, 2), np.float32), None, cv2.INTER_LINEAR)
        trainer = make_trainer(workers=1, budget_minutes=0.5)
        trainer.run()
        assert len(trainer.losses) == 1
    finally:
        cv2.setNumThreads(-1)


def test_saved_weights_are_ready_for_inference(make_trainer: MakeTrainer, tmp_path: Path):
    make_trainer(budget_minutes=0.5).run()
    assert load_network(tmp_path / "ema.safetensors", "cpu").config == SMALL


def test_a_session_ends_and_the_next_one_goes_on(make_trainer: MakeTrainer, tmp_path: Path):
    make_trainer(session_minutes=1.0).run()
    second = make_trainer()
    assert second.progress.step == 2 and second.share == 0.5
    assert second.optimizer.state_dict()["state"], "the optimizer goes on, too"
    stored = load_file(tmp_path / "network.safetensors")
    assert all(torch.equal(value, stored[name]) for name, value in parameters(second.network).items())
    second.run()
    assert second.progress.step == 4 and len(second.losses) == 2
    third = make_trainer()
    third.run()
    assert third.losses == [], "the budget is used up"


def test_a_run_resumes_from_averaged_weights_and_progress_only(make_trainer: MakeTrainer, tmp_path: Path):
    """As they are carried from one machine to another."""
    make_trainer(session_minutes=1.0).run()
    for name in ("network.safetensors", "optimizer.pt"):
        (tmp_path / name).unlink()
    averaged = load_file(tmp_path / "ema.safetensors")
    second = make_trainer()
    for network in (second.network, second.ema):
        assert all(torch.equal(value, averaged[name]) for name, value in parameters(network).items())
    second.run()
    assert second.progress.step == 4 and all(0 < loss < 20 for loss in second.losses)


def test_an_interrupt_loses_nothing(make_trainer: MakeTrainer, tmp_path: Path):
    trainer = make_trainer()
    step = trainer.train_step

    def interrupted(*args: object) -> float:
        if trainer.progress.step == 2:
            raise KeyboardInterrupt
        return step(*args)

    trainer.train_step = interrupted
    with pytest.raises(KeyboardInterrupt):
        trainer.run()
    assert json.loads((tmp_path / "progress.json").read_text())["step"] == 2
    assert make_trainer().progress.step == 2


def test_two_trainings_do_not_write_to_one_folder(make_trainer: MakeTrainer, tmp_path: Path):
    trainer, other = make_trainer(), make_trainer()
    step = trainer.train_step

    def while_it_runs(*args: object) -> float:
        with pytest.raises(PCVOSError, match="is in use by a training that still runs: stop that one first"):
            other.run()
        return step(*args)

    trainer.train_step = while_it_runs
    trainer.run()
    assert json.loads((tmp_path / "progress.json").read_text())["step"] == 4 and other.losses == []
    make_trainer(budget_minutes=2.5).run()  # afterwards the folder is free
    assert json.loads((tmp_path / "progress.json").read_text())["step"] == 5


def test_the_same_seed_trains_the_same(make_trainer: MakeTrainer, tmp_path: Path):
    losses = []
    for seed in (0, 0, 1):
        trainer = make_trainer(seed=seed, budget_minutes=1.0)
        trainer.run()
        losses.append(trainer.losses)
        for file in tmp_path.iterdir():
            file.unlink()
    assert losses[0] == pytest.approx(losses[1]) and losses[0] != pytest.approx(losses[2])


def test_a_step_with_an_infinite_gradient_changes_nothing(
    make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    trainer = make_trainer(budget_minutes=0.5)
    before = parameters(trainer.network)
    loss = step.clip_loss
    monkeypatch.setattr(step, "clip_loss", lambda *args: loss(*args) * float("inf"))
    trainer.run()
    assert "not finite" in caplog.text
    assert all(torch.equal(value, before[name]) for name, value in parameters(trainer.network).items())
    assert all(value.isfinite().all() for value in parameters(trainer.ema).values())


def test_bfloat16_trains_as_well(make_trainer: MakeTrainer):
    trainer = make_trainer(budget_minutes=0.5, precision="bf16")
    trainer.run()
    assert 0 < trainer.losses[0] < 20


def test_a_full_disk_is_one_sentence_and_leaves_what_was_there(
    make_trainer: MakeTrainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    make_trainer(session_minutes=0.5).run()
    files = {file.name: file.read_bytes() for file in tmp_path.iterdir()}

    def fail(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(ResourceError, match="disk is full"):
        make_trainer(session_minutes=0.5).run()
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == files


# the schedule


@pytest.mark.parametrize("schedule", [FROM_IMAGENET, CONTINUATION])
def test_phases_follow_each_other(schedule: Schedule):
    phases = schedule.phases
    ends = [phase.until for phase in phases]
    assert ends == sorted(ends) and ends[-1] == 1
    assert all(phase.clips.intra_gap <= 5 and phase.clips.size % 16 == 0 for phase in phases)
    for share in torch.linspace(0, 1, 101).tolist():
        phase = schedule.phase(share)
        assert share < phase.until or phase is phases[-1]
        assert all(share >= earlier.until for earlier in phases[: phases.index(phase)])


@pytest.mark.parametrize(
    ("unit", "frames", "shape"),
    [("clip", None, (2, 3)), ("clip", 5, (2, 2)), ("clip", 9, (2, 4)), ("frame", 3, (2, 1)), ("frame", 7, (6, 1))],
)
def test_the_papers_table_2(unit: str, frames: int | None, shape: tuple[int, int]):
    """Clips or frames as the unit of training, of so many frames, with the clip loss or without."""
    schedule = paper_schedule("video", unit, frames)
    assert {(p.clips.clips, p.clips.length) for p in schedule.phases} == {shape}
    assert [p.clips.inter_gap for p in schedule.phases] == [5, 10, 15, 5]
    assert schedule.loss == LossTerms(clip=True, thin=False, absence=False)
    assert not paper_schedule("video", unit, frames, clip_loss=False).loss.clip
    assert schedule.learning_rate(0) == 1 and schedule.learning_rate(0.9) == 0.1
    assert schedule.hardest_share(0.1) == 1 and schedule.hardest_share(0.5) == pytest.approx(0.15)


def test_photos_are_the_papers_first_stage():
    (phase,) = paper_schedule("photos").phases
    assert phase.clips.video_share == 0 and phase.clips.frames == 3


@pytest.mark.parametrize(("stage", "frames"), [("video", 4), ("video", 1), ("photos", 7)])
def test_frames_that_are_no_clips_are_one_sentence(stage: str, frames: int):
    with pytest.raises(PCVOSError, match="frames"):
        paper_schedule(stage, "clip", frames)


def test_from_imagenet_there_are_two_stages():
    first, *second = FROM_IMAGENET.phases
    assert first.clips.video_share == 0, "first photos"
    gaps = [phase.clips.inter_gap for phase in second]
    assert gaps[0] == gaps[-1] == 5 and max(gaps) == 15


def test_rates_and_shares_over_a_run():
    shares = torch.linspace(0, 1, 201).tolist()
    rates = [FROM_IMAGENET.learning_rate(s) for s in shares]
    assert rates[0] == pytest.approx(0.1) and max(rates) == pytest.approx(1) and rates[-1] == pytest.approx(0.02)
    assert all(a >= b - 1e-9 for a, b in itertools.pairwise(rates[5:]))
    for share, first, last in ((FROM_IMAGENET.hardest_share, 1, 0.2), (FROM_IMAGENET.true_memory_share, 1, 0.15)):
        values = [share(s) for s in shares]
        assert values[0] == first and values[-1] == pytest.approx(last)
        assert all(a >= b for a, b in itertools.pairwise(values))


def test_a_continuation_sets_in_where_rates_begin_to_fall():
    assert CONTINUATION.learning_rate(0) == pytest.approx(0.1)
    assert CONTINUATION.learning_rate(0.01) > CONTINUATION.learning_rate(0.5) > CONTINUATION.learning_rate(1)
    assert CONTINUATION.hardest_share(0) == pytest.approx(0.2) and CONTINUATION.true_memory_share(0) == 0.15


def test_a_run_needs_one_start(tmp_path: Path):
    for start in ({}, {"init": [tmp_path / "a"], "weights": tmp_path / "b"}):
        with pytest.raises(PCVOSError, match="give one of them"):
            train(TrainRequest([], tmp_path, **start))


def test_a_run_goes_on_from_trained_weights_of_the_same_network(data_folder: Path, tmp_path: Path):
    stranger = tmp_path / "stranger.safetensors"
    save_network(stranger, PCVOS(PAPER))
    with pytest.raises(PCVOSError, match="paper network"):
        train(TrainRequest([DataFolder(data_folder)], tmp_path / "run", weights=stranger, device="cpu"))


def test_the_faster_precision_is_one_of_the_two():
    assert faster_precision(CPU) in ("fp32", "bf16")
    assert faster_precision(torch.device("cuda")) == "bf16"
