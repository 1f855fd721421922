"""The chart of the servers beside each other, for the README."""

from dataclasses import asdict
from typing import Final

from quart_app.cli.bench.load import Load
from quart_app.cli.bench.report import MEASURES, Measure, Runs, medians
from tests.bench.contenders import OURS
from tests.bench.drawing import Bars, bar_chart

_SHOWN: Final = ("fan_out_ws_lists", "fan_out_ws", "turns_ws", "senders_ws", "fan_out_sse_lists")


def fan_out_chart(load: Load, runs: Runs) -> str:
    """Bars of each server, the best first, for each way that messages come in. SVG."""
    found = {server: medians(figures) for server, figures in runs.items()}
    panels = [_panel(measure, load, found) for measure in MEASURES if measure.name in _SHOWN]
    panels = [panel for panel in panels if panel.values]
    described = "; ".join(
        f"{panel.title}: {', '.join(f'{name} {value:,.{panel.digits}f}' for name, value in panel.values.items())}"
        for panel in panels
    )
    return bar_chart("Deliveries a second of En Vivo and other servers", described, panels, OURS)


def _panel(measure: Measure, load: Load, found: dict[str, dict[str, float]]) -> Bars:
    values = {server: figures[measure.name] for server, figures in found.items() if measure.name in figures}
    ordered = dict(sorted(values.items(), key=lambda item: item[1], reverse=measure.more_is_better))
    return Bars(f"{measure.title.format(**asdict(load))}, {measure.unit}", ordered, measure.digits)
