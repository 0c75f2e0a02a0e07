"""A run as it enters a project: its cells, how far it has come, and how it ended."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from core.project.kept_runs import bytes_of
from core.project.model import Change, Key, RunInfo
from core.project.project import Project
from core.studio import interrupted
from core.studio.interrupted import FinishedFrames, Interrupted
from core.studio.jobs import PropagateJob
from core.studio.review import TickedBefore
from core.studio.run_records import make_room
from core.studio.runs import Predicted, RunPlan, RunResults
from core.studio.touched import note_read


class RecordedRun:
    """Begins with being made: from then on the project knows that it is under way.

    Args:
        project: where its results go. text: of the step of undo.
        plan: its range, and what it reads. settings: as they are stored.
        left: the run that it goes on with.

    Attributes:
        id: of the run in the project.
        finished: frames that are done. drawn: those of them that were drawn since it began.
        let_go: runs whose masks had to make room when it ended.
    """

    def __init__(
        self,
        project: Project,
        text: str,
        plan: RunPlan | PropagateJob,
        settings: dict[str, Any],
        left: Interrupted | None = None,
    ):
        self.finished, self.drawn = FinishedFrames(left.finished.ranges if left else ()), set[int]()
        self._project, self._plan, self._left = project, plan, left
        self._results = RunResults(project, {id for frame in plan.permanent for id in frame.masks}, text)
        self._ticked = TickedBefore(project)
        self._began = time.monotonic()
        started = datetime.now().astimezone().isoformat(timespec="seconds")
        settings |= (
            {interrupted.AROUND: list(dict.fromkeys(way.frames[0] for way in plan.ways if not way.is_back))}
            if plan.ways
            else {}
        )
        self._info = RunInfo(started, plan.start, plan.end, plan.direction, settings)
        self.id = project.start_run(self._info)
        self._known, self._bytes = set[Key](), 0  # cells that it has changed, and what its masks take
        self.let_go: list[int] = []
        interrupted.note(project, self.id, self.finished, left.last if left else None)

    def change(self, found: Mapping[Key, Predicted], provisional: bool) -> Change:
        """The change that a clip makes; see `RunResults.change`. The project keeps it as this run's."""
        change = self._results.change(found, provisional)
        self._project.kept_runs.keep(self.id, change, self._known)
        self._ticked.see(change)
        self._bytes += bytes_of(change)
        return change

    def note_weights(self, fingerprint: str) -> None:
        """The weights that draw it."""
        self._info = replace(self._info, weights=fingerprint)

    def forget_deleted(self) -> None:
        """Objects were deleted: they leave the run for good, also if their ids are given again."""
        self._results.forget_deleted()

    def note_clip(self, frames: tuple[int, ...], drawn: Iterable[int]) -> None:
        """A clip's change has been applied, and no other pass draws its frames again."""
        self.finished.add(frames)
        self.drawn.update(drawn)
        interrupted.note(self._project, self.id, self.finished, frames[-1])

    def end(self, state: str, memory_frames: tuple[int, ...], may_go_on: bool = False) -> float:
        """Note its end, "done", "stopped" or "failed"; the seconds it took. `may_go_on`: later, where it stopped."""
        seconds = time.monotonic() - self._began
        info = replace(self._info, state=state, frames=len(self.drawn), seconds=seconds, memory_frames=memory_frames)
        self._project.update_run(self.id, replace(info, kept_bytes=self._bytes))
        self.let_go = make_room(self._project)
        self._ticked.tick_again()
        if state == "done":
            unread = interrupted.drawn_by(self._project, self._left) if self._left else ()
            note_read(self._project, self._plan.permanent, self._plan.start, self._plan.end, unread)
        if not may_go_on:
            interrupted.note_end(self._project)
        return seconds
