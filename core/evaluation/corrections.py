"""One click on masks that propagation got wrong, and how far it corrects them.

Taken are masks of objects whose IoU is 0.5 to 0.85. The click is at the deepest pixel of the largest connected wrong
part (`core.evaluation.marking` has the protocol). Far-off pixels are those outside of that part's bounding box, which
is enlarged 1.5 times around its middle.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.errors import PCVOSError
from core.evaluation.dataset import SequenceFolder
from core.evaluation.marking import LEAST_PIXELS, MarkedCase
from core.evaluation.metrics import region_similarity
from core.evaluation.tables import Table, number
from core.evaluation.truth import read_masks, read_truth
from core.marking.marker import Marker
from core.marking.marks import Marks
from core.marking.wrong_parts import WrongPart, largest_wrong_part
from core.media import open_media

SPOILT = (0.5, 0.85)
"""IoU of masks that are corrected, at least and at most."""

EXTENT = 1.5
"""Extents of the wrong part, beyond which pixels are far off."""


@dataclass(frozen=True)
class Correction:
    """Effect of one click.

    Attributes:
        before, after: IoU. possible: IoU if the wrong part alone were right now.
        far: share of the frame's pixels that are far off and changed.
    """

    name: str
    before: float
    after: float
    possible: float
    far: float
    milliseconds: float


def spoilt_cases(
    sequences: Sequence[SequenceFolder], predictions: Path, every: int
) -> Iterator[tuple[MarkedCase, np.ndarray]]:
    """Objects on every so many frames that have a true mask and a predicted one, and the predicted ones, bool (H, W),
    as far as their IoU is within `SPOILT`.

    Args:
        predictions: masks as `pcvos eval --save-masks` writes them.

    Raises:
        PCVOSError: masks are missing or damaged, or belong to other frames.
    """
    for sequence in sequences:
        folder = predictions / sequence.name
        if not folder.is_dir():
            raise PCVOSError(f"There is no folder {folder}: --predictions needs one for each sequence.")
        with open_media(sequence.frames) as media:
            truth = read_truth(sequence, media)
            predicted, _ = read_masks(folder, sequence.name, media)
            for frame in truth.frames[::every]:
                if frame not in predicted:
                    continue
                labels, drawn = truth.labels(frame), predicted[frame].unpack()
                for obj in truth.objects:
                    own, mask = labels == obj, drawn == obj
                    if own.sum() >= LEAST_PIXELS and SPOILT[0] <= region_similarity(mask, own) <= SPOILT[1]:
                        yield MarkedCase(f"{sequence.name} {frame} {obj}", media.read(frame), own), mask


def correct(marker: Marker, case: MarkedCase, mask: np.ndarray) -> Correction:
    """Click once on what is wrong with a mask bool (H, W)."""
    part = largest_wrong_part(mask, case.truth)
    assert part is not None, "a mask that is right"
    seen = marker.see(case.image)
    begin = time.perf_counter()
    corrected = marker.mask(seen, Marks().and_click(*part.deepest(), part.is_missing), mask).label
    milliseconds = 1000 * (time.perf_counter() - begin)
    far = float(((corrected ^ mask) & far_off(part, mask.shape)).mean())
    right = mask.copy()
    top, left, height, width = part.region
    right[top : top + height, left : left + width][part.where] = part.is_missing
    before, after, possible = (region_similarity(own, case.truth) for own in (mask, corrected, right))
    return Correction(case.name, before, after, possible, far, milliseconds)


def far_off(part: WrongPart, size: tuple[int, ...]) -> np.ndarray:
    """Pixels outside of `EXTENT` extents of a wrong part, bool (H, W)."""
    near = []
    for begin, length, full in zip(part.region[:2], part.region[2:], size, strict=True):
        near.append(np.abs(np.arange(full) + 0.5 - begin - length / 2) <= EXTENT / 2 * length)
    return np.asarray(~(near[0][:, None] & near[1]))


def corrections_table(corrections: Sequence[Correction]) -> Table:
    """Effect of one click on average and at the worst."""
    title = f"One click on masks that are wrong: {len(corrections)} masks"
    columns = ("IoU before", "after", "gained", "possible", "worse", "far", "far, worst", "ms")
    columns_of = [(c.before, c.after, c.possible, c.far, c.milliseconds) for c in corrections]
    before, after, possible, far, ms = np.array(columns_of).T
    row = (
        *(number(float(n)) for n in (before.mean(), after.mean(), (after - before).mean(), (possible - before).mean())),
        *(f"{100 * n:.2f} %" for n in ((after < before).mean(), far.mean(), far.max())),
        f"{np.median(ms):.0f}",
    )
    return Table(title, columns, (row,), words=0)
