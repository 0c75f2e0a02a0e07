"""Networks that many tests share."""

import copy

import hypothesis
import numpy as np
import pytest
import stand_in_weights
import torch
from pretend_device import pretend

from core.network import PAPER, PCVOS, SMALL, PCVOSConfig
from core.network.inference import prepare

hypothesis.settings.register_profile("project", deadline=None, derandomize=True)  # the same on every machine
hypothesis.settings.load_profile("project")
torch.set_num_threads(1)  # the networks see thumbnails here, and threads cost more than they give


def stand_in_network(config: PCVOSConfig) -> PCVOS:
    """A network with stand-in weights, in eval mode."""
    network = PCVOS(config).eval().requires_grad_(False)
    shapes = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    state = {key: torch.from_numpy(np.asarray(stand_in_weights.weight(key, s))) for key, s in shapes.items()}
    network.load_state_dict(state)
    return network


@pytest.fixture(scope="session")
def plain_paper_network() -> PCVOS:
    """The published architecture with stand-in weights, as `PCVOS(PAPER)` makes it."""
    return stand_in_network(PAPER)


@pytest.fixture(scope="session")
def paper_network(plain_paper_network: PCVOS) -> PCVOS:
    """The same, prepared for inference."""
    return prepare(copy.deepcopy(plain_paper_network))


@pytest.fixture(scope="session")
def small_network() -> PCVOS:
    """The small preset with stand-in weights, prepared for inference."""
    return prepare(stand_in_network(SMALL))


@pytest.fixture(scope="session")
def small_network_on_pretend_device() -> PCVOS:
    """The same on `pretend_device`'s GPU."""
    with pretend("cuda"):
        return prepare(stand_in_network(SMALL), torch.device("cuda"))
