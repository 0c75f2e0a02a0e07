"""All marks of one object on one frame, as they are drawn, kept in the project, and given to the network."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from core.errors import PCVOSError
from core.marking.marks import Stroke
from core.masks.drawing import Point, paint_line
from core.masks.packed_mask import PackedMask
from core.media import open_media
from core.project.content import BACKGROUND, BOX, OBJECT, MarkStroke
from core.studio.accepted_marks import taken_up
from core.studio.jobs import Box, MarkJob
from core.studio.run_settings import EngineChoice
from pcvos_gui.session.session import Session
from pcvos_gui.workers.marking import Subject


@dataclass
class DrawnStroke:
    """A click, a stroke or a box, as the hand made it; `value`: what it says."""

    value: int
    points: list[tuple[Point, float]] = field(default_factory=list)  # with the radius there


@dataclass
class Scribble:
    """Strokes for one object on one frame.

    Attributes:
        map: uint8 (H, W) of MarkJob.strokes. mask: what was made of them, bool (H, W).
        job: whose mask is awaited. is_accepted: the mask is taken as soon as it is there.
    """

    frame: int
    object: int
    map: np.ndarray
    strokes: list[DrawnStroke] = field(default_factory=list)
    mask: np.ndarray | None = None
    job: MarkJob | None = None
    is_accepted: bool = False

    @property
    def subject(self) -> Subject:
        return self.frame, self.object

    def stored(self) -> list[MarkStroke]:
        """Strokes as a project keeps them."""
        points = [tuple((*point, radius) for point, radius in stroke.points) for stroke in self.strokes]
        return [MarkStroke(*self.subject, s.value, own) for s, own in zip(self.strokes, points, strict=True)]

    @classmethod
    def restored(cls, stored: Iterable[MarkStroke], size: tuple[int, int]) -> list["Scribble"]:
        """From strokes that a project has kept, for frames of (height, width)."""
        found: dict[Subject, Scribble] = {}
        for one in stored:
            if one.points and one.value in (OBJECT, BACKGROUND, BOX):
                subject = one.frame, one.object
                scribble = found.setdefault(subject, cls(*subject, np.zeros(size, np.uint8)))
                scribble.strokes.append(DrawnStroke(one.value, [((x, y), radius) for x, y, radius in one.points]))
        for scribble in found.values():
            scribble.redraw()
        return list(found.values())

    def redraw(self) -> None:
        """Make the map from the strokes."""
        self.map[...] = 0
        for stroke in self.strokes:
            if stroke.value == BOX:
                continue
            start = stroke.points[0][0]
            for point, radius in stroke.points:
                paint_line(self.map, start, point, radius, stroke.value)
                start = point

    def steps(self) -> tuple[Stroke | Box, ...]:
        """Strokes as the marking network takes them: what of them lies in the frame."""
        steps = (step_of(stroke, self.map.shape) for stroke in self.strokes)
        return tuple(step for step in steps if step is not None)


def step_of(stroke: DrawnStroke, size: tuple[int, int]) -> Stroke | Box | None:
    """A stroke within a frame of (height, width), whole numbers being pixels' centres; None: nothing of it is there."""
    height, width = size
    if stroke.value == BOX:
        left, top, right, bottom = box_of(stroke)
        left, top, right, bottom = max(left, 0.0), max(top, 0.0), min(right, float(width)), min(bottom, float(height))
        return (left, top, right, bottom) if right - left >= 1 and bottom - top >= 1 else None
    points = tuple((x - 0.5, y - 0.5) for (x, y), _ in stroke.points if 0 <= x < width and 0 <= y < height)
    return Stroke(points, stroke.value == OBJECT) if points else None


def box_of(stroke: DrawnStroke) -> Box:
    """The box between a stroke's ends."""
    (x0, y0), (x1, y1) = stroke.points[0][0], stroke.points[-1][0]
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)


def job_of(
    session: Session,
    scribble: Scribble,
    image: np.ndarray,
    labels: np.ndarray,
    estimate: PackedMask | None,
    engine: EngineChoice,
) -> MarkJob:
    """The mask of a scribble, to be made.

    Args:
        image: uint8 (H, W, 3) RGB, the scribble's frame. labels: uint8 (H, W), its label map.
        estimate: the network's of the object there, if there is one.
    """
    known = taken_up(session.document.project, tuple(scribble.stored()))
    if known is None:
        present = labels == scribble.object if scribble.object else np.zeros(labels.shape, bool)
    else:  # as before the first mark; the estimate has been made from the mask that is to be made anew
        present = np.zeros(labels.shape, bool) if known.before is None else known.before.unpack()
        estimate = None
    return MarkJob(
        image,
        scribble.map.copy(),
        present if present.any() else None,
        None if estimate is None or estimate.is_empty else estimate.unpack(),
        session.protected(labels),
        scribble.subject,
        scribble.steps(),
        engine,
    )


def image_of(session: Session, frame: int) -> np.ndarray | None:
    """A frame's pixels, whichever is shown; None (with a message) where it cannot be read."""
    known = session.navigator.image if frame == session.navigator.shown else session.navigator.frames.cached(frame)
    if known is not None:
        return known
    try:  # not the session's own source, which another thread reads from
        with open_media(session.document.media.path, index=session.document.media.stored_index()) as media:
            return media.read(frame)
    except PCVOSError as error:
        session.messages.say(str(error), "error", key="scribble")
        return None
