"""Projects small enough to make by the hundred."""

import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import numpy as np

from core.masks.packed_mask import PackedMask
from core.project.model import Cell, Change, FootageReference, ObjectInfo
from core.project.project import Project

SIZE = (48, 64)
FRAMES = 60


def footage(folder: Path, name: str = "clip.mp4", **fields) -> FootageReference:
    values = {"fingerprint": "f00d", "frames": FRAMES, "size": SIZE, "rate": Fraction(30000, 1001)} | fields
    return FootageReference(folder / name, **values)


def mask(seed: int, size: tuple[int, int] = SIZE, *, noisy: bool = False) -> PackedMask:
    """A rectangle that depends on the seed; noisy ones are large in the file."""
    random = np.random.default_rng(seed)
    plane = np.zeros(size, bool)
    top, left = random.integers(0, size[0] // 2), random.integers(0, size[1] // 2)
    plane[top : top + size[0] // 3, left : left + size[1] // 3] = True
    return PackedMask.pack(plane & (random.random(size) < 0.5) if noisy else plane)


def painted(seed: int, **fields) -> Cell:
    return Cell(mask(seed, **fields), corrected=True, in_memory=True)


def predicted(seed: int, confidence: float | None = 0.5, **fields) -> Cell:
    return Cell(mask(seed, **fields), confidence=confidence)


def objects(*ids: int) -> tuple[ObjectInfo, ...]:
    return tuple(ObjectInfo(id, f"object {id}", (id, 255 - id, 7)) for id in ids)


def setting(cells: dict, text: str = "test") -> Change:
    """A change that sets cells (None deletes)."""
    return Change(text, {key: (None, cell) for key, cell in cells.items()})


def listing(ids: Iterable[int], before: tuple[ObjectInfo, ...] = ()) -> Change:
    return Change("objects", objects=(before, objects(*ids)))


def content(project: Project) -> tuple[tuple[ObjectInfo, ...], dict]:
    """Everything a person did."""
    return project.objects, dict(project.cells_in(0, project.footage.frames - 1))


def rows(path: Path, query: str) -> list[tuple]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def execute(path: Path, *statements: str) -> None:
    """Change the file as only somebody else would."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


TO_VERSION_7 = ("DROP TABLE accepted_marks",)
"""Statements that take a project's tables back to those of version 7."""

TO_VERSION_6 = (
    *TO_VERSION_7,
    *(f"DROP TABLE {name}" for name in ("classes", "edges", "marks", "ticks", "unfinished_run", "memory_read")),
)
"""Statements that take a project's tables back to those of version 6."""

TO_VERSION_5 = (
    *TO_VERSION_6,
    "DROP TABLE run_cells",
    *(f"ALTER TABLE runs DROP COLUMN {name}" for name in ("bytes", "pinned", "weights")),
)
"""Statements that take a project's tables back to those of version 5."""


def as_killed(path: Path, target: Path) -> Path:
    """A copy of an open project, as it is left if its process is killed now."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for ending in ("", "-wal"):
        if Path(f"{path}{ending}").exists():
            shutil.copyfile(f"{path}{ending}", f"{target}{ending}")
    return target
