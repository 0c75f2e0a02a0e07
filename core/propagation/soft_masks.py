"""Mask logits held in little space: a pass may have to wait for the other one before its masks can be drawn."""

import zlib
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

LIMIT = 8.0
"""Logits beyond this are as good as certain (probability within 0.0004 of 0 or 1)."""


class SoftMasks:
    """Mask logits (h, w) by frame and object, 8 bit and compressed."""

    def __init__(self) -> None:
        self._packed: dict[int, dict[int, tuple[bytes, tuple[int, ...]]]] = {}

    def put(self, frame: int, logits: Mapping[int, Tensor]) -> None:
        """Keep the logits of one frame, by object."""
        packed = self._packed[frame] = {}
        for obj, plane in logits.items():
            levels = (plane.clamp(-LIMIT, LIMIT) * (127 / LIMIT)).round().to(torch.int8).cpu().numpy()
            packed[obj] = (zlib.compress(levels.tobytes(), 1), levels.shape)

    def pop(self, frame: int) -> dict[int, Tensor]:
        """Logits by object, float32 on the CPU, exact to LIMIT / 254; nothing where nothing was put."""
        return {obj: _unpack(*packed) for obj, packed in self._packed.pop(frame, {}).items()}


def _unpack(data: bytes, shape: tuple[int, ...]) -> Tensor:
    levels = np.frombuffer(zlib.decompress(data), np.int8).reshape(shape)
    return torch.from_numpy(levels.astype(np.float32)) * (LIMIT / 127)
