"""Lesson 8: who promises too early loses what was promised, at each death its own part; and the sentences are true."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from quart_app.lab.checker import State, check
from quart_app.lab.lesson import find
from quart_app.lab.lessons.kill.tally import figures, missing, strip
from quart_app.lab.running import Played, run
from quart_app.lab.strip import Row
from quart_app.lab.world.database import Database

LESSON = find("kill")
THIRTY = [str(number) for number in range(1, 31)]
GOLDEN = tomllib.loads((Path(__file__).parent / "golden.toml").read_text("utf-8"))


@cache
def played(name: str, seed: int | None = None, *acts: str) -> Played:
    return run(LESSON, seed, strategies=[name], acts=acts).played[0]


def stored(events: list[dict[str, Any]]) -> list[str]:
    """Return the messages that are on the disk in the end."""
    lost = {event["of"] for event in events if event["do"] == "lose" and event["lane"] == "disk"}
    return [event["msg"] for event in events if event["do"] == "commit" and event["n"] not in lost]


def test_the_figures_are_those_of_the_run_and_the_answers_follow_from_them() -> None:
    found = figures(run(LESSON).played)
    assert min(found["early_kill"], found["early_power"], found["system_power"]) > 1
    assert found["system_kill"] == 0
    assert (LESSON.predict.answer, LESSON.observe.answer) == ("power", "in_memory")
    events = played("ack_first").events
    about = [
        event["do"] for event in events if event.get("msg") == str(found["message"]) and event["lane"] != "leo-server"
    ]
    assert "ack" in about
    assert "commit" not in about
    assert sorted(stored(played("flushed").events), key=int) == THIRTY


def test_a_kill_takes_nothing_that_was_written_and_a_power_cut_does() -> None:
    for seed in range(20):
        assert missing(played("no_fsync", seed).events)["kill"] == []
        assert missing(played("flushed", seed).events) == {"kill": [], "power": [], "rest": []}
    assert sum(len(missing(played("ack_first", seed).events)["kill"]) for seed in range(20)) > 10
    assert sum(len(missing(played("no_fsync", seed).events)["power"]) for seed in range(20)) > 10


def test_ours_withstands_five_deaths_in_ten_seconds() -> None:
    acts = ("kill@2", "power@4.2", "kill@6.9", "power@9.3", "kill@11.8")
    for seed in range(5):
        one = played("flushed", seed, *acts)
        assert one.broken == []
        assert sorted(stored(one.events), key=int) == THIRTY


def test_every_sentence_is_true_of_its_own_run() -> None:
    said = set()
    for one in (played(name, seed) for name in LESSON.strategies for seed in range(30)):
        for verdict in one.broken:
            assert verdict.breach is not None
            values = verdict.breach.values
            shown = [one.events[number] for number in verdict.breach.events]
            said.add(f"{verdict.rule}_{verdict.breach.why}")
            if verdict.rule == "acknowledged_is_kept":
                about = [event for event in one.events if event.get("msg") == values["msg"]]
                assert {event["lane"].title() for event in about if event["do"] == "take"} == {values["who"]}
                assert values["acked"] in [event["t"] for event in about if event["do"] == "ack"]
                assert values["died"] in [event["t"] for event in shown if event["do"] == "crash"]
                assert values["msg"] not in stored(one.events)
                written = [event["t"] for event in about if event["do"] == "commit"]
                assert bool(written) == (verdict.breach.why == "not_flushed")
                assert not written or values["stored"] in written
            else:
                first, second = (event for event in shown if event["do"] == "show")
                assert (first["msg"], second["msg"]) == (values["was"], values["now"])
                assert first["pos"] == second["pos"] == values["pos"]
                assert (first["lane"].title(), second["lane"].title()) == (values["saw"], values["sees"])
                assert values["cut"] in [event["t"] for event in shown if event["do"] == "crash"]
    assert said == {"acknowledged_is_kept_in_memory", "acknowledged_is_kept_not_flushed", "same_log_used_again"}


def test_a_server_that_only_believes_to_flush_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Database, "flush", lambda self: None)
    broken = {
        verdict.rule for seed in range(5) for verdict in run(LESSON, seed, strategies=["flushed"]).played[0].broken
    }
    assert broken == {"acknowledged_is_kept", "same_log"}


def test_a_server_that_promises_and_never_stores_is_found_out() -> None:
    def event(number: int, lane: str, do: str, **more: Any) -> dict[str, Any]:
        return {"t": float(number), "n": number, "lane": lane, "do": do, "msg": "1", **more}

    events = [
        event(0, "ana", "take"),
        event(1, "ana", "send"),
        event(2, "server", "arrive", of=1),
        event(3, "server", "ack", of=2),
        event(4, "ana", "arrive", of=3),
    ]
    (verdict,) = check(events, ["acknowledged_is_kept"])
    assert verdict.breach is not None
    assert (verdict.state, verdict.breach.why) == (State.BROKEN, "never_stored")


def test_the_strip_can_be_read_at_any_time() -> None:
    events = played("no_fsync").events
    for end in range(0, len(events), 7):
        assert all(isinstance(row, Row) for row in strip(events[:end]).rows)
    rows = strip(events).rows
    assert [row.label.key for row in rows if row.label] == ["row_kill", "row_power", "row_rest"]
