"""The two stages of training (paper Sec. 3.6) as settings over the course of a run: 0 at its start, 1 at its end."""

import math
from dataclasses import dataclass

from core.training.clips import ClipSettings


@dataclass(frozen=True)
class Phase:
    """A part of the run, up to progress `until`, with one kind of clip."""

    until: float
    clips: ClipSettings


SCHEDULE = (
    # stage 1: photos, moved at random
    Phase(0.12, ClipSettings(size=192, length=2, video_share=0.0)),
    # stage 2: video and photos; the gap between clips grows, and comes back at the end
    Phase(0.20, ClipSettings(size=192, length=2, inter_gap=5)),
    Phase(0.30, ClipSettings(size=192, length=2, inter_gap=10)),
    Phase(0.52, ClipSettings(size=192, length=2, inter_gap=15)),
    Phase(0.70, ClipSettings(size=224, length=2, inter_gap=15, video_share=0.7)),
    Phase(0.92, ClipSettings(size=256, length=3, inter_gap=15, video_share=0.7)),
    Phase(1.00, ClipSettings(size=256, length=3, inter_gap=5, video_share=0.7)),
)


def phase_at(progress: float, schedule: tuple[Phase, ...] = SCHEDULE) -> Phase:
    """The phase of a run at `progress`."""
    return next((phase for phase in schedule if progress < phase.until), schedule[-1])


def learning_rate(progress: float) -> float:
    """Factor on the base rate: a short warm-up, flat to the middle, then a cosine down to 2 %."""
    if progress < 0.01:
        return 0.1 + 90 * progress
    if progress < 0.5:
        return 1.0
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, (progress - 0.5) / 0.5)))


def hardest_share(progress: float) -> float:
    """Share of pixels in the bootstrapped cross-entropy: all in the first stage, then down to 20 % at the middle."""
    return min(1.0, max(0.2, 1.0 - 0.8 * (progress - 0.12) / 0.38))


def true_memory_share(progress: float) -> float:
    """How often a clip's last frame enters memory with its true mask: always at first, 15 % from 40 % on."""
    return max(0.15, 1.0 - 0.85 * progress / 0.4)
