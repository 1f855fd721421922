"""`envivo selftest`: the evidence of a clear path and of faulty ones."""

import asyncio
import json
import re
from collections.abc import Callable

from quart_app.cli.selftest.probe import LadderEvidence, Prober, numbered, percentile
from quart_app.client import Options
from tests.cli.program import envivo
from tests.client.between import between
from tests.running import ServerProcess


def test_a_clear_path_is_found_clear(server: ServerProcess) -> None:
    tested = envivo(server.url, "selftest")
    assert tested.returncode == 0, tested.stdout + tested.stderr
    header, *rungs = tested.stdout.splitlines()[:4]
    assert header.split()[0] == "rung"
    assert [rung.split("  ")[0] for rung in rungs] == ["WebSocket", "SSE", "long poll"]
    assert all(rung.endswith("ok") for rung in rungs)
    assert "WebSocket → WebSocket → SSE → long poll" in tested.stdout
    assert "0 lost, 0 repeated, 0 out of order: ok" in tested.stdout
    assert "ws: opening" in tested.stderr


def test_the_evidence_as_json(server: ServerProcess) -> None:
    tested = envivo(server.url, "selftest", "--json")
    evidence = json.loads(tested.stdout)
    assert evidence["ok"] is True
    assert [rung["transport"] for rung in evidence["rungs"]] == ["ws", "sse", "poll"]
    for rung in evidence["rungs"]:
        assert 0 < rung["opened"] <= rung["first_message"]
        assert 0 < rung["rtt_p50"] <= rung["rtt_p99"]
        assert (rung["held"], rung["repeated"], rung["problem"]) == (0, 0, "")
    ladder = evidence["ladder"]
    assert ladder["transports"] == ["ws", "ws", "sse", "poll"]
    assert len(ladder["away"]) == 3
    assert (ladder["published"], ladder["lost"], ladder["repeated"], ladder["disordered"]) == (240, 0, 0, 0)


async def test_what_lies_in_between_is_found(server: ServerProcess) -> None:
    async with between(server.port) as proxy:
        proxy.refuses_websockets = proxy.holds_events = True
        tested = await asyncio.to_thread(envivo, proxy.url, "selftest", "--json")
    assert tested.returncode == 1
    evidence = json.loads(tested.stdout)
    websocket, events, poll = evidence["rungs"]
    assert "403" in websocket["problem"]
    assert events["first_message"] is None
    assert events["problem"]
    assert (poll["problem"], poll["held"]) == ("", 0)
    assert set(evidence["ladder"]["transports"]) == {"poll"}
    assert evidence["ladder"]["lost"] == 0


async def test_the_bytes_held_back_are_counted(server: ServerProcess) -> None:
    async with between(server.port) as proxy:
        proxy.buffers_events = 20_000
        tested = await asyncio.to_thread(envivo, proxy.url, "selftest", "--json")
    events = json.loads(tested.stdout)["rungs"][1]
    assert tested.returncode == 1
    assert 16_000 <= events["held"] <= 24_000


PUBLISH = "/api/publish+/ws+/poll"
DOORS = ("--door", "bare=127.0.0.1:0,paths=/topics", "--door", f"some=127.0.0.1:0,paths={PUBLISH}+/sse")


async def test_what_a_door_does_not_offer_is_told(make_server: Callable[..., ServerProcess]) -> None:
    server = make_server(*DOORS, "--door", f"fewer=127.0.0.1:0,paths={PUBLISH}")
    doors = dict(re.findall(r"^En Vivo \((\w+)\): (http://\S+)$", server.log(), re.MULTILINE))
    tested = await asyncio.to_thread(envivo, doors["bare"], "selftest")
    assert tested.returncode == 1
    told = "this door does not offer /api/publish+/ws+/sse+/poll+/send: add that to its paths= in ENVIVO_DOOR (--door)"
    assert f"cannot test {doors['bare']}: {told}, or test the first door" in tested.stderr
    for door, missing in (("some", "/send"), ("fewer", "/sse")):
        prober = Prober(doors[door], {}, Options(), lambda _: None)
        try:
            evidence = await prober.rung("sse")
        finally:
            await prober.close()
        assert evidence.problem.startswith(f"this door does not offer {missing}: add that"), door


def test_no_server_at_all() -> None:
    tested = envivo("http://127.0.0.1:1", "selftest")
    assert tested.returncode == 1
    assert tested.stdout == ""
    assert "cannot test http://127.0.0.1:1" in tested.stderr


def test_percentiles_are_by_nearest_rank() -> None:
    values = [float(value) for value in range(100, 0, -1)]
    assert (percentile(values, 50), percentile(values, 99), percentile([7.0], 99)) == (50.0, 99.0, 7.0)


def test_lost_repeated_and_disordered_are_counted_apart() -> None:
    evidence = LadderEvidence(published=6)
    evidence.count([0, 1, 3, 2, 3, 5])
    assert (evidence.lost, evidence.repeated, evidence.disordered) == (1, 1, 1)
    assert not evidence.fine
    assert numbered({"type": "selftest", "data": {"number": -1}}) is None
