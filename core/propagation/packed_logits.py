"""Mask logits held in little space: a pass may have to wait for the other one before its masks can be drawn."""

import zlib
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from core.network.transfer import download

LIMIT = 8.0
"""Logits beyond this are as good as certain (probability within 0.0004 of 0 or 1)."""


class PackedLogits:
    """Mask logits (h, w) by frame and object, 8 bit and compressed."""

    def __init__(self) -> None:
        self._packed: dict[int, dict[int, tuple[bytes, tuple[int, ...]]]] = {}

    def put(self, frames: Sequence[int], logits: Mapping[int, Tensor]) -> None:
        """Keep the logits (D, h, w) of D frames, by object."""
        levels = [(p.clamp(-LIMIT, LIMIT) * (127 / LIMIT)).round().to(torch.int8) for p in logits.values()]
        planes = dict(zip(logits, download(levels), strict=True))
        for i, frame in enumerate(frames):
            self._packed[frame] = {o: (zlib.compress(p[i].tobytes(), 1), p[i].shape) for o, p in planes.items()}

    def pop(self, frame: int) -> dict[int, np.ndarray]:
        """Logits by object, float32, to within LIMIT / 254; nothing where nothing was put."""
        return {obj: _unpack(*packed) for obj, packed in self._packed.pop(frame, {}).items()}


def _unpack(data: bytes, shape: tuple[int, ...]) -> np.ndarray:
    levels = np.frombuffer(zlib.decompress(data), np.int8).reshape(shape)
    return levels.astype(np.float32) * np.float32(LIMIT / 127)
