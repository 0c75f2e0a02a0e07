"""Hard clips: ends of training sequences that no training sees, for judging what training did to hard footage.

Twenty of them, each fast, thin, blurred or crowded. `scripts/make_hard_clips.py` writes them as a data set that
`pcvos eval` reads.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from core.training.weather import line_kernel

MOST_OBJECTS = 8
"""Objects of a crowded clip: the largest on its first frame; the others count as background."""


@dataclass(frozen=True)
class HardClip:
    """The end of a sequence.

    Attributes:
        kind: what makes it hard. frames: frames at the end of the sequence that training does not see.
        step: of these, every so many are in the clip: motion is as many times as fast.
        blur: longest smear of a camera that shakes, in pixels; 0: none.
    """

    kind: str
    sequence: str
    frames: int
    step: int = 1
    blur: int = 0


HARD_CLIPS = (
    HardClip("fast", "drift-turn", 30, step=2),
    HardClip("fast", "motocross-bumps", 28, step=2),
    HardClip("fast", "tennis", 30, step=2),
    HardClip("fast", "hockey", 30, step=2),
    HardClip("fast", "rollerblade", 16),
    HardClip("thin", "paragliding", 30),
    HardClip("thin", "kite-walk", 30),
    HardClip("thin", "swing", 24),
    HardClip("thin", "stroller", 30),
    HardClip("blurred", "dance-jump", 24, blur=24),
    HardClip("blurred", "soccerball", 18, blur=16),
    HardClip("blurred", "motorbike", 18, blur=24),
    HardClip("blurred", "bus", 28, step=2, blur=24),
    HardClip("blurred", "lucia", 24, blur=20),
    HardClip("crowded", "mots-0002-09", 60, step=2),
    HardClip("crowded", "mots-0005-13", 57, step=2),
    HardClip("crowded", "mots-0011-14", 60, step=2),
    HardClip("crowded", "mots-0011-07", 60, step=2),
    HardClip("crowded", "sbi-HallAndMonitor-02", 60, step=2),
    HardClip("crowded", "sbi-HighwayI-04", 60, step=2),
)


def frames_to_train_on(sequence: str, count: int) -> int:
    """How many of the `count` frames of a sequence training may see: the first ones, all unless its end is a clip."""
    return max(0, count - sum(clip.frames for clip in HARD_CLIPS if clip.sequence == sequence))


def render(
    clip: HardClip, frames: list[np.ndarray], labels: list[np.ndarray], seed: int = 0
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Frames (H, W, 3) and label maps (H, W) of the clip, from the last `clip.frames` frames of its sequence; the same
    for the same seed."""
    rng = np.random.default_rng(seed)
    ids, areas = np.unique(labels[0], return_counts=True)
    shown = [int(i) for i in ids[np.argsort(-areas, kind="stable")] if i not in (0, 255)]
    table = np.zeros(256, np.uint8)
    table[255] = 255
    kept = shown[:MOST_OBJECTS]
    table[kept] = np.arange(1, len(kept) + 1)
    for frame, ids in zip(frames[:: clip.step], labels[:: clip.step], strict=True):
        if clip.blur:
            angle, length = rng.uniform(0, np.pi), rng.uniform(0.3, 1) * clip.blur
            frame = cv2.filter2D(frame, -1, line_kernel(length * np.array([np.cos(angle), np.sin(angle)])))
        yield frame, table[ids]
