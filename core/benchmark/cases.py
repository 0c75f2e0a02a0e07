"""The timed cases: one clip of five frames, by the plain transcription and by the engine, from the same memory."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.benchmark.baseline import Bank, PlainInference
from core.media.arrays import ArraySource
from core.network.config import PCVOSConfig
from core.network.imagenet import normalise
from core.network.pcvos import PCVOS
from core.propagation import PropagationSettings, Propagator
from core.propagation.settings import Precision

INTERVAL = 5


@dataclass(frozen=True)
class Case:
    """Footage size (H, W), objects, and frames in memory."""

    size: tuple[int, int]
    objects: int
    memory: int


def random_network(config: PCVOSConfig, seed: int = 0) -> PCVOS:
    """A network whose activations stay in a sensible range: speed does not depend on what the weights are, but it
    does on numbers that underflow."""
    torch.manual_seed(seed)
    network = PCVOS(config).eval().requires_grad_(False)
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
        if name.endswith((".bn3", "value_encoder.layer3.1.bn2")):
            nn.init.constant_(module.weight, 0.3)
    return network


def footage(case: Case, seed: int = 0, count: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Frames uint8 (T, H, W, 3) and label maps (memory, H, W): textured, with moving discs. T is `count`, or
    memory + INTERVAL + 1."""
    rng = np.random.default_rng(seed)
    height, width = case.size
    count = count or case.memory + INTERVAL + 1
    coarse = rng.integers(0, 255, (height // 8 + 8, width // 8 + count + 8, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    frames = np.stack([coarse[:height, 8 * i : 8 * i + width] for i in range(count)])
    y, x = np.mgrid[:height, :width]
    labels = np.zeros((case.memory, height, width), np.uint8)
    for i in range(case.memory):
        for o in range(case.objects):
            centre = (o + 1) * width / (case.objects + 1) + 2 * i
            labels[i][(y - height / 2) ** 2 + (x - centre) ** 2 < (height / 5) ** 2] = o + 1
    return frames, labels


class PlainCase:
    """The transcription, its memory filled once; every call of `clip` predicts the same clip."""

    def __init__(self, network: PCVOS, case: Case, device: torch.device):
        self.network, self.case, self.device = network.to(device), case, device
        self.frames, labels = footage(case)
        inputs = self._inputs(self.frames[: case.memory])
        inference = PlainInference(self.network, inputs, case.objects, INTERVAL)
        inference.enabled = list(range(1, case.objects + 1))
        masks = torch.stack([torch.from_numpy(labels == o) for o in inference.enabled]).float().unsqueeze(2)
        inference.prob[1:] = F.pad(masks.to(device), self._pad())
        with torch.inference_mode():
            for i in range(case.memory):
                trunk = self.network.key_encoder(inputs[i : i + 1])
                inference._remember(i, trunk.f16, self.network.key_proj(trunk.f16))
        self.banks = [(bank.keys, bank.values) for bank in inference.banks]

    @torch.inference_mode()
    def clip(self) -> dict[str, float]:
        """Predict a clip, remember its last frame, draw label maps; seconds by part."""
        clip = self.frames[self.case.memory : self.case.memory + INTERVAL]
        inference = PlainInference(self.network, self._inputs(clip), self.case.objects, INTERVAL)
        inference.enabled = list(range(1, self.case.objects + 1))
        inference.banks = [Bank(keys, values) for keys, values in self.banks]
        f16, key = inference._segment(range(INTERVAL))
        inference._remember(INTERVAL - 1, f16[-1:], key[-1:])
        left, _, top, _ = self._pad()
        height, width = self.case.size
        inference.prob[:, :, 0, top : top + height, left : left + width].argmax(0).to(torch.uint8).cpu().numpy()
        return inference.seconds

    def _inputs(self, frames: np.ndarray) -> Tensor:
        return F.pad(normalise(torch.from_numpy(frames).to(self.device).permute(0, 3, 1, 2)), self._pad())

    def _pad(self) -> tuple[int, int, int, int]:
        (top, bottom), (left, right) = (((-n % 16) // 2, -n % 16 - (-n % 16) // 2) for n in self.case.size)
        return left, right, top, bottom


class EngineCase:
    """The engine through its public face: the memory's frames are permanent, a run draws the clip behind them.

    Args:
        network: as `prepare` leaves it.
    """

    def __init__(self, network: PCVOS, case: Case, precision: Precision):
        self.case = case
        frames, labels = footage(case)
        settings = PropagationSettings(interval=INTERVAL, resolution=None, precision=precision)
        self.propagator = Propagator(network, ArraySource(frames), settings)
        self.propagator.measures_parts = True
        for i, mask in enumerate(labels):
            self.propagator.memory.add(i, mask, range(1, case.objects + 1))
        self.clip()  # encodes permanent memory

    def clip(self, cached: bool = False) -> dict[str, float]:
        """Predict a clip, remember its last frame, draw label maps; seconds by part.

        Args:
            cached: whether the frame features of the call before may be used.
        """
        if not cached:
            self.forget()
        before = self.propagator.seconds
        # One frame more than the clip, so that the clip's last frame enters memory; the generator stops before it.
        run = self.propagator.run(self.case.memory, self.case.memory + INTERVAL)
        next(run)
        run.close()
        return {part: seconds - before.get(part, 0.0) for part, seconds in self.propagator.seconds.items()}

    def forget(self) -> None:
        """Let go of the frame features."""
        self.propagator.cache.clear()
