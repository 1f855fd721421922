"""The figures as people and programs read them: medians, spreads, tables, JSON.

This module knows nothing of how the figures were got.
"""

import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from quart_app import __version__
from quart_app.cli.bench.load import Load

Runs = Mapping[str, Sequence[Mapping[str, float]]]
"""By the name of each server, the figures of each run."""

_BUSY: Final = 0.9
"""The share of the time that the load generator may be busy; above it a figure is marked, as the server may do more."""


@dataclass(frozen=True)
class Measure:
    """A row of the table; `title` may name the load's numbers."""

    name: str
    title: str
    unit: str
    digits: int = 0
    more_is_better: bool = True


_PER_S: Final = "deliveries/s"
_SOCKETS: Final = "Fan-out, {subscribers:,} WebSockets, "
_STREAMS: Final = "Fan-out, {subscribers:,} event streams, "
_COST: Final = "the same, what a delivery costs the server"
_SENDERS: Final = "{senders} WebSockets send {sent_rate:,g} messages/s to {subscribers:,} "
_SENT: Final = "the same, send to delivery, p99"
_DELAY: Final = "Publish to delivery at {steady_rate:g}/s, {"

MEASURES: Final = (
    Measure("fan_out_ws_lists", _SOCKETS + "lists of 100", _PER_S),
    Measure("fan_out_ws_lists_cost", _COST, "µs of its core", 2, more_is_better=False),
    Measure("fan_out_ws", _SOCKETS + "one message a request", _PER_S),
    Measure("fan_out_ws_cost", _COST, "µs of its core", 2, more_is_better=False),
    Measure("turns_ws", _SOCKETS + "one message per loop turn, published inside", _PER_S),
    Measure("turns_ws_cost", _COST, "µs of its core", 2, more_is_better=False),
    Measure("fan_out_sse_lists", _STREAMS + "lists of 100", _PER_S),
    Measure("fan_out_sse_lists_cost", _COST, "µs of its core", 2, more_is_better=False),
    Measure("fan_out_sse", _STREAMS + "one message a request", _PER_S),
    Measure("fan_out_sse_cost", _COST, "µs of its core", 2, more_is_better=False),
    Measure("turns_sse", _STREAMS + "one message per loop turn, published inside", _PER_S),
    Measure("turns_sse_cost", _COST, "µs of its core", 2, more_is_better=False),
    Measure("senders_ws", _SENDERS + "WebSockets", _PER_S),
    Measure("senders_ws_cost", _COST, "µs of its core", 2, more_is_better=False),
    Measure("senders_ws_p99", _SENT, "ms", 1, more_is_better=False),
    Measure("senders_sse", _SENDERS + "event streams", _PER_S),
    Measure("senders_sse_cost", _COST, "µs of its core", 2, more_is_better=False),
    Measure("senders_sse_p99", _SENT, "ms", 1, more_is_better=False),
    Measure("latency_few_p50", _DELAY + "few:,} WebSockets, p50", "ms", 2, more_is_better=False),
    Measure("latency_few_p99", "the same, p99", "ms", 2, more_is_better=False),
    Measure("latency_few_last", "the same, p99 of the last subscriber", "ms", 2, more_is_better=False),
    Measure("latency_many_p50", _DELAY + "subscribers:,} WebSockets, p50", "ms", 2, more_is_better=False),
    Measure("latency_many_p99", "the same, p99", "ms", 2, more_is_better=False),
    Measure("latency_many_last", "the same, p99 of the last subscriber", "ms", 2, more_is_better=False),
    Measure("durable", "Durable messages, {senders} senders, each acknowledged, {readers} readers", "messages/s"),
    Measure("durable_cost", "the same, what a message costs the server", "µs of its core", 1, more_is_better=False),
    Measure(
        "resume_warm",
        "{returning:,} clients come back, each {backlog:,} durable events behind",
        "s",
        2,
        more_is_better=False,
    ),
    Measure("resume_cold", "the same after the server was restarted", "s", 2, more_is_better=False),
    Measure("connections", "WebSockets opened", "connections/s"),
    Measure("memory", "Memory of each of {connections:,} WebSockets", "KB", 1, more_is_better=False),
    Measure("crowd_opened", "{crowd:,} WebSockets at once: opened", "connections/s"),
    Measure("crowd_p99", "the same, publish to delivery at {crowd_rate:g}/s, p99", "ms", 1, more_is_better=False),
    Measure("crowd_last", "the same, p99 of the last subscriber", "ms", 1, more_is_better=False),
    Measure("crowd_memory", "the same, memory of each", "KB", 1, more_is_better=False),
    Measure("crowd_idle", "the same, while nothing comes, all together", "% of its core", 1, more_is_better=False),
    Measure("restarted", "{crowd:,} WebSockets, a restart: until the server listens", "s", 2, more_is_better=False),
    Measure("returned", "the same, until the last client is back", "s", 2, more_is_better=False),
)


def medians(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the median of each figure over the runs that have it."""
    return {name: statistics.median(values) for name, values in _by_name(runs).items()}


def spreads(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return each figure's spread: half the distance of the smallest and the largest value, as a share of the median.

    It is 0 for one run alone.
    """
    middle = medians(runs)
    return {
        name: (max(values) - min(values)) / 2 / abs(middle[name]) if middle[name] else 0.0
        for name, values in _by_name(runs).items()
    }


def _by_name(runs: Sequence[Mapping[str, float]]) -> dict[str, list[float]]:
    names = dict.fromkeys(name for run in runs for name in run)
    return {name: [run[name] for run in runs if name in run] for name in names}


def table(load: Load, runs: Runs, against: Sequence[str] = ()) -> str:
    """Return the medians as a table in Markdown, a column per server, with the spread where there were several runs.

    The table also tells how many times better the first server is than each of those `against`. Rows that no server
    has are left out.
    """
    columns = {server: medians(figures) for server, figures in runs.items()}
    ratios = [name for name in against if name in columns]
    head = ["", "unit", *columns, *(f"times better than {name}" for name in ratios)]
    lines = [head, ["---", "---", *["---:"] * (len(head) - 2)]]
    first = next(iter(columns.values()), {})
    for measure in MEASURES:
        if all(measure.name not in figures for figures in columns.values()):
            continue
        shown = [_cell(measure, columns[server], figures) for server, figures in runs.items()]
        compared = [_times_better(measure, first.get(measure.name), columns[name].get(measure.name)) for name in ratios]
        lines.append([measure.title.format(**asdict(load)), measure.unit, *shown, *compared])
    text = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return text + "\n\n" + _MARK if "†" in text else text


_MARK: Final = (
    "† the load generator was busy for nine tenths of the time or more: the server can do this, and perhaps more."
)


def _cell(measure: Measure, middle: Mapping[str, float], runs: Sequence[Mapping[str, float]]) -> str:
    value = middle.get(measure.name)
    if value is None:
        return "–"
    spread = spreads(runs)[measure.name] if len(runs) > 1 else 0.0
    shown = f"{value:,.{measure.digits}f}" + (f" ±{spread:.0%}" if spread else "")
    return shown + ("†" if middle.get(f"{measure.name}_busy", 0.0) >= _BUSY else "")


def _times_better(measure: Measure, first: float | None, second: float | None) -> str:
    if not first or not second:
        return "–"
    return f"{first / second if measure.more_is_better else second / first:.2f}"


def document(load: Load, runs: Runs, **more: Any) -> dict[str, Any]:
    """Return everything for programs: the load, the machine, and per server the medians, the spreads and each run."""
    return {
        "version": __version__,
        "machine": {
            "system": f"{platform.system()} {platform.machine()}",
            "python": platform.python_version(),
            "cores": os.cpu_count(),
        },
        "load": asdict(load),
        "units": {measure.name: measure.unit for measure in MEASURES},
        "servers": {
            server: {"medians": medians(figures), "spreads": spreads(figures), "runs": [dict(run) for run in figures]}
            for server, figures in runs.items()
        },
        **more,
    }
