"""The frame of a project to correct next: where a correction promises most, by what the runs have found already."""

from collections.abc import Mapping, Sequence
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
        stretch: of this object, with the frame in it: what a person sees listed.
        distance: frames to the nearest correction of this object; None: there is none.
    """

    frame: int
    object: int
    stretch: Stretch
    distance: int | None


def suggest(project: Project, stretches: Sequence[Stretch]) -> Suggestion | None:
    """The frame to correct next, in a stretch that waits for a look; None where none waits.

    That is the frame whose correction promises most of all, moved into the stretch that it is near to: beside it a
    person would see nothing wrong. Where it is near to none, it is the same among what waits alone: who goes through
    a list is not led away from it.

    Args:
        stretches: what deserves a look (`core.studio.review`); what is ticked off, or done, is out of question.
    """
    waiting = [stretch for stretch in stretches if stretch.waits]
    if not waiting:
        return None
    confidence = {info.id: project.confidence_of(info.id).copy() for info in project.objects}
    for stretch in stretches:
        if stretch.ticked:
            confidence[stretch.object][stretch.first : stretch.last + 1] = np.nan
    for obj in {stretch.object for stretch in project.done} & confidence.keys():
        confidence[obj][done_frames(project, obj)] = np.nan
    corrected = {obj: project.frames_of(obj, CORRECTED) for obj in confidence}
    found = _most_promising(confidence, corrected, waiting)
    return found or _most_promising(_in_stretches(confidence, waiting), corrected, waiting)


def _most_promising(
    confidence: Mapping[int, np.ndarray], corrected: Mapping[int, np.ndarray], waiting: Sequence[Stretch]
) -> Suggestion | None:
    """The frame that promises most by this confidence, moved into the nearest stretch; None: none is near."""
    frame = frame_to_correct(confidence.values(), corrected.values())
    if frame is None:
        return None
    promised = {obj: promise(confidence[obj], corrected[obj], frame) for obj in confidence}
    obj = max(promised, key=promised.__getitem__)
    near_by = [(_apart(s, frame), s) for s in waiting if s.object == obj and _apart(s, frame) <= REACH]
    if not near_by:
        return None
    stretch = min(near_by, key=lambda pair: pair[0])[1]
    frame, near = min(max(frame, stretch.first), stretch.last), corrected[obj]
    return Suggestion(frame, obj, stretch, int(np.abs(near - frame).min()) if len(near) else None)


def _in_stretches(confidence: Mapping[int, np.ndarray], waiting: Sequence[Stretch]) -> dict[int, np.ndarray]:
    """The confidence inside the stretches, NaN elsewhere."""
    inside = {obj: np.full_like(own, np.nan) for obj, own in confidence.items()}
    for s in waiting:
        inside[s.object][s.first : s.last + 1] = confidence[s.object][s.first : s.last + 1]
    return inside


def _apart(stretch: Stretch, frame: int) -> int:
    """Frames from a frame to a stretch; 0 inside."""
    return max(stretch.first - frame, frame - stretch.last, 0)
