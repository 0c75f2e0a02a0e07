"""Frames that no run has reached and nobody has annotated, and what an export makes of them: unknown is not absent."""

from collections.abc import Mapping, Sequence

import numpy as np

from core.exchange.options import Option
from core.project.model import ObjectInfo

STOP, EMPTY, SKIP = "stop", "empty", "skip"

UNPROCESSED = Option(
    "unprocessed",
    "Frames never processed",
    "choice",
    STOP,
    choices=((STOP, "Choose…"), (EMPTY, "The object is absent"), (SKIP, "Leave them out")),
    help="What is written where no run has been and nobody has annotated: nothing at all (stop), that the object is "
    "not there (empty), or all but these frames (skip).",
)
"""For every export format."""

_NAMED = 12  # objects that a sentence names


def frames_to_write(frames: range, unknown: Mapping[int, np.ndarray], count: int, apart: bool) -> Sequence[int]:
    """Frames that are left when unknown ones are left out.

    Args:
        unknown: of objects of which something is unknown, bool (all frames of the footage,).
        count: how many objects are exported.
        apart: each object has files of its own: a frame stays while anything is known there. Else all objects must be
            known there, but for those that are unknown on all frames: they are not part of the export.
    """
    if not unknown:
        return frames
    columns = np.stack([known_not[frames.start : frames.stop] for known_not in unknown.values()])
    nothing = columns.all(axis=0) & (len(unknown) == count)
    left_out = nothing if apart else nothing | columns[~columns.all(axis=1)].any(axis=0)
    return tuple((frames.start + np.flatnonzero(~left_out)).tolist())


def counts(unknown: Mapping[int, np.ndarray], frames: range) -> dict[int, int]:
    """On how many of `frames` each of these objects was never processed."""
    return {id: int(np.count_nonzero(known_not[frames.start : frames.stop])) for id, known_not in unknown.items()}


def in_words(objects: Sequence[ObjectInfo], unknown: Mapping[int, np.ndarray], frames: range) -> str:
    """A sentence on how many frames were never processed, for each object; "": all were."""
    if not unknown:
        return ""
    numbers = counts(unknown, frames)
    parts = [f"{info.name} ({info.id}) on {numbers[info.id]}" for info in objects if info.id in numbers]
    more = f", and {len(parts) - _NAMED} more objects" if len(parts) > _NAMED else ""
    return f"Never processed, of {len(frames)} frames: {', '.join(parts[:_NAMED])}{more}."
