"""The page of a project's report: HTML that needs nothing beside it, and prints well on A4."""

from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

_STYLE = """
:root { color-scheme: light }
body { font: 14px/1.5 system-ui, sans-serif; color: #222; background: #fff; max-width: 960px;
  margin: 32px auto; padding: 0 16px }
h1 { font-size: 24px; margin: 0 0 8px } h2 { font-size: 18px; margin: 32px 0 8px }
h3 { font-size: 14px; margin: 16px 0 0 }
table { border-collapse: collapse; margin: 8px 0 16px; font-variant-numeric: tabular-nums; width: 100% }
th, td { text-align: right; padding: 3px 8px; border-bottom: 1px solid #ddd; vertical-align: top }
th { color: #555; font-weight: 500 } .word { text-align: left; overflow-wrap: break-word }
.name { min-width: 9em; max-width: 20em }
tr.mean td { font-weight: 600; background: #f3f3f3 }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 16px; margin: 0 } dt { color: #555 }
dd { margin: 0; overflow-wrap: anywhere } p { margin: 4px 0 }
svg { width: 100%; display: block } svg text { font-size: 11px; fill: #666 }
.grid { stroke: #ddd } .line { fill: none; stroke-width: 1.5 } .mark { fill: #222 }
.legend { margin: 0; font-size: 12px; color: #555 } .legend span { margin-right: 16px }
.legend i { display: inline-block; width: 20px; margin-right: 6px; vertical-align: middle }
.chip { display: inline-block; width: 10px; height: 10px; margin-right: 6px; border: 1px solid #555 }
.pictures { display: grid; grid-template-columns: repeat(2, 1fr); gap: 16px }
figure { margin: 0 } figure img { width: 100%; display: block } figcaption { color: #444; font-size: 13px }
@page { size: A4; margin: 16mm 14mm }
@media print {
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact }
  body { font-size: 10pt; margin: 0; padding: 0; max-width: none }
  h1 { font-size: 18pt } h2 { font-size: 13pt; break-after: avoid } h3 { font-size: 10pt; break-after: avoid }
  figure, .curve, tr, dl { break-inside: avoid } thead { display: table-header-group }
}
"""

_PAGE = (
    """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{{ title }}</title><style>"""
    + _STYLE
    + """</style></head><body>
<h1>{{ title }}</h1>
<dl>{% for name, value in facts %}<dt>{{ name }}</dt><dd>{{ value }}</dd>{% endfor %}</dl>
<h2>Objects</h2>
<table><thead><tr><th class="word name">object</th>
{%- for name in columns %}<th>{{ name }}</th>{% endfor %}</tr></thead><tbody>
{% for row in objects %}<tr{% if row.is_mean %} class="mean"{% endif %}><td class="word">
{%- if row.colour %}<span class="chip" style="background:{{ row.colour }}"></span>{% endif %}{{ row.name }}</td>
{%- for value in row.cells %}<td>{{ value }}</td>{% endfor %}</tr>
{% endfor %}</tbody></table>
{% for sentence in notes %}<p>{{ sentence }}</p>{% endfor %}
<h2>Worst frames</h2>
{% if not pictures %}<p>{{ no_pictures }}</p>{% endif %}
<div class="pictures">{% for picture in pictures %}
<figure><img alt="{{ picture.words }}" src="data:image/jpeg;base64,{{ picture.data }}">
<figcaption>{{ picture.words }}</figcaption></figure>{% endfor %}</div>
<h2>Frame by frame</h2>
{% for curve in curves %}<div class="curve"><h3>{{ curve.name }}</h3>{{ curve.svg }}</div>{% else %}
<p>Nothing was propagated yet.</p>{% endfor %}
<h2>Corrections</h2>
<table><thead><tr><th class="word">object</th><th>corrected</th><th class="word">frames</th>
<th class="word">done</th></tr></thead><tbody>{% for row in corrections %}
<tr><td class="word">{{ row.name }}</td><td>{{ row.count }}</td>
<td class="word">{{ row.frames }}</td><td class="word">{{ row.done }}</td></tr>{% endfor %}</tbody></table>
<h2>Propagations</h2>
{% if not runs %}<p>None.</p>{% else %}
<table><thead><tr><th class="word">begun</th><th>frames</th><th>drawn</th><th>seconds</th>
<th class="word">direction</th><th class="word">ended</th><th class="word">settings</th></tr></thead><tbody>
{% for run in runs %}<tr><td class="word">{{ run.started }}</td><td>{{ run.extent }}</td><td>{{ run.frames }}</td>
<td>{{ run.seconds }}</td><td class="word">{{ run.direction }}</td><td class="word">{{ run.state }}</td>
<td class="word">{{ run.settings }}</td></tr>
{% endfor %}</tbody></table>{% endif %}
</body></html>
"""
)

_ENVIRONMENT = Environment(autoescape=True, undefined=StrictUndefined)


def page(svgs: list[tuple[str, str]], **content: Any) -> str:
    """The page; all text in it is escaped.

    Args:
        svgs: name and inline SVG of each curve, which are HTML already.
        content: what `_PAGE` names.
    """
    curves = [{"name": name, "svg": Markup(svg)} for name, svg in svgs]
    return _ENVIRONMENT.from_string(_PAGE).render(curves=curves, **content)
