"""Run of what corrections touch: outward from a corrected frame, until it agrees with what is there.

Memory. The published scheme reads the given frame and every L-th frame before the clip (paper Sec. 3.1). Here permanent
memory is read whole, as ever; the corrected frame stands for the given one, and working memory begins empty behind it:
the frames before it were drawn by what the correction has just put right. Objects that the person did not speak for on
the corrected frame enter working memory as they are there.

Joining. Between two corrected frames masks are the nearer one's more than the other's (`schedule.forward_weight`). The
other one's side has been drawn already: the soft masks that are there are joined in, the more the nearer that frame is,
so that what is drawn passes over into what stays.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
import torch

from core.network.transfer import upload
from core.propagation.earlier_run import EarlierRun
from core.propagation.parts import Parts
from core.propagation.prediction import ClipResult
from core.propagation.presence import Presence
from core.propagation.run import PassState, Run
from core.propagation.schedule import Annotated, Pass
from core.propagation.stretch import Stretch, blend
from core.propagation.ways import Way, pass_along

AGREES = 0.995
"""IoU with what is there, of every object over a whole clip, from which on a clip agrees with it."""

AGREEING_CLIPS = 2
"""Clips in a row that agree with what is there, after which a way ends."""


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
        for way, this_pass in zip(self._ways, self._passes, strict=True):
            self.bank.forget_working()
            self._way = way
            labels = {f: found for f in self._known(way) if (found := self._there.labels(f)) is not None}
            self._earlier = EarlierRun(self._parts, labels, {})
            self._finished = set(labels)
            yield from self._run_pass(this_pass)

    def _known(self, way: Way) -> list[int]:
        """Frames that are taken as they are."""
        return [frame for frame in way.frames if frame == way.frames[0] or frame in self._drawn_before]

    def _run_pass(self, this_pass: Pass) -> Iterator[ClipResult]:
        clips, agreeing = self._cut(this_pass), 0
        with self._encoder.feed(clips, self._finished) as feed:
            state = PassState(this_pass, self.bank, feed, Presence())
            for i, clip in enumerate(clips):
                if self._finished.issuperset(clip.frames):
                    self._take_over(clip, state)
                    continue
                there = [self._there.labels(frame) for frame in clip.frames]
                result = self._run_clip(clip, state)
                agreeing = agreeing + 1 if agrees(result.labels, there, clip.objects) else 0
                if agreeing == AGREEING_CLIPS:
                    yield replace(result, spared=tuple(one.frames for one in clips[i + 1 :]))
                    return
                yield result

    def _joined(self, predicted: Stretch, waits: bool) -> list[Stretch]:
        """Predictions, joined with what is there where the way leads to another corrected frame."""
        begin, until = self._way.frames[0], self._way.until
        if until is None or not predicted.logits:
            return [predicted]
        logits = {obj: planes.clone() for obj, planes in predicted.logits.items()}
        for i, frame in enumerate(predicted.frames):
            share = (abs(frame - begin) / abs(until - begin)) ** FADE
            for obj, levels in self._there.small(frame).items():
                if obj in logits and levels.shape == tuple(logits[obj].shape[1:]):
                    there = torch.logit(upload([levels], logits[obj].device)[0].float() / 255, eps=1e-3)
                    logits[obj][i] = blend(there[None], logits[obj][i : i + 1], [share])[0]
        return [replace(predicted, logits=logits)]


def touched_passes(ways: Sequence[Way], annotated: Annotated, there: MaskSource) -> list[Pass]:
    """The pass of each way, with the objects that are there where it begins."""
    known, passes = set().union(*annotated.values()), []
    for way in ways:
        labels = there.labels(way.frames[0])
        seen = () if labels is None else sorted(known.intersection(np.unique(labels).tolist()))
        passes.append(pass_along(way, annotated, seen))
    return passes


def agrees(labels: np.ndarray, there: Sequence[np.ndarray | None], objects: Sequence[int]) -> bool:
    """Whether a clip, label maps uint8 (T, H, W), agrees with what is there on all of its frames: the IoU of each
    object over the whole clip is at least `AGREES`, or it is on none of its frames in either."""
    if any(one is None for one in there):
        return False
    known = np.stack([one for one in there if one is not None])
    for obj in objects:
        ours, theirs = labels == obj, known == obj
        union = np.count_nonzero(ours | theirs)
        if union and np.count_nonzero(ours & theirs) < AGREES * union:
            return False
    return True
