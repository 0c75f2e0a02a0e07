"""What a person chooses for a run, and how a project gives it back."""

import logging
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import get_args

from core.errors import PCVOSError
from core.propagation.settings import Direction, Precision, PropagationSettings

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
class RunSettings:
    """A person's choices. Names as in `PropagationSettings` and `EngineChoice`."""

    direction: Direction = "forward"
    range: Range = Range.TO_END
    interval: int = 5
    progressive: int = 5
    top_k: int = 20
    memory_frames: int = 40
    distractors: bool = True
    resolution: int | None = 480
    precision: Precision = "auto"
    device: str = "auto"
    weights: str = ""

    @property
    def propagation(self) -> PropagationSettings:
        return PropagationSettings(
            interval=self.interval,
            progressive=self.progressive,
            top_k=self.top_k,
            memory_frames=self.memory_frames,
            distractors=self.distractors,
            resolution=self.resolution,
            precision=self.precision,
        )

    @property
    def engine(self) -> EngineChoice:
        return EngineChoice(Path(self.weights) if self.weights else None, self.device)


def settings_from(stored: object) -> RunSettings:
    """Settings as a project holds them (None: it holds none); what cannot be is as it is at first."""
    names = {field.name for field in fields(RunSettings)}
    known = {k: v for k, v in stored.items() if k in names} if isinstance(stored, dict) else {}
    try:
        settings = RunSettings(**known | {"range": Range(known.get("range", Range.TO_END))})
        _ = settings.propagation, settings.engine  # which look at the values
        if settings.direction not in get_args(Direction) or settings.precision not in get_args(Precision):
            raise ValueError(f"{settings.direction}, {settings.precision}")
        if not isinstance(settings.distractors, bool):
            raise TypeError(f"distractors: {settings.distractors!r}")
    except (PCVOSError, TypeError, ValueError) as error:
        log.info("the settings of the project are passed over: %s", error)
        return RunSettings()
    return settings


def in_out_from(stored: object, count: int) -> tuple[int | None, int | None]:
    """In and out points as a project holds them; None for one that is not there, or on no frame of `count`."""
    points = stored if isinstance(stored, list) and len(stored) == 2 else (None, None)
    first, last = (point if isinstance(point, int) and 0 <= point < count else None for point in points)
    return first, last
