"""The rows of the comparison in their sections, and the tables of them: who is ahead of us is said beside each row.

This module knows nothing of how the figures were got.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from quart_app.cli.bench import report
from quart_app.cli.bench.load import Load
from quart_app.cli.bench.report import Measure, Runs, medians, spreads

_BUSY: Final = 0.9
"""The share of the time that the load generator may be busy; above it a figure is marked, as the server may do more."""
MARK: Final = (
    "† the load generator was busy for nine tenths of the time or more: the server can do this, and perhaps more."
)
_COST: Final = "the same, what each costs the server"

_OWN: Final = (
    Measure(
        "latency_few_ratio",
        "the same, p50 as a multiple of bare uvloop's in the same run",
        "×",
        2,
        more_is_better=False,
    ),
    Measure("inbound", "{senders} WebSockets, each sends the next message when the last has come back", "messages/s"),
    Measure("inbound_cost", _COST, "µs of its core", 1, more_is_better=False),
    Measure(
        "out_of_order",
        "the same, deliveries out of the order in which they are stored",
        "per 10,000",
        1,
        more_is_better=False,
    ),
    Measure("streams_memory", "{crowd:,} event streams at once: memory of each", "KB", 1, more_is_better=False),
    Measure("asked_post", "Publish one message a request, {askers} connections, nobody listens", "requests/s"),
    Measure("asked_post_cost", _COST, "µs of its core", 1, more_is_better=False),
    Measure("asked_get", "A small GET, {askers} connections", "requests/s"),
    Measure("asked_get_cost", _COST, "µs of its core", 1, more_is_better=False),
    Measure(
        "start",
        "Start, until it listens, with a new database where there is one",
        "s of a core",
        2,
        more_is_better=False,
    ),
    Measure("start_stored", "Start, with {stored:,} events stored", "s of a core", 2, more_is_better=False),
    Measure("rest", "Memory at rest, after a start with a new database", "MB", 1, more_is_better=False),
    Measure("rest_stored", "Memory at rest, with {stored:,} events stored", "MB", 1, more_is_better=False),
)
_BY_NAME: Final = {measure.name: measure for measure in (*report.MEASURES, *_OWN)}


@dataclass(frozen=True)
class Section:
    """Rows that belong together."""

    title: str
    names: tuple[str, ...]

    @property
    def measures(self) -> list[Measure]:
        return [_BY_NAME[name] for name in self.names]


def _with_cost(*names: str) -> tuple[str, ...]:
    return tuple(one for name in names for one in (name, f"{name}_cost"))


_MANY: Final = ("latency_many_p50", "latency_many_p99", "latency_many_last")
SECTIONS: Final = (
    Section(
        "Messages to many",
        (
            *_with_cost("fan_out_ws_lists", "fan_out_ws", "turns_ws", "fan_out_sse_lists", "fan_out_sse", "turns_sse"),
            *(*_with_cost("senders_ws"), "senders_ws_p99", *_with_cost("senders_sse"), "senders_sse_p99"),
            *("latency_few_p50", "latency_few_ratio", "latency_few_p99", "latency_few_last", *_MANY),
        ),
    ),
    Section("Messages that are stored", (*_with_cost("durable"), "out_of_order", "resume_warm", "resume_cold")),
    Section(
        "Connections",
        (
            *("connections", "memory", "crowd_opened", "crowd_p99", "crowd_last", "crowd_memory", "crowd_idle"),
            *("streams_memory", "restarted", "returned"),
        ),
    ),
    Section(
        "Requests, messages that come in, and the program itself",
        (*_with_cost("asked_post", "asked_get", "inbound"), "start", "start_stored", "rest", "rest_stored"),
    ),
)
MEASURES: Final = [measure for section in SECTIONS for measure in section.measures]


def table(load: Load, runs: Runs, measures: Sequence[Measure] = MEASURES, *, against: Sequence[str] = ()) -> str:
    """Return the medians in Markdown, a column for each server that has any, with the spread where there were several
    runs.

    The table also tells how many times better the first server is than each of those `against`; without any, who is
    ahead of the first one, and how many times. Rows and columns that nobody has are left out; a table without rows is
    empty.
    """
    middle = {server: medians(figures) for server, figures in runs.items()}
    shown = {server: figures for server, figures in middle.items() if any(one.name in figures for one in measures)}
    own = next(iter(runs), "")
    first = middle.get(own, {})
    names = [name for name in against if name in shown]
    last = [f"times better than {name}" for name in names] or [f"ahead of {own}"]
    head = ["", "unit", *shown, *last]
    lines = [head, ["---", "---", *["---:"] * (len(shown) + len(names)), *["---"] * (len(last) - len(names))]]
    for measure in measures:
        if any(measure.name in figures for figures in shown.values()):
            cells = [_cell(measure, figures, runs[server]) for server, figures in shown.items()]
            compared = [_times(_times_better(measure, first, shown[name])) for name in names]
            title = measure.title.format(**asdict(load))
            lines.append([title, measure.unit, *cells, *(compared or [_ahead(measure, first, shown)])])
    if len(lines) == 2:
        return ""
    text = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return f"{text}\n\n{MARK}" if "†" in text else text


def _cell(measure: Measure, middle: Mapping[str, float], runs: Sequence[Mapping[str, float]]) -> str:
    if measure.name not in middle:
        return "–"
    spread = spreads(runs)[measure.name]
    shown = f"{middle[measure.name]:,.{measure.digits}f}" + (f" ±{spread:.0%}" if spread else "")
    return shown + ("†" if middle.get(f"{measure.name}_busy", 0.0) >= _BUSY else "")


def _times_better(measure: Measure, one: Mapping[str, float], other: Mapping[str, float]) -> float | None:
    """Return how many times better `one` is than `other`, None where either has no figure, or none above 0."""
    better, worse = one.get(measure.name), other.get(measure.name)
    if not better or not worse:
        return None
    return better / worse if measure.more_is_better else worse / better


def _times(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _ahead(measure: Measure, first: Mapping[str, float], others: Mapping[str, Mapping[str, float]]) -> str:
    """Return those that are ahead of the first server, the furthest first, each with how many times."""
    times = {name: _times_better(measure, figures, first) or 0.0 for name, figures in others.items()}
    ahead = sorted((name for name in times if times[name] > 1), key=lambda name: -times[name])
    return ", ".join(f"{name} {times[name]:.2f}×" for name in ahead)


def document(load: Load, runs: Runs, **more: Any) -> dict[str, Any]:
    """Return everything for programs, as `report.document` does, with the units of all rows."""
    return report.document(load, runs, **more) | {"units": {measure.name: measure.unit for measure in MEASURES}}
