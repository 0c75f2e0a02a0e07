"""Small footage and runs over it."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from pretend_device import is_entered
from stand_in_weights import video

from core.media.arrays import ArraySource
from core.network import PCVOS
from core.propagation import ClipResult, PropagationSettings, Propagator, Remembered

SIZE = (64, 96)
Annotations = Iterable[tuple[int, np.ndarray] | tuple[int, np.ndarray, Iterable[int]]]


class CountedSource(ArraySource):
    """Footage that keeps what was read of it."""

    def __init__(self, frames: np.ndarray):
        super().__init__(frames)
        self.path = Path("footage")
        self.read_frames: list[int] = []

    def _read(self, index: int) -> np.ndarray:
        self.read_frames.append(index)
        return super()._read(index)


def footage(count: int = 12, objects: int = 2, size: tuple[int, int] = SIZE) -> tuple[np.ndarray, np.ndarray]:
    """uint8 (T, H, W, 3) frames and (T, H, W) labels."""
    return video(f"footage of {objects}", count, *size, objects)


def make_settings(**given: object) -> PropagationSettings:
    """At the footage's own size, in float32 on any device, and without distractors (to weights that learned nothing all
    looks alike), unless said otherwise."""
    return PropagationSettings(**{"resolution": None, "precision": "fp32", "distractors": False, **given})


def make_propagator(
    network: PCVOS, frames: np.ndarray, annotations: Annotations, settings: Mapping | None = None
) -> Propagator:
    """With annotations (frame, mask) or (frame, mask, objects), and settings as `make_settings` has them."""
    propagator = Propagator(network, CountedSource(frames), make_settings(**(settings or {})))
    for annotation in annotations:
        propagator.memory.add(*annotation)
    return propagator


def collect(clips: Iterable[ClipResult]) -> dict[int, np.ndarray]:
    """The label map of each frame; each that is not provisional comes once."""
    labels: dict[int, np.ndarray] = {}
    for clip in clips:
        assert clip.labels.dtype == np.uint8 and clip.labels.shape[0] == len(clip.frames)
        if not clip.provisional:
            assert not labels.keys() & set(clip.frames)
            labels.update(zip(clip.frames, clip.labels, strict=True))
    return labels


def remembered(clips: Iterable[ClipResult]) -> dict[int, Remembered]:
    """The memory that clips kept of their last frames, as a resumed run takes it."""
    return {clip.frames[-1]: clip.remembered for clip in clips if clip.remembered is not None}


def agreement(one: Mapping[int, np.ndarray], other: Mapping[int, np.ndarray]) -> float:
    """Share of pixels with the same label, over the frames of both."""
    assert one.keys() == other.keys()
    return float(np.mean([(one[frame] == other[frame]).mean() for frame in one]))


def assert_equal(one: Mapping[int, np.ndarray], other: Mapping[int, np.ndarray]) -> None:
    """To the bit on a CPU. On an accelerator the last bits depend on how many frames are in a batch, which differs
    between runs; with weights that learned nothing, some pixels are decided by them."""
    assert one.keys() == other.keys()
    if is_entered() and one:
        assert agreement(one, other) >= 0.998
        return
    for frame in one:
        np.testing.assert_array_equal(one[frame], other[frame], f"frame {frame}")
