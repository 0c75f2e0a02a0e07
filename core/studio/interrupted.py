"""Notes of what a run has finished, in the project clip by clip: after a crash it can go on from there."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast, get_args

from core.project.model import RunInfo
from core.project.project import Project
from core.propagation.settings import Direction

_KEY = "unfinished run"

AROUND = "around"
"""Among the stored settings of a run of what corrections touch: the frames that it went outward from."""


class FinishedFrames:
    """Frames as a few ranges, in the order they were drawn."""

    def __init__(self, ranges: list[list[int]] | None = None):
        self._ranges = [list(one) for one in ranges or ()]

    def add(self, frames: tuple[int, ...]) -> None:
        """A clip's frames, ascending or descending by one."""
        low, high = min(frames), max(frames)
        last = self._ranges[-1] if self._ranges else None
        if last is not None and low <= last[1] + 1 and high >= last[0] - 1:
            last[:] = min(last[0], low), max(last[1], high)
        else:
            self._ranges.append([low, high])

    @property
    def ranges(self) -> list[list[int]]:
        """First and last frame of each."""
        return [list(one) for one in self._ranges]

    def __iter__(self) -> Iterator[int]:
        for first, last in self._ranges:
            yield from range(first, last + 1)

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self._ranges)


@dataclass(frozen=True)
class Interrupted:
    """A run that ended with its process. `last`: the frame it drew last; None: it had not come to any."""

    run: RunInfo
    finished: FinishedFrames
    last: int | None

    @property
    def direction(self) -> Direction:
        """Which way it went."""
        return cast(Direction, self.run.direction)  # `find` lets no other through

    @property
    def around(self) -> tuple[int, ...]:
        """Of a run of what corrections touch the frames that it went outward from."""
        stored = self.run.settings.get(AROUND)
        return tuple(frame for frame in stored if isinstance(frame, int)) if isinstance(stored, list) else ()


def note(project: Project, run: int, finished: FinishedFrames, last: int | None) -> None:
    """The run of this id is under way, and has come so far."""
    project.set_setting(_KEY, {"run": run, "finished": finished.ranges, "last": last})


def note_end(project: Project) -> None:
    """No run is under way."""
    if project.setting(_KEY) is not None:
        project.set_setting(_KEY, None)


def find(project: Project) -> Interrupted | None:
    """The run that was under way when the project was left without being closed."""
    noted = project.setting(_KEY)
    if not isinstance(noted, dict) or not isinstance(id := noted.get("run"), int):
        return None
    run = dict(project.runs()).get(id)
    ranges, last = noted.get("finished"), noted.get("last")
    if run is None or not _are_ranges(ranges, project.footage.frames) or not isinstance(last, int | None):
        return None
    if not _are_ranges([[run.start, run.end]], project.footage.frames) or not isinstance(run.settings, dict):
        return None
    if run.direction not in get_args(Direction):
        return None
    return Interrupted(run, FinishedFrames(ranges), last)


def _are_ranges(found: object, count: int) -> bool:
    return isinstance(found, list) and all(
        isinstance(one, list)
        and len(one) == 2
        and all(isinstance(frame, int) for frame in one)
        and 0 <= one[0] <= one[1] < count
        for one in found
    )
