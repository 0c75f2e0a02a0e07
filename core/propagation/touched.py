"""Run of what corrections touch: outward from a corrected frame, until it agrees with what is there.

Memory. The published scheme reads the given frame and every L-th frame before the clip (paper Sec. 3.1). Here permanent
memory is read whole, as ever; the corrected frame stands for the given one, and working memory begins empty behind it:
the frames before it were drawn by what the correction has just put right. Objects that the person did not speak for on
the corrected frame enter working memory as they are there.

Disputes. Where a way to another corrected frame comes out far from what is there, one of the two is wrong, and nobody
knows which: the other corrected frame is carried to meet it, and both are joined as in a run both ways.

Joining. Between two corrected frames masks are the nearer one's more than the other's (`schedule.forward_weight`). The
other one's side has been drawn already: the soft masks that are there are joined in, the more the nearer that frame is,
so that what is drawn passes over into what stays.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from core.network.transfer import upload
from core.propagation.earlier_run import EarlierRun
from core.propagation.parts import Parts
from core.propagation.prediction import ClipResult
from core.propagation.presence import Presence
from core.propagation.run import PassState, Run
from core.propagation.schedule import Annotated, Clip, Pass
from core.propagation.stretch import Stretch, blend
from core.propagation.ways import Way, pass_along

AGREES = 0.995
"""IoU with what is there, of every object over a whole clip, from which on a clip agrees with it."""

AGREEING_CLIPS = 2
"""Clips in a row that agree with what is there, after which a way ends."""

DISPUTED = 0.85
"""IoU of the least agreeing object over a whole way, below which it is drawn from the other side too."""

FADE = 4.0
"""Power of the share of the way to the next corrected frame, which is how much what is there counts: it was drawn
before this correction was known, and is the better one only near that frame."""


class MaskSource(Protocol):
    """Masks of frames, from any source: those before a run, or those that it drew."""

    def labels(self, frame: int) -> np.ndarray | None:
        """Label map uint8 (H, W); None: nothing is known of this frame."""

    def small(self, frame: int) -> Mapping[int, np.ndarray]:
        """By object, where it is known, its probability as in `ClipResult.small`, uint8 (h, w)."""


class TouchedRun(Run):
    """Ways, one after the other, as passes; arguments as of `core.propagation.run.Run` besides.

    Args:
        ways: each drawn on what is there after those before it. there: what is there.
        finished: frames that the run has drawn before it was interrupted.
    """

    def __init__(self, parts: Parts, ways: Sequence[Way], there: MaskSource, finished: frozenset[int] = frozenset()):
        annotated = {frame: parts.memory[frame].objects for frame in parts.memory}
        super().__init__(parts, touched_passes(ways, annotated, there), EarlierRun(parts, {}, {}))
        self._overlap = range(0)
        self._parts, self._ways, self._there, self._drawn_before = parts, ways, there, finished

    def clips(self) -> Iterator[ClipResult]:
        for entry in self._encoder.permanent_entries():
            self.bank.add(entry)
        for place, (way, this_pass) in enumerate(zip(self._ways, self._passes, strict=True)):
            if way.is_back and not self._is_disputed:
                continue
            self.bank.forget_working()
            self._way = way
            labels = {f: found for f in self._known(way) if (found := self._there.labels(f)) is not None}
            self._earlier = EarlierRun(self._parts, labels, {})
            self._finished = set(labels)
            behind = self._ways[place + 1 : place + 2]
            back = self._cut(self._passes[place + 1]) if behind and behind[0].is_back else []
            yield from self._run_way(this_pass, back)

    def _known(self, way: Way) -> list[int]:
        """Frames that are taken as they are."""
        return [frame for frame in way.frames if frame == way.frames[0] or frame in self._drawn_before]

    def _run_way(self, this_pass: Pass, back: Sequence[Clip]) -> Iterator[ClipResult]:
        """The clips of a way, until it agrees with what is there; `back`: those of the way that would meet it."""
        clips, agreeing, whole = self._cut(this_pass), 0, Overlap()
        self._is_disputed = False
        with self._encoder.feed(clips, self._finished) as feed:
            state = PassState(this_pass, self.bank, feed, Presence())
            last = max((i for i, clip in enumerate(clips) if not self._finished.issuperset(clip.frames)), default=-1)
            for i, clip in enumerate(clips):
                if self._finished.issuperset(clip.frames):
                    self._take_over(clip, state)
                    continue
                there = [self._there.labels(frame) for frame in clip.frames]
                result, own = self._run_clip(clip, state), Overlap()
                for overlap in (own, whole):
                    overlap.see(result.labels, there, clip.objects)
                agreeing = agreeing + 1 if own.least >= AGREES and not self._leaves(clip) else 0
                if i < last and agreeing < AGREEING_CLIPS:
                    yield result
                    continue
                self._is_disputed = bool(back) and agreeing < AGREEING_CLIPS and whole.least < DISPUTED
                spared = [*clips[i + 1 :], *([] if self._is_disputed else back)]
                yield replace(result, spared=tuple(one.frames if one.objects else () for one in spared))
                return

    def _leaves(self, clip: Clip) -> bool:
        """Whether a clip of the way back is nearer to where that began: what is there was drawn from that frame."""
        return self._way.is_back and clip.end in self._way.frames[: len(self._way.frames) // 2]

    def _joined(self, predicted: Stretch, waits: bool) -> list[Stretch]:
        """The prediction, joined where the way leads to another corrected frame: with the masks that are there, on the
        way back with the prediction from that frame."""
        begin, until = self._way.frames[0], self._way.until
        if until is None or not predicted.logits:
            return [predicted]
        if not self._way.is_back:
            self._waiting.put(predicted.frames, predicted.logits)
        logits = {obj: planes.clone() for obj, planes in predicted.logits.items()}
        for i, frame in enumerate(predicted.frames):
            share = abs(frame - begin) / abs(until - begin)
            for obj, other in self._others(frame).items():
                if obj in logits and other.shape == tuple(logits[obj].shape[1:]):
                    theirs = upload([other], logits[obj].device)[0]
                    counts = share if self._way.is_back else share**FADE
                    logits[obj][i] = blend(theirs[None], logits[obj][i : i + 1], [counts])[0]
        return [replace(predicted, logits=logits)]

    def _others(self, frame: int) -> Mapping[int, np.ndarray]:
        """The logits that are joined in on a frame, by object, float32 (h, w)."""
        if self._way.is_back:
            return self._waiting.pop(frame)
        there = {
            obj: np.clip(levels / np.float32(255), 1e-3, 1 - 1e-3) for obj, levels in self._there.small(frame).items()
        }
        return {obj: np.log(share / (1 - share)) for obj, share in there.items()}


class Overlap:
    """IoU of each object with what is there, over the frames of one clip or of several."""

    def __init__(self) -> None:
        self._pixels: dict[int, list[int]] = {}  # in both, in either
        self._is_known = True

    def see(self, labels: np.ndarray, there: Sequence[np.ndarray | None], objects: Sequence[int]) -> None:
        """A clip, label maps uint8 (T, H, W); None in `there`: nothing is known of that frame."""
        if any(one is None for one in there):
            self._is_known = False
            return
        present = np.stack([one for one in there if one is not None])
        for obj in objects:
            ours, theirs = labels == obj, present == obj
            pixels = self._pixels.setdefault(obj, [0, 0])
            pixels[0] += int(np.count_nonzero(ours & theirs))
            pixels[1] += int(np.count_nonzero(ours | theirs))

    @property
    def least(self) -> float:
        """The lowest overlap of all objects, 0 to 1; 1 for one that is on none of the frames in either; 0 where nothing
        was known."""
        return min((both / either for both, either in self._pixels.values() if either), default=1.0) * self._is_known


def touched_passes(ways: Sequence[Way], annotated: Annotated, there: MaskSource) -> list[Pass]:
    """The pass of each way, with the objects that are there where it begins."""
    known, passes = set().union(*annotated.values()), []
    for way in ways:
        labels = there.labels(way.frames[0])
        seen = () if labels is None else sorted(known.intersection(np.unique(labels).tolist()))
        passes.append(pass_along(way, annotated, seen))
    return passes
