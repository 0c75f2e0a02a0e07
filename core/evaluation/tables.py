"""Tables, once for the terminal and for the page."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """Cells as they are shown; the first `words` columns are words, set left, the others figures, set right."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: int = 1


def number(value: float) -> str:
    """Three decimals, never -0.000."""
    return f"{round(value, 3) + 0.0:.3f}"


def table_lines(table: Table) -> Iterator[str]:
    """For a terminal: the title, the columns, the rows."""
    widths = [max(len(row[i]) for row in (table.columns, *table.rows)) for i in range(len(table.columns))]
    yield table.title
    for row in (table.columns, *table.rows):
        cells = [
            c.ljust(w) if i < table.words else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
