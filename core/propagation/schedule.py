"""The frames of a run, their order, and how they fall into clips (paper Sec. 3)."""

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from core.propagation.settings import Direction

Annotated = Mapping[int, frozenset[int]]
"""Annotated frames and the objects a person spoke for there."""


@dataclass(frozen=True)
class Clip:
    """Frames predicted together, in the order of the pass.

    Attributes:
        objects: ids to predict on them, ascending. A clip without any has nothing to predict: a single annotated frame,
            or frames on which no object exists yet.
        remembered: whether the prediction of the last frame enters working memory.
    """

    frames: tuple[int, ...]
    objects: tuple[int, ...]
    remembered: bool = False

    @property
    def end(self) -> int:
        """The last frame."""
        return self.frames[-1]


@dataclass(frozen=True)
class Pass:
    """One way through the footage.

    Attributes:
        frames: in order. first: per object the annotated frame from which on it exists.
        predicts_annotated: objects that exist already are predicted, and remembered, on annotated frames too.
    """

    frames: range
    first: Mapping[int, int]
    predicts_annotated: bool = False

    def objects_at(self, frame: int) -> tuple[int, ...]:
        """Ids that exist on `frame`, ascending."""
        at, objects = self._existing
        return objects[bisect_right(at, frame * self.frames.step)]

    @cached_property
    def _existing(self) -> tuple[list[int], list[tuple[int, ...]]]:
        """Frames with further objects, in the order of the pass, and the ids before each and after the last."""
        step = self.frames.step
        at = sorted({frame * step for frame in self.first.values()})
        ids = [tuple(sorted(o for o, frame in self.first.items() if frame * step <= place)) for place in at]
        return at, [(), *ids]


def forward_pass(start: int, end: int, annotated: Annotated) -> Pass:
    """Pass from `start` to `end` (inclusive); each object from its first annotation on."""
    return Pass(range(start, end + 1), _first(sorted(annotated), annotated))


def backward_pass(start: int, end: int, annotated: Annotated) -> Pass:
    """Pass from `end` to `start`; each object from its last annotation back."""
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


def cut_clips(one: Pass, annotated: Annotated, interval: int) -> list[Clip]:
    """Cut a pass into clips of at most `interval` frames.

    A clip ends at an annotated frame: on it when some object is left to predict there, before it otherwise, and the
    next clip starts behind it.

    Remembered are last frames `interval` or more behind the memory frame before, annotated frames counting as such. The
    last clip is not remembered, for nobody would read it.
    """
    clips = list(_cut(one, annotated, interval))
    last: int | None = None
    for i, clip in enumerate(clips[:-1]):
        distance = abs(clip.end - last) if last is not None else len(clip.frames)
        due = bool(clip.objects) and distance >= interval
        if due and (one.predicts_annotated or clip.end not in annotated):
            clips[i] = replace(clip, remembered=True)
        if due or clip.end in annotated:
            last = clip.end
        elif last is None:
            last = clip.frames[0] - one.frames.step
    return clips


def _cut(one: Pass, annotated: Annotated, interval: int) -> Iterator[Clip]:
    pending: list[int] = []
    objects: tuple[int, ...] = ()
    for frame in one.frames:
        objects = one.objects_at(frame - one.frames.step)
        spoken_for = annotated.get(frame)
        if spoken_for is not None and not (objects if one.predicts_annotated else set(objects) - spoken_for):
            if pending:
                yield Clip(tuple(pending), objects)
            yield Clip((frame,), ())
            pending = []
            continue
        pending.append(frame)
        if spoken_for is not None or len(pending) == interval:
            yield Clip(tuple(pending), objects)
            pending = []
    if pending:
        yield Clip(tuple(pending), objects)


def whole_clips(clips: Sequence[Clip], finished: Collection[int]) -> set[int]:
    """Finished frames of a run, but for clips of its last pass that were cut short, which are drawn as a whole."""
    whole = set(finished)
    for clip in clips:
        if not whole.issuperset(clip.frames):
            whole.difference_update(clip.frames)
    return whole


def forward_weight(obj: int, frame: int, annotated: Annotated) -> float:
    """Share of the forward pass in an object's probability: 1 where only that pass knows it, 0 where only the backward
    pass does; between two annotations it falls linearly from the earlier to the later one."""
    before = max((f for f in annotated if obj in annotated[f] and f <= frame), default=None)
    after = min((f for f in annotated if obj in annotated[f] and f >= frame), default=None)
    if before is None or after is None:
        return 0.0 if before is None else 1.0
    return 1.0 if before == after else (after - frame) / (after - before)
