"""Charts as SVG: bars beside each other, and small line charts. Pure; knows nothing of what the figures mean.

Readable on light and dark pages, with a title and a description for those who do not see it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

WIDTH: Final = 860
_LABEL: Final = 150  # px to the left of the bars
_VALUE: Final = 120  # px to their right
_BAR: Final = 20
_GAP: Final = 34
_FAR_APART: Final = 100.0  # between the largest and the smallest, from which on a scale is logarithmic
_COLOURS: Final = ("#d1495b", "#3a7ca5", "#5b8c5a", "#8e6c8a")  # 3:1 at least on white and on GitHub's dark
_STYLE: Final = (
    "text{font:13px system-ui,sans-serif;fill:#57606a}.head{font-weight:600}.axis{stroke:#8b949e;stroke-opacity:.5}"
    ".bar{fill:#6c8ebf}.own{fill:#d1495b}@media(prefers-color-scheme:dark){text{fill:#adbac7}}"
)


@dataclass(frozen=True)
class Bars:
    """One panel of bars: `values` by label, in their order."""

    title: str
    values: Mapping[str, float]
    digits: int = 0


@dataclass(frozen=True)
class Lines:
    """One small line chart with logarithmic axes: points (x, y) by series, all above 0."""

    title: str
    x: str
    y: str
    series: Mapping[str, Sequence[tuple[float, float]]]


def bar_chart(title: str, description: str, panels: Sequence[Bars], own: str) -> str:
    """Panels below each other; the bars named `own` stand out."""
    parts: list[str] = []
    top = 8.0
    for panel in panels:
        scale = _bar_scale(list(panel.values.values()))
        parts.append(_text(0, top + 16, panel.title + (" (logarithmic)" if scale.logarithmic else ""), "head"))
        top += 26
        for label, value in panel.values.items():
            length = scale.place(value) * (WIDTH - _LABEL - _VALUE)
            kind = "own" if label == own else "bar"
            parts += (
                _text(_LABEL - 8, top + 14, label, "", "end"),
                f'<rect class="{kind}" x="{_LABEL}" y="{top + 2:g}" width="{length:.1f}" height="{_BAR - 5}" rx="2"/>',
                _text(_LABEL + length + 6, top + 14, f"{value:,.{panel.digits}f}"),
            )
            top += _BAR
        top += _GAP - _BAR
    return _document(title, description, top, parts)


def line_chart(title: str, description: str, panels: Sequence[Lines]) -> str:
    """Small multiples, two in a row."""
    wide, high = WIDTH / 2, 240
    parts: list[str] = []
    for index, panel in enumerate(panels):
        parts.append(f'<g transform="translate({index % 2 * wide:g} {index // 2 * high})">')
        parts += _panel(panel, wide - 30, high - 80)
        parts.append("</g>")
    return _document(title, description, math.ceil(len(panels) / 2) * high, parts)


@dataclass(frozen=True)
class _Scale:
    """From values to 0…1."""

    low: float
    high: float
    logarithmic: bool

    def place(self, value: float) -> float:
        if not self.logarithmic:
            return value / self.high if self.high else 0.0
        span = math.log10(self.high / self.low) or 1.0
        return max(0.0, math.log10(max(value, self.low) / self.low) / span)


def _bar_scale(values: Sequence[float]) -> _Scale:
    positive = [value for value in values if value > 0]
    low, high = (min(positive), max(positive)) if positive else (1.0, 1.0)
    if high / low < _FAR_APART:
        return _Scale(0.0, high, logarithmic=False)
    return _Scale(10.0 ** (math.ceil(math.log10(low)) - 1), high, logarithmic=True)


def _panel(panel: Lines, width: float, height: float) -> list[str]:
    """The parts of one line chart, its origin above it to the left."""
    left, top = 66.0, 46.0
    across = _decades([x for points in panel.series.values() for x, _ in points])
    up = _decades([y for points in panel.series.values() for _, y in points])

    def at(x: float, y: float) -> tuple[float, float]:
        return left + across.place(x) * (width - left), top + (1 - up.place(y)) * (height - 20)

    parts = [_text(8, 16, panel.title, "head")]
    for value in _ticks(up):
        _, y_place = at(across.low, value)
        parts += (_line(left, y_place, width, y_place), _text(left - 6, y_place + 4, _shown(value), "", "end"))
    floor = at(across.low, up.low)[1]
    parts += [_text(at(value, up.low)[0], floor + 18, _shown(value), "", "middle") for value in _ticks(across)]
    parts += (_text((left + width) / 2, floor + 36, panel.x, "", "middle"), _text(8, 34, panel.y))
    for number, (name, points) in enumerate(panel.series.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        places = [at(x, y) for x, y in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
        parts.append(_text(width, 34 - 16 * number, name, "", "end", colour))
    return parts


def _decades(values: Sequence[float]) -> _Scale:
    """A logarithmic scale from one power of ten to another."""
    low, high = (min(values), max(values)) if values else (1.0, 10.0)
    bottom, top = math.floor(math.log10(low)), math.ceil(math.log10(high))
    return _Scale(10.0**bottom, 10.0 ** max(top, bottom + 1), logarithmic=True)


def _ticks(scale: _Scale) -> list[float]:
    first, last = round(math.log10(scale.low)), round(math.log10(scale.high))
    return [10.0**power for power in range(first, last + 1)]


def _shown(power_of_ten: float) -> str:
    return f"{power_of_ten:,.0f}" if power_of_ten >= 1 else f"{power_of_ten:g}"


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="axis" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start", colour: str = "") -> str:
    attributes = f' class="{kind}"' if kind else ""
    attributes += f' text-anchor="{anchor}"' if anchor != "start" else ""
    attributes += f' style="fill:{colour}"' if colour else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{attributes}>{escape(text)}</text>'


def _document(title: str, description: str, height: float, parts: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" width="{WIDTH}" height="{height:g}" '
        'role="img" aria-labelledby="title desc">'
    )
    body = "\n".join(parts)
    return (
        f'{head}\n<title id="title">{escape(title)}</title>\n<desc id="desc">{escape(description)}</desc>\n'
        f"<style>{_STYLE}</style>\n{body}\n</svg>\n"
    )
