"""Which frames a run visits, in what order, and how they fall into clips (paper Sec. 3)."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from core.propagation.settings import Direction

Annotated = Mapping[int, frozenset[int]]
"""Annotated frames and the objects a person spoke for there."""


@dataclass(frozen=True)
class Clip:
    """Frames predicted together, in the order of the pass; `objects` are the ids to predict on them, ascending.

    A clip without objects has nothing to predict: a single annotated frame, or frames on which no object exists yet.
    """

    frames: tuple[int, ...]
    objects: tuple[int, ...]


@dataclass(frozen=True)
class Pass:
    """One way through the footage: frames in order, and per object the annotated frame from which on it exists."""

    frames: range
    first: Mapping[int, int]

    def objects_at(self, frame: int) -> tuple[int, ...]:
        """Ids that exist on `frame`, ascending."""
        at, objects = self._existing
        return objects[bisect_right(at, frame * self.frames.step)]

    @cached_property
    def _existing(self) -> tuple[list[int], list[tuple[int, ...]]]:
        """Where further objects come in, in the order of the pass, and the ids before each and after the last."""
        step = self.frames.step
        at = sorted({frame * step for frame in self.first.values()})
        ids = [tuple(sorted(o for o, frame in self.first.items() if frame * step <= place)) for place in at]
        return at, [(), *ids]


def forward_pass(start: int, end: int, annotated: Annotated) -> Pass:
    """From `start` to `end` (inclusive); each object from its first annotation on."""
    return Pass(range(start, end + 1), _first(sorted(annotated), annotated))


def backward_pass(start: int, end: int, annotated: Annotated) -> Pass:
    """From `end` to `start`; each object from its last annotation back."""
    return Pass(range(end, start - 1, -1), _first(sorted(annotated, reverse=True), annotated))


def passes_of(direction: Direction, start: int, end: int, annotated: Annotated) -> list[Pass]:
    """The passes of a run through `start` to `end`; in both directions, each covers the frames on which it can know an
    object."""
    if direction == "forward":
        return [forward_pass(start, end, annotated)]
    if direction == "backward":
        return [backward_pass(start, end, annotated)]
    passes = []
    if annotated and (first := max(start, min(annotated))) <= end:
        passes.append(forward_pass(first, end, annotated))
    if annotated and (last := min(end, max(annotated))) >= start:
        passes.append(backward_pass(start, last, annotated))
    return passes


def _first(order: list[int], annotated: Annotated) -> dict[int, int]:
    first: dict[int, int] = {}
    for frame in order:
        for o in annotated[frame]:
            first.setdefault(o, frame)
    return first


def cut_clips(run: Pass, annotated: Annotated, interval: int, predict_given: bool = False) -> Iterator[Clip]:
    """Cut a pass into clips of at most `interval` frames.

    A clip ends at an annotated frame: on it when some object is left to predict there, before it otherwise, and the
    next clip starts behind it.

    Args:
        predict_given: objects that exist already are predicted on annotated frames too (the published loop does so).
    """
    pending: list[int] = []
    objects: tuple[int, ...] = ()
    for frame in run.frames:
        objects = run.objects_at(frame - run.frames.step)
        given = annotated.get(frame)
        if given is not None and not (objects if predict_given else set(objects) - given):
            if pending:
                yield Clip(tuple(pending), objects)
            yield Clip((frame,), ())
            pending = []
            continue
        pending.append(frame)
        if given is not None or len(pending) == interval:
            yield Clip(tuple(pending), objects)
            pending = []
    if pending:
        yield Clip(tuple(pending), objects)


def frames_to_remember(clips: list[Clip], annotated: Annotated, interval: int, predict_given: bool = False) -> set[int]:
    """Last frames of clips whose prediction enters working memory: those `interval` or more behind the memory frame
    before, annotated frames counting as such. The last clip is not remembered, for nobody would read it.

    Args:
        predict_given: an annotated frame's prediction is remembered too, before the annotation itself.
    """
    remembered: set[int] = set()
    last: int | None = None
    for clip in clips[:-1]:
        end = clip.frames[-1]
        distance = abs(end - last) if last is not None else len(clip.frames)
        due = bool(clip.objects) and distance >= interval
        if due and (predict_given or end not in annotated):
            remembered.add(end)
        if due or end in annotated:
            last = end
        elif last is None:
            last = clip.frames[0] - (1 if end >= clip.frames[0] else -1)
    return remembered


def forward_weight(obj: int, frame: int, annotated: Annotated) -> float:
    """Share of the forward pass in an object's probability: 1 where only that pass knows it, 0 where only the backward
    pass does; between two annotations it falls linearly from the earlier to the later one."""
    before = max((f for f in annotated if obj in annotated[f] and f <= frame), default=None)
    after = min((f for f in annotated if obj in annotated[f] and f >= frame), default=None)
    if before is None or after is None:
        return 0.0 if before is None else 1.0
    return 1.0 if before == after else (after - frame) / (after - before)
