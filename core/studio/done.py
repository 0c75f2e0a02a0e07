"""Hand over: which stretches of which objects a person has declared done, and how much of a project is.

What is done is changed by nobody, neither a run nor an edit, until it is opened again (`Project.apply` holds that).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from core.project.model import Change, DoneStretch
from core.project.project import Project

_NAMED = 4  # stretches and objects that a sentence names


@dataclass(frozen=True)
class DoneShare:
    """Cells (an object on a frame) that are done, of how many."""

    done: int
    total: int

    @property
    def share(self) -> float:
        """0 to 1."""
        return self.done / self.total if self.total else 0.0

    @property
    def is_all(self) -> bool:
        return 0 < self.total == self.done

    @property
    def percent(self) -> int:
        """0 to 100; 100 only where all is done."""
        return int(100 * self.share)


def set_done(
    project: Project, text: str, objects: Iterable[int], first: int, last: int, is_done: bool = True
) -> Change:
    """Declare frames `first` to `last` (inclusive) of these objects done, or open them again.

    Args:
        text: of the step of undo.
    """
    done = project.done
    for obj in objects:
        frames = done_frames(project, obj, done)
        frames[first : last + 1] = is_done
        done = (*(stretch for stretch in done if stretch.object != obj), *_stretches(obj, frames))
    done = tuple(sorted(done))
    return Change(text, done=None if done == project.done else (project.done, done))


def stretch_to_toggle(
    project: Project, obj: int, frame: int, chosen: tuple[int, int] | None = None
) -> tuple[int, int, bool]:
    """First and last frame of what one key declares done (True), or opens again (False).

    Args:
        frame: where the person is. chosen: the range they have chosen; None: none, which means the whole object or,
            where `frame` is done, the done stretch around it.
    """
    if chosen is not None:
        return *chosen, not done_frames(project, obj)[chosen[0] : chosen[1] + 1].all()
    around = next((stretch for stretch in project.done if stretch.holds((frame, obj))), None)
    return (0, project.footage.frames - 1, True) if around is None else (around.first, around.last, False)


def done_frames(project: Project, obj: int, done: Iterable[DoneStretch] | None = None) -> np.ndarray:
    """On which frames an object is done, bool (frames,), the caller's own."""
    frames = np.zeros(project.footage.frames, bool)
    for stretch in project.done if done is None else done:
        if stretch.object == obj:
            frames[stretch.first : stretch.last + 1] = True
    return frames


def _stretches(obj: int, frames: np.ndarray) -> list[DoneStretch]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], frames, [False]]).astype(np.int8)))
    return [DoneStretch(obj, first, last - 1) for first, last in edges.reshape(-1, 2).tolist()]


def done_share(project: Project, objects: Iterable[int] | None = None, first: int = 0, last: int = -1) -> DoneShare:
    """Cells of these objects (None: all) that are done, on frames `first` to `last` (inclusive; -1: the last one)."""
    ids = {info.id for info in project.objects} & set(objects or (info.id for info in project.objects))
    end = min(project.footage.frames - 1, last if last >= 0 else project.footage.frames - 1)
    done = sum(
        max(0, min(stretch.last, end) - max(stretch.first, first) + 1)
        for stretch in project.done
        if stretch.object in ids
    )
    return DoneShare(done, len(ids) * max(0, end - first + 1))


def not_done_in_words(project: Project, objects: Iterable[int] | None, first: int, last: int) -> str:
    """A sentence on what of an export is not done; "" where all is, or where nobody has declared anything done."""
    if not project.done:
        return ""
    wanted = None if objects is None else set(objects)
    parts: list[str] = []
    others = 0
    for info in project.objects:
        if wanted is not None and info.id not in wanted:
            continue
        open_frames = ~done_frames(project, info.id)
        open_frames[:first] = open_frames[last + 1 :] = False
        count = int(open_frames.sum())
        if count and len(parts) < _NAMED:
            in_words = "all of these frames" if count == last - first + 1 < len(open_frames) else ""
            parts.append(f"{info.name} on {in_words or _frames_in_words(info.id, open_frames, count)}")
        else:
            others += bool(count)
    more = [f"{others} more objects" if others > 1 else "1 more object"] if others else []
    return f"Not done yet: {'; '.join([*parts, *more])}." if parts else ""


def _frames_in_words(obj: int, frames: np.ndarray, count: int) -> str:
    if count == len(frames):
        return "all frames"
    stretches = _stretches(obj, frames)
    shown = ", ".join(str(s.first) if s.first == s.last else f"{s.first} to {s.last}" for s in stretches[:_NAMED])
    return f"{count} frame{'s' * (count > 1)} ({shown}{', …' if len(stretches) > _NAMED else ''})"
