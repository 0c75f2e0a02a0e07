"""Whole videos through the engine in its exact mode, and through the plain baseline, in the reference's terms."""

from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from core.benchmark.baseline import PlainInference
from core.media.arrays import ArraySource
from core.network import PCVOS
from core.network.imagenet import normalise
from core.propagation import PropagationSettings, Propagator
from core.propagation.composer import Composer, Distribution
from core.propagation.geometry import Geometry

Call = tuple[int, int, Sequence[int]]
"""An annotated frame, the frame before which propagation from there ends, and the objects annotated on it."""


@dataclass
class Segment:
    """One object on one clip: local keys, readouts, refined readouts (C, D, h, w), and logits (1, 1, H/4, W/4) each."""

    local: Tensor
    readout: Tensor
    refined: Tensor
    logits: list[Tensor] = field(default_factory=list)


@dataclass
class Recording:
    """The outputs of a network while it was at work, in their order; keys and thin features frame by frame."""

    key: list[Tensor] = field(default_factory=list)
    thin: list[Tensor] = field(default_factory=list)
    values: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)


@contextmanager
def recording(network: PCVOS) -> Iterator[Recording]:
    """Record what `network` computes inside the block."""
    record = Recording()

    def encode_value(frames: Tensor, f4: Tensor, f16: Tensor, masks: Tensor, others: Tensor) -> Tensor:
        value = type(network).encode_value(network, frames, f4, f16, masks, others)
        record.values.append((masks.clone(), value))
        return value

    def refine(local: Tensor, readout: Tensor) -> Tensor:
        refined = type(network).refine(network, local, readout)
        record.segments.append(Segment(local[0].clone(), readout[0].clone(), refined[0].clone()))
        return refined

    def decode(*args: Tensor) -> Tensor:
        logits = type(network).decode(network, *args)
        record.segments[-1].logits += logits.clone().split(1)
        return logits

    hooks = [
        network.key_proj.register_forward_hook(lambda *a: record.key.extend(a[-1].split(1))),
        network.key_comp.register_forward_hook(lambda *a: record.thin.extend(a[-1].split(1))),
    ]
    network.encode_value, network.refine, network.decode = encode_value, refine, decode
    try:
        yield record
    finally:
        del network.encode_value, network.refine, network.decode
        for hook in hooks:
            hook.remove()


def run_engine(
    network: PCVOS,
    frames: np.ndarray,
    labels: np.ndarray,
    calls: Sequence[Call],
    settings: PropagationSettings,
) -> tuple[np.ndarray, np.ndarray, Recording]:
    """The engine in its exact mode.

    Returns:
        Probabilities (K + 1, T, H, W) of the padded frames as the published loop holds them (zero where an object is
        not yet, and nothing known before the first annotation), the label maps (T, H, W), and what was recorded.
    """
    propagator = Propagator(network, ArraySource(frames), settings)
    for frame, _, objects in calls:
        propagator.memory.add(frame, labels[frame], objects)
    count = max(o for _, _, objects in calls for o in objects)
    probabilities = np.zeros((count + 1, len(frames), *Geometry(frames.shape[1:3], None).padded), np.float32)
    probabilities[0] = 1e-7
    drawn = np.zeros(frames.shape[:3], np.uint8)
    seen, draw = [], Composer.labels

    def labels_of(self: Composer, distribution: Distribution, without: Container[int] = ()) -> torch.Tensor:
        seen.extend(distribution.of_frame(i) for i in range(distribution.planes.shape[1]))
        return draw(self, distribution, without)

    Composer.labels = labels_of
    try:
        with recording(network) as record:
            for clip in propagator.run():
                drawn[list(clip.frames)] = clip.labels
                for frame, distribution in zip(clip.frames, seen, strict=True):
                    probabilities[[0, *distribution.objects], frame] = distribution.planes.cpu().numpy()
                seen.clear()
    finally:
        Composer.labels = draw
    probabilities[0, : min(frame for frame, _, _ in calls)] = 1e-7
    return probabilities, drawn, record


def run_baseline(
    network: PCVOS,
    frames: np.ndarray,
    labels: np.ndarray,
    calls: Sequence[Call],
    interval: int,
    progressive: bool,
) -> tuple[np.ndarray, Recording]:
    """The plain transcription: probabilities as above, and what was recorded."""
    pad = padding(frames.shape[1:3])
    images = F.pad(normalise(torch.from_numpy(frames).permute(0, 3, 1, 2)), pad)
    count = max(o for _, _, objects in calls for o in objects)
    plain = PlainInference(network, images, count, interval, progressive)
    with recording(network) as record:
        for frame, end, objects in calls:
            masks = torch.stack([torch.from_numpy(labels[frame] == o) for o in objects]).float()
            plain.interact(F.pad(masks, pad), frame, end, objects)
    return plain.prob[:, :, 0].numpy(), record


def padding(size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Left, right, top, bottom: to multiples of 16, the odd pixel right and down."""
    (top, bottom), (left, right) = ((-n % 16 // 2, -n % 16 - -n % 16 // 2) for n in size)
    return left, right, top, bottom


def label_maps(probabilities: np.ndarray, size: tuple[int, int], scale: float = 1.0) -> np.ndarray:
    """Label maps (T, H, W) at `scale` times the footage's size."""
    left, right, top, bottom = padding(size)
    height, width = probabilities.shape[-2:]
    inside = torch.from_numpy(probabilities)[..., top : height - bottom, left : width - right]
    larger = [int(scale * n) for n in size]
    return F.interpolate(inside, larger, mode="bilinear", align_corners=False).argmax(0).numpy().astype(np.uint8)
