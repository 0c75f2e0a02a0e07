"""Choices of how a network runs on a CPU; which are best depends on the machine (`core.benchmark.machine`)."""

from dataclasses import dataclass
from typing import Literal

MarkingWay = Literal["winograd", "direct", "bf16"]
"""Convolutions in their Winograd form where they can, all of them direct, or direct in bfloat16."""


@dataclass(frozen=True)
class Choices:
    """Ways of computing the same thing. The defaults are those of a machine that was not measured.

    Attributes:
        winograd: names of the convolutions that take their Winograd form; None: all that can.
        channels_last: layout of weights and features; otherwise (B, C, H, W) in this order.
        precision: what "auto" means. threads: of PyTorch; None: as they are.
        marking: how the marking network runs, whatever the others do.
    """

    winograd: frozenset[str] | None = None
    channels_last: bool = True
    precision: Literal["fp32", "bf16"] = "fp32"
    threads: int | None = None
    marking: MarkingWay = "winograd"


DEFAULT = Choices()
