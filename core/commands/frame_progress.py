"""Progress of a long command: a live bar on a terminal, a plain line now and then anywhere else."""

import time
from contextlib import AbstractContextManager
from datetime import timedelta

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.text import Text

from core.progress import Progress

LINE_EVERY = 10.0
"""Seconds between two lines, where there is no terminal."""


class FrameProgress(Progress, AbstractContextManager):
    """Shows frames done, frames per second and time left, on stderr.

    Args:
        what: what is being done, a word or two.
        total: frames to do.
        console: where to; stderr if None.
    """

    def __init__(self, what: str, total: int, console: Console | None = None):
        super().__init__(self._show, total=total)
        self._what = what
        self._console = console or Console(stderr=True)
        self._start = self._last_line = time.monotonic()
        self._bar: Bar | None = None
        if self._console.is_terminal:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("frames"),
                _FramesPerSecond(),
                TimeRemainingColumn(),
                TextColumn("left"),
            )
            self._bar = Bar(*columns, console=self._console)
            self._task = self._bar.add_task(what, total=total)

    def __enter__(self) -> "FrameProgress":
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()

    def _show(self, done: int, total: int) -> None:
        if self._bar:
            self._bar.update(self._task, completed=done, total=total)
        elif time.monotonic() - self._last_line >= LINE_EVERY:
            self._last_line = time.monotonic()
            line = f"{self._what}: {done} of {total} frames"
            if done:  # the first clips of a run may all be corrected, and none of their frames drawn
                speed = done / max(self._last_line - self._start, 1e-6)
                line += f", {speed:.1f} fps, {timedelta(seconds=round((total - done) / speed))} left"
            self._console.print(line, highlight=False, markup=False, soft_wrap=True)


class _FramesPerSecond(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.1f} fps" if speed else "-- fps")
