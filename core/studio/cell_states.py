"""States of cells along a timeline: one out of all that is known of an object on a frame."""

from collections.abc import Iterable
from enum import IntEnum

import numpy as np

from core.project.project import Project
from core.project.tracks import ABSENT, CORRECTED, IN_MEMORY, PREDICTED
from core.studio.review import Stretch


class CellState(IntEnum):
    """A state of a cell. Where there is room for one state of several cells, the highest is shown."""

    UNKNOWN = 0  # no run has reached it, and nobody has said anything
    NOT_SEEN = 1  # a run has not found it
    DRAWN = 2
    TICKED_OFF = 3  # drawn with doubt, and found to be right
    SAID_ABSENT = 4  # by a person
    CORRECTED = 5  # by a person, and not in memory
    IN_MEMORY = 6
    DOUBTFUL = 7


def states_of(project: Project, obj: int, stretches: Iterable[Stretch]) -> np.ndarray:
    """The states of an object's cells, uint8 (frames,).

    Args:
        stretches: what deserves a look (`core.studio.review`), of this object and perhaps others.
    """
    return _states(project.flags_of(obj), [stretch for stretch in stretches if stretch.object == obj])


def worst_states(project: Project, stretches: Iterable[Stretch]) -> np.ndarray:
    """The worst state of all objects on each frame, uint8 (frames,)."""
    return _states(project.states, stretches)


def _states(flags: np.ndarray, stretches: Iterable[Stretch]) -> np.ndarray:
    is_absent = (flags & ABSENT) != 0
    states = np.where(flags == 0, CellState.UNKNOWN, np.where(is_absent, CellState.NOT_SEEN, CellState.DRAWN))
    persons = (flags & CORRECTED) != 0
    states[persons] = np.where(
        is_absent[persons],
        CellState.SAID_ABSENT,
        np.where(flags[persons] & IN_MEMORY, CellState.IN_MEMORY, CellState.CORRECTED),
    )
    drawn = [stretch for stretch in stretches if not stretch.is_unprocessed]
    for is_ticked, state in ((True, CellState.TICKED_OFF), (False, CellState.DOUBTFUL)):
        inside = _inside(len(flags), [stretch for stretch in drawn if stretch.ticked == is_ticked])
        states[inside & (flags & PREDICTED != 0)] = state
    return states.astype(np.uint8)


def _inside(frames: int, stretches: Iterable[Stretch]) -> np.ndarray:
    """The frames that are in one of the stretches, bool (frames,)."""
    steps = np.zeros(frames + 1, np.int32)
    for stretch in stretches:
        steps[stretch.first] += 1
        steps[stretch.last + 1] -= 1
    return np.cumsum(steps[:-1]) > 0
