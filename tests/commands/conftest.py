"""Footage with its masks, a network for them, and the command at its smallest."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from pcvos_command import Result, Scene, moving_disc, pcvos, write_folder, write_video

from core.masks.label_map import write_label_map
from core.network.checkpoint import DEFAULT_WEIGHTS, save_network
from core.network.config import SMALL
from core.network.pcvos import PCVOS


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Pictures this small are not worth sharing out; where other work goes on, waiting for each other takes longer."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def weights(tmp_path_factory) -> Path:
    """The shipped weights, or without them a network that knows nothing."""
    if DEFAULT_WEIGHTS.exists():
        return DEFAULT_WEIGHTS
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "untrained.safetensors"
    save_network(path, PCVOS(SMALL))
    return path


@pytest.fixture(scope="session")
def scene(tmp_path_factory, weights) -> Scene:
    folder = tmp_path_factory.mktemp("scene")
    images, labels = moving_disc()
    return Scene(write_video(folder / "clip.mp4", images), write_folder(folder / "frames", images), labels, weights)


@pytest.fixture
def mask(tmp_path, scene) -> Path:
    """The disc's true mask of frame 0, in a name that tells no frame."""
    write_label_map(tmp_path / "mask.png", scene.labels[0])
    return tmp_path / "mask.png"


@pytest.fixture
def propagate(tmp_path, scene) -> Callable[..., Result]:
    """`pcvos propagate` at its smallest, on the CPU; into `tmp_path / "out"` unless told otherwise."""

    def run(footage: Path, masks: Path, *options: object, output: Path | None = None) -> Result:
        fixed = ["--device", "cpu", "--resolution", 64, "--weights", scene.weights]
        return pcvos("propagate", footage, "--masks", masks, "--output", output or tmp_path / "out", *fixed, *options)

    return run
