"""Networks with the stand-in weights."""

import numpy as np
import stand_in_weights
import torch

from core.network import PCVOS, PCVOSConfig


def stand_in_network(config: PCVOSConfig) -> PCVOS:
    """A network with stand-in weights, in eval mode."""
    network = PCVOS(config).eval().requires_grad_(False)
    shapes = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    state = {key: torch.from_numpy(np.asarray(stand_in_weights.weight(key, s))) for key, s in shapes.items()}
    network.load_state_dict(state)
    return network
