"""`report.html`: an evaluation on one page that needs nothing beside it."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
from jinja2 import Environment

from core.evaluation.charts import Line, score_chart
from core.evaluation.pictures import Picture
from core.evaluation.results import RunResults, all_tables

PICTURES = 12
"""Number of worst frames shown: as many as one wants to look at."""

_STYLE = """
body { font: 14px/1.5 system-ui, sans-serif; color: #222; background: #fff; max-width: 960px; margin: 32px auto;
  padding: 0 16px }
h1 { font-size: 24px; margin: 0 0 8px } h2 { font-size: 18px; margin: 40px 0 8px }
h3 { font-size: 14px; margin: 16px 0 0 }
table { border-collapse: collapse; margin: 16px 0; font-variant-numeric: tabular-nums }
caption { text-align: left; font-weight: 600; padding: 4px 0 }
th, td { text-align: right; padding: 2px 10px; border-bottom: 1px solid #e5e5e5 } th { color: #666; font-weight: 500 }
.word { text-align: left } tr.mean td { font-weight: 600; background: #f6f6f6 }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 16px; margin: 0 } dt { color: #666 }
dd { margin: 0; overflow-wrap: anywhere }
svg { width: 100%; display: block } svg text { font-size: 11px; fill: #888 }
.grid { stroke: #e5e5e5 } .line { fill: none; stroke-width: 1.5 } .mark { fill: #222 }
.legend { margin: 0; font-size: 12px; color: #555 } .legend span { margin-right: 16px }
.legend i { display: inline-block; width: 20px; margin-right: 6px; vertical-align: middle }
figure { margin: 16px 0 } figure img { max-width: 100%; display: block } figcaption { color: #555; font-size: 13px }
"""


# All that comes from outside is escaped; charts are markup already.
_PAGE = Environment(autoescape=True, keep_trailing_newline=True).from_string(
    """\
<!doctype html><html lang=en><head><meta charset=utf-8><title>PCVOS evaluation</title>
<style>"""
    + _STYLE
    + """</style></head><body><h1>PCVOS evaluation</h1>
<dl>{% for key, value in facts.items() %}<dt>{{ key }}</dt><dd>{{ value }}</dd>{% endfor %}</dl>
<h2>Scores</h2>
{% for table in tables %}<table><caption>{{ table.title }}</caption>
{%- macro cells(tag, texts) %}{% for text in texts %}
  {{- '<%s class="word">'|safe % tag if loop.index0 < table.words else '<%s>'|safe % tag }}{{ text }}</{{ tag }}>
{%- endfor %}{% endmacro -%}
<thead><tr>{{ cells("th", table.columns) }}</tr></thead><tbody>
{%- for row in table.rows %}<tr{% if "mean" in row[:table.words] %} class="mean"{% endif %}>{{ cells("td", row) }}</tr>
{%- endfor %}</tbody></table>
{% endfor %}<h2>Worst frames</h2>
<p>Of {{ first }}: the truth left, the prediction right.</p>
{% for picture in pictures %}<figure><img alt="{{ picture.words }}" src="data:image/jpeg;base64,{{ picture.base64 }}">
{#- -#}<figcaption>{{ picture.words }}</figcaption></figure>
{% endfor %}<h2>Frame by frame</h2>
{{ charts|join("\n")|safe }}
</body></html>
"""
)


def report_page(
    facts: Mapping[str, Any],
    runs: Sequence[RunResults],
    pictures: Sequence[Picture],
    stems: Mapping[str, Sequence[str]],
) -> str:
    """The page.

    Args:
        facts: what was run on what, in words, shown at the top.
        pictures: of the first run, before any correction, worst first.
        stems: names of the frames of each sequence.
    """
    charts = [_sequence(name, runs, stems[name]) for name in runs[0].rounds]
    return _PAGE.render(facts=facts, tables=all_tables(runs), first=runs[0].name, pictures=pictures, charts=charts)


def _sequence(name: str, runs: Sequence[RunResults], stems: Sequence[str]) -> str:
    """A chart: objects and their confidence where there is one run, otherwise the mean J of each run or round."""
    first = runs[0].rounds[name]
    scores = first[0].scores
    if len(runs) > 1:
        lines = _mean_lines([(run.name, run.rounds[name][0].scores.frame_means()) for run in runs])
    elif len(first) > 1:
        lines = _mean_lines([(f"{i} corrections", own.scores.frame_means()) for i, own in enumerate(first)])
    else:
        lines = []
        for i, own in enumerate(scores.objects):
            lines.append(Line(f"J of {own.object}", own.j, i))
            if not np.isnan(own.confidence).all():
                lines.append(Line(f"confidence of {own.object}", own.confidence, i, dashed=True))
    marks = sorted({own.given for own in scores.objects} | set(runs[0].corrected(name)))
    names = f"{stems[scores.frames[0]]} to {stems[scores.frames[-1]]}"
    return f"<h3>{escape(name)}, frames {escape(names)}</h3>" + score_chart(scores.frames, lines, marks)


def _mean_lines(curves: Sequence[tuple[str, np.ndarray]]) -> list[Line]:
    return [Line(name, values, i, dashed=i >= 8) for i, (name, values) in enumerate(curves)]
