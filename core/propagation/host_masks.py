"""From the mask logits of a clip to what people see of it: label maps and soft masks, and their way to the host."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from core.network.transfer import download
from core.propagation.compose import Distribution
from core.propagation.memory import Annotation
from core.propagation.parts import Parts
from core.propagation.stretch import Stretch


@dataclass(frozen=True)
class Drawn:
    """Frames of a clip as they were drawn, on the device.

    Attributes:
        objects: that are on them. labels: uint8 (D, H, W) at the footage's size.
        small: of the objects `predicted` that were not given, uint8 (K', D, h, w); None where there are none.
        soft: uint8 (D, H, W) by object that was not given, if soft masks were asked for.
    """

    frames: tuple[int, ...]
    objects: tuple[int, ...]
    labels: Tensor
    predicted: tuple[int, ...]
    small: Tensor | None
    soft: dict[int, Tensor]


@dataclass(frozen=True)
class Picture:
    """One frame on the host: label map uint8 (H, W), its objects, and by object uint8 probabilities, 255 = 1: `small`
    on the decoder's grid, `soft` at the footage's size."""

    frame: int
    labels: np.ndarray
    objects: tuple[int, ...]
    small: dict[int, np.ndarray]
    soft: dict[int, np.ndarray]


class Drawer:
    """Draws the clips of a run. Annotated frames come out as they were given, but in the exact mode."""

    def __init__(self, parts: Parts):
        self._settings, self._memory = parts.settings, parts.memory
        self._engine, self._geometry, self._composer = parts.engine, parts.geometry, parts.composer

    def draw(self, stretches: Sequence[Stretch]) -> tuple[list[Drawn], Distribution]:
        """Draw the frames of a clip, in order; and what is drawn on the last one."""

        def work() -> tuple[list[Drawn], Distribution]:
            drawn: list[Drawn] = []
            distribution: Distribution | None = None
            for part in self._batches(stretches):
                self._engine.check()
                with self._engine.watch("drawing"):
                    distribution = self._distribution(part)
                    drawn.append(self._draw(part, distribution))
            assert distribution is not None, "a clip without frames"
            return drawn, distribution.of_frame(-1)

        return self._engine.batches.attempt(work)

    def distribution(self, frame: int, logits: dict[int, Tensor]) -> Distribution:
        """What is drawn on a frame: what was predicted there, and what was painted there over it."""
        annotation = self._memory.get(frame)
        slots = self._memory.objects if self._settings.exact and annotation else ()
        return self._composer.distribution(logits, annotation, slots)

    def pictures(self, drawn: Sequence[Drawn], others: Sequence[Tensor]) -> tuple[list[Picture], list[np.ndarray]]:
        """The frames on the host, and `others` with them, for one wait."""
        wanted = [t for part in drawn for t in (part.labels, part.small, *part.soft.values()) if t is not None]
        with self._engine.watch("drawing"):
            arrays = iter(download([*wanted, *others]))
            pictures = [picture for part in drawn for picture in self._of(part, arrays)]
        return pictures, list(arrays)

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
        """What drawing a frame takes: float32 planes at the network's size and at the footage's."""
        (height, width), (rows, columns) = self._geometry.padded, self._geometry.size
        return 4 * (5 * (objects + 1) * height * width + 6 * rows * columns)

    def _distribution(self, stretch: Stretch) -> Distribution:
        """Planes (K + 1, D, H, W); an annotated frame, or one without objects, comes by itself."""
        frame = stretch.frames[0]
        if stretch.logits and frame not in self._memory:
            return self._composer.distribution(stretch.logits)
        one = self.distribution(frame, stretch.of_frame(0))
        return Distribution(one.objects, one.planes.unsqueeze(1))

    def _draw(self, stretch: Stretch, distribution: Distribution) -> Drawn:
        logits, given = stretch.logits, self._given(stretch.frames[0])
        labels = self._composer.labels(distribution, given)
        own = {obj: planes for obj, planes in logits.items() if obj not in given}
        small = self._composer.small(own) if own else None
        soft = self._composer.soft(distribution, given) if self._settings.soft else {}
        return Drawn(stretch.frames, distribution.objects, labels, tuple(sorted(own)), small, soft)

    def _of(self, part: Drawn, arrays: Iterator[np.ndarray]) -> Iterator[Picture]:
        labels = next(arrays)
        small = next(arrays) if part.small is not None else np.empty(0)
        soft = {obj: next(arrays) for obj in part.soft}
        for i, frame in enumerate(part.frames):
            picture = Picture(
                frame,
                labels[i],
                part.objects,
                {obj: planes[i] for obj, planes in zip(part.predicted, small, strict=True)},
                {obj: planes[i] for obj, planes in soft.items()},
            )
            yield self._with_given(picture, None if self._settings.exact else self._memory.get(frame))

    def _given(self, frame: int) -> frozenset[int]:
        annotation = None if self._settings.exact else self._memory.get(frame)
        return frozenset() if annotation is None else annotation.objects

    @staticmethod
    def _with_given(picture: Picture, annotation: Annotation | None) -> Picture:
        """With the pixels that were painted, exactly; its objects are nowhere else."""
        if annotation is None:
            return picture
        painted = annotation.labels
        soft = {obj: np.where(painted > 0, np.uint8(0), plane) for obj, plane in picture.soft.items()}
        soft |= {obj: np.where(painted == obj, np.uint8(255), np.uint8(0)) for obj in annotation.objects}
        labels = np.where(painted > 0, painted, picture.labels)
        return Picture(picture.frame, labels, picture.objects, picture.small, soft)
