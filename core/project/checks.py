"""Whether a change can be, and whether a run may make it."""

from collections.abc import Iterable

from core.errors import PCVOSError
from core.project.model import MAX_OBJECTS, Author, Change, DoneStretch, FootageReference, ObjectInfo
from core.project.tracks import Tracks


def check_change(change: Change, footage: FootageReference) -> None:
    """Raise ValueError for a frame, an object or a mask that cannot be in a project of this footage."""
    for (frame, obj), (_, after) in change.cells.items():
        if not 0 <= frame < footage.frames:
            raise ValueError(f"frame {frame} is outside 0 to {footage.frames - 1}")
        if not 1 <= obj <= MAX_OBJECTS:
            raise ValueError(f"object {obj} is outside 1 to {MAX_OBJECTS}")
        if after is not None and tuple(after.mask.size) != tuple(footage.size):
            raise ValueError(f"a mask of {after.mask.size} on footage of {footage.size}")
    ids = [] if change.objects is None else [info.id for info in change.objects[1]]
    if len(set(ids)) != len(ids) or not all(1 <= id <= MAX_OBJECTS for id in ids):
        raise ValueError(f"objects {ids} are not different ids from 1 to {MAX_OBJECTS}")


def check_run(change: Change, tracks: Tracks, objects: Iterable[ObjectInfo]) -> None:
    """Refuse a run's change to what is not a run's.

    Raises:
        PCVOSError: it touches a cell that is corrected, or known of a locked object, or the list of objects.
        ValueError: it makes corrections.
    """
    if change.made_by is not Author.RUN:
        return
    if change.objects is not None:
        raise PCVOSError("A propagation cannot change the list of objects: that is a person's.")
    names = {info.id: info.name for info in objects}
    locked = {info.id for info in objects if info.locked}
    for key, (_, after) in change.cells.items():
        frame, obj = key
        if after is not None and (after.corrected or after.in_memory):
            raise ValueError(f"a run's mask of object {obj} on frame {frame} calls itself corrected")
        name = names.get(obj, f"object {obj}")
        if tracks.is_corrected(key):
            raise PCVOSError(f"Frame {frame} of {name} is corrected: a propagation cannot change it; clear it first.")
        if obj in locked and tracks.has(key):
            raise PCVOSError(
                f"{name} is locked: a propagation cannot change its mask on frame {frame}; unlock it first."
            )


def check_done(change: Change, done: Iterable[DoneStretch], objects: Iterable[ObjectInfo]) -> None:
    """Raise PCVOSError for a change, whoever makes it, to what is done before and after it."""
    after = done if change.done is None else change.done[1]
    held = [stretch for stretch in done if any(stretch.object == other.object for other in after)]
    for key in change.cells if held else ():
        if any(stretch.holds(key) for stretch in held) and any(stretch.holds(key) for stretch in after):
            name = next((info.name for info in objects if info.id == key[1]), f"object {key[1]}")
            raise PCVOSError(f"{name} is done on frame {key[0]}: open it again to change it there.")
