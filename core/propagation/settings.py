"""How a propagation runs."""

from dataclasses import dataclass
from typing import Literal

from core.errors import PCVOSError

Direction = Literal["forward", "backward", "both"]
Precision = Literal["auto", "fp32", "fp16", "bf16"]


@dataclass(frozen=True)
class PropagationSettings:
    """Settings of a run; the paper's symbols in brackets.

    Attributes:
        interval: memory interval and clip length, frames, 1 to 50 [L, Sec. 3.1].
        progressive: within a clip, memory is augmented every so many frames; 0 turns it off [F, Sec. 3.5].
        top_k: memory positions read per query [k, Sec. 4.1].
        memory_frames: most frames kept in working memory: the newest stay, older ones are thinned evenly.
        kernel: how near the place where a frame shows it best a memory position is read, standard deviation of a
            Gaussian in shorter sides of the frame, 0.01 to 100; 0: anywhere, as in the paper
            (`core.network.matching.localised`).
        resolution: shorter side the network sees, pixels; None: the footage's own.
        precision: "auto" is fp16 on CUDA and fp32 elsewhere. Similarities and softmax are always fp32.
        keep_lost: draw and remember what is left of an object also where that is little, and likelier something else
            (`core.propagation.sightings.is_gone`).
        distractors: find what looks like an object on frames where it was marked, and follow that too, unseen, so that
            it is not taken for the object (`core.propagation.distractors`).
        soft: also give each object's probability at the footage's size.
        exact: copy the published inference loop, quirks included: forward, fp32, nothing thinned or localised,
            nothing taken for something else, no distractors.
        cache_bytes: most memory the frame features of earlier runs may take; None: 1 GiB on a CPU, a quarter of what is
            free on an accelerator.
    """

    interval: int = 5
    progressive: int = 5
    top_k: int = 20
    memory_frames: int = 40
    kernel: float = 0.4
    resolution: int | None = 480
    precision: Precision = "auto"
    keep_lost: bool = False
    distractors: bool = True
    soft: bool = False
    exact: bool = False
    cache_bytes: int | None = None

    def __post_init__(self) -> None:
        _within("memory interval", self.interval, 1, 50)
        _within("progressive matching interval", self.progressive, 0, 50)
        _within("top-k", self.top_k, 1, 10_000)
        _within("number of memory frames", self.memory_frames, 1, 10_000)
        if self.kernel != 0:  # narrower, its exponents leave float32
            _within("kernel of the matching", self.kernel, 0.01, 100, ", or 0 for none")
        if self.resolution is not None:
            _within("resolution", self.resolution, 64, 4320)
        if self.exact and self.precision not in ("auto", "fp32"):
            sentence = "The exact mode runs in fp32"
            raise PCVOSError(
                f"{sentence}, not in {self.precision}.",
                command=f"{sentence}: leave out --precision {self.precision} or --exact.",
            )


def _within(what: str, value: float, low: float, high: float, otherwise: str = "") -> None:
    if not low <= value <= high:
        raise PCVOSError(f"The {what} is {value}: choose a number from {low} to {high}{otherwise}.")
