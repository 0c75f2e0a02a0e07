"""The frame of a project to correct next: where a correction promises most, by what the runs have found already."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.project.project import Project
from core.project.tracks import CORRECTED
from core.propagation.doubt import REACH, frame_to_correct, promise
from core.studio.done import done_frames
from core.studio.review import Stretch


@dataclass(frozen=True)
class Suggestion:
    """A frame to correct, and why.

    Attributes:
        object: the one with most doubt around it.
        stretch: of this object, with the frame in it; None: the doubt is spread.
        distance: frames to the nearest correction of this object; None: there is none.
    """

    frame: int
    object: int
    stretch: Stretch | None
    distance: int | None


def suggest(project: Project, stretches: Sequence[Stretch]) -> Suggestion | None:
    """The frame to correct next; None where nothing waits for a look.

    Args:
        stretches: what deserves a look (`core.studio.review`); what is ticked off, or done, is out of question.
    """
    if not any(stretch.waits for stretch in stretches):
        return None
    confidence = {info.id: project.confidence_of(info.id).copy() for info in project.objects}
    for stretch in stretches:
        if stretch.ticked:
            confidence[stretch.object][stretch.first : stretch.last + 1] = np.nan
    for obj in {stretch.object for stretch in project.done} & confidence.keys():
        confidence[obj][done_frames(project, obj)] = np.nan
    corrected = {obj: project.frames_of(obj, CORRECTED) for obj in confidence}
    frame = frame_to_correct(confidence.values(), corrected.values())
    if frame is None:
        return None
    promised = {obj: promise(confidence[obj], corrected[obj], frame) for obj in confidence}
    obj = max(promised, key=promised.__getitem__)
    near_by = [(_apart(s, frame), s) for s in stretches if s.waits and s.object == obj and _apart(s, frame) <= REACH]
    nearest = min(near_by, key=lambda pair: pair[0])[1] if near_by else None
    if nearest is not None:  # beside it a person would see nothing wrong
        frame = min(max(frame, nearest.first), nearest.last)
    near = corrected[obj]
    return Suggestion(frame, obj, nearest, int(np.abs(near - frame).min()) if len(near) else None)


def _apart(stretch: Stretch, frame: int) -> int:
    """Frames from a frame to a stretch; 0 inside."""
    return max(stretch.first - frame, frame - stretch.last, 0)
