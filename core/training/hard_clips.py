"""Hard clips: ends of training sequences that no training sees, for judging what training did to hard footage.

Twenty of them, each fast, thin, blurred or crowded. `scripts/make_hard_clips.py` writes them as a data set that
`pcvos eval` reads.
"""

from dataclasses import dataclass


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
    """Number of the `count` frames of a sequence that training may see: the first, all unless its end is a clip."""
    return max(0, count - sum(clip.frames for clip in HARD_CLIPS if clip.sequence == sequence))
