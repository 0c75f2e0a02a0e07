"""Appearance of an object, as the network sees it: how well such things are usually followed.

The features that the decoder sees at stride 16 are averaged over the object where a person annotated it (masked average
pooling), and a linear function of them is added to the log odds of its masks' confidence
(`core.propagation.confidence`). The function is fitted with the rest of the confidence
(`scripts/calibrate_confidence.py`) and belongs to the network's features, as the marking network does; with other
features appearance says nothing. It is one for all of an object's frames: of the frame's own mask it tells objects
apart as well, but puts the frames of one object in a worse order.
"""

import json
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save
from torch import Tensor

from core.errors import PCVOSError
from core.files import atomic_write

DEFAULT_APPEARANCE = Path(__file__).resolve().parents[2] / "weights" / "pcvos-confidence.safetensors"
"""The file that ships."""

_METADATA_KEY, _WEIGHTS = "pcvos_confidence", "appearance"


def pooled(shares: Tensor, features: Tensor) -> Tensor:
    """Mean of a frame's features under each mask, float32 (K, C).

    Args:
        shares: of each position that each of K masks covers, float32 (K, h w), 0 to 1. features: (1, C, h, w).
    """
    sums = shares @ features[0].float().flatten(1).T
    means: Tensor = sums / shares.sum(1, keepdim=True).clamp(min=1e-6)
    return means


def load_appearance(features: str, path: Path = DEFAULT_APPEARANCE) -> np.ndarray | None:
    """What appearance says, in log odds: weights of the pooled features, and a constant behind them, float32 (C + 1,).

    Args:
        features: `PCVOS.features_fingerprint`.

    Returns:
        None if there is no such file, or it is for other features.

    Raises:
        PCVOSError: the file is damaged.
    """
    if not path.is_file():
        return None
    try:
        with safe_open(path, "np") as file:
            config = json.loads((file.metadata() or {}).get(_METADATA_KEY, "{}"))
            if config.get("features") != features:
                return None
            weights: np.ndarray = file.get_tensor(_WEIGHTS).astype(np.float32)
    except Exception as error:  # a damaged file makes safetensors raise nearly anything
        raise PCVOSError(f"{path} is not a weights file this program can read: install it again.") from error
    return weights


def save_appearance(path: Path, weights: np.ndarray, features: str) -> None:
    """Write what `load_appearance` reads, as a whole or not at all."""
    metadata = {_METADATA_KEY: json.dumps({"features": features})}
    atomic_write(path, save({_WEIGHTS: np.ascontiguousarray(weights, np.float32)}, metadata))
