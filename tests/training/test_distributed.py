"""Training on two processes, as torchrun starts them, and the paper's own training, in little."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from stand_in_weights import video
from training_files import photos, sequence, write_tar

from core.network import PAPER, PCVOS, SMALL
from core.network.checkpoint import read_weights
from core.training.losses import LossTerms
from core.training.stages import paper_schedule
from core.training.step import SampleLoss, StepSettings

WORKER = Path(__file__).with_name("gradient_worker.py")
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}


def run(command: list[object], folder: Path) -> None:
    """Run a command, from the root of the project; what it printed is in the failure."""
    root = Path(__file__).parents[2]
    path = os.pathsep.join([str(root), str(Path(__file__).parents[1]), str(Path(__file__).parent)])
    environment = ENVIRONMENT | {"PYTHONPATH": path}
    done = subprocess.run([str(c) for c in command], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


@pytest.fixture(scope="module")
def small_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_tar(folder / "a.tar", {**photos("things", 2), **sequence("car", 1, 10), **sequence("mallard-fly", 3, 3)})
    return folder


@pytest.mark.long
def test_two_processes_give_the_gradients_of_one_with_twice_the_batch(tmp_path: Path):
    run([*TORCHRUN, WORKER, tmp_path], tmp_path)
    one, two = (load_file(tmp_path / f"{rank}.safetensors") for rank in (0, 1))
    torch.manual_seed(3)
    network = PCVOS(SMALL)
    samples = [video(f"sample {i}", 5, 48, 48, 1 + i) for i in range(2)]
    frames = torch.stack([torch.from_numpy(f).permute(0, 3, 1, 2) for f, _ in samples])
    labels = torch.stack([torch.from_numpy(np.ascontiguousarray(m)) for _, m in samples])
    settings = StepSettings(2, 0.5, 0, 0.5, LossTerms(), None, torch.Generator().manual_seed(1))
    SampleLoss(network)(frames, labels, settings).backward()
    gradients = {name: p.grad for name, p in network.named_parameters() if p.grad is not None}
    assert set(one) == set(two) == set(gradients)
    for name, gradient in gradients.items():
        assert torch.equal(one[name], two[name]), name
        torch.testing.assert_close(one[name], gradient, atol=1e-5, rtol=1e-3, msg=name)


def losses(run_folder: Path) -> list[float]:
    with (run_folder / "log.csv").open(newline="") as file:
        return [float(row["loss"]) for row in csv.DictReader(file) if row["loss"]]


@pytest.mark.long
def test_training_on_two_processes_runs_and_resumes(small_data: Path, tmp_path: Path):
    start = Path(__file__).parents[2] / "weights" / "pcvos-small.safetensors"
    options = ["train", "--data", small_data, "--weights", start, "--run", tmp_path / "run", "--stage", "video"]
    options += ["--size", 48, "--frames", 3, "--batch", 1, "--accumulate", 2, "--workers", 0, "--device", "cpu"]
    options += ["--precision", "fp32", "--validate-every", 1000]
    run([*TORCHRUN, "-m", "--", "core.cli", *options, "--steps", 1], tmp_path)
    first = load_file(tmp_path / "run" / "network.safetensors")
    run([*TORCHRUN, "-m", "--", "core.cli", *options, "--steps", 2], tmp_path)
    progress = (tmp_path / "run" / "progress.json").read_text()
    assert '"step": 2' in progress and '"clips": 8' in progress, "two batches of one on each of two processes"
    second = load_file(tmp_path / "run" / "network.safetensors")
    assert any(not torch.equal(first[name], value) for name, value in second.items())


def resnet(blocks: tuple[int, ...], bottleneck: bool) -> dict[str, torch.Tensor]:
    """Random weights under torchvision's names, conv1 to layer3."""
    import torchvision

    make = torchvision.models.resnet50 if bottleneck else torchvision.models.resnet18
    torch.manual_seed(len(blocks))
    return {k: v for k, v in make().state_dict().items() if not k.startswith(("layer4", "fc"))}


@pytest.mark.long
def test_the_paper_network_trains_from_imagenet_weights(small_data: Path, tmp_path: Path):
    fifty, eighteen = resnet((3, 4, 6), True), resnet((2, 2, 2), False)
    save_file(fifty, tmp_path / "resnet50.safetensors")
    torch.save(eighteen, tmp_path / "resnet18.pth")
    command = [sys.executable, "-m", "core.cli", "train", "--preset", "paper", "--stage", "photos", "--size", 48]
    command += ["--init", tmp_path / "resnet18.pth", "--init", tmp_path / "resnet50.safetensors"]
    command += ["--data", small_data, "--run", tmp_path / "run", "--steps", 1, "--batch", 1, "--workers", 0]
    command += ["--device", "cpu", "--precision", "fp32", "--rate", 1e-5, "--output", tmp_path / "paper.safetensors"]
    run(command, tmp_path)
    config, state = read_weights(tmp_path / "paper.safetensors")
    assert config == PAPER
    for mine, theirs in (
        ("key_encoder.layer2.0.conv3.weight", fifty["layer2.0.conv3.weight"]),
        ("value_encoder.layer1.0.conv1.weight", eighteen["layer1.0.conv1.weight"]),
    ):
        torch.testing.assert_close(state[mine], theirs, atol=2e-3, rtol=2e-3)
    assert torch.equal(state["key_encoder.bn1.running_mean"], fifty["bn1.running_mean"]), "statistics stay"


@pytest.mark.parametrize("preset", [SMALL, PAPER], ids=lambda config: config.name)
def test_the_loss_falls_within_a_few_steps(preset: object, small_data: Path):
    """One sample again and again, by the paper's loss."""
    torch.manual_seed(0)
    network = PCVOS(preset).train()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eval()
    frames, labels = video("falls", 3, 48, 48, 1)
    frames = torch.from_numpy(frames).permute(0, 3, 1, 2)[None]
    labels = torch.from_numpy(np.ascontiguousarray(labels))[None]
    terms = paper_schedule("video").loss
    settings = StepSettings(1, 0.0, 0, 1.0, terms, None, torch.Generator().manual_seed(0))
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)
    found = []
    for _ in range(5):
        loss = SampleLoss(network)(frames, labels, settings)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append(loss.item())
    assert found[-1] < 0.9 * found[0], found
