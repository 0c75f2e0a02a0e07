"""From what a project holds to a job for the network's thread."""

from collections.abc import Iterable

from core.masks.packed_mask import PackedMask
from core.propagation.settings import Direction
from core.studio.run_settings import RunSettings
from core.studio.runs import plan_run
from pcvos_gui.session.session import Session
from pcvos_gui.workers.jobs import PropagateJob


def make_job(
    session: Session,
    settings: RunSettings,
    first: int,
    last: int,
    direction: Direction | None = None,
    finished: Iterable[int] = (),
) -> PropagateJob:
    """A run through frames `first` to `last` of what is open.

    Args:
        direction: another one than the settings'.
        finished: frames that it has drawn already, before it was interrupted.

    Raises:
        NothingToDraw: it would draw nothing. PCVOSError: settings that cannot be.
    """
    plan = plan_run(session.loaded_project, first, last, direction or settings.direction, finished)
    return PropagateJob(
        session.loaded_media.path,
        settings.engine,
        settings.propagation,
        plan.permanent,
        plan.start,
        plan.end,
        plan.direction,
        plan.keep,
        session.loaded_project.index_cache(),
        plan.finished,
    )


def masks_there(session: Session, job: PropagateJob) -> dict[int, dict[int, PackedMask]]:
    """The masks that the project has of the job's objects within its range, by frame, then object, but for those that
    the network is given: of earlier runs, and corrections that are not in memory."""
    given = {(frame.frame, id) for frame in job.permanent for id in frame.masks}
    carried = tuple({id for _, id in given})
    found: dict[int, dict[int, PackedMask]] = {}
    for (frame, id), cell in session.loaded_project.cells_in(job.start, job.end, carried):
        if (frame, id) not in given:
            found.setdefault(frame, {})[id] = cell.mask
    return found
