"""From what a project holds to a job for the network's thread."""

from collections.abc import Iterable

from core.annotation.packed_mask import PackedMask
from core.propagation.settings import Direction
from pcvos_gui.run_settings import RunSettings
from pcvos_gui.session import Session
from pcvos_gui.workers.jobs import PermanentFrame, PropagateJob


def make_job(
    session: Session, settings: RunSettings, first: int, last: int, direction: Direction | None = None
) -> PropagateJob | None:
    """A run through frames `first` to `last` of what is open; None: no object that may be changed is marked anywhere.

    Args:
        direction: another one than the settings'.

    Raises:
        PCVOSError: settings that cannot be.
    """
    project = session.project
    locked = {o.id for o in session.objects if o.locked}
    known = {o.id for o in session.objects} - locked
    permanent = tuple(
        PermanentFrame(frame, kept)
        for frame, masks in sorted(project.permanent_memory().items())
        if (kept := {id: mask for id, mask in masks.items() if id in known})
    )
    if not any(not mask.is_empty for p in permanent for mask in p.masks.values()):
        return None
    keep: dict[int, tuple[PackedMask, ...]] = {}
    if locked:
        for (frame, _), cell in project.cells_in(first, last, tuple(locked)):
            keep[frame] = (*keep.get(frame, ()), cell.mask)
    return PropagateJob(
        session.media.path,
        settings.engine,
        settings.propagation,
        permanent,
        first,
        last,
        direction or settings.direction,
        keep,
        project.index_cache(),
    )


def masks_of(session: Session, job: PropagateJob, frames: Iterable[int]) -> dict[int, dict[int, PackedMask]]:
    """The masks of the job's objects on these frames, by frame, then object."""
    carried = {id for frame in job.permanent for id in frame.masks}
    cells = session.project.cells
    return {frame: {id: cell.mask for id, cell in cells(frame).items() if id in carried} for frame in frames}


def masks_there(session: Session, job: PropagateJob) -> dict[int, dict[int, PackedMask]]:
    """The masks that the project has of the job's objects within its range, by frame, then object, but for those that
    the network is given: of earlier runs, and corrections that are not in memory."""
    given = {(frame.frame, id) for frame in job.permanent for id in frame.masks}
    carried = tuple({id for _, id in given})
    found: dict[int, dict[int, PackedMask]] = {}
    for (frame, id), cell in session.project.cells_in(job.start, job.end, carried):
        if (frame, id) not in given:
            found.setdefault(frame, {})[id] = cell.mask
    return found
