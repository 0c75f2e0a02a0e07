"""Notes of what a run has finished, in the project clip by clip: after a crash it can go on from there."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast, get_args

from core.project.content import UnfinishedRun
from core.project.model import Key, RunInfo
from core.project.project import Project
from core.propagation.settings import Direction

AROUND = "around"
"""Among the stored settings of a run of what corrections touch: the frames that it went outward from."""


class FinishedFrames:
    """Frames as a few ranges, in the order they were drawn."""

    def __init__(self, ranges: Iterable[Sequence[int]] = ()):
        self._ranges = [list(one) for one in ranges]

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

    id: int
    run: RunInfo
    finished: FinishedFrames
    last: int | None

    @property
    def direction(self) -> Direction:
        """Its direction."""
        return cast(Direction, self.run.direction)  # `find` lets no other through

    @property
    def around(self) -> tuple[int, ...]:
        """Frames that a run of what corrections touch went outward from."""
        stored = self.run.settings.get(AROUND)
        return tuple(frame for frame in stored if isinstance(frame, int)) if isinstance(stored, list) else ()


def note(project: Project, run: int, finished: FinishedFrames, last: int | None) -> None:
    """The run of this id is under way, and has come so far."""
    project.keep(unfinished_run=UnfinishedRun(run, tuple((first, end) for first, end in finished.ranges), last))


def note_end(project: Project) -> None:
    """No run is under way."""
    if project.content.unfinished_run is not None:
        project.keep(unfinished_run=None)


def find(project: Project) -> Interrupted | None:
    """The run that was under way when the project was left without being closed."""
    noted = project.content.unfinished_run
    run = None if noted is None else dict(project.runs()).get(noted.run)
    if noted is None or run is None or not isinstance(run.settings, dict) or run.direction not in get_args(Direction):
        return None
    if not all(0 <= first <= end < project.footage.frames for first, end in (*noted.finished, (run.start, run.end))):
        return None
    return Interrupted(noted.run, run, FinishedFrames(noted.finished), noted.last)


def drawn_by(project: Project, left: Interrupted) -> set[Key]:
    """What it drew on the frames that it has finished, (frame, object). A mask that is in permanent memory there was
    corrected since: nothing has read it yet."""
    finished = set(left.finished)
    return {key for key in project.kept_runs.keys(left.id) if key[0] in finished}
