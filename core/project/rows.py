"""Rows of the project file, and what they stand for."""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from core.masks.packed_mask import PackedMask
from core.masks.soft_mask import SoftMask
from core.project.model import Cell, DoneStretch, FootageReference, Key, ObjectInfo, RunInfo


def cell_from_row(row: Sequence[Any], size: tuple[int, int] | None) -> Cell | None:
    """From (corrected, in_memory, confidence, mask); None if it is damaged or not of `size` (if given)."""
    corrected, in_memory, confidence, data = row
    try:
        mask = PackedMask.from_bytes(data)
    except (TypeError, ValueError):
        return None
    if (size is not None and mask.size != size) or not isinstance(confidence, float | int | None):
        return None
    confidence = None if confidence is None else float(confidence)  # SQLite keeps 1.0 as the integer 1
    return Cell(mask, bool(corrected), bool(in_memory), confidence)


def cell_row(key: Key, cell: Cell) -> tuple[Any, ...]:
    """For the table cells."""
    frame, obj = map(int, key)  # numpy's numbers are none to SQLite
    confidence = None if cell.confidence is None else float(cell.confidence)
    flags = int(cell.corrected), int(cell.in_memory)
    return frame * 256 + obj, frame, obj, *flags, confidence, cell.mask.to_bytes()


def soft_from_data(data: Any) -> SoftMask | None:
    """From the table soft_masks; None if it is damaged: a mask does without."""
    try:
        return SoftMask.from_bytes(data)
    except (TypeError, ValueError):
        return None


def soft_row(key: Key, soft: SoftMask) -> tuple[Any, ...]:
    """For the table soft_masks."""
    frame, obj = map(int, key)
    return frame * 256 + obj, soft.to_bytes()


def earlier_row(key: Key, cell: Cell | None) -> tuple[Any, ...]:
    """For the table earlier_cells."""
    frame, obj = map(int, key)
    if cell is None:
        return frame * 256 + obj, None, None, None
    soft = None if cell.soft is None else cell.soft.to_bytes()
    return frame * 256 + obj, cell.confidence, cell.mask.to_bytes(), soft


def earlier_from_row(row: Sequence[Any], size: tuple[int, int]) -> tuple[Key, Cell | None]:
    """A cell from a row of the table earlier_cells; ValueError if it is damaged."""
    id, confidence, mask, soft = row
    cell = None if mask is None else cell_from_row((False, False, confidence, mask), size)
    if cell is None and mask is not None:
        raise ValueError(f"cell {id} cannot be read")
    return divmod(id, 256), cell if cell is None or soft is None else replace(cell, soft=soft_from_data(soft))


def object_from_row(row: Sequence[Any]) -> ObjectInfo:
    """From (id, name, colour, visible, locked), and a class or none; TypeError or ValueError: they cannot be."""
    id, name, colour, visible, locked, class_name = (*row, "")[:6]
    if not isinstance(colour, int) or not 0 <= colour < 2**24:
        raise ValueError("a colour is 24 bits")
    red, green, blue = colour.to_bytes(3, "big")
    if not isinstance(name, str) or not isinstance(class_name, str):
        raise TypeError("a name is text")
    return ObjectInfo(id, name, (red, green, blue), bool(visible), bool(locked), class_name)


def object_row(position: int, info: ObjectInfo) -> tuple[Any, ...]:
    """For the table objects."""
    # File names can hold what is no text.
    name, class_name = (text.encode("utf-8", "replace").decode() for text in (info.name, info.class_name))
    colour = int.from_bytes(bytes(info.colour), "big")
    return info.id, position, name, colour, int(info.visible), int(info.locked), class_name


def done_from_row(row: Sequence[Any]) -> DoneStretch:
    """From the table done; ValueError if it is damaged."""
    if len(row) != 3 or not all(isinstance(number, int) for number in row) or not 0 <= row[1] <= row[2]:
        raise ValueError("no stretch is like that")
    return DoneStretch(*row)


def settings_from_rows(rows: Iterable[Sequence[Any]]) -> dict[str, str]:
    """JSON by key, of the table settings; view state that is damaged is left out."""
    return {key: value for key, value in rows if isinstance(key, str) and isinstance(value, str)}


def run_row(id: int, run: RunInfo) -> tuple[Any, ...]:
    """For the table runs."""
    extent = run.start, run.end, run.direction, json.dumps(run.settings)
    return id, run.started, *extent, run.state, run.frames, run.seconds, json.dumps(run.memory_frames)


def run_from_row(row: Sequence[Any]) -> RunInfo:
    """A run from a row of the table runs; TypeError or ValueError if it is damaged."""
    _, started, start, end, direction, settings, state, frames, seconds, memory = row
    memory_frames = tuple(int(frame) for frame in json.loads(memory))
    return RunInfo(started, start, end, direction, json.loads(settings), state, frames, seconds, memory_frames)


def relative_path(footage: Path, project: Path) -> str | None:
    """Where the footage is seen from the project's folder, should both move; None: on another drive."""
    try:
        return Path(os.path.relpath(footage, project.parent)).as_posix()
    except ValueError:
        return None


def find_again(footage: Path, project: Path, relative: str | None) -> Path | None:
    """Where footage is: at its path or, if that is gone, at `relative_path` from the project; None: at neither."""
    moved = None if relative is None else Path(os.path.realpath(project.parent / relative))
    return next((path for path in (footage, moved) if path is not None and os.path.exists(path)), None)


def footage_to_json(footage: FootageReference, project: Path) -> str:
    """For the table meta."""
    relative = relative_path(footage.path, project)
    fields: dict[str, object] = {"path": str(footage.path), "relative": relative, "fingerprint": footage.fingerprint}
    fields |= {"frames": footage.frames, "size": footage.size, "rate": str(Fraction(footage.rate))}
    return json.dumps(fields)


def footage_from_json(text: str) -> tuple[FootageReference, str | None]:
    """The reference and the relative path. Raises TypeError, ValueError, KeyError, ArithmeticError if it is neither."""
    fields = json.loads(text)
    height, width = (int(side) for side in fields["size"])
    frames = int(fields["frames"])
    if frames < 0 or min(height, width) < 1:
        raise ValueError("no footage is like that")
    rate = Fraction(fields["rate"])
    path, relative = fields["path"], fields.get("relative")
    if not isinstance(path, str) or not isinstance(relative, str | None) or "\0" in f"{path}{relative}":
        raise ValueError("no path is like that")
    footage = FootageReference(Path(path), str(fields["fingerprint"]), frames, (height, width), rate)
    return footage, relative
