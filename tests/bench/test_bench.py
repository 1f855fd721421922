"""That the benchmark works, with next to no load: every measure gives figures, a failure has its name."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from quart_app.cli.bench import bench
from quart_app.cli.bench import load as loads
from tests.bench.ceiling import ceiling, said
from tests.bench.chart import CHARTS, drawn
from tests.bench.comparing import Comparison
from tests.bench.contenders import BARE, CONTENDERS, EPOLL, OURS, PLAIN, Contender, named
from tests.bench.curves import Extent, curves, curves_chart
from tests.bench.groups import ORDER
from tests.bench.loads import FullLoad
from tests.bench.rows import MEASURES, document, table
from tests.running import ServerProcess

TINY = FullLoad(
    subscribers=4,
    connections=10,
    senders=3,
    readers=2,
    seconds=0.1,
    sent_rate=100,
    few=3,
    steady_rate=100,
    steady_seconds=0.1,
    crowd=12,
    crowd_rate=50,
    crowd_seconds=0.1,
    returning=3,
    backlog=150,
    askers=2,
    stored=200,
)
NAMES = {measure.name for measure in MEASURES}
BY_THE_SYSTEM = ("memory", "_cost", "_idle", "start", "rest", "stored")  # not told everywhere, and in coarse steps
MAY_BE_ZERO = (*BY_THE_SYSTEM, "out_of_order")
NEAR = (OURS, BARE, PLAIN)
BY_A_PEER = ("web-sockets", "event-streams", "inbound", "requests", "durable")  # its every word is said in these


def said_nothing(text: str) -> None:
    pass


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    made = Comparison(TINY, ORDER, said_nothing)
    made.run([named(name) for name in NEAR], 1)
    return made


@pytest.mark.timeout(110)
def test_all_that_a_server_takes_part_in_is_measured(comparison: Comparison) -> None:
    assert comparison.failures == []
    [ours], [bare], [plain] = (comparison.runs[name] for name in NEAR)
    assert ours.keys() >= {name for name in NAMES if not name.endswith(BY_THE_SYSTEM)}
    assert {"turns_ws", "turns_sse", "crowd_p99", "senders_ws", "senders_sse", "latency_many_last"} <= bare.keys()
    assert {"asked_get", "inbound", "latency_few_ratio", "start", "streams_memory"} <= bare.keys()
    assert {"turns_ws", "durable", "senders_ws", "senders_sse"} <= plain.keys()
    for figures in (ours, bare, plain):
        assert all(value > 0 for name, value in figures.items() if not name.endswith(MAY_BE_ZERO))


def test_the_figures_are_shown_and_written(comparison: Comparison) -> None:
    shown = table(TINY, comparison.runs, against=(BARE, PLAIN)).partition("\n\n")[0].splitlines()
    assert [line.count("|") for line in shown] == [8] * len(shown)
    assert len(shown) >= len(NAMES)

    written = json.loads(json.dumps(document(TINY, comparison.runs, failures=comparison.failures)))
    assert written["servers"][OURS]["medians"]["durable"] == comparison.runs[OURS][0]["durable"]
    assert written["failures"] == []

    for chart in CHARTS.values():
        assert "En Vivo" in "".join(ElementTree.fromstring(drawn(chart, TINY, comparison.runs)).itertext())


@pytest.mark.parametrize(
    "contender", [one for one in CONTENDERS if one.name not in {*NEAR, EPOLL}], ids=lambda c: c.name
)
def test_a_peer_is_measured_like_the_others(contender: Contender) -> None:
    if reason := contender.missing():
        pytest.skip(f"{contender.name}: {reason}")
    comparison = Comparison(TINY, BY_A_PEER, said_nothing)

    comparison.run([contender], 1)

    assert comparison.failures == []
    [figures] = comparison.runs[contender.name]
    assert figures.keys() & {"fan_out_ws", "fan_out_sse", "durable"}
    assert all(value > 0 for name, value in figures.items() if not name.endswith(MAY_BE_ZERO))


def test_the_load_generator_says_what_it_can_take_itself() -> None:
    if reason := named(EPOLL).missing():
        pytest.skip(f"{EPOLL}: {reason}")

    figures = ceiling(TINY)

    assert figures["one_by_one"] > 0
    assert f"{figures['joined']:,.0f} of frames in joined writes" in said(figures)


@pytest.mark.timeout(110)
def test_the_curves_have_all_their_points() -> None:
    extent = Extent((2, 3), (1, 3), (100, 1_000), (50, 150), crowd=2, seconds=0.1)

    found = curves(extent, said_nothing)

    assert {curve: [len(points) for points in series.values()] for curve, series in found.items()} == {
        "event": [2, 2],
        "delivery": [2, 2],
        "topics": [2],
        "sizes": [2],
        "backlogs": [2],
    }
    positive = {
        curve: {name: [(x, max(y, 0.1)) for x, y in points] for name, points in series.items()}
        for curve, series in found.items()
    }
    ElementTree.fromstring(curves_chart(positive))


def test_a_server_that_does_not_start_is_named_and_the_run_goes_on() -> None:
    broken = replace(named(BARE), name="broken", command=lambda folder, port: ["false"])
    comparison = Comparison(TINY, ["connections"], said_nothing)

    comparison.run([broken, named(BARE)], 1)

    assert [failure.partition("\n")[0] for failure in comparison.failures] == ["broken: broken did not start:"]
    assert list(comparison.runs) == [BARE]


def test_a_measure_that_fails_is_named_and_the_run_goes_on() -> None:
    limited = replace(named(BARE), groups=("resume", "connections"))
    comparison = Comparison(TINY, ["resume", "connections"], said_nothing)

    comparison.run([limited], 1)

    [failure] = comparison.failures
    assert failure == f"{BARE}: resume: the server gave no cursor to come back with"
    assert comparison.runs[BARE][0]["connections"] > 0


def test_another_run_is_begun_only_where_there_is_time_for_it() -> None:
    said: list[str] = []
    comparison = Comparison(TINY, ["connections"], said.append)

    comparison.run([named(BARE)], 3, budget=1e-6)

    assert said == [f"run 1 of 3: {BARE}: connections", "no time for run 2 of 3"]
    assert len(comparison.runs[BARE]) == 1


def test_a_running_server_is_measured_from_the_command_line(
    server: ServerProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loads, "QUICK", TINY)
    file = tmp_path / "figures.json"

    done = CliRunner().invoke(bench, [server.url, "--quick", "--pid", str(server.pid), "--json", str(file)])

    assert done.exit_code == 0, done.output
    assert "Durable messages, 3 senders, each acknowledged" in done.stdout
    assert json.loads(file.read_text())["servers"]["127.0.0.1"]["medians"]["latency_many_p99"] > 0


def test_a_server_with_a_certificate_of_its_own_authority_is_measured(
    make_server: Callable[..., ServerProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loads, "QUICK", TINY)
    server = make_server("--tls")
    authority = str(server.folder / "envivo-tls" / "authority.pem")

    done = CliRunner().invoke(bench, [server.url, "--quick", "--ca", authority])

    assert done.exit_code == 0, done.output
    assert "Durable messages, 3 senders, each acknowledged" in done.stdout


def test_a_server_that_is_not_there_is_a_failure_in_one_line() -> None:
    done = CliRunner().invoke(bench, ["http://127.0.0.1:9", "--quick"])

    assert done.exit_code == 1
    assert done.stderr.startswith("the measurement failed: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "https://", "ws://localhost"])
def test_what_is_no_http_address_is_a_usage_error(url: str) -> None:
    assert CliRunner().invoke(bench, [url]).exit_code == 2
