"""The content of a project besides objects, cells and runs: each kind is a field of `Content` with a table of its own.

Rows that are damaged are left out when they are read.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import astuple, dataclass, field, fields
from typing import Any

from core.masks.packed_mask import PackedMask
from core.project.model import Key

Row = tuple[Any, ...]


@dataclass(frozen=True)
class View:
    """The view as a person left it: the window and the next run begin with it. A field is a row of the table settings.

    Attributes:
        frame: the one shown. active: id of the object in hand; 0: none.
        in_out: in and out points; None: the end of the footage.
        run: settings of the next run, JSON-able (`core.studio.run_settings.settings_from`).
        targets: path of the last export, by format.
        reference: the folder of masks compared with: its "path", and "relative" to the project's folder.
        marks: how many a person has given, by the object's id. seconds_worked: the time they took (`core.studio.work`).
    """

    frame: int = 0
    active: int = 0
    in_out: tuple[int | None, int | None] = (None, None)
    run: Mapping[str, Any] = field(default_factory=dict)
    targets: Mapping[str, str] = field(default_factory=dict)
    reference: Mapping[str, str | None] = field(default_factory=dict)
    marks: Mapping[str, int] = field(default_factory=dict)
    seconds_worked: float = 0.0


OBJECT, BACKGROUND, BOX = 1, 2, 3
"""Values of strokes."""


@dataclass(frozen=True)
class MarkStroke:
    """A stroke of marks that are not accepted yet. `value`: `OBJECT` (this), `BACKGROUND` (not this) or `BOX` (from
    corner to corner); `points`: (x, y, radius), pixels."""

    frame: int
    object: int
    value: int
    points: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True)
class AcceptedMarks:
    """All marks that an object's mask on a frame was accepted from; they are of use as long as it has this mask.

    Attributes:
        mask: its `PackedMask.checksum`. before: what was there before the first mark; None: nothing.
    """

    strokes: tuple[MarkStroke, ...]
    mask: int
    before: PackedMask | None = None

    @property
    def key(self) -> Key:
        return self.strokes[0].frame, self.strokes[0].object


@dataclass(frozen=True, order=True)
class Tick:
    """A stretch of `core.studio.review` that a person found right, and the doubt it had then."""

    object: int
    first: int
    last: int
    doubt: float


@dataclass(frozen=True)
class UnfinishedRun:
    """The run that is under way: its id, ranges of frames that it has finished, and the frame that it drew last."""

    run: int
    finished: tuple[tuple[int, int], ...] = ()
    last: int | None = None


@dataclass(frozen=True)
class Content:
    """Everything a project holds besides objects, cells and runs; each field but `view` is the table of this name.

    Attributes:
        classes: the list of classes, in order; those of the objects need not be in it.
        edges: how edges of mattes come out, by option (`core.exchange.mattes`).
        marks: in the order they were drawn. accepted_marks: the newest last. ticks: what was ticked off in review.
        unfinished_run: None: none is under way.
        memory_read: checksums of the masks in permanent memory that the last runs read, by frame, then object; empty:
            not known.
    """

    view: View = View()
    classes: tuple[str, ...] = ()
    edges: Mapping[str, str | float] = field(default_factory=dict)
    marks: tuple[MarkStroke, ...] = ()
    accepted_marks: tuple[AcceptedMarks, ...] = ()
    ticks: frozenset[Tick] = frozenset()
    unfinished_run: UnfinishedRun | None = None
    memory_read: Mapping[int, Mapping[int, int]] = field(default_factory=dict)


def _sound(rows: Iterable[Row], *types: Any) -> Iterator[Row]:
    """The rows whose columns are of these types."""
    return (row for row in rows if all(map(isinstance, row, types)))


def _view(rows: Iterable[Row]) -> View:
    stored, first = _decoded(rows), View()
    values = {one.name: stored[one.name] for one in fields(View) if one.name in stored}
    points = values.pop("in_out", None)
    if isinstance(points, list) and len(points) == 2:
        values["in_out"] = tuple(points)
    return View(**{name: value for name, value in values.items() if isinstance(value, type(getattr(first, name)))})


def _decoded(rows: Iterable[Row]) -> dict[str, Any]:
    """Values by key, of the table settings."""
    values = {}
    for key, text in _sound(rows, str, str):
        with suppress(ValueError):
            values[key] = json.loads(text)
    return values


def _marks(rows: Iterable[Row]) -> Iterator[MarkStroke]:
    for frame, obj, value, text in _sound(rows, int, int, int, str):
        with suppress(TypeError, ValueError):
            points = tuple((float(x), float(y), float(radius)) for x, y, radius in json.loads(text))
            yield MarkStroke(frame, obj, value, points)


def _accepted_marks(rows: Iterable[Row]) -> Iterator[AcceptedMarks]:
    for frame, obj, mask, before, text in _sound(rows, int, int, int, bytes | None, str):
        with suppress(TypeError, ValueError):
            strokes = tuple(_marks((frame, obj, value, json.dumps(points)) for value, points in json.loads(text)))
            if strokes:
                yield AcceptedMarks(strokes, mask, None if before is None else PackedMask.from_bytes(before))


def _accepted_row(position: int, one: AcceptedMarks) -> Row:
    before = None if one.before is None else one.before.to_bytes()
    return position, *one.key, one.mask, before, json.dumps([(s.value, s.points) for s in one.strokes])


def _unfinished_run(rows: Iterable[Row]) -> UnfinishedRun | None:
    for run, text, last in _sound(rows, int, str, int | None):
        with suppress(TypeError, ValueError):
            finished = tuple((int(first), int(end)) for first, end in json.loads(text))
            return UnfinishedRun(run, finished, last)
    return None


def _memory_read(rows: Iterable[Row]) -> dict[int, dict[int, int]]:
    read: dict[int, dict[int, int]] = {}
    for frame, obj, checksum in _sound(rows, int, int, int):
        read.setdefault(frame, {}).update({obj: checksum} if obj else {})
    return read


def _memory_rows(read: Mapping[int, Mapping[int, int]]) -> Iterator[Row]:
    for frame, own in read.items():
        yield from ((frame * 256 + obj, frame, obj, checksum) for obj, checksum in (own or {0: 0}).items())


@dataclass(frozen=True)
class _Table:
    """A field of `Content`: the columns read, the field from them, and whole rows from the field."""

    name: str
    columns: str
    value: Callable[[Iterable[Row]], Any]
    rows: Callable[[Any], Iterable[Row]]


_TABLES = {
    "view": _Table(
        "settings",
        "key, value",
        _view,
        lambda view: ((one.name, json.dumps(getattr(view, one.name))) for one in fields(View)),
    ),
    "classes": _Table(
        "classes",
        "name",
        lambda rows: tuple(dict.fromkeys(name for (name,) in _sound(rows, str) if name)),
        lambda classes: enumerate(classes),
    ),
    "edges": _Table("edges", "name, value", lambda rows: dict(_sound(rows, str, str | int | float)), dict.items),
    "marks": _Table(
        "marks",
        "frame, object, value, points",
        lambda rows: tuple(_marks(rows)),
        lambda marks: ((n, m.frame, m.object, m.value, json.dumps(m.points)) for n, m in enumerate(marks)),
    ),
    "accepted_marks": _Table(
        "accepted_marks",
        "frame, object, mask, before, strokes",
        lambda rows: tuple(_accepted_marks(rows)),
        lambda accepted: (_accepted_row(n, one) for n, one in enumerate(accepted)),
    ),
    "ticks": _Table(
        "ticks",
        "object, first, last, doubt",
        lambda rows: frozenset(Tick(*row) for row in _sound(rows, int, int, int, int | float)),
        lambda ticks: map(astuple, sorted(ticks)),
    ),
    "unfinished_run": _Table(
        "unfinished_run",
        "run, finished, last",
        _unfinished_run,
        lambda one: () if one is None else ((1, one.run, json.dumps(one.finished), one.last),),
    ),
    "memory_read": _Table("memory_read", "frame, object, checksum", _memory_read, _memory_rows),
}


def read_content(rows_of: Callable[[str], Iterable[Row]]) -> Content:
    """Read all fields.

    Args:
        rows_of: the rows of a query.
    """
    read = {
        name: table.value(rows_of(f"SELECT {table.columns} FROM {table.name} ORDER BY rowid"))
        for name, table in _TABLES.items()
    }
    return Content(**read)


def write_content(connection: sqlite3.Connection, content: Mapping[str, Any]) -> None:
    """Replace the tables of these fields, by name."""
    for name, value in content.items():
        table = _TABLES[name]
        connection.execute(f"DELETE FROM {table.name}")
        for row in table.rows(value):
            connection.execute(f"INSERT INTO {table.name} VALUES ({', '.join('?' * len(row))})", row)


def content_of_version_6(rows: Iterable[Row]) -> Content:
    """From rows of the table settings up to version 6: each field was JSON under a key there."""
    stored = _decoded(rows)
    targets = {key.removeprefix("export "): path for key, path in stored.items() if key.startswith("export ")}
    reference = {"path": stored.get("report reference") or None, "relative": None}
    view = {"targets": targets, "reference": reference} | stored
    scribbles = [one for one in _of(list, stored.get("scribbles")) if isinstance(one, dict)]
    strokes = [(one, stroke) for one in scribbles for stroke in _of(list, one.get("strokes"))]
    strokes = [(one, stroke) for one, stroke in strokes if len(_of(list, stroke)) == 2]
    run = _of(dict, stored.get("unfinished run"))
    read = [(key, _of(dict, own) or {0: 0}) for key, own in _of(dict, stored.get("memory read")).items()]
    tables: dict[str, Iterable[Row]] = {
        "view": [(key, json.dumps(value)) for key, value in view.items()],
        "classes": ((name,) for name in _of(list, stored.get("classes"))),
        "edges": _of(dict, stored.get("edges")).items(),
        "marks": ((one.get("frame"), one.get("object"), s[0], json.dumps(s[1])) for one, s in strokes),
        "ticks": (row for row in _of(list, stored.get("reviewed")) if len(_of(list, row)) == 4),
        "unfinished_run": [(run.get("run"), json.dumps(run.get("finished")), run.get("last"))],
        "memory_read": (
            (int(key), int(obj), n) for key, own in read for obj, n in own.items() if f"{key}{obj}".isdigit()
        ),
    }
    return Content(**{name: _TABLES[name].value(own) for name, own in tables.items()})


def _of(kind: type, value: Any) -> Any:
    """The value if it is of this kind, and else an empty one."""
    return value if isinstance(value, kind) else kind()
