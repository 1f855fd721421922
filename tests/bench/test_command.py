"""The commands around the benchmark: how it ends when it is told to, and the table of costs."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from quart_app.cli.bench.measures import carry_out
from tests.bench.contenders import BARE, CHECKOUT, named
from tests.bench.costs import BEFORE, Effort, Written, all_costs, table
from tests.bench.multitude import Multitude, allowed, multitude
from tests.bench.multitude import table as table_of_a_multitude
from tests.bench.servers import running


@pytest.mark.skipif(sys.platform == "win32", reason="there Ctrl-C is something else")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_when_it_is_told_to_and_leaves_no_server_behind(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "tests.bench", "--server", BARE, "--only", "latency", "--charts", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = next(line for line in process.stderr if "latency" in line)
        servers = psutil.Process(process.pid).children()
        process.send_signal(number)
        said += process.stderr.read()

    assert process.returncode == 130, said
    assert "no server is left behind" in said
    assert "Traceback" not in said
    assert len(servers) == 1
    assert not any(server.is_running() for server in servers)


def test_every_stage_has_a_cost_and_stands_beside_what_it_was_before() -> None:
    costs = all_costs(Effort(3, 3, 3, seconds=0.05, connections=3, server_rounds=1))

    assert all(cost.value >= 0 for cost in costs)
    assert {cost.each for cost in costs} == {"an event", "a delivery", "a request", "a connection", "a message"}
    assert len({cost.stage for cost in costs}) == len(costs)
    assert {cost.stage for cost in costs} == json.loads(BEFORE.read_text("utf-8"))["costs"].keys()
    lines = table(costs, Written("before", {costs[0].stage: 1.5})).splitlines()
    assert len(lines) == len(costs) + 2
    assert lines[2].startswith(f"| {costs[0].stage} | an event | 1.50 µs | ")
    assert lines[0] == "|  | each | before | now |"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have one address for this machine")
def test_a_multitude_comes_from_several_addresses_and_loses_nothing(tmp_path: Path) -> None:
    with running(named(BARE), tmp_path) as target:
        found = carry_out(multitude(target, Multitude(25, of_an_address=10, rate=20, seconds=0.2, quiet=0.1)))

    assert (found["connections"], found["messages"]) == (25, 4)
    assert "| WebSockets at once, all of them open | 25 |" in table_of_a_multitude(found)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other limits")
def test_no_more_connections_are_opened_than_there_may_be_descriptors() -> None:
    import resource

    allowed_by_the_system = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    assert 0 < allowed(10**9) < allowed_by_the_system
    assert allowed(10) == 10
