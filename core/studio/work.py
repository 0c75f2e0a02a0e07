"""What a person has put into a project: marks given, and time spent working.

A mark is a click, a stroke, a box, a filled region or a polygon, also one that was taken back later.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

from core.project.project import Project

PAUSE_SECONDS = 60.0
"""Whoever touches neither mouse nor keyboard for longer does something else, and none of that time is work."""

_GONE = "0"  # no object has this id


@dataclass(frozen=True)
class Work:
    """Marks by the id of their object, those of objects that are gone, and seconds of working."""

    marks: Mapping[int, int]
    marks_of_gone: int
    seconds: float

    @property
    def all_marks(self) -> int:
        return sum(self.marks.values()) + self.marks_of_gone

    @property
    def is_known(self) -> bool:
        """Whether anything was noted; before there was this, nothing was."""
        return bool(self.all_marks or self.seconds)


def work_on(project: Project) -> Work:
    """The work that went into a project so far."""
    ids = {info.id for info in project.objects}
    marks = _sound(project.view.marks)
    own = {id: marks.get(str(id), 0) for id in ids}
    seconds = project.view.seconds_worked
    return Work(own, sum(marks.values()) - sum(own.values()), seconds if isfinite(seconds) and seconds > 0 else 0.0)


def with_mark(marks: Mapping[str, int], obj: int) -> dict[str, int]:
    """Marks by id, as a project's view has them, and one more for an object."""
    sound = _sound(marks)
    return sound | {str(obj): sound.get(str(obj), 0) + 1}


def with_new_object(marks: Mapping[str, int], obj: int) -> dict[str, int]:
    """Marks by id, where an object comes that may have the id of one that is gone: whose marks stay counted."""
    sound = _sound(marks)
    gone = sound.pop(str(obj), 0)
    return sound | ({_GONE: sound.get(_GONE, 0) + gone} if gone else {})


def _sound(marks: Mapping[str, int]) -> dict[str, int]:
    return {id: n for id, n in marks.items() if isinstance(n, int) and not isinstance(n, bool) and n > 0}


class WorkTime:
    """Adds up the time between signs of a person, without pauses."""

    def __init__(self) -> None:
        self._last: float | None = None
        self._seconds = 0.0

    def sign(self, now: float) -> None:
        """The person has touched mouse or keyboard; `now`: seconds of any clock that never goes back."""
        if self._last is not None and now - self._last <= PAUSE_SECONDS:
            self._seconds += now - self._last
        self._last = now

    def take(self) -> float:
        """Seconds since this was called last."""
        seconds, self._seconds = self._seconds, 0.0
        return seconds


def in_words(seconds: float) -> str:
    """A length of time, such as 1 h 05 min."""
    minutes = round(seconds / 60)
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
