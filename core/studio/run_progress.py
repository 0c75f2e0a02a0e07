"""Progress of a run, counted from what its thread tells."""

from collections import deque
from collections.abc import Sequence

from core.studio.jobs import ClipDone, JobStarted

_RECENT = 12  # clips that the speed is taken from


class RunProgress:
    """Frames of one run.

    Attributes:
        done, total: frames drawn and to draw. work_done, work: the same with those counted twice that are drawn from
            both sides. passes: frames to draw of each pass. is_bound: they are what is drawn at most.
    """

    def __init__(self, total: int = 0, is_bound: bool = False):
        self.done = self.work_done = 0
        self.total = self.work = total
        self.is_bound = is_bound
        self.passes: Sequence[int] = ()
        self._clips: deque[tuple[int, float]] = deque(maxlen=_RECENT)

    def begin(self, started: JobStarted) -> None:
        """The thread has planned the run."""
        self.total, self.work, self.passes = started.frames, started.steps, started.passes

    def add(self, clip: ClipDone, done: int) -> None:
        """A clip was drawn; `done`: frames of the run that are drawn now."""
        self.done = done
        self.work_done += len(clip.drawn)
        self.work -= sum(map(len, clip.spared))
        if clip.drawn:  # frames that were given take no time, and say nothing of the speed
            self._clips.append((len(clip.drawn), clip.seconds))

    @property
    def frames_per_second(self) -> float | None:
        """Speed over the last few clips."""
        seconds = sum(s for _, s in self._clips)
        return sum(n for n, _ in self._clips) / seconds if seconds else None

    @property
    def pass_under_way(self) -> tuple[int, int, int]:
        """Its number, from 1, and how many frames of how many it has drawn; one that draws nothing is passed over."""
        done = self.work_done
        for number, frames in enumerate(self.passes, 1):
            if done < frames or number == len(self.passes):
                return number, done, frames
            done -= frames
        return 1, self.work_done, self.work
