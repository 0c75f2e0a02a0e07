"""Pace of a run: its work, clip by clip, and what each part of that took on this machine before.

Nothing here reads a clock that is not given, and nothing runs the network.
"""

import math
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import astuple, dataclass, fields, replace

import numpy as np

from core.propagation.schedule import Annotated, Pass, cut_clips, whole_clips
from core.propagation.settings import PropagationSettings

_HALF_LIFE = 8.0
"""Clips after which what was measured counts half: the machine may do other things by now."""

_USUAL = 480 * 854
"""Pixels of the frames that the default prices were measured with."""

_TRUST = 1.0
"""Weight of the prices known before, in clips, when those of this run are fitted."""


@dataclass(frozen=True)
class Work:
    """Counts of what takes time in a clip, or in several.

    Attributes:
        encoded: frames whose features are not known yet. drawn: frames on which objects are predicted.
        masks: masks that are predicted: one an object and frame. reads: memory frames that are read, temporary ones
            too, each for every frame drawn.
    """

    encoded: float = 0.0
    drawn: float = 0.0
    masks: float = 0.0
    reads: float = 0.0

    def __add__(self, other: "Work") -> "Work":
        return Work(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True)
class Prices:
    """Seconds that one of each part of `Work` takes, and what comes before a run's first clip.

    The defaults say little of any machine, but how the parts compare (measured: the small network at 480 pixels on a
    CPU).

    Attributes:
        loading: of the network and the footage, once. annotated: of an annotated frame that is new, or has changed.
    """

    encoded: float = 0.36
    drawn: float = 0.20
    masks: float = 0.14
    reads: float = 0.032
    annotated: float = 1.0
    loading: float = 2.0

    @classmethod
    def guess(cls, height: int, width: int) -> "Prices":
        """Before anything was measured: what frames cost by their size as the network sees it, pixels. All places of a
        frame are compared with all of a memory frame, so that reading grows with the square of it."""
        usual = cls()
        return replace(usual.resized(height * width / _USUAL), annotated=usual.annotated)

    def resized(self, share: float) -> "Prices":
        """Estimate for frames of so many times the pixels."""
        by_size = {name: getattr(self, name) * share for name in ("encoded", "drawn", "masks", "annotated")}
        return replace(self, **by_size, reads=self.reads * share**2)

    def of(self, work: Work) -> float:
        """Seconds that this work takes."""
        return float(sum(count * getattr(self, name) for name, count in vars(work).items()))


def plan(
    passes: Sequence[Pass],
    annotated: Annotated,
    settings: PropagationSettings,
    known: Collection[int] = (),
    room: int | None = None,
    finished: Collection[int] = (),
) -> list[Work]:
    """The work of each clip of a run, in order.

    Args:
        known: frames whose features are there already. room: how many more there is room for; None: for all.
        finished: frames that are not drawn again.
    """
    clips = [cut_clips(one, annotated, settings.interval) for one in passes]
    known, finished = set(known), whole_clips(clips[-1] if clips else (), finished)
    room = len(passes) * max((len(one.frames) for one in passes), default=0) if room is None else room
    works = []
    for of_pass in clips:
        working = 0
        for clip in of_pass:
            if not finished.issuperset(clip.frames):
                new = [frame for frame in clip.frames if frame not in known] if clip.objects else []
                drawn = len(clip.frames) if clip.objects else 0
                memory = len(annotated) + min(working, settings.memory_frames)
                reads = drawn * memory + _temporary_reads(drawn, settings.progressive)
                works.append(Work(len(new), drawn, drawn * len(clip.objects), reads))
                known.update(new[: max(0, room)])
                room -= len(new)
            working += clip.remembered
    return works


def _temporary_reads(frames: int, progressive: int) -> int:
    """Reads of temporary memory in a clip: each frame reads those that progressive matching has added before it."""
    return sum(frame // progressive for frame in range(frames)) if progressive else 0


def room_for(capacity: int | None, known: Collection[int], start: int, end: int) -> int | None:
    """Number of frames of a run through `start` to `end` can be kept beside those known: others make room for them.
    None: not known."""
    return None if capacity is None else max(0, capacity - sum(start <= frame <= end for frame in known))


class Pace:
    """Foretells how long the rest of a run takes, better with every clip that is done.

    Before the first clip, the prices of earlier runs tell. From then on all of them are set right by how much slower
    or faster this run is, and each by itself as far as the clips done can tell them apart.
    """

    def __init__(
        self,
        plan: Iterable[Work],
        prices: Prices | None = None,
        clock: Callable[[], float] = time.monotonic,
        guess: Prices | None = None,
    ):
        """
        Args:
            plan: of each clip, in order. prices: of earlier runs; None: there were none. clock: seconds, from whenever.
            guess: in place of the prices, if there are none.
        """
        self._plan, self._before, self._clock = list(plan), prices or guess or Prices(), clock
        self._is_measured = prices is not None
        self._seconds: list[float] = []
        self._since = clock()
        self.prices = self._before

    @property
    def seconds_left(self) -> float | None:
        """Until the last clip is done; None before anything was measured on this machine."""
        if not self._is_measured and not any(self._works()):
            return None
        waiting = self._plan[len(self._seconds) :]
        if not waiting:
            return 0.0
        now = self.prices.of(waiting[0])
        return sum(map(self.prices.of, waiting)) - min(self._clock() - self._since, now)

    def clip_done(self, seconds: float, spared: int = 0) -> None:
        """The next clip of the plan is done, and took this long; so many that would follow it do not come."""
        self._seconds.append(seconds)
        del self._plan[len(self._seconds) : len(self._seconds) + spared]
        self._since = self._clock()
        self.prices = self._fitted(_HALF_LIFE, _TRUST)

    @property
    def lesson(self) -> Prices:
        """Prices for later runs: all clips of this one count the same."""
        return self._fitted(math.inf, _TRUST / 16)

    def _works(self) -> list[float]:
        """Seconds of the clips done that had any work: others say nothing."""
        pairs = zip(self._plan, self._seconds, strict=False)
        return [seconds for work, seconds in pairs if work.drawn]

    def _fitted(self, half_life: float, trust: float) -> Prices:
        """Prices that explain the clips done: least squares, drawn towards the prices before.

        Args:
            half_life: clips after which one counts half. trust: weight of the prices before, in clips.
        """
        done = [(w, s) for w, s in zip(self._plan, self._seconds, strict=False) if w.drawn and s > 0]
        if not done:
            return self._before
        names = [field.name for field in fields(Work)]
        before = np.array([getattr(self._before, name) for name in names])
        shares = np.array([astuple(work) for work, _ in done]) * before  # seconds of each part, as foretold
        took = np.array([seconds for _, seconds in done])
        weights = 0.5 ** (np.arange(len(done))[::-1] / half_life)
        scale = (weights @ took) / (weights @ shares.sum(1))
        unit = (weights @ took) / weights.sum()
        rows = np.sqrt(weights)[:, None] * shares * scale / unit
        ridge = np.sqrt(trust) * np.eye(len(names))
        wanted = np.concatenate([np.sqrt(weights) * took / unit, np.full(len(names), np.sqrt(trust))])
        factors = np.linalg.lstsq(np.concatenate([rows, ridge]), wanted, rcond=None)[0]
        fitted = before * scale * np.clip(factors, 0.2, 5.0)
        prices = dict(zip(names, map(float, fitted), strict=True))
        return Prices(**prices, annotated=self._before.annotated, loading=self._before.loading)
