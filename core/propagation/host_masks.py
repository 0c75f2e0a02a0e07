"""Masks of a clip as people see them: label maps and soft masks, from mask logits, and their way to the host."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from torch import Tensor

from core.network.transfer import download
from core.propagation.appearance import load_appearance
from core.propagation.composer import Distribution
from core.propagation.confidence import UNKNOWN, Evidence, confidence
from core.propagation.memory import Annotation
from core.propagation.parts import Parts
from core.propagation.prediction import ClipResult, Prediction
from core.propagation.presence import Presence
from core.propagation.stretch import Stretch


@dataclass(frozen=True)
class Drawn:
    """Frames of a clip as they were drawn, on the device.

    Attributes:
        stretch: the logits that were drawn, of objects that were not annotated. objects: all that are on the frames.
        labels: uint8 (D, H, W) at the footage's size.
        small: of the objects of the stretch, ascending, uint8 (K', D, h, w); None where there are none.
        soft: uint8 (D, H, W) by object that was not annotated, if soft masks were asked for.
        annotation: of a single frame, what a person said of it, which comes out as it is.
    """

    stretch: Stretch
    objects: tuple[int, ...]
    labels: Tensor
    small: Tensor | None
    soft: dict[int, Tensor]
    annotation: Annotation | None


@dataclass(frozen=True)
class Picture:
    """One frame on the host: label map uint8 (H, W), its objects, and by object uint8 probabilities,
    255 = 1: `small` on the decoder's grid, `soft` at the footage's size."""

    frame: int
    labels: np.ndarray
    objects: tuple[int, ...]
    small: dict[int, np.ndarray]
    soft: dict[int, np.ndarray]


class Drawer:
    """Draws the clips of a run, and gives them."""

    def __init__(self, parts: Parts):
        self._settings, self._memory = parts.settings, parts.memory
        self._engine, self._geometry, self._composer = parts.engine, parts.geometry, parts.composer
        self._encoder, self._appearance_says = parts.encoder, load_appearance(parts.engine.network.features_fingerprint)

    @cached_property
    def _appearance(self) -> dict[int, np.ndarray]:
        """That of the annotated objects; they are all encoded before anything is drawn."""
        return self._encoder.appearance()

    def draw(self, stretches: Sequence[Stretch]) -> tuple[list[Drawn], Distribution]:
        """Draw the frames of a clip, in order, annotated ones as they were annotated; and what is on the last one."""

        def work() -> tuple[list[Drawn], Distribution]:
            drawn: list[Drawn] = []
            distribution: Distribution | None = None
            for part in self._batches(stretches):
                self._engine.check()
                with self._engine.watch("drawing"):
                    distribution = self._aggregate(part)
                    drawn.append(self.drawn(part, distribution, self._memory.get(part.frames[0])))
            assert distribution is not None, "a clip without frames"
            return drawn, distribution.of_frame(-1)

        return self._engine.batches.attempt(work)

    def aggregate(self, frame: int, prediction: Prediction[Tensor]) -> Distribution:
        """Aggregate what was predicted on a frame, with what was painted there over it."""
        return self._composer.aggregate(prediction.logits, self._memory.get(frame))

    def drawn(self, stretch: Stretch, distribution: Distribution, annotation: Annotation | None = None) -> Drawn:
        """Frames with `distribution` on them, (K + 1, D, H, W)."""
        annotated = frozenset() if annotation is None else annotation.objects
        stretch = replace(stretch, logits={o: planes for o, planes in stretch.logits.items() if o not in annotated})
        labels = self._composer.labels(distribution, annotated)
        small = self._composer.small(stretch.logits) if stretch.logits else None
        soft = self._composer.soft(distribution, annotated) if self._settings.soft else {}
        return Drawn(stretch, distribution.objects, labels, small, soft, annotation)

    def pictures(self, drawn: Sequence[Drawn], others: Sequence[Tensor]) -> tuple[list[Picture], list[np.ndarray]]:
        """The frames on the host, and `others` with them, for one wait."""
        wanted = [t for part in drawn for t in (part.labels, part.small, *part.soft.values()) if t is not None]
        with self._engine.watch("drawing"):
            arrays = iter(download([*wanted, *others]))
            pictures = [picture for part in drawn for picture in self._of(part, arrays)]
        return pictures, list(arrays)

    def give(self, pictures: Sequence[Picture], presence: Presence) -> ClipResult:
        """A clip as people get it; where an object is not, its soft mask is zero and its confidence NaN."""
        objects, empty = self._memory.objects, np.zeros(self._geometry.size, np.uint8)
        evidence = [self.see(picture, presence) for picture in pictures]
        sure = [self._confidence(picture, own) for picture, own in zip(pictures, evidence, strict=True)]
        soft = {o: np.stack([p.soft.get(o, empty) for p in pictures]) for o in objects} if self._settings.soft else None
        return ClipResult(
            tuple(picture.frame for picture in pictures),
            np.stack([picture.labels for picture in pictures]),
            soft,
            provisional=False,
            confidence={o: np.array([on_frame.get(o, np.nan) for on_frame in sure], np.float32) for o in objects},
            small=tuple(picture.small for picture in pictures),
            window=self._geometry.window,
            evidence=tuple(evidence),
        )

    def see(self, picture: Picture, presence: Presence) -> dict[int, Evidence]:
        """Evidence by object that was predicted on a frame, and not annotated; the pass has seen the frame then."""
        annotation = self._memory.get(picture.frame)
        if annotation is not None:
            presence.confirm(picture.frame, annotation)
        annotated = frozenset() if annotation is None else annotation.objects
        crop = self._geometry.crop_small
        planes = {obj: crop(small) for obj, small in picture.small.items() if obj not in annotated}
        return presence.see(picture.frame, planes, self._appearance)

    def see_again(self, frame: int, prediction: Prediction[Tensor], presence: Presence) -> None:
        """See a frame that was drawn before."""
        annotated = self._memory[frame].objects if frame in self._memory else frozenset()
        logits = {o: plane for o, plane in prediction.logits.items() if o not in annotated}
        small = download([self._composer.small(logits)])[0] if logits else ()
        planes = dict(zip(sorted(logits), small, strict=True))
        self.see(Picture(frame, np.empty(0), (), planes, {}), presence)

    def _confidence(self, picture: Picture, evidence: Mapping[int, Evidence]) -> dict[int, float]:
        """Confidence by object on a frame; 1 where it was annotated."""
        annotation = self._memory.get(picture.frame)
        annotated = frozenset() if annotation is None else annotation.objects
        sure = {obj: 1.0 if obj in annotated else UNKNOWN for obj in picture.objects}
        return sure | {obj: confidence(own, self._appearance_says) for obj, own in evidence.items()}

    def _batches(self, stretches: Iterable[Stretch]) -> Iterator[Stretch]:
        """Frames that are drawn together: an annotated one by itself."""
        for stretch in stretches:
            annotated = [i for i, frame in enumerate(stretch.frames) if not stretch.logits or frame in self._memory]
            begin = 0
            for end in [*annotated, len(stretch.frames)]:
                plain = stretch.cut(slice(begin, end))
                for some in self._engine.batches.split(end - begin, self._bytes(len(stretch.logits))):
                    yield plain.cut(some)
                if end < len(stretch.frames):
                    yield stretch.cut(slice(end, end + 1))
                begin = end + 1

    def _bytes(self, objects: int) -> int:
        """Memory that drawing a frame takes: float32 planes at the network's size and at the footage's."""
        (height, width), (rows, columns) = self._geometry.padded, self._geometry.size
        return 4 * (5 * (objects + 1) * height * width + 6 * rows * columns)

    def _aggregate(self, stretch: Stretch) -> Distribution:
        """Planes (K + 1, D, H, W); an annotated frame, or one without objects, comes by itself."""
        frame = stretch.frames[0]
        if stretch.logits and frame not in self._memory:
            return self._composer.aggregate(stretch.logits)
        one = self.aggregate(frame, stretch.of_frame(0))
        return Distribution(one.objects, one.planes.unsqueeze(1))

    def _of(self, part: Drawn, arrays: Iterator[np.ndarray]) -> Iterator[Picture]:
        labels = next(arrays)
        small = next(arrays) if part.small is not None else np.empty(0)
        soft = {obj: next(arrays) for obj in part.soft}
        for i, frame in enumerate(part.stretch.frames):
            picture = Picture(
                frame,
                labels[i],
                part.objects,
                {obj: planes[i] for obj, planes in zip(sorted(part.stretch.logits), small, strict=True)},
                {obj: planes[i] for obj, planes in soft.items()},
            )
            yield _painted_over(picture, part.annotation) if part.annotation else picture


def _painted_over(picture: Picture, annotation: Annotation) -> Picture:
    """With the pixels that were painted; their objects are nowhere else."""
    painted = annotation.labels
    soft = {obj: np.where(painted > 0, np.uint8(0), plane) for obj, plane in picture.soft.items()}
    soft |= {obj: np.where(painted == obj, np.uint8(255), np.uint8(0)) for obj in annotation.objects}
    return replace(picture, labels=np.where(painted > 0, painted, picture.labels), soft=soft)
