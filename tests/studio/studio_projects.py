"""Projects of footage that exists only as numbers, for rules that need no pixels of it."""

from fractions import Fraction
from pathlib import Path

import numpy as np

from core.masks.packed_mask import PackedMask
from core.project.model import Cell, Change, FootageReference, ObjectInfo
from core.project.project import Project

SIZE, FRAMES = (24, 32), 12


def square(left: int, width: int = 8) -> PackedMask:
    plane = np.zeros(SIZE, bool)
    plane[4:12, left : left + width] = True
    return PackedMask.pack(plane)


def make_project(folder: Path, *locked: int, objects: int = 2) -> Project:
    """A project in memory, with objects 1, 2, ...; the first change writes its file."""
    project = Project.new(FootageReference(folder / "clip.mp4", "f", FRAMES, SIZE, Fraction(25)), folder / "clip.pcvos")
    infos = tuple(ObjectInfo(id, f"Object {id}", (id, 0, 0), locked=id in locked) for id in range(1, objects + 1))
    project.apply(Change("objects", objects=((), infos)))
    return project


def put(project: Project, frame: int, id: int, mask: PackedMask | None = None, corrected: bool = False) -> None:
    """A prediction or, corrected, permanent memory."""
    cell = Cell(mask or square(4 * id), corrected, corrected)
    project.apply(Change("put", {(frame, id): (project.cell(frame, id), cell)}))
