"""Forecasts of the next run's time, and of the one under way."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from PySide6.QtCore import QObject, QSettings, Signal

from core.propagation.pace import Pace, Prices, Work, plan, room_for
from core.propagation.schedule import Annotated, passes_of
from core.propagation.settings import Direction
from core.propagation.ways import Way, pass_along
from core.studio.jobs import JobStarted, MemoryUse, PropagateJob
from core.studio.run_settings import QUALITIES, RunSettings
from core.studio.runs import carried_objects
from pcvos_gui.session.next_run import NextRun
from pcvos_gui.session.session import Session


class RunPrices:
    """Prices by interval, for each device, size and weights."""

    def __init__(self) -> None:
        self._store = QSettings()
        self._read: dict[str, dict[int, Prices]] = {}  # by key: forecasts ask again and again

    def at(self, settings: RunSettings, resolution: int | None, interval: int) -> Prices | None:
        """The prices of these settings at another resolution, and at this interval or the nearest one that was
        measured; None: none was."""
        measured = self._measured(_key(settings, resolution))
        return measured[min(measured, key=lambda other: abs(other - interval))] if measured else None

    def intervals(self, settings: RunSettings) -> list[int]:
        """Intervals that were measured, ascending."""
        return sorted(self._measured(_key(settings, settings.resolution)))

    def keep(self, settings: RunSettings, interval: int, prices: Prices) -> None:
        """Note what was measured."""
        key = _key(settings, settings.resolution)
        by_interval = self._measured(key) | {interval: prices}
        self._read[key] = by_interval
        self._store.setValue(key, json.dumps({k: asdict(by_interval[k]) for k in sorted(by_interval)}))

    def _measured(self, key: str) -> dict[int, Prices]:
        if key not in self._read:
            try:
                stored = json.loads(str(self._store.value(key, "{}")))
                self._read[key] = {int(interval): Prices(**prices) for interval, prices in stored.items()}
            except (ValueError, TypeError, AttributeError):  # of another version
                self._read[key] = {}
        return self._read[key]


def _key(settings: RunSettings, resolution: int | None) -> str:
    weights = Path(settings.weights).name if settings.weights else "shipped"
    return f"prices/{settings.device}-{settings.precision}-{resolution or 'native'}-{weights}"


class RunForecast(QObject):
    """Knows the prices of work on this machine, and what of the next run is done already.

    Attributes:
        pace: of the run under way; None before its first clip is begun, and while nothing runs.
    """

    changed = Signal()  # the next run has another price

    def __init__(self, session: Session, next_run: NextRun, parent: QObject):
        super().__init__(parent)
        self._session, self._next = session, next_run
        self._prices = RunPrices()
        self.pace: Pace | None = None
        self._settings = RunSettings()  # of the run under way, or the last
        self._known: frozenset[int] = frozenset()  # frames whose features its thread has
        self._capacity: int | None = None
        self._encoded: dict[int, frozenset[int]] = {}  # annotated frames that its thread has, with their objects
        self._loaded: tuple[str, str] | None = None  # device and weights of the network that is there
        self._started: JobStarted | None = None
        self._marked: Annotated | None = None  # all of permanent memory
        session.states_changed.connect(self._forget_marked)
        session.objects_changed.connect(self._forget_marked)
        session.edited.connect(self._on_edited)
        session.closed.connect(self.forget)

    # a run

    def begin(self, job: PropagateJob, started: JobStarted) -> None:
        """The first clip is under way."""
        settings = self._next.settings
        prices = self._prices.at(settings, settings.resolution, settings.interval)
        height, width = self._session.navigator.size
        seen = (settings.resolution or min(height, width)) / min(height, width)
        guess = Prices.guess(round(height * seen), round(width * seen))
        self.pace = Pace(started.plan, prices, guess=guess)
        self._started, self._settings = started, settings
        self._encoded = {one.frame: frozenset(one.masks) for one in job.permanent}
        self.loaded()

    def loaded(self) -> None:
        """The network that the settings ask for is there."""
        self._loaded = self._next.settings.device, self._next.settings.weights

    def clip_done(self, seconds: float, memory: MemoryUse, spared: int = 0) -> None:
        """The next clip took this long, and so many that would follow it do not come."""
        if self.pace is not None:
            self.pace.clip_done(seconds, spared)
        self._known, self._capacity = memory.known, memory.capacity

    def end(self, keeps: bool) -> None:
        """`keeps`: it has come far enough to tell of the next one."""
        started = self._started
        if self.pace is not None and started is not None and keeps:
            prices = self.pace.lesson
            loading = started.loading_seconds or prices.loading
            annotated = started.annotating_seconds / started.annotated if started.annotated else prices.annotated
            prices = Prices(**{**vars(prices), "loading": loading, "annotated": annotated})
            self._prices.keep(self._settings, self._settings.interval, prices)
        self.pace = None

    def measured(self, interval: int, frames_per_second: float, masks: int) -> None:
        """A comparison drew all of its frames anew, `masks` on each, at this speed."""
        settings = self._next.settings
        prices = self._prices.at(settings, settings.resolution, interval) or Prices()
        one = Work(encoded=1, drawn=1, masks=masks, reads=1)
        scale = 1 / frames_per_second / prices.of(one)
        scaled = {name: getattr(prices, name) * scale for name in vars(one)}
        self._prices.keep(settings, interval, Prices(**{**vars(prices), **scaled}))
        self.changed.emit()

    def forget(self) -> None:
        """The thread has nothing of what it had encoded."""
        self._known, self._capacity, self._encoded = frozenset(), None, {}

    @property
    def seconds_left(self) -> float | None:
        """Seconds left of the run under way; None before anything was measured on this machine."""
        return None if self.pace is None else self.pace.seconds_left

    # the next one

    @property
    def intervals(self) -> list[int]:
        """Memory intervals whose speed was measured on this machine with the present device, size and weights;
        ascending."""
        return self._prices.intervals(self._next.settings)

    def seconds_for(self, interval: int, everything: bool = False, from_both_sides: bool = False) -> float | None:
        """Time the next run would take at this interval, all of its passes; None where nothing was measured, or nothing
        is there to draw. The nearest interval that was measured stands in for one that was not.

        Of what corrections touch, it is that of the ways outward, all the way.

        Args:
            everything: of its whole range, also where corrections touch only part of it.
            from_both_sides: with the ways that meet those, as where no mask comes out near what is there.
        """
        settings, touched = self._next.settings, None if everything else self._next.touched
        extent, ways = (touched.extent, touched.ways_out) if touched else (self._next.frames_chosen(), ())
        if touched and from_both_sides:
            ways = touched.ways
        prices = self._prices.at(settings, settings.resolution, interval)
        return None if prices is None else self._seconds(prices, settings, (interval, *extent), ways)

    def seconds_at(self, resolution: int | None) -> float | None:
        """Seconds the next run would take at this resolution, pixels (None: the footage's own): by its own prices, or
        else by those at another one and the number of pixels; None where nothing was measured."""
        settings, touched = self._next.settings, self._next.touched
        ways = touched.ways_out if touched else ()
        for other in (resolution, settings.resolution, *QUALITIES.values()):
            prices = self._prices.at(settings, other, settings.interval)
            if prices is not None:
                own = min(self._session.navigator.size)
                share = (resolution or own) / (other or own)
                run = settings.interval, *self._next.frames_to_draw()
                there = replace(settings, resolution=resolution)
                return self._seconds(prices.resized(share**2), there, run, ways)
        return None

    def _seconds(
        self, prices: Prices, settings: RunSettings, run: tuple[int, int, int], ways: Sequence[Way]
    ) -> float | None:
        """`run`: interval, first and last frame."""
        interval, start, end = run
        if not self._session.is_open:
            return None
        annotated = self._annotated_for(start, end, "both" if ways else settings.direction)
        if not annotated:
            return None
        known_frames = self._known if _sees_alike(settings, self._settings) else frozenset()
        along = [pass_along(way, annotated) for way in ways]
        passes = along or passes_of(settings.direction, start, end, annotated)
        propagation = replace(settings.propagation, interval=interval)
        work = plan(passes, annotated, propagation, known_frames, room_for(self._capacity, known_frames, start, end))
        new = sum(self._encoded.get(frame) != objects for frame, objects in annotated.items())
        annotating = new * prices.annotated
        loading = 0.0 if self._loaded == (settings.device, settings.weights) else prices.loading
        return annotating + loading + sum(map(prices.of, work))

    def _annotated_for(self, start: int, end: int, direction: Direction) -> Annotated:
        """Frames in permanent memory, and the objects that are marked there and take part in such a run."""
        project = self._session.document.project
        if self._marked is None:
            self._marked = {}
            for frame, id in sorted(project.keys_in_memory()):
                self._marked[frame] = self._marked.get(frame, frozenset()) | {id}
        carried = carried_objects(project, self._marked, start, end, direction)
        return {frame: kept for frame, ids in self._marked.items() if (kept := ids & carried)}

    def _forget_marked(self) -> None:
        self._marked = None

    def _on_edited(self, frames: tuple[int, ...]) -> None:
        for frame in frames:
            self._encoded.pop(frame, None)


def _sees_alike(one: RunSettings, other: RunSettings) -> bool:
    """Whether features that a run with the one has found are of use to the other."""
    return all(
        getattr(one, name) == getattr(other, name)
        for name in ("resolution", "precision", "distractors", "device", "weights")
    )
