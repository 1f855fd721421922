"""Lesson 2: the same storm for all, each naive till breaks its own rule, ours breaks none, and the words are true."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from quart_app.lab.checker import MOST_SHOWN, State, check
from quart_app.lab.lesson import find
from quart_app.lab.lessons.delivery import scenario
from quart_app.lab.lessons.delivery.tally import figures, tally
from quart_app.lab.lessons.delivery.till import TOPIC, Payment
from quart_app.lab.running import MOST_EVENTS, Choice, Played, choose, play, run
from quart_app.lab.strategies import Strategy
from quart_app.lab.texts import LANGUAGES, words
from quart_app.lab.world.database import Database
from quart_app.lab.world.world import World

ROOT = Path(__file__).parents[2]
GOLDEN = tomllib.loads((Path(__file__).parent / "golden.toml").read_text("utf-8"))
LESSON = find("delivery")
TEN = [f"p{number}" for number in range(1, 11)]


def played(name: str, seed: int | None = None, *acts: str, **knobs: float) -> Played:
    return run(LESSON, seed, knobs, [name], acts).played[0]


def booked(events: list[dict[str, Any]]) -> list[str]:
    return sorted(event["msg"] for event in events if event["do"] == "commit")


def faults(events: list[dict[str, Any]]) -> list[tuple[float, str, str]]:
    return [(event["t"], event["lane"], event["do"]) for event in events if event["do"] in {"cut", "crash"}]


def test_the_figures_of_the_texts_are_those_of_the_run() -> None:
    whole = run(LESSON)
    money = [tally(one.events).money for one in whole.played]
    found = figures(whole.played)
    assert (found["lost"], found["doubled"]) == (10 - money[0], money[1] - 10)
    assert found["lost"] > 1
    assert found["doubled"] > 1
    assert money[2] == 10
    retry = whole.played[1].events  # the observation's answer: it arrived, and its ✓ was lost
    commit = next(one for one in retry if one["do"] == "commit" and one["msg"] == f"p{found['payment']}")
    ack = next(one for one in retry if one["do"] == "ack" and one["of"] == commit["n"])
    assert LESSON.observe.answer == "lost_answer"
    assert [one["do"] for one in retry if one.get("of") == ack["n"]] == ["lose"]


def test_a_cut_more_leaves_the_others_where_they_are() -> None:
    few, more = (set(faults(played("keyed", 5, cuts=cuts).events)) for cuts in (3, 4))
    assert few < more


def test_an_answer_that_is_lost_doubles_a_payment_of_who_repeats() -> None:
    one = played("retry", 0, "lose:answer@3", cuts=0)
    assert tally(one.events).doubled == ["3"]
    assert tally(played("keyed", 0, "lose:answer@3", cuts=0).events).doubled == []


def test_a_bank_that_dies_loses_what_it_has_not_booked_and_ours_sends_it_again() -> None:
    assert tally(played("once", 0, "kill:bank@4.301", cuts=0).events).lost[0] == "4"
    assert booked(played("keyed", 0, "kill:bank@4.301", cuts=0).events) == sorted(TEN)


def test_without_a_fault_nobody_breaks_anything() -> None:
    for one in run(LESSON, 0, {"cuts": 0}).played:
        assert booked(one.events) == sorted(TEN)
        assert one.broken == []


def test_a_bank_that_ignores_keys_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    commit = Database.commit
    monkeypatch.setattr(
        Database, "commit", lambda self, who, key, change, **more: commit(self, who, None, change, **more)
    )
    broken = [one for one in (played("keyed", seed) for seed in range(40)) if one.broken]
    assert broken
    assert {verdict.rule for one in broken for verdict in one.broken} == {"once_each"}
    breaches = [verdict.breach for one in broken for verdict in one.broken]
    assert {breach.why for breach in breaches if breach} == {"key_ignored"}


def test_the_real_clients_outbox_has_the_effects_of_ours() -> None:
    for seed in range(200):
        choice = choose(LESSON, seed)
        world = World(seed, scenario.NODES, scenario.furnish)
        world.run(with_the_real_client(world, choice))
        assert booked(world.trace.events) == booked(played("keyed", seed).events) == sorted(TEN), seed


async def with_the_real_client(world: World, choice: Choice) -> None:
    scenario.prepare(world, choice.knobs)
    client = world.client("till", [TOPIC])

    async def hand_in(payment: Payment) -> None:
        await client.live.send(TOPIC, {"type": "pay", "payment": payment.name, "amount": payment.amount})

    async def connected() -> None:
        async with client.live:
            await scenario.take(world, client.process, hand_in)

    await client.process.spawn(connected())


@cache
def all_runs() -> list[Played]:
    acts: list[tuple[str, ...]] = [(), ("kill:bank@4.301",), ("lose:answer@2", "kill:bank@5.5"), ("cut@3.1", "cut@3.5")]
    return [one for seed in range(15) for some in acts for one in run(LESSON, seed, acts=some).played]


def test_causes_come_before_and_nothing_appears_that_was_not_sent() -> None:
    for one in all_runs():
        events = one.events
        assert [event["n"] for event in events] == list(range(len(events)))
        for event in events:
            if "of" in event:
                cause = events[event["of"]]
                assert cause["n"] < event["n"]
                assert cause["msg"] == event["msg"]
            if event["do"] in {"arrive", "lose"}:
                assert events[event["of"]]["do"] in {"send", "ack"}
            if event["do"] in {"commit", "known"}:
                assert events[event["of"]]["do"] == "arrive"


def test_every_counter_example_is_short_and_its_sentence_is_true() -> None:
    said = set()
    for one in all_runs():
        for verdict in one.broken:
            breach = verdict.breach
            assert breach is not None
            said.add(f"{verdict.rule}_{breach.why}")
            shown = [one.events[number] for number in breach.events]
            assert 2 <= len(shown) <= MOST_SHOWN
            about = {event["msg"] for event in shown if "msg" in event}
            assert about == {f"p{breach.values['msg']}"}
            if "cut" in breach.values:
                assert breach.values["cut"] in [event["t"] for event in shown if event["do"] in {"cut", "crash"}]
            if verdict.rule == "nothing_lost":
                assert f"p{breach.values['msg']}" not in booked(one.events)
            if verdict.rule == "once_each":
                times = [event["t"] for event in shown if event["do"] == "commit"]
                assert times == [breach.values["first"], breach.values["second"]]
            for language in LANGUAGES:
                text = words(language, LESSON.folder)(f"{verdict.rule}_{breach.why}", **breach.values)
                assert f" {breach.values['msg']} " in text
    assert said >= {"nothing_lost_lost_request", "nothing_lost_no_line", "once_each_lost_answer"}


def event(number: int, do: str, **more: Any) -> dict[str, Any]:
    return {"t": float(number), "n": number, "lane": "till", "do": do, "msg": "p1", **more}


def test_a_verdict_waits_for_what_is_in_the_air() -> None:
    taken, sent, let_go = event(0, "take"), event(1, "send"), event(2, "done")
    (verdict,) = check([taken, sent, let_go], ["nothing_lost"])
    assert (verdict.state, verdict.waits_for) == (State.OPEN, ("p1",))
    lost = event(3, "lose", of=1, by=None)
    assert check([taken, sent, let_go, lost], ["nothing_lost"])[0].state is State.BROKEN
    arrived, stored = event(3, "arrive", of=1, lane="bank"), event(4, "commit", of=3, amount=1, sum=1)
    assert check([taken, sent, let_go, arrived], ["nothing_lost"])[0].state is State.OPEN
    assert check([taken, sent, let_go, arrived, stored], ["nothing_lost"])[0].state is State.HOLDS


def test_a_bank_that_adds_wrongly_is_found_out() -> None:
    events = [event(0, "take"), event(1, "send"), event(2, "commit", of=1, amount=1, sum=2), event(3, "done")]
    lost, twice, wrong = check(events, LESSON.rules)
    assert (lost.state, twice.state, wrong.state) == (State.HOLDS, State.HOLDS, State.BROKEN)
    assert wrong.breach is not None
    assert wrong.breach.values == {"msg": "1", "told": 2, "right": 1}


def test_a_rule_says_the_same_of_the_beginning_whatever_follows() -> None:
    events = played("retry").events
    until = next(number for number in range(len(events)) if check(events[:number], ["once_each"])[0].breach)
    assert check(events[:until], ["once_each"])[0].breach == check(events, ["once_each"])[0].breach


def test_a_till_that_sends_without_end_is_stopped() -> None:
    async def flood(till: Any, payment: Payment) -> None:
        while True:
            await till.send(payment)

    with pytest.raises(Exception, match=f"more than {MOST_EVENTS:,} events"):
        play(choose(LESSON), Strategy("flood", flood))
