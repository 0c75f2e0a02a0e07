"""Explanation of a frame: which run drew it, what that run knew then, and how unsure it was.

What a run read and remembered is not stored: it follows from its settings, from permanent memory as it was then, and
from the masks that it drew, which the project keeps. What has changed since, and cannot be had any more, is said.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.errors import PCVOSError
from core.masks.soft_mask import STRIDE
from core.project.model import Cell, Key, RunInfo
from core.project.project import Project
from core.propagation.settings import Direction
from core.propagation.ways import Way
from core.studio.interrupted import AROUND
from core.studio.jobs import ExplainJob, PropagateJob
from core.studio.run_records import RunRecord
from core.studio.run_settings import RunSettings
from core.studio.runs import PermanentFrame
from core.studio.touched import ProjectMasks, ways_from

_SHOWN = 4  # frames that a sentence names


@dataclass(frozen=True)
class Origin:
    """The run that drew an object on a frame, or would draw it.

    Attributes:
        run: its id; 0: none has drawn it.
        known: objects by frame that were permanent memory then.
        notes: sentences on what is otherwise now.
    """

    run: int
    settings: RunSettings
    start: int
    end: int
    direction: Direction
    known: Mapping[int, frozenset[int]]
    ways: tuple[Way, ...] = ()
    notes: tuple[str, ...] = ()


def origin_of(project: Project, frame: int, obj: int, settings: RunSettings) -> Origin:
    """The newest run that drew an object on a frame; where none did, the one that `settings` would make.

    Raises:
        PCVOSError: nothing is in memory, or its weights are gone.
    """
    memory = {f: frozenset(masks) for f, masks in sorted(project.permanent_memory().items())}
    if not memory:
        raise PCVOSError("Nothing is in permanent memory: mark an object first.", "nothing marked")
    for id, info in reversed(project.runs()):
        if info.state != "running" and info.start <= frame <= info.end and _drew(project, id, info, (frame, obj)):
            return _origin(project, id, info, memory)
    note = "No propagation has drawn this: what the next one would read is shown."
    last = project.footage.frames - 1
    return Origin(0, settings, 0, last, settings.direction, memory, notes=(note,))


def _drew(project: Project, run: int, info: RunInfo, key: Key) -> bool:
    if not info.frames:
        return False  # it failed before its first clip: what is there is another one's
    if info.kept_bytes:
        return key in _drawn(project, run, key[0])
    cell = project.cell(*key)
    return cell is not None and not cell.corrected


def _drawn(project: Project, run: int, frame: int) -> dict[Key, Cell]:
    """The cells that a run drew on a frame, as far as they are kept."""
    return dict(project.kept_runs.cells(run, frame, frame))


def _origin(project: Project, run: int, info: RunInfo, memory: Mapping[int, frozenset[int]]) -> Origin:
    record, notes = RunRecord(run, info), []
    if record.missing_weights:
        raise PCVOSError(record.missing_weights, "weights gone")
    known, since = {}, []
    for frame, objects in memory.items():
        later = {obj for _, obj in _drawn(project, run, frame)}  # what was corrected then was not drawn
        was_there = not info.memory_frames or frame in info.memory_frames
        if then := objects - later if was_there else frozenset():
            known[frame] = then
        if then != objects:
            since.append(frame)
    if since:
        notes.append(f"Corrected since, and not read then: {_frames(since)}.")
    if not info.kept_bytes:
        notes.append(f"The masks of propagation {run} are not kept any more: those that are there stand for them.")
    settings, around = record.settings, info.settings.get(AROUND)
    ways: tuple[Way, ...] = ()
    if isinstance(around, list):
        ways = ways_from([frame for frame in around if frame in known], known, info.start, info.end)
        notes.append("It drew what a correction touched, and joined it with what was there, which is left out here.")
    direction: Direction = "both" if ways else settings.direction
    return Origin(run, settings, info.start, info.end, direction, known, ways, tuple(notes))


def _frames(frames: list[int]) -> str:
    names = ", ".join(map(str, frames[:_SHOWN])) + (", …" if frames[_SHOWN:] else "")
    return f"frame{'s' if frames[1:] else ''} {names}"


class RunMasks(ProjectMasks):
    """The masks that a run drew, and where it drew none or they are not kept, those of the project."""

    def __init__(self, project: Project, objects: frozenset[int], run: int):
        super().__init__(project, objects)
        self._run = run

    def _cells(self, frame: int) -> Iterator[tuple[Key, Cell]]:
        cells = dict(super()._cells(frame))
        if self._run:
            drawn = _drawn(self._project, self._run, frame)
            cells |= {key: cell for key, cell in drawn.items() if key[1] in self._objects}
        yield from cells.items()


def make_explain_job(project: Project, footage: Path, frame: int, obj: int, settings: RunSettings) -> ExplainJob:
    """A job for the network's thread that explains an object on a frame.

    Args:
        footage: where it is. settings: of the next run, in case none has drawn the object there.

    Raises:
        PCVOSError: as `origin_of` does.
    """
    origin = origin_of(project, frame, obj, settings)
    chosen = origin.settings
    permanent = tuple(PermanentFrame(f, masks) for f, masks in sorted(project.permanent_memory().items()))
    base = PropagateJob(
        footage,
        chosen.engine,
        chosen.propagation,
        permanent,
        origin.start,
        origin.end,
        origin.direction,
        index=project.index_cache(),
        ways=origin.ways,
    )
    there = RunMasks(project.snapshot(), frozenset().union(*origin.known.values()), origin.run)
    weights = dict(project.runs())[origin.run].weights if origin.run else ""
    cell = project.cell(frame, obj)
    mask = None if cell is None else cell.mask
    return ExplainJob(base, frame, obj, origin.known, there, mask, origin.run, weights, origin.notes)


def uncertainty(project: Project, frame: int) -> tuple[np.ndarray, tuple[float, float, float, float]] | None:
    """Uncertainty of the last run on a frame: the entropy of its distribution over objects and background.

    Returns:
        uint8 (h, w), 255: one bit or more, as unsure as a tossed coin; and the (left, top, width, height) that this
        covers, in pixels of the footage. None where nothing is known: not drawn, or all corrected.
    """
    soft = [c.soft for c in project.cells(frame).values() if c.soft is not None and not c.corrected]
    soft = [one for one in soft if (one.grid, one.window) == (soft[0].grid, soft[0].window)]
    if not soft:
        return None
    objects = np.stack([one.levels() for one in soft]).astype(np.float32) / 255
    planes = np.concatenate([1 - objects.sum(0, keepdims=True), objects]).clip(1e-6, 1)
    bits = -(planes * np.log2(planes)).sum(0)
    top, left, height, width = soft[0].window
    down, across = project.footage.size[0] / height, project.footage.size[1] / width
    rows, columns = (n * STRIDE for n in soft[0].grid)
    area = (-left * across, -top * down, columns * across, rows * down)
    return np.rint(bits.clip(0, 1) * 255).astype(np.uint8), area
