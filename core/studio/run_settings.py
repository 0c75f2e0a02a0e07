"""What a person chooses for a run, and how a project gives it back."""

import logging
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import get_args

from core.errors import PCVOSError
from core.propagation.settings import Direction, PropagationSettings, setting

log = logging.getLogger(__name__)


class Range(StrEnum):
    """Which frames a run draws."""

    TO_END = "to end"  # from the current frame to the end (backward: to the beginning; both: everything)
    IN_OUT = "in/out"
    NEXT_CORRECTED = "next corrected"
    ONE_CLIP = "one clip"


@dataclass(frozen=True)
class EngineChoice:
    """Which network runs where. `weights` None: the shipped one. `device`: as `load_network` takes it."""

    weights: Path | None = None
    device: str = "auto"


@dataclass(frozen=True)
class RunSettings(PropagationSettings):
    """A person's choices: those of the propagation, what it is applied to, and what it is computed with.

    Attributes:
        weights: path of a file; "": the shipped ones.
    """

    direction: Direction = setting(
        "forward", "Direction", "forward, backward or both", choices=get_args(Direction), metavar="WAY"
    )
    range: Range = setting(Range.TO_END, "Range", "Which frames are drawn", choices=tuple(Range))
    device: str = setting(
        "auto",
        "Device",
        "Where the network computes: auto (a GPU if there is one), cpu, cuda, cuda:1 or mps",
        metavar="NAME",
    )
    weights: str = setting("", "Weights", "A file with weights, in place of the shipped ones", metavar="FILE")

    @property
    def propagation(self) -> PropagationSettings:
        """The part of them that a propagator takes."""
        return PropagationSettings(**{one.name: getattr(self, one.name) for one in fields(PropagationSettings)})

    @property
    def engine(self) -> EngineChoice:
        """The network, and where it runs."""
        return EngineChoice(Path(self.weights) if self.weights else None, self.device)


def settings_from(stored: object) -> RunSettings:
    """Settings as a project holds them (None: it holds none); what cannot be is as it is at first."""
    names = {one.name for one in fields(RunSettings)}
    known = {k: v for k, v in stored.items() if k in names} if isinstance(stored, dict) else {}
    try:
        settings = RunSettings(**known | {"range": Range(known.get("range", Range.TO_END))})
        _ = settings.engine  # which looks at the names
    except (PCVOSError, TypeError, ValueError) as error:
        log.info("the settings of the project are passed over: %s", error)
        return RunSettings()
    return settings


def in_out_from(stored: object, count: int) -> tuple[int | None, int | None]:
    """In and out points as a project holds them; None for one that is not there, or on no frame of `count`."""
    points = stored if isinstance(stored, list) and len(stored) == 2 else (None, None)
    first, last = (point if isinstance(point, int) and 0 <= point < count else None for point in points)
    return first, last
