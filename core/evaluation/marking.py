"""Marking as the field measures it: a simulated annotator marks what is wrong until the mask is right.

The protocol. The first mark is, by kind: a click at the deepest pixel of the object's largest connected part
(`clicks`), a straight stroke along that part (`strokes`, see `WrongPart.stroke`), one through all of it
(`long-strokes`, see `WrongPart.long_stroke`), or the object's bounding box (`boxes`). Every further mark is a click at
the deepest pixel of the largest connected wrong part of the mask so far: "this" where something is missing, "not this"
where there is too much. Deepest is the pixel farthest from what is not of the part; beyond the frame nothing is of
it. Parts are connected by 8 neighbours; of two of one size the missing one counts, of two pixels as deep the first in
reading order. The marker is given all marks so far and the mask so far. NoC@85 is the number of marks until IoU is
0.85 or more, 20 where it never is within 20.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import cv2
import numpy as np

from core.evaluation.dataset import SequenceFolder
from core.evaluation.metrics import region_similarity
from core.evaluation.tables import Table, number
from core.evaluation.truth import read_truth
from core.marking.marks import Marks
from core.marking.wrong_parts import largest_wrong_part
from core.media import open_media

Kind = Literal["clicks", "strokes", "long-strokes", "boxes"]

MOST = 20
"""Marks after which an annotator gives up."""

REPORTED = (1, 2, 3, 5, 10)
"""Numbers of marks after which the mean IoU is reported."""

TARGETS = (0.85, 0.90)
"""IoU that NoC counts the marks to."""

LEAST_PIXELS = 100
"""Objects that show less on a frame are left out."""


@dataclass(frozen=True)
class MarkedCase:
    """One object on one frame: image uint8 (H, W, 3) RGB, truth bool (H, W)."""

    name: str
    image: np.ndarray
    truth: np.ndarray


@dataclass(frozen=True)
class CaseResult:
    """IoU after 1, 2, ... marks of one case, and milliseconds of each mark."""

    name: str
    ious: tuple[float, ...]
    milliseconds: tuple[float, ...]

    def after(self, marks: int) -> float:
        """IoU after so many marks; the last one where there were fewer."""
        return self.ious[min(marks, len(self.ious)) - 1]

    def marks_to(self, target: float) -> int:
        """Marks until IoU is `target` or more; `MOST` where it never is."""
        return next((i + 1 for i, iou in enumerate(self.ious) if iou >= target), MOST)


class Marking(Protocol):
    """The part of `Marker` that is asked here."""

    def see(self, image: np.ndarray) -> Any:
        """Take up a frame."""

    def mask(self, frame: Any, marks: Marks, previous: np.ndarray | None) -> Any:
        """The mask after `marks`, as `label`."""


def marked_cases(sequences: Sequence[SequenceFolder], every: int) -> Iterator[MarkedCase]:
    """Every object on every so many frames that have a mask, the first one included; objects by themselves."""
    for sequence in sequences:
        with open_media(sequence.frames) as media:
            truth = read_truth(sequence, media)
            for frame in truth.frames[::every]:
                labels = truth.labels(frame)
                image = media.read(frame)
                for obj in truth.objects:
                    own = labels == obj
                    if own.sum() >= LEAST_PIXELS:
                        yield MarkedCase(f"{sequence.name} {frame} {obj}", image, own)


def first_mark(truth: np.ndarray, kind: Kind) -> Marks:
    """The annotator's first mark, before there is a mask."""
    if kind == "boxes":
        left, top, width, height = cv2.boundingRect(truth.view(np.uint8))
        return Marks(box=(left, top, left + width, top + height))
    part = largest_wrong_part(np.zeros_like(truth), truth)
    assert part is not None, "an object without pixels"
    if kind == "clicks":
        return Marks().and_click(*part.deepest())
    return Marks().and_stroke(part.stroke() if kind == "strokes" else part.long_stroke())


def annotate(marker: Marking, case: MarkedCase, kind: Kind, most: int = MOST) -> CaseResult:
    """Mark one case up to `most` times.

    It ends when nothing is wrong, or when all that is reported is known: the highest target is reached and the last
    reported number of marks as well.
    """
    seen, marks = marker.see(case.image), first_mark(case.truth, kind)
    mask: np.ndarray | None = None
    ious: list[float] = []
    times: list[float] = []
    while len(ious) < most:
        begin = time.perf_counter()
        mask = marker.mask(seen, marks, mask).label
        times.append(1000 * (time.perf_counter() - begin))
        ious.append(region_similarity(mask, case.truth))
        part = largest_wrong_part(mask, case.truth)
        if part is None or (len(ious) >= max(REPORTED) and max(ious) >= max(TARGETS)):
            break
        marks = marks.and_click(*part.deepest(), part.is_missing)
    return CaseResult(case.name, tuple(ious), tuple(times))


def marking_table(cases: Sequence[CaseResult], kind: Kind) -> Table:
    """Mean IoU after so many marks, NoC, and the median time of a mark."""
    ious = [number(float(np.mean([case.after(n) for case in cases]))) for n in REPORTED]
    noc = [f"{np.mean([case.marks_to(t) for case in cases]):.2f}" for t in TARGETS]
    milliseconds = np.median([ms for case in cases for ms in case.milliseconds])
    return Table(
        f"Marking with {kind}: {len(cases)} objects; IoU after so many marks",
        (*map(str, REPORTED), *(f"NoC@{100 * t:.0f}" for t in TARGETS), "ms"),
        ((*ious, *noc, f"{milliseconds:.0f}"),),
        words=0,
    )
