"""The published inference loop, plainly: what the engine is measured against.

A transcription of the published method's description with nothing engineered: NCHW, batch norms where they are,
whole clips in one batch, a dense affinity, one object after another, all frames and probabilities kept. It shares the
layers with the engine and nothing else; the parity tests hold it to the published numbers.
"""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from core.network.aggregation import aggregate
from core.network.devices import wait_for
from core.network.matching import TOP_K
from core.network.pcvos import PCVOS

PROGRESSIVE_INTERVAL = 5
"""Frames between additions to temporary memory: a literal in the published code."""


@dataclass
class Bank:
    """Memory of one object: keys (1, C_k, N), values (1, C_v, N)."""

    keys: Tensor | None = None
    values: Tensor | None = None

    def append(self, key: Tensor, value: Tensor) -> None:
        """Add a frame: key (1, C_k, h, w), value (1, C_v, h, w)."""
        key, value = key.flatten(2), value.flatten(2)
        self.keys = key if self.keys is None else torch.cat([self.keys, key], 2)
        self.values = value if self.values is None else torch.cat([self.values, value], 2)

    @property
    def content(self) -> tuple[Tensor, Tensor]:
        """Keys and values, once something was appended."""
        assert self.keys is not None and self.values is not None
        return self.keys, self.values


@dataclass
class PlainInference:
    """State of one video.

    Args:
        network: as `PCVOS(config)` makes it, in eval mode, not prepared for inference.
        frames: normalised and padded, (T, 3, H, W). objects: K, their number.
        interval: L. progressive: whether progressive matching is on.

    Attributes:
        prob: (K + 1, T, 1, H, W), aggregated probabilities, background first.
        seconds: time by part.
    """

    network: PCVOS
    frames: Tensor
    objects: int
    interval: int
    progressive: bool = True
    prob: Tensor = field(init=False)
    seconds: dict[str, float] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        frames, _, height, width = self.frames.shape
        self.prob = torch.zeros(self.objects + 1, frames, 1, height, width, device=self.frames.device)
        self.prob[0] = 1e-7
        self.banks = [Bank() for _ in range(self.objects)]
        self.enabled: list[int] = []

    @torch.inference_mode()
    def interact(self, masks: Tensor, frame: int, end: int, objects: Sequence[int]) -> None:
        """Annotate new `objects` (from 1) on `frame` with masks (n, H, W), then propagate up to `end` (exclusive)."""
        self.enabled += [o for o in objects if o not in self.enabled]
        self.prob[:, frame, 0, masks.amax(0) > 0.5] = 0
        self.prob[list(objects), frame, 0] = masks
        self.prob[:, frame] = aggregate(self.prob[1:, frame])
        with self._timed("key trunk"):
            trunk = self.network.key_encoder(self.frames[frame : frame + 1])
        self._remember(frame, trunk.f16, self.network.key_proj(trunk.f16))
        last = frame
        for start in range(frame + 1, end, self.interval):
            clip = range(start, min(start + self.interval, end))
            f16, key = self._segment(clip)
            for t in clip:
                if t - last >= self.interval:
                    i = t - start
                    self._remember(t, f16[i : i + 1], key[i : i + 1])
                    last = t

    def _remember(self, frame: int, f16: Tensor, key: Tensor) -> None:
        masks = self.prob[self.enabled, frame]
        count = len(self.enabled)
        image = self.frames[frame : frame + 1].expand(count, -1, -1, -1)
        with self._timed("value encoder"):
            others = masks.sum(0, keepdim=True) - masks
            nothing = image.new_empty(0)  # the paper's network has a stem of its own
            values = self.network.encode_value(image, nothing, f16.expand(count, -1, -1, -1), masks, others)
        for o, value in zip(self.enabled, values, strict=True):
            self.banks[o - 1].append(key, value.unsqueeze(0))

    def _segment(self, clip: range) -> tuple[Tensor, Tensor]:
        """Predict a clip; its features at stride 16 and its keys."""
        with self._timed("key trunk"):
            trunk = self.network.key_encoder(self.frames[clip.start : clip.stop])
        with self._timed("key heads"):
            key = self.network.key_proj(trunk.f16)
            thin = self.network.key_comp(trunk.f16)
        probabilities = []
        for o in self.enabled:
            with self._timed("key heads"):
                local = self.network.input_proj(trunk.f16)
            with self._timed("matching"):
                readout = self.match(self.banks[o - 1], key)
            with self._timed("refinement"):
                refined = self.network.refine(local.transpose(0, 1).unsqueeze(0), readout.transpose(0, 1).unsqueeze(0))
            with self._timed("decoder"):
                skips = self.network.decoder.skips(trunk.f8, trunk.f4)
                logits = self.network.decode(refined[0].transpose(0, 1), thin, *skips)
                logits = F.interpolate(logits, scale_factor=4, mode="bilinear", align_corners=False)
                probabilities.append(torch.sigmoid(logits))
        with self._timed("aggregation"):
            distribution = aggregate(torch.stack(probabilities))
            self.prob[[0, *self.enabled], clip.start : clip.stop] = distribution
        return trunk.f16, key

    def match(self, bank: Bank, key: Tensor) -> Tensor:
        """Readouts (D, C_v, h, w): all frames at once, or one by one with temporary memory."""
        if not self.progressive:
            frames, _, h, w = key.shape
            query = key.transpose(0, 1).flatten(1).unsqueeze(0)
            readout = read(query, *bank.content)
            return readout.view(-1, frames, h, w).transpose(0, 1)
        keys, values = bank.content
        readouts = []
        for i, one in enumerate(key):
            query = one.flatten(1).unsqueeze(0)
            readout = read(query, keys, values)
            readouts.append(readout.view(-1, *key.shape[2:]))
            if (i + 1) % PROGRESSIVE_INTERVAL == 0:
                keys, values = torch.cat([keys, query], 2), torch.cat([values, readout], 2)
        return torch.stack(readouts)

    @contextmanager
    def _timed(self, part: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        wait_for(self.frames.device)
        self.seconds[part] = self.seconds.get(part, 0.0) + time.perf_counter() - start


def read(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Top-k readout through a dense affinity: (1, C_k, Q), (1, C_k, N), (1, C_v, N) to (1, C_v, Q)."""
    similarity = (2 * keys.transpose(1, 2) @ query - keys.square().sum(1).unsqueeze(2)) / math.sqrt(keys.shape[1])
    best, index = similarity.topk(min(TOP_K, similarity.shape[1]), dim=1)
    affinity = torch.zeros_like(similarity).scatter_(1, index, best.softmax(1))
    return values @ affinity
