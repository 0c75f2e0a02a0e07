"""A run as it enters a project: its cells, how far it has come, and how it ended."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from core.project.model import Change, Key, RunInfo
from core.project.project import Project
from core.propagation.settings import Direction
from core.studio import interrupted
from core.studio.interrupted import FinishedFrames
from core.studio.runs import Predicted, RunResults


class RecordedRun:
    """Begins with being made: from then on the project knows that it is under way.

    Args:
        project: where its results go. text: of the step of undo.
        start, end: frames, both inclusive. settings: as they are stored.
        objects: that it carries.
        finished: frames that it has drawn already, before it was interrupted. last: of those, the one drawn last.

    Attributes:
        finished: frames that are done. drawn: those of them that were drawn since it began.
    """

    def __init__(
        self,
        project: Project,
        text: str,
        start: int,
        end: int,
        direction: Direction,
        settings: dict[str, Any],
        objects: Iterable[int],
        finished: FinishedFrames | None = None,
        last: int | None = None,
    ):
        self.finished, self.drawn = FinishedFrames(finished.ranges if finished else None), set[int]()
        self._project = project
        self._results = RunResults(project, objects, text)
        self._began = time.monotonic()
        started = datetime.now().astimezone().isoformat(timespec="seconds")
        self._info = RunInfo(started, start, end, direction, settings)
        self._id = project.start_run(self._info)
        interrupted.note(project, self._id, self.finished, last)

    def change(self, found: Mapping[Key, Predicted], provisional: bool) -> Change:
        """The change that a clip makes; see `RunResults.change`."""
        return self._results.change(found, provisional)

    def forget_deleted(self) -> None:
        """Objects were deleted: they leave the run for good, also if their ids are given again."""
        self._results.forget_deleted()

    def note_clip(self, frames: tuple[int, ...], drawn: Iterable[int]) -> None:
        """A clip's change has been applied, and no other pass draws its frames again."""
        self.finished.add(frames)
        self.drawn.update(drawn)
        interrupted.note(self._project, self._id, self.finished, frames[-1])

    def end(self, state: str, memory_frames: tuple[int, ...], may_go_on: bool = False) -> float:
        """It is over: "done", "stopped" or "failed"; how many seconds it took. `may_go_on`: later, where it stopped."""
        seconds = time.monotonic() - self._began
        info = replace(self._info, state=state, frames=len(self.drawn), seconds=seconds, memory_frames=memory_frames)
        self._project.update_run(self._id, info)
        if not may_go_on:
            interrupted.note_end(self._project)
        return seconds
