"""Tables, once for the terminal and for the page."""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape


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


def table_html(table: Table) -> str:
    """For a page: a figure's caption and a table; all text is escaped."""
    head = "".join(_cell("th", i, text, table.words) for i, text in enumerate(table.columns))
    rows = []
    for row in table.rows:
        kind = ' class="mean"' if "mean" in row[: table.words] else ""
        rows.append(f"<tr{kind}>" + "".join(_cell("td", i, c, table.words) for i, c in enumerate(row)) + "</tr>")
    caption = f"<caption>{escape(table.title)}</caption>"
    return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _cell(tag: str, column: int, text: str, words: int) -> str:
    return f'<{tag} class="word">{escape(text)}</{tag}>' if column < words else f"<{tag}>{escape(text)}</{tag}>"
