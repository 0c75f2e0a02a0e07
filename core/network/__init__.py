"""The PCVOS network: the boxes of the paper's Figure 2, one a file."""

from core.network.checkpoint import load_network, save_network
from core.network.config import PAPER, PRESETS, SMALL, PCVOSConfig
from core.network.pcvos import PCVOS

__all__ = ["PAPER", "PCVOS", "PRESETS", "SMALL", "PCVOSConfig", "load_network", "save_network"]
