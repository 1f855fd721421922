"""The charts of the servers beside each other, for the guide."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

from quart_app.cli.bench.load import Load
from quart_app.cli.bench.report import Measure, Runs, medians
from tests.bench.contenders import OURS
from tests.bench.drawing import Bars, bar_chart
from tests.bench.rows import MEASURES


@dataclass(frozen=True)
class Chart:
    """What a chart is called, and the rows that it shows."""

    title: str
    shown: tuple[str, ...]


CHARTS: Final[Mapping[str, Chart]] = {
    "servers": Chart(
        "Deliveries a second of En Vivo and other servers",
        ("fan_out_ws_lists", "fan_out_ws", "turns_ws", "senders_ws", "fan_out_sse_lists"),
    ),
    "prices": Chart(
        "What a connection, a request and a start cost En Vivo and other servers",
        ("connections", "memory", "asked_post", "latency_few_p50", "start", "rest"),
    ),
    "stored": Chart("Stored messages of En Vivo and other servers, and their order", ("durable", "out_of_order")),
}


def drawn(chart: Chart, load: Load, runs: Runs) -> str:
    """Bars of each server, the best first, for each row that somebody has. SVG."""
    found = {server: medians(figures) for server, figures in runs.items()}
    panels = [_panel(measure, load, found) for measure in MEASURES if measure.name in chart.shown]
    panels = [panel for panel in panels if panel.values]
    described = "; ".join(
        f"{panel.title}: {', '.join(f'{name} {value:,.{panel.digits}f}' for name, value in panel.values.items())}"
        for panel in panels
    )
    return bar_chart(chart.title, described, panels, OURS)


def _panel(measure: Measure, load: Load, found: dict[str, dict[str, float]]) -> Bars:
    values = {server: figures[measure.name] for server, figures in found.items() if measure.name in figures}
    ordered = dict(sorted(values.items(), key=lambda item: item[1], reverse=measure.more_is_better))
    return Bars(f"{measure.title.format(**asdict(load))}, {measure.unit}", ordered, measure.digits)
