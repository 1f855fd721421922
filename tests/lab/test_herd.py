"""Lesson 7: the crowd is our client's own wait and the engine's own turns, and what is said of a run is true of it."""

from random import Random
from typing import Any

import pytest

from quart_app.client import Options, backoff
from quart_app.client.backoff import full_jitter
from quart_app.lab.checker import State, check
from quart_app.lab.lesson import find
from quart_app.lab.lessons.herd import crowd, strategies
from quart_app.lab.lessons.herd.crowd import Client
from quart_app.lab.lessons.herd.door import Door
from quart_app.lab.lessons.herd.tally import figures, strip, tally
from quart_app.lab.running import Played, choose, play, run
from quart_app.lab.strategies import Strategy
from quart_app.lab.strip import Bars
from quart_app.realtime import turns

LESSON = find("herd")


def played(name: str, *acts: str, seed: int | None = None, **knobs: float) -> Played:
    return run(LESSON, seed, knobs, [name], acts).played[0]


def broken(one: Played) -> dict[str, str]:
    return {verdict.rule: verdict.breach.why for verdict in one.broken if verdict.breach}


def total(events: list[dict[str, Any]], name: str) -> int:
    return sum(event.get(name, 0) for event in events)


def test_the_figures_of_the_texts_are_those_of_the_run() -> None:
    whole = run(LESSON)
    now, fixed, double, jitter, slots = (one.events for one in whole.played)
    found = figures(whole.played)
    assert found["now_in"] == total(now, "in") < 300
    assert now[-1]["why"] == "collapse"
    assert [total(events, "in") for events in (fixed, double, jitter, slots)] == [1_000] * 4
    assert found["double_last"] > 60 > found["jitter_last"] > found["slots_last"]
    assert total(slots, "refused") == total(slots, "nobody") == 0
    peaks = [max(event.get("tries", 0) for event in events) for events in (double, jitter, slots)]
    assert peaks[0] == 1_000
    assert peaks[2] < peaks[1] < 100
    silence = {event["t"] // 1 for event in double if event.get("tries")}
    assert found["waves"] == len(silence - {second + 1 for second in silence}) == 5  # what is to be observed
    assert found["wave"] in silence


def test_at_random_is_what_our_client_does() -> None:
    options = Options(backoff_base=1.0, backoff_cap=30.0)
    one, same = Random(4), Random(4)
    client = Client(0.01, one.random, options)
    for client.attempt in range(20):
        assert strategies.jitter(client) == full_jitter(client.attempt, 1.0, 30.0, same.uniform)


def test_turns_are_given_one_after_the_other() -> None:
    assert turns(4, 1.0, 2.0) == [1.0, 1.5, 2.0, 2.5]
    assert turns(4, 0.0, 1_000.0, spread=2.0) == [0.0, 0.5, 1.0, 1.5]
    assert turns(0, 1.0, 2.0) == []


def test_a_door_lets_in_so_many_a_second_and_what_it_refuses_costs_it_time() -> None:
    door = Door(rate=200, refusal=0.1)
    entries = [door.knock(0.0) for _ in range(1_000)]
    inside = [entry for entry in entries if entry is not None]
    assert len(inside) == 200
    assert inside[-1] == pytest.approx(1.0)
    assert door.knock(0.3) is None  # 800 refusals took 0.4 s of what it would have been free
    assert door.knock(0.5) is not None
    door.shut(opens=3.0)
    assert door.knock(2.9) is None
    assert door.knock(3.0) == pytest.approx(3.005)


@pytest.mark.parametrize("name", LESSON.strategies)
def test_nobody_comes_in_who_did_not_knock_and_nobody_is_counted_twice(name: str) -> None:
    for seed in range(2):
        events = played(name, "kill@8.23", "drain@12", seed=seed).events
        falls = [number for number, event in enumerate(events) if event["do"] == "crash"]
        for first, last in zip(falls, [*falls[1:], len(events)], strict=True):
            some = events[first:last]
            assert total(some, "refused") <= total(some, "tries")
            assert total(some, "in") <= 1_000
        assert total(events, "in") <= total(events, "tries") - total(events, "refused")


def test_with_a_goodbye_they_come_in_turn_and_without_one_at_random() -> None:
    drained, killed = played("slots", "drain@12"), played("slots", "kill@12")
    assert (total(drained.events, "nobody"), total(drained.events, "refused")) == (0, 0)
    assert total(drained.events, "in") == total(killed.events, "in") == 2_000
    assert total(killed.events, "nobody") > 1_000
    assert not killed.broken


def test_what_happens_before_a_fall_and_while_nobody_is_there_is_told_as_such() -> None:
    events = played("slots", "kill@8.23").events
    fall = next(number for number, event in enumerate(events) if event["t"] == 8.23 and event["do"] == "crash")
    assert events[fall - 1]["t"] == 8.23
    assert total(events[fall:], "in") == 1_000
    (opens,) = [event for event in events[fall:] if event.get("nobody") and event.get("tries")]
    assert opens["t"] == 13.3  # the server is back at 13.23


def test_a_client_without_chance_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "full_jitter", lambda attempt, base, cap, _: min(cap, base * 2.0**attempt))
    assert broken(played("slots")) == {}
    assert broken(played("slots", "kill@12")) == {"peak_below": "peak", "everybody_back": "late"}


def test_turns_that_are_all_the_same_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd, "turns", lambda clients, away, rate: [away] * clients)
    assert broken(played("slots")) == {"peak_below": "peak"}


def test_where_a_no_costs_nothing_at_once_is_as_quick_as_turns() -> None:
    free, slots = (tally(played(name, refusal=0).events) for name in ("now", "slots"))
    assert free.inside == slots.inside == 1_000
    assert free.last == pytest.approx(slots.last, abs=0.2)


@pytest.mark.parametrize("seed", range(2))
def test_the_sentences_are_true(seed: int) -> None:
    for name in LESSON.strategies:
        one = played(name, seed=seed)
        for verdict in one.broken:
            breach = verdict.breach
            assert breach is not None
            values, last = breach.values, one.events[breach.events[-1]]
            until = one.events[: last["n"] + 1]
            assert values["at"] == last["t"]
            assert values["out"] == values["all"] - total(until, "in")
            if "refused" in values:
                assert values["refused"] == total(until, "refused")
                assert values["tries"] == values["refused"] + total(until, "nobody")
            match verdict.rule, breach.why:
                case "peak_below", _:
                    assert values["tries"] == last["tries"] > 5 * values["door"] == 5 * 20
                case "everybody_back", "collapse":
                    assert [e["t"] for e in one.events if e.get("in")][-1] == values["last"] <= values["at"] - 5
                case "everybody_back", "late":
                    assert values["at"] > 60
                case "few_in_vain", "nobody":
                    assert values["tries"] > 5 * values["all"]
                    assert "boot" not in {event["do"] for event in until}
                case other:
                    raise AssertionError(other)


def test_the_strip_of_any_beginning_can_be_drawn() -> None:
    for name in LESSON.strategies:
        events = played(name).events
        for until in range(0, len(events) + 1, 10):
            drawn = strip(events[:until])
            knocks, vain = (row for row in drawn.rows if isinstance(row, Bars))
            assert len(knocks.values) == len(vain.values) == 200
            assert all(a >= b for a, b in zip(knocks.values, vain.values, strict=True))
            assert knocks.limit == (20 if until else 0)


def test_a_verdict_waits_for_those_who_are_outside() -> None:
    events = played("jitter").events
    half = next(event["n"] for event in events if event["t"] > 9)
    out = 1_000 - total(events[:half], "in")
    assert {(one.state, one.waits_for) for one in check(events[:half], LESSON.rules)} == {(State.OPEN, (str(out),))}
    assert {one.state for one in check(events, LESSON.rules)} == {State.HOLDS}


def test_who_knocks_without_a_pause_is_stopped() -> None:
    one = play(choose(LESSON, knobs={"down": 20}), Strategy("flood", lambda client: 0))
    assert broken(one)["everybody_back"] == "tries"


@pytest.mark.parametrize("wait", [None, -1, float("nan"), "3"])
def test_what_is_no_time_to_wait_is_told(wait: Any) -> None:
    with pytest.raises(ValueError, match="returns the seconds to wait, from 0 on; this one returned"):
        play(choose(LESSON), Strategy("wrong", lambda client: wait))
