"""The published inference loop, for comparison with the paper (Sec. 3 and 4.1).

It runs forward, and every prediction that is due is remembered for good: nothing is thinned, localised or taken for
something else. Its quirks are kept. Annotated frames are predicted too, where objects exist, and so can enter memory
twice, as predicted and as annotated; they come out as what both make together, to which each object of the run
contributes, known there or not.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from torch import Tensor

from core.errors import PCVOSError
from core.propagation.composer import Distribution
from core.propagation.earlier_run import EarlierRun
from core.propagation.feature_cache import FrameFeatures
from core.propagation.feed import FrameFeed
from core.propagation.frame_encoder import MaskedFrame
from core.propagation.host_masks import Drawer, Drawn
from core.propagation.memory import MemoryBank
from core.propagation.parts import Parts
from core.propagation.prediction import ClipResult, Prediction, Track
from core.propagation.presence import Presence
from core.propagation.run import ClipEnd
from core.propagation.schedule import Annotated, Clip, Pass, cut_clips, forward_pass, whole_clips
from core.propagation.settings import Direction
from core.propagation.stretch import Stretch


class PublishedLoop:
    """A run as the published code does it; arguments and attributes as of `core.propagation.run.Run`."""

    def __init__(self, parts: Parts, passes: list[Pass], earlier: EarlierRun):
        self._memory, self._engine, self._interval = parts.memory, parts.engine, parts.settings.interval
        self._composer, self._encoder, self._drawer = parts.composer, parts.encoder, Drawer(parts)
        (self._pass,), self._earlier = passes, earlier
        self._annotated = {frame: parts.memory[frame].objects for frame in parts.memory}
        self.bank = MemoryBank(None)
        self._presence = Presence()

    @staticmethod
    def passes(direction: Direction, start: int, end: int, annotated: Annotated) -> list[Pass]:
        """The only pass.

        Raises:
            PCVOSError: it cannot run in this direction, or an annotated frame is outside the range.
        """
        if direction != "forward":
            raise PCVOSError("The exact mode runs forward only.", "exact direction", direction=direction)
        if outside := [frame for frame in sorted(annotated) if not start <= frame <= end]:
            what = f"The exact mode reads no annotations outside the range, and frame {outside[0]} is annotated"
            raise PCVOSError(f"{what}: choose another range.", "exact range")
        return [replace(forward_pass(start, end, annotated), predicts_annotated=True)]

    def clips(self) -> Iterator[ClipResult]:
        """Draw the footage, a clip at a time."""
        clips = cut_clips(self._pass, self._annotated, self._interval)
        finished = whole_clips(clips, self._earlier.frames)
        with self._encoder.feed(clips, finished) as feed:
            for clip in clips:
                if finished.issuperset(clip.frames):
                    self._remember(self._drawn_before(clip), feed)
                else:
                    yield self._run_clip(clip, feed)

    def _run_clip(self, clip: Clip, feed: FrameFeed) -> ClipResult:
        keep = clip.remembered or clip.end in self._annotated
        features = self._encoder.features(clip.frames if clip.objects else (), feed, keep)
        stretch = self._predict(clip, features)
        drawn, distribution = self._engine.batches.attempt(lambda: self._draw(stretch))
        end = ClipEnd(clip, stretch.of_frame(-1), distribution, features[-1] if features else None)
        pictures, planes = self._drawer.pictures(drawn, end.prediction.planes if keep else [])
        self._remember(end, feed)
        remembered = end.prediction.with_planes([plane.copy() for plane in planes]) if planes else None
        return replace(self._drawer.give(pictures, self._presence), remembered=remembered)

    def _predict(self, clip: Clip, features: Sequence[FrameFeatures]) -> Stretch:
        """Match, refine and decode."""
        if not clip.objects:
            return Stretch(clip.frames, {})
        histories = self.bank.histories(clip.objects)
        logits = self._engine.batches.attempt(lambda: self._engine.predict(features, histories))
        return Stretch(clip.frames, {obj: logits[Track(obj)] for obj in clip.objects})

    def _draw(self, stretch: Stretch) -> tuple[list[Drawn], Distribution]:
        """Draw each frame, and tell what is on the last one."""
        drawn = []
        for i, frame in enumerate(stretch.frames):
            self._engine.check()
            with self._engine.watch("drawing"):
                distribution = self._aggregate(frame, stretch.of_frame(i))
                on_one = Distribution(distribution.objects, distribution.planes.unsqueeze(1))
                drawn.append(self._drawer.drawn(stretch.cut(slice(i, i + 1)), on_one))
        return drawn, distribution

    def _aggregate(self, frame: int, prediction: Prediction[Tensor]) -> Distribution:
        annotation = self._memory.get(frame)
        return self._composer.aggregate(prediction.logits, annotation, self._memory.objects if annotation else ())

    def _drawn_before(self, clip: Clip) -> ClipEnd:
        """The end of a clip that an interrupted run has drawn."""
        prediction = self._earlier.prediction(clip.end)
        self._drawer.see_again(clip.end, prediction, self._presence)
        if prediction.logits:
            return ClipEnd(clip, prediction, self._aggregate(clip.end, prediction), None)
        distribution = self._earlier.distribution(clip.end, self._pass.objects_at(clip.end))
        return ClipEnd(clip, prediction, distribution, None)

    def _remember(self, end: ClipEnd, feed: FrameFeed) -> None:
        """The prediction of the last frame, where that is due, and what was annotated there, beside it."""
        frame, is_annotated = end.clip.end, end.clip.end in self._annotated
        if not end.clip.remembered and not is_annotated:
            return
        features = end.features or self._encoder.features([frame], feed, keep_trunk=True)[0]
        masked = MaskedFrame(frame, features, end.distribution)
        if not is_annotated:
            self.bank.add(self._encoder.entry(masked, permanent=False))
            return
        if end.clip.remembered and end.prediction.logits:
            predicted = replace(masked, distribution=self._composer.aggregate(end.prediction.logits))
            self.bank.add(self._encoder.entry(predicted, permanent=False))
        entry = self._encoder.entry(masked, permanent=True)
        self.bank.add(entry.of(self._pass.objects_at(frame), permanent=True))
