"""What the figures become: tables, charts, and the words of a dialect. Pure."""

from xml.etree import ElementTree

import pytest

from quart_app.cli.bench.dialect import EN_VIVO, Dialect
from quart_app.cli.bench.load import Load
from quart_app.cli.bench.report import medians, spreads, table
from tests.bench.contenders import NCHAN, SOCKET_IO
from tests.bench.drawing import WIDTH, Bars, Lines, bar_chart, line_chart

_SVG = "{http://www.w3.org/2000/svg}"


def row(text: str, title: str) -> list[str]:
    [line] = [line for line in text.splitlines() if line.startswith(f"| {title}")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_cell_is_the_median_of_the_runs_and_their_spread() -> None:
    runs = {"one": [{"durable": 90.0}, {"durable": 100.0}, {"durable": 130.0}]}

    assert medians(runs["one"]) == {"durable": 100.0}
    assert spreads(runs["one"]) == {"durable": 0.2}
    assert row(table(Load(), runs), "Durable")[2] == "100 ±20%"


def test_a_ratio_says_how_many_times_better_whichever_way_is_better() -> None:
    runs = {"ours": [{"durable": 300.0, "memory": 20.0}], "other": [{"durable": 100.0, "memory": 30.0}]}

    shown = table(Load(), runs, ("other", "absent"))

    assert row(shown, "Durable")[-1] == "3.00"
    assert row(shown, "Memory")[-1] == "1.50"
    assert shown.splitlines()[0].endswith("| times better than other |")


def test_what_a_server_does_not_have_is_a_dash_and_what_nobody_has_is_no_row() -> None:
    shown = table(Load(), {"ours": [{"durable": 300.0}], "other": [{"memory": 1.0}]}, ("other",))

    assert row(shown, "Durable")[2:] == ["300", "–", "–"]
    assert "event streams" not in shown


def test_a_figure_that_the_load_generator_may_have_held_up_is_marked() -> None:
    shown = table(
        Load(), {"ours": [{"turns_ws": 300.0, "turns_ws_busy": 0.97, "turns_sse": 1.0, "turns_sse_busy": 0.5}]}
    )

    assert shown.count("300†") == 1
    assert shown.count("†") == 2, "the mark, and what it means"


def test_our_own_dialect_publishes_one_or_a_list() -> None:
    assert EN_VIVO.publishing("live/a", ["1"]) == (
        "/api/publish",
        b'{"topic":"live/a","type":"bench","data":{"text":"1"}}',
    )
    assert EN_VIVO.publishing("live/a", ["1", "2"])[1].startswith(b'[{"topic"')
    assert EN_VIVO.path("sse", "live/a", "me") == "/sse/live/a?user_id=me&username=me"


def test_other_dialects_have_their_own_paths_and_words() -> None:
    assert SOCKET_IO.path("sse", "live/a", "me") is None
    assert SOCKET_IO.saying("live/a", "1") == '42["bench",{"text":"1"}]'
    assert NCHAN.publishing("live/a", ["1"])[0] == "/pub/live/a"
    assert Dialect(websocket=None).path("ws", "live/a", "me") is None


@pytest.mark.parametrize(("largest", "logarithmic"), [(99.0, False), (100_000.0, True)])
def test_bars_that_are_far_apart_get_a_logarithmic_scale(largest: float, logarithmic: bool) -> None:
    drawn = bar_chart("Rates", "what it shows", [Bars("a & b", {"ours": largest, "other": 1.0, "none": 0.0})], "ours")

    root = ElementTree.fromstring(drawn)
    assert [root.findtext(f"{_SVG}title"), root.findtext(f"{_SVG}desc")] == ["Rates", "what it shows"]
    assert ("a & b (logarithmic)" in "".join(root.itertext())) == logarithmic
    widths = [float(bar.attrib["width"]) for bar in root.iter(f"{_SVG}rect")]
    assert widths[0] > widths[1] >= widths[2] >= 0
    assert max(widths) < WIDTH
    assert (widths[1] > widths[0] / 10) == logarithmic


def test_a_line_chart_has_a_point_for_each_figure_in_its_bounds() -> None:
    panel = Lines("Cost", "subscribers", "µs", {"ours": [(10, 3.0), (10_000, 0.4)], "bare": [(10, 5.0)]})

    root = ElementTree.fromstring(line_chart("Costs", "what it shows", [panel]))

    points = list(root.iter(f"{_SVG}circle"))
    assert len(points) == 3
    assert all(
        0 <= float(point.attrib["cx"]) <= WIDTH / 2 and 0 <= float(point.attrib["cy"]) <= 240 for point in points
    )
