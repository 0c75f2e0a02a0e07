"""The settings of a run as a person chooses them, and how a project gives them back."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, get_args

from core.errors import PCVOSError
from core.propagation.settings import Direction, PropagationSettings, setting

log = logging.getLogger(__name__)


class Range(StrEnum):
    """Frames that a run draws."""

    TO_END = "to end"  # from the current frame to the end (backward: to the beginning; both: everything)
    IN_OUT = "in/out"
    NEXT_CORRECTED = "next corrected"
    ONE_CLIP = "one clip"


@dataclass(frozen=True)
class EngineChoice:
    """The network, and where it runs. `weights` None: the shipped one. `device`: as `load_network` takes it."""

    weights: Path | None = None
    device: str = "auto"


QUALITIES = {"draft": 240, "normal": 480, "best": 600}
"""Resolution of each quality, pixels. J&F of each: docs/evaluation.md."""

CUSTOM = "custom"


def quality_of(resolution: int | None) -> str:
    """The quality that has this resolution, or "custom"."""
    return next((name for name, pixels in QUALITIES.items() if pixels == resolution), CUSTOM)


@dataclass(frozen=True)
class RunSettings(PropagationSettings):
    """A person's choices: those of the propagation, what it is applied to, and what it is computed with.

    Attributes:
        quality: given one, `resolution` is that of it; afterwards "custom" again, so that a resolution that is changed
            later counts. `quality_of` tells it.
        weights: path of a file; "": the shipped ones.
    """

    quality: str = setting(
        CUSTOM,
        "Quality",
        "Sets the resolution: draft (240 pixels), normal (480) or best (600); custom: as the resolution says",
        choices=(*QUALITIES, CUSTOM),
        metavar="NAME",
    )

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

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.quality != CUSTOM:
            object.__setattr__(self, "resolution", QUALITIES[self.quality])
            object.__setattr__(self, "quality", CUSTOM)

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
    values = {k: v for k, v in stored.items() if k in names} if isinstance(stored, dict) else {}
    try:
        settings = RunSettings(**values | {"range": Range(values.get("range", Range.TO_END))})
        _ = settings.engine  # which looks at the names
    except (PCVOSError, TypeError, ValueError) as error:
        log.info("the settings of the project are passed over: %s", error)
        return RunSettings()
    return settings


def frames_of(
    settings: RunSettings,
    here: int,
    count: int,
    in_point: int | None,
    out_point: int | None,
    next_corrected: Callable[[int, int], int | None] | None = None,
) -> tuple[int, int]:
    """First and last frame of a run with these settings.

    Args:
        here: the current frame. count: of the footage. in_point, out_point: None: the footage's end.
        next_corrected: as `Project.next_corrected`.
    """
    last = count - 1
    if settings.range is Range.IN_OUT:
        return in_point or 0, last if out_point is None else out_point
    forward, backward = settings.direction != "backward", settings.direction != "forward"
    reach = settings.interval if settings.range is Range.ONE_CLIP else count
    low, high = (max(0, here - reach) if backward else here), (min(last, here + reach) if forward else here)
    if settings.range is Range.NEXT_CORRECTED and next_corrected is not None:
        before, after = next_corrected(here, -1), next_corrected(here, 1)
        low = before if backward and before is not None else low
        high = after if forward and after is not None else high
    return low, high


def with_in_out(settings: RunSettings, first: int | None, last: int | None) -> RunSettings:
    """Settings for these in and out points: what lies between them is drawn, and no longer if there are none."""
    if first is not None or last is not None:
        return replace(settings, range=Range.IN_OUT)
    return replace(settings, range=Range.TO_END) if settings.range is Range.IN_OUT else settings


def remedies(settings: RunSettings, size: tuple[int, int]) -> dict[str, dict[str, Any]]:
    """Settings that help where a run has failed, or may fail: what changes, by the name of each remedy.

    Args:
        size: (height, width) of the footage.
    """
    smaller = max(120, (settings.resolution or min(size)) // 2)
    return {
        "smaller resolution": {"resolution": smaller},
        "cpu": {"device": "cpu"},
        "fewer memory": {"memory_frames": 10},
        "shipped weights": {"weights": ""},
    }


def in_out_from(stored: tuple[int | None, int | None], count: int) -> tuple[int | None, int | None]:
    """In and out points as a project holds them; None for one that is not there, or on no frame of `count`."""
    first, last = (point if isinstance(point, int) and 0 <= point < count else None for point in stored)
    return first, last
