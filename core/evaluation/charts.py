"""Scores over the frames of a sequence, as inline SVG."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby

import numpy as np

WIDTH, HEIGHT = 760, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 34, 8, 10, 20
_COLOURS = ("#2b6cb0", "#c05621", "#2f855a", "#b83280", "#6b46c1", "#b7791f", "#319795", "#718096")


@dataclass(frozen=True, eq=False)
class Line:
    """One curve: values 0 to 1 at the frames, NaN where there is none; `colour` is a number, `dashed` a second kind."""

    name: str
    values: np.ndarray
    colour: int
    dashed: bool = False


def thinned(values: np.ndarray) -> tuple[list[int], np.ndarray]:
    """As many frames as a chart has pixels, and the least value around each; NaN where none is known."""
    starts = np.arange(0, len(values), -(-len(values) // WIDTH))
    return starts.tolist(), np.fmin.reduceat(np.asarray(values, np.float64), starts)


def score_chart(
    frames: Sequence[int], lines: Sequence[Line], marks: Sequence[int] = (), marked: str = "mask given"
) -> str:
    """An SVG element: the curves over the frames, a diamond at each of `marks` (frames that were `marked`), and a
    legend as HTML behind it."""
    span = max(frames[-1] - frames[0], 1)

    def x(frame: int) -> float:
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * (frame - frames[0]) / span

    def y(value: float) -> float:
        return _TOP + (HEIGHT - _TOP - _BOTTOM) * (1 - value)

    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">']
    for value in (0, 0.5, 1):
        parts.append(f'<path class="grid" d="M{_LEFT} {y(value):.1f}H{WIDTH - _RIGHT}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value}</text>')
    for frame, anchor in ((frames[0], "start"), (frames[-1], "end")):
        parts.append(f'<text x="{x(frame):.1f}" y="{HEIGHT - 5}" text-anchor="{anchor}">{frame}</text>')
    for line in lines:
        style = f'stroke="{_colour(line)}"' + (' stroke-dasharray="4 3"' if line.dashed else "")
        for run in _runs(frames, line.values):
            points = " ".join(f"{x(frame):.1f},{y(value):.1f}" for frame, value in run)
            parts.append(f'<polyline class="line" {style} points="{points}"/>')
    for frame in marks:
        parts.append(f'<path class="mark" d="M{x(frame):.1f} {_TOP - 5}l4 5l-4 5l-4 -5z"/>')
    return "".join([*parts, "</svg>", _legend(lines, marked if marks else "")])


def _runs(frames: Sequence[int], values: np.ndarray) -> Iterator[list[tuple[int, float]]]:
    """Stretches without a NaN."""
    for is_known, run in groupby(zip(frames, values, strict=True), key=lambda point: not np.isnan(point[1])):
        if is_known:
            yield [(frame, float(value)) for frame, value in run]


def _legend(lines: Sequence[Line], marked: str) -> str:
    entries = [
        f'<span><i style="border-top:2px {"dashed" if line.dashed else "solid"} {_colour(line)}"></i>'
        f"{escape(line.name)}</span>"
        for line in lines
    ]
    return f'<p class="legend">{"".join(entries)}{f"<span>◆ {escape(marked)}</span>" if marked else ""}</p>'


def _colour(line: Line) -> str:
    return _COLOURS[line.colour % len(_COLOURS)]
