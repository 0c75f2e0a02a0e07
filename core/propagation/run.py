"""One run through footage: its passes, clip by clip, and what they remember on the way (paper Sec. 3 and 4.1)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from core.network.transfer import download
from core.propagation.composer import Distribution
from core.propagation.earlier_run import EarlierRun
from core.propagation.feature_cache import FrameFeatures
from core.propagation.feed import FrameFeed
from core.propagation.frame_encoder import MaskedFrame
from core.propagation.host_masks import Drawer
from core.propagation.memory import MemoryBank
from core.propagation.packed_logits import PackedLogits
from core.propagation.parts import Parts
from core.propagation.prediction import ClipResult, Prediction
from core.propagation.presence import ABSENT_LOGIT, DECIDED, LITTLE, UNSETTLED_LOGIT, Presence, is_present
from core.propagation.schedule import Annotated, Clip, Pass, cut_clips, passes_of, whole_clips
from core.propagation.stretch import Stretch, joined


@dataclass(frozen=True)
class PassState:
    """A pass under way: its memory, the frames it reads, and what it has seen of each object."""

    this_pass: Pass
    bank: MemoryBank
    feed: FrameFeed | None
    presence: Presence


@dataclass(frozen=True)
class ClipEnd:
    """The last frame of a clip, with what was predicted and what is drawn there; features where they are at hand.

    `unsettled`: objects that are nowhere there, of which memory is not told (`UNSETTLED_LOGIT`).
    """

    clip: Clip
    prediction: Prediction[Tensor]
    distribution: Distribution
    features: FrameFeatures | None
    unsettled: frozenset[int] = frozenset()


class Run:
    """The passes of one run, and what they hand on.

    Args:
        passes: in order; the last one's masks are what counts. earlier: what need not be drawn again.

    Attributes:
        bank: permanent and working memory.
    """

    passes = staticmethod(passes_of)

    def __init__(self, parts: Parts, passes: list[Pass], earlier: EarlierRun):
        self._settings, self._memory, self._engine = parts.settings, parts.memory, parts.engine
        self._composer, self._encoder, self._drawer = parts.composer, parts.encoder, Drawer(parts)
        self._passes, self._earlier = passes, earlier
        self.bank = MemoryBank(self._settings.memory_frames)
        self._annotated: Annotated = {frame: self._memory[frame].objects for frame in self._memory}
        # frames drawn by both passes, and what the first one predicted there
        self._overlap = range(passes[0].frames[0], passes[-1].frames[0] + 1) if len(passes) > 1 else range(0)
        self._waiting = PackedLogits()
        # the first pass, whose clips are others, draws again what the last one needs of it
        self._finished = whole_clips(self._cut(passes[-1]), earlier.frames)

    def clips(self) -> Iterator[ClipResult]:
        """Draw all passes, a clip at a time."""
        for entry in self._encoder.permanent_entries():
            self.bank.add(entry)
        for this_pass in self._passes:
            self.bank.forget_working()
            yield from self._run_pass(this_pass)

    def _cut(self, this_pass: Pass) -> list[Clip]:
        return cut_clips(this_pass, self._annotated, self._settings.interval)

    def _run_pass(self, this_pass: Pass) -> Iterator[ClipResult]:
        clips = self._cut(this_pass)
        with self._encoder.feed(clips, self._finished) as feed:
            state = PassState(this_pass, self.bank, feed, Presence())
            for clip in clips:
                if self._finished.issuperset(clip.frames):
                    self._take_over(clip, state)
                else:
                    yield self._run_clip(clip, state)

    def _run_clip(self, clip: Clip, state: PassState) -> ClipResult:
        """Encode a clip, predict it, draw its frames, and remember the last one where that is due."""
        keep = clip.remembered or clip.end in self._annotated
        waits = state.this_pass is not self._passes[-1] and clip.end in self._overlap
        features = self._encoder.features(clip.frames if clip.objects else (), state.feed, keep)
        predicted, distractors = self._predict(clip, features)
        stretches = self._joined(predicted, waits)
        unsettled: set[int] = set()
        if features:
            of_frame = iter(features)
            present = [self._present(s, [next(of_frame) for _ in s.frames], state) for s in stretches]
            stretches, unsettled = [stretch for stretch, _ in present], present[-1][1]
        drawn, distribution = self._drawer.draw(stretches)
        on_last = {obj: planes[-1] for obj, planes in distractors.items()}
        prediction = replace(stretches[-1].of_frame(-1), distractors=on_last)

        # all that the host wants to know comes at once
        wanted = prediction if keep and prediction.logits and not waits else Prediction[Tensor]()
        areas = [self._areas(distribution)] if keep else []
        pictures, others = self._drawer.pictures(drawn, [*wanted.planes, *areas])
        result = self._drawer.give(pictures, state.presence)
        if keep:
            state.presence.note(dict(zip(distribution.objects, others.pop().tolist(), strict=True)))
        last = features[-1] if features else None
        self._remember(ClipEnd(clip, prediction, distribution, last, frozenset(unsettled)), state)
        kept = wanted.with_planes([plane.copy() for plane in others]) if others else None  # not the whole clip
        return replace(result, provisional=waits, remembered=kept)

    def _predict(self, clip: Clip, features: Sequence[FrameFeatures]) -> tuple[Stretch, dict[int, Tensor]]:
        """Match, refine and decode a clip: mask logits of its objects, and of their distractors, (D, h, w)."""
        if not clip.objects:
            return Stretch(clip.frames, {}), {}
        histories = self.bank.histories(clip.objects, self._settings.distractors)
        with self._engine.going_by(self._settings):
            logits = self._engine.batches.attempt(lambda: self._engine.predict(features, histories))
        tracks = sorted(logits, key=lambda track: track.obj)
        distractors = {track.obj: logits[track] for track in tracks if track.is_distractor}
        return Stretch(clip.frames, {t.obj: logits[t] for t in tracks if not t.is_distractor}), distractors

    def _joined(self, predicted: Stretch, waits: bool) -> list[Stretch]:
        """Join what was predicted with what the other pass of a run in both directions predicted there. What it `waits`
        for is kept until then."""
        if waits:
            self._waiting.put(predicted.frames, predicted.logits)
        elif predicted.frames[-1] in self._overlap:
            return list(joined(predicted, self._waiting.pop, self._annotated, self._engine.device))
        return [predicted]

    def _present(
        self, stretch: Stretch, features: Sequence[FrameFeatures], state: PassState
    ) -> tuple[Stretch, set[int]]:
        """Logits without objects that are more likely nowhere: the network does not stand by what it drew of them, or
        little of them is left, and that little is something else. With the objects of which only plain matching says
        so, on the last frame."""
        unsettled: set[int] = set()
        if not stretch.logits or self._settings.keep_lost:
            return stretch, unsettled
        logits = dict(stretch.logits)
        shares, covered, expected_ious = self._composer.small_covers(stretch.logits)
        areas, ious = (dict(zip(stretch.logits, own, strict=True)) for own in download([covered, expected_ious]))
        places = {obj: k for k, obj in enumerate(stretch.logits)}
        for i in range(len(stretch.frames)):
            drawn = [obj for obj in places if areas[obj][i] > 0]
            absent = {obj for obj in drawn if ious[obj][i] < DECIDED}
            little = [o for o in drawn if o not in absent and areas[o][i] <= LITTLE * state.presence.area(o)]
            matched = state.bank.expected(features[i].key, little, self._settings.top_k)
            unsettled = {obj for obj, expected in matched if not is_present(shares[places[obj], i], expected)}
            for obj in absent | unsettled:
                logits[obj] = logits[obj].clone() if logits[obj] is stretch.logits[obj] else logits[obj]
                logits[obj][i] = UNSETTLED_LOGIT if obj in unsettled else ABSENT_LOGIT
        return Stretch(stretch.frames, logits), unsettled

    def _take_over(self, clip: Clip, state: PassState) -> None:
        """A clip that was drawn before: remember its last frame where that is due, as the interrupted run did, or else
        from its label map."""
        if not clip.remembered and clip.end not in self._annotated:
            return
        prediction = self._earlier.prediction(clip.end)
        if prediction.logits:
            distribution = self._drawer.aggregate(clip.end, prediction)
        else:
            distribution = self._earlier.distribution(clip.end, state.this_pass.objects_at(clip.end))
        self._drawer.see_again(clip.end, prediction, state.presence)
        (areas,) = download([self._areas(distribution)])
        state.presence.note(dict(zip(distribution.objects, areas.tolist(), strict=True)))
        self._remember(ClipEnd(clip, prediction, distribution, None, self._earlier.unsettled(clip.end)), state)

    def _areas(self, distribution: Distribution) -> Tensor:
        """Number of memory positions that each object of a frame covers, float32 (K,)."""
        return self._composer.covers(distribution).sum(1)

    def _remember(self, end: ClipEnd, state: PassState) -> None:
        """The last frame of a clip enters working memory, where that is due, with the objects that are settled there.

        Of an annotated frame that the pass has come to, the objects that were carried there are known now too. Those
        enter working memory, and the annotated ones are encoded again, beside them. Where all were annotated there is
        nothing to add to permanent memory.
        """
        frame, annotated = end.clip.end, self._annotated.get(end.clip.end)
        carried = self._carried(end.clip, state.this_pass) - end.unsettled
        if not carried:
            return
        features = end.features or self._encoder.features([frame], state.feed, keep_trunk=True)[0]
        distractors = {
            obj: self._composer.plane(logits)
            for obj, logits in end.prediction.distractors.items()
            if obj not in (annotated or ())
        }
        masked = MaskedFrame(frame, features, end.distribution, distractors)
        entry = self._encoder.entry(masked, permanent=annotated is not None)
        if annotated is None:
            state.bank.add(entry.of(carried, permanent=False))
            return
        entry.values.update(state.bank.distractors(frame))
        state.bank.add(entry.of(set(state.this_pass.objects_at(frame)) & annotated, permanent=True))
        state.bank.add(entry.of(carried, permanent=False))

    def _carried(self, clip: Clip, this_pass: Pass) -> set[int]:
        """Objects that enter working memory with the last frame of a clip."""
        exists, annotated = set(this_pass.objects_at(clip.end)), self._annotated.get(clip.end)
        return (exists if clip.remembered else set()) if annotated is None else exists - annotated
