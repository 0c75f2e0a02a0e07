"""Ways outward from corrected frames, of runs that draw only what corrections touch."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from core.propagation.schedule import Annotated, Pass


@dataclass(frozen=True)
class Way:
    """One way outward from a corrected frame.

    Attributes:
        frames: in order, the corrected one first. until: the corrected frame that ends it; None: none does.
        is_back: it meets the way before it, from the corrected frame that ended that one; drawn only where that one
            came out far from what was there.
    """

    frames: range
    until: int | None = None
    is_back: bool = False

    @property
    def back(self) -> "Way | None":
        """The way that meets this one; None: no frame ends this one."""
        if self.until is None or self.is_back:
            return None
        return Way(range(self.until, self.frames[0], -self.frames.step), self.frames[0], is_back=True)


def ways_around(frame: int, annotated: Annotated, low: int, high: int) -> list[Way]:
    """The ways outward from a corrected frame, backward and forward, each with the one that meets it, if any; none
    where the next frame ends it already.

    A way ends before the next annotated frame that speaks for all objects which the corrected one speaks for, or at
    `low` or `high` (inclusive).
    """
    order, ways = sorted(annotated), []
    before, behind = order[: bisect_left(order, frame)], order[bisect_right(order, frame) :]
    for step, others in ((-1, before[::-1]), (1, behind)):
        until = next((o for o in others if annotated[o] >= annotated[frame] and low <= o <= high), None)
        last = (low if step < 0 else high) if until is None else until - step
        if (last - frame) * step > 0:
            way = Way(range(frame, last + step, step), until)
            ways += [way] if way.back is None else [way, way.back]
    return ways


def extent(ways: Sequence[Way]) -> tuple[int, int]:
    """The first and last frame that ways may come to."""
    ends = [frame for way in ways if not way.is_back for frame in (way.frames[0], way.frames[-1])]
    return min(ends), max(ends)


def pass_along(way: Way, annotated: Annotated, seen: Sequence[int] = ()) -> Pass:
    """The pass of a way: on its first frame exist the objects that were annotated there or before, in its direction,
    and those that are `seen` there."""
    begin, step = way.frames[0], way.frames.step
    first = dict.fromkeys(seen, begin)
    for frame in sorted(annotated, key=lambda f: f * step):
        for obj in annotated[frame]:
            first.setdefault(obj, frame if frame * step > begin * step else begin)
    return Pass(way.frames, first)
