"""The parts of a project. All of it is immutable; a `Change` is how it becomes something else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.masks.packed_mask import PackedMask
from core.masks.soft_mask import SoftMask

if TYPE_CHECKING:
    from core.media import FrameSource

MAX_OBJECTS = 254
"""Ids are 1 to 254: 0 is background, 255 void."""


@dataclass(frozen=True)
class FootageReference:
    """The footage a project is about; never a copy of it.

    Attributes:
        path: absolute. fingerprint: `FrameSource.fingerprint()`. size: (height, width).
        rate: frames per second.
    """

    path: Path
    fingerprint: str
    frames: int
    size: tuple[int, int]
    rate: Fraction

    @classmethod
    def of(cls, media: "FrameSource", path: Path) -> "FootageReference":
        """The reference to footage that is open, which lies at `path`."""
        return cls(path, media.fingerprint(), len(media), media.size, media.rate)

    def difference(self, found: "FootageReference") -> str | None:
        """A sentence if `found` is other footage; None if it is this, wherever it lies."""
        if tuple(found.size) != tuple(self.size):
            (height, width), (found_height, found_width) = self.size, found.size
            return (
                f"{found.path} is {found_width}x{found_height}, but the project's footage was {width}x{height}: "
                "its masks do not fit."
            )
        if found.frames != self.frames:
            return (
                f"{found.path} has {found.frames} frames, but the project's footage had {self.frames}: "
                "masks may lie on other frames."
            )
        if found.fingerprint != self.fingerprint:
            return f"{found.path} was changed since the project was made: check that the masks still fit."
        return None


@dataclass(frozen=True)
class ObjectInfo:
    """One object: its id in label maps (1 to 254), and how a person knows it. `colour` is 8-bit RGB.

    `class_name` is what it is an instance of, e.g. "person" ("": not said): objects of one class are one category in
    data sets (`core.project.classes`).
    """

    id: int
    name: str
    colour: tuple[int, int, int]
    visible: bool = True
    locked: bool = False
    class_name: str = ""


@dataclass(frozen=True)
class Cell:
    """One object on one frame.

    Attributes:
        mask: where it is; empty: it is not there.
        corrected: a person painted or accepted it. No run changes it.
        in_memory: it is permanent memory: runs read it. Only corrected cells are; they can be taken out.
        confidence: of a prediction, 0 to 1; None if unknown, or a person's.
        soft: the network's probabilities, where it has seen the frame. The mask may have been corrected since: it
            decides, and `soft` counts only where it agrees (see `core.masks.matte`).
    """

    mask: PackedMask
    corrected: bool = False
    in_memory: bool = False
    confidence: float | None = None
    soft: SoftMask | None = None


Key = tuple[int, int]
"""(frame, object id)."""


@dataclass(frozen=True, order=True)
class DoneStretch:
    """Frames `first` to `last` (inclusive) of an object that a person has declared done: nothing changes their cells,
    neither a run nor an edit, until they are opened again."""

    object: int
    first: int
    last: int

    def holds(self, key: Key) -> bool:
        """Whether a cell is inside."""
        return self.object == key[1] and self.first <= key[0] <= self.last


class Author(StrEnum):
    """Maker of a change."""

    PERSON = "person"
    RUN = "run"  # a propagation: `Project.apply` keeps it off what is corrected or locked
    IMPORT = "import"


@dataclass(frozen=True)
class Change:
    """One step of undo: every cell it touches, before and after; None: nothing is known there.

    Attributes:
        text: what the history list says, e.g. "Brush, frame 37".
        cells: by (frame, object).
        objects: the list of objects before and after; None: unchanged.
        done: what is done before and after; None: unchanged.
        made_by: whose step it is. Undoing it, and doing it again, is a person's.
    """

    text: str
    cells: Mapping[Key, tuple[Cell | None, Cell | None]] = field(default_factory=dict)
    objects: tuple[tuple[ObjectInfo, ...], tuple[ObjectInfo, ...]] | None = None
    made_by: Author = Author.PERSON
    done: tuple[tuple[DoneStretch, ...], tuple[DoneStretch, ...]] | None = None

    def inverted(self) -> "Change":
        """The change that undoes it."""
        cells = {key: (after, before) for key, (before, after) in self.cells.items()}
        objects = None if self.objects is None else self.objects[::-1]
        return Change(self.text, cells, objects, done=None if self.done is None else self.done[::-1])

    @property
    def frames(self) -> tuple[int, ...]:
        """Frames it touches, ascending."""
        return tuple(sorted({frame for frame, _ in self.cells}))


@dataclass(frozen=True)
class RunInfo:
    """One propagation.

    Attributes:
        started: ISO 8601, with the zone. settings: JSON-able. state: "running", "done", "stopped", "failed".
        frames: how many it drew. seconds: how long that took.
        memory_frames: permanent and working memory when it ended.
        weights: fingerprint of those that drew it; "": not known.
        pinned: its masks are kept whatever room they take. kept_bytes: that they take; 0: they are not kept.
    """

    started: str
    start: int
    end: int
    direction: str
    settings: dict[str, Any]
    state: str = "running"
    frames: int = 0
    seconds: float = 0.0
    memory_frames: tuple[int, ...] = ()
    weights: str = ""
    pinned: bool = False
    kept_bytes: int = 0
