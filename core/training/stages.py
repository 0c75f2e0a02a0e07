"""The two stages of training (paper Sec. 3.6) as settings over the course of a run: 0 at its start, 1 at its end."""

import math
from dataclasses import dataclass, replace
from typing import Literal

from core.errors import PCVOSError
from core.network.marking_weights import FEATURE_PARTS
from core.training.clips import ClipSettings
from core.training.losses import ALL_TERMS, LossTerms


@dataclass(frozen=True)
class Phase:
    """A part of the run, up to progress `until`, with one kind of clip.

    `progressive_share`: how many of the steps use progressive matching, every frame.
    """

    until: float
    clips: ClipSettings
    progressive_share: float = 0.0


@dataclass(frozen=True)
class Schedule:
    """The schedule of a run; the methods take its progress, 0 to 1.

    Attributes:
        phases: kinds of clip, in order.
        begin: how far along the whole course of training a run with this schedule sets in, 0 to 1: a continuation
            leaves the warm start of rate, bootstrapping and memory behind it.
        frozen: parts that keep their weights, by the beginnings of their names.
        rate_factors: learning rates relative to the base, by the first beginning of a name that fits.
        loss: what the loss counts.
    """

    phases: tuple[Phase, ...]
    begin: float = 0.0
    frozen: tuple[str, ...] = ("key_encoder.conv1", "key_encoder.res2")
    rate_factors: tuple[tuple[str, float], ...] = (
        ("key_encoder.", 0.2),
        ("value_encoder.layer", 0.6),
        ("key_proj.", 2.0),
    )
    loss: LossTerms = ALL_TERMS

    def phase(self, progress: float) -> Phase:
        """The phase of a run at `progress`."""
        return next((phase for phase in self.phases if progress < phase.until), self.phases[-1])

    def learning_rate(self, progress: float) -> float:
        """Factor on the base rate: a short warm-up, flat to the middle of the course, then a cosine down to 2 %."""
        warm_up = min(1.0, 0.1 + 90 * progress)
        late = max(0.0, (self._course(progress) - 0.5) / 0.5)
        return min(warm_up, 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, late))))

    def hardest_share(self, progress: float) -> float:
        """Share of pixels in the bootstrapped cross-entropy: all in the first stage, 20 % from the middle on."""
        return min(1.0, max(0.2, 1.0 - 0.8 * (self._course(progress) - 0.12) / 0.38))

    def true_memory_share(self, progress: float) -> float:
        """Share of clips' last frames that enter memory with their true mask: always at first, 15 % from 40 % on."""
        return max(0.15, 1.0 - 0.85 * self._course(progress) / 0.4)

    def _course(self, progress: float) -> float:
        return self.begin + (1 - self.begin) * progress


FROM_IMAGENET = Schedule(
    (
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
)
"""Both stages, from ImageNet trunks."""

_LATE = ClipSettings(
    size=256,
    length=3,
    inter_gap=25,
    intra_gap=5,
    video_share=0.7,
    alike_share=0.5,
    hide_share=0.4,
    fast_share=0.3,
    smoke_share=0.1,
    enter_share=0.4,
    max_objects=3,
)
_MORE_CLIPS = replace(_LATE, length=2, clips=3)

CONTINUATION = Schedule(
    (
        Phase(0.25, replace(_LATE, size=192), progressive_share=0.5),
        Phase(0.50, replace(_MORE_CLIPS, size=224), progressive_share=0.5),
        Phase(0.75, _LATE, progressive_share=0.5),
        Phase(0.92, replace(_MORE_CLIPS, size=320), progressive_share=0.5),
        Phase(1.00, replace(_LATE, size=320, inter_gap=10), progressive_share=0.5),
    ),
    begin=0.5,
    frozen=("key_encoder.conv1", "key_encoder.res2", "key_encoder.layer2"),
)
"""The second stage again, from trained weights: pictures that grow, more look-alikes, more clips one after another,
fast motion, smoke, and objects that are hidden for a while, or uncovered.

Half of the steps use progressive matching, so that a raw readout learns to be a memory value (the paper's training has
none). Of the key encoder's trunk only the last layer learns, which spares most of its backward pass."""


def adaptation_schedule(shorter_side: int) -> Schedule:
    """The schedule for a person's corrected frames, for some minutes; crops are no larger than `shorter_side`, pixels.

    Key features stay as they are: what was learned of marking, of confidence and of matching fits them, and a backward
    pass costs a third. Nothing is pasted, hidden or blurred: it is to learn this footage.
    """
    size = min(_LATE.size, 16 * max(1, shorter_side // 16))
    clips = ClipSettings(size, 2, inter_gap=15, video_share=1.0, paste_share=0.0, max_objects=_LATE.max_objects)
    return Schedule((Phase(1.0, clips),), begin=0.5, frozen=FEATURE_PARTS, rate_factors=())


@dataclass(frozen=True)
class PaperSchedule(Schedule):
    """The published schedule (paper Sec. 4.1, after STCN): a constant rate that drops to a tenth at `drop`; the
    predicted mask always enters memory; everything learns."""

    begin: float = 0.0
    frozen: tuple[str, ...] = ()
    rate_factors: tuple[tuple[str, float], ...] = ()
    drop: float = 0.5

    def learning_rate(self, progress: float) -> float:
        """Factor on the base rate, 1 or 0.1."""
        return 1.0 if progress < self.drop else 0.1

    def hardest_share(self, progress: float) -> float:
        """All pixels up to 20,000 of 150,000 iterations, then linearly fewer down to 15 % at 70,000."""
        return min(1.0, max(0.15, 1.0 - 0.85 * (progress * 150 - 20) / 50))

    def true_memory_share(self, progress: float) -> float:
        """Never."""
        return 0.0


Stage = Literal["photos", "video"]
Unit = Literal["clip", "frame"]

PAPER_CLIP = ClipSettings(
    size=384, length=3, inter_gap=5, intra_gap=5, video_share=1.0, paste_share=0.0, alike_share=0.0
)
"""Two clips of three frames after the annotated one, nothing pasted (paper Sec. 4.1)."""


def paper_schedule(
    stage: Stage, unit: Unit = "clip", frames: int | None = None, clip_loss: bool = True, size: int = PAPER_CLIP.size
) -> PaperSchedule:
    """The stage "photos" (three frames made of one photo) or "video" of the published training (paper Sec. 3.6, 4.1).

    Args:
        unit: whether clips are predicted whole, or frame after frame as STCN does (paper Table 2).
        frames: of a video sample: 3, 5, 7 or 9 in Table 2; None: 7. Two clips take an odd number.
        clip_loss: whether L_clip counts.
        size: side of the crops, pixels, a multiple of 16.

    Raises:
        PCVOSError: so many frames are not two clips and an annotated frame.
    """
    loss = LossTerms(clip=clip_loss, thin=False, absence=False)
    base = replace(PAPER_CLIP, size=size)
    if stage == "photos":
        if frames not in (None, 3):
            raise PCVOSError(f"A photo makes 3 frames, not {frames}: leave the number of frames out.")
        clips = replace(base, video_share=0.0, length=1, clips=2)
        return PaperSchedule((Phase(1.0, clips),), loss=loss, drop=0.5)
    count = 7 if frames is None else frames
    if count < 3 or (unit == "clip" and count % 2 == 0):
        raise PCVOSError(f"{count} frames are not an annotated frame and two clips: choose 3, 5, 7 or 9.")
    length, number = (1, count - 1) if unit == "frame" else ((count - 1) // 2, 2)
    clips = replace(base, length=length, clips=number)
    phases = tuple(
        Phase(until, replace(clips, inter_gap=gap)) for until, gap in ((0.1, 5), (0.2, 10), (0.9, 15), (1.0, 5))
    )
    return PaperSchedule(phases, loss=loss, drop=125 / 150)
