"""Masks from marks, on the inference thread: frames that were looked at, and what was found from the marks before."""

import numpy as np

from core.marking.marker import MarkedMask, Marker, SeenFrame
from core.marking.marks import Marks, Stroke
from core.network import PCVOS
from core.network.marking_weights import load_marking
from core.studio.jobs import Box, MarkJob

_FRAMES = 3  # whose features are kept
_FOUND = 40  # masks that are kept


class MarkEngine:
    """Works on the marks of one object on one frame after the other; a further mark costs no more than that one."""

    def __init__(self) -> None:
        self._marker: Marker | None = None
        self._seen: list[SeenFrame] = []  # the newest last
        self._ground: MarkJob | None = None  # of what was found
        self._found: dict[tuple[Stroke | Box, ...], MarkedMask] = {}

    def forget(self) -> None:
        """Let go of the network and of all that was kept."""
        self._marker, self._ground = None, None
        self._seen.clear()
        self._found.clear()

    def mask(self, network: PCVOS, job: MarkJob) -> np.ndarray | None:
        """The job's mask, bool (H, W), without pixels of locked objects; None if it asks for none.

        Raises:
            PCVOSError: the marking weights are missing, or belong to another network.
        """
        if self._marker is None or self._marker.network is not network:
            self.forget()
            self._marker = Marker(network, load_marking(None, next(network.parameters()).device))
        marker = self._marker
        seen = self._look(marker, job.image)
        found = self._from(marker, seen, job)
        if found is None:
            return None
        label = found.label
        return label if job.forbidden is None else label & ~job.forbidden

    def _look(self, marker: Marker, image: np.ndarray) -> SeenFrame:
        known = next((seen for seen in self._seen if _same(seen.image, image)), None)
        if known is None:
            known = marker.see(image.copy())  # PyTorch warns of arrays that cannot be written to
        else:
            self._seen = [seen for seen in self._seen if seen is not known]
        self._seen = [*self._seen, known][-_FRAMES:]
        return known

    def _from(self, marker: Marker, seen: SeenFrame, job: MarkJob) -> MarkedMask | None:
        """Mark by mark, as they were made: each changes what the ones before have given."""
        if self._ground is None or not _same_ground(self._ground, job):
            self._found.clear()
        self._ground = job
        found: MarkedMask | None = None
        for count in range(1, len(job.steps) + 1):
            steps = job.steps[:count]
            if steps not in self._found:
                self._found[steps] = self._next(marker, seen, job, steps, found)
            found = self._found[steps]
        while len(self._found) > _FOUND:
            self._found.pop(next(iter(self._found)))
        return found

    @staticmethod
    def _next(
        marker: Marker,
        seen: SeenFrame,
        job: MarkJob,
        steps: tuple[Stroke | Box, ...],
        before: MarkedMask | None,
    ) -> MarkedMask:
        boxes = [step for step in steps if not isinstance(step, Stroke)]
        marks = Marks(tuple(step for step in steps if isinstance(step, Stroke)), boxes[-1] if boxes else None)
        previous = job.present if before is None else before
        if not isinstance(steps[-1], Stroke):
            previous = None  # a box says what the whole object is: what was there does not count
        return marker.mask(seen, marks, previous, job.estimate)


def _same_ground(one: MarkJob, other: MarkJob) -> bool:
    """Whether marks mean the same in both jobs."""
    return all(_same(getattr(one, name), getattr(other, name)) for name in ("image", "present", "estimate"))


def _same(one: np.ndarray | None, other: np.ndarray | None) -> bool:
    return one is other or (one is not None and other is not None and np.array_equal(one, other))
