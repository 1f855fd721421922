"""Lesson 10: who slept writes by an old number, and only a log that asks for it refuses; and the sentences are true."""

import asyncio
from functools import cache
from typing import Any

import pytest

from quart_app.lab.checker import check
from quart_app.lab.lesson import find
from quart_app.lab.lessons.leader.tally import figures, strip, tally
from quart_app.lab.running import Played, run
from quart_app.lab.strip import Row
from quart_app.lab.world.database import Database
from quart_app.lab.world.dice import Dice
from quart_app.lab.world.leases import Keeper, LeaseTable
from quart_app.lab.world.loop import VirtualLoop
from quart_app.realtime import Leading, Refused, limits

LESSON = find("leader")


@cache
def played(name: str, seed: int | None = None, *acts: str) -> Played:
    return run(LESSON, seed, strategies=[name], acts=acts).played[0]


def refusals(events: list[dict[str, Any]]) -> list[tuple[int, int]]:
    return [(event["term"], event["newest"]) for event in events if event["do"] == "refuse"]


def test_the_figures_are_those_of_the_run_and_the_answers_follow_from_them() -> None:
    found = figures(run(LESSON).played)
    assert (found["everybody"], found["lease"], found["refused"]) == (23, 1, 1)
    assert found["lowest"] > 1
    assert 4 <= found["empty"] <= 8
    events = played("lease").events
    awake = next(event["t"] for event in events if event["do"] == "resume")
    assert int(awake) == found["second"]
    assert sorted(tally(events).written[found["second"]]) == ["A", "B"]
    assert (LESSON.predict.answer, LESSON.observe.answer) == ("two", "wrote")


def test_what_was_begun_before_a_nap_is_refused_by_its_number() -> None:
    assert refusals(played("fenced").events) == [(1, 2)]
    many = [refusals(played("fenced", seed).events) for seed in range(12)]
    assert sum(map(len, many)) > 3
    assert all(old < newest for some in many for old, newest in some)


def test_ours_withstands_naps_and_deaths_at_any_time() -> None:
    acts = ("kill:A@3.3", "nap:A@6.2", "cut@9", "nap:A@15.4")
    for seed in range(10):
        assert played("fenced", seed, *acts).broken == []


def test_a_log_that_does_not_look_at_the_number_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LeaseTable, "is_led", lambda self, work: True)
    runs = [run(LESSON, seed, strategies=["fenced"]).played[0] for seed in range(10)]
    assert {verdict.rule for one in runs for verdict in one.broken} == {"one_per_tick", "tokens_never_fall"}


def test_nobody_leads_for_ever_where_nobody_takes_the_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LeaseTable, "take", lambda self, name, holder: None)
    (verdict,) = run(LESSON, strategies=["fenced"]).played[0].broken
    assert verdict.rule == "leader_within"


def test_every_sentence_is_true_of_its_own_run() -> None:
    said = set()
    runs = [played(name, seed) for name in LESSON.strategies for seed in range(12)]
    for one in (*runs, played("lowest", 1, "cut@2")):
        for verdict in one.broken:
            assert verdict.breach is not None
            values = verdict.breach.values
            said.add(f"{verdict.rule}_{verdict.breach.why}")
            shown = [one.events[number] for number in verdict.breach.events]
            written = [event for event in shown if event["do"] == "commit"]
            assert {event["who"] for event in written} == {values["who"], values["other"]}
            if verdict.rule == "one_per_tick":
                assert [int(event["t"]) for event in written] == [values["tick"]] * 2
            if verdict.rule == "tokens_never_fall":
                assert values["term"] < values["newest"]
            if verdict.breach.why == "woke":
                began, woke = (next(event for event in shown if event["do"] == do) for do in ("take", "resume"))
                assert began["lane"] == woke["lane"] == values["who"]
                assert began["t"] == values["began"] < woke["t"]
            if verdict.breach.why == "cut":
                assert "A" in {values["who"], values["other"]}
                assert values["cut"] in [event["t"] for event in one.events if event["do"] == "cut"]
    assert said == {"one_per_tick_woke", "one_per_tick_cut", "one_per_tick_both", "tokens_never_fall_woke"}


def test_the_strip_can_be_read_at_any_time() -> None:
    events = played("fenced").events
    for end in range(0, len(events), 5):
        assert len(strip(events[:end]).rows) == 4
    rows = [row for row in strip(events).rows if isinstance(row, Row)]
    assert ["⊘" in [cell.sign for cell in row.cells] for row in rows] == [True, False, False, False]


def test_the_rules_of_the_table_are_those_of_the_stored_leases() -> None:
    loop = VirtualLoop()
    table, dice = LeaseTable(), Dice(1)
    database = Database(lambda: 0, dice.of("database"))
    database.leases = table
    a, b = (Keeper(table, holder, database.way) for holder in "ab")

    async def story() -> None:
        assert await a.take("feed") == 1
        assert await b.take("feed") is None
        assert await a.take("feed") == 2  # whoever holds it and asks again begins a new term
        assert list(await a.renew({"feed": 1})) == []
        assert list(await a.renew({"feed": 2, "other": 1})) == ["feed"]
        await asyncio.sleep(limits.LEASE + 0.1)
        assert list(await a.renew({"feed": 2})) == ["feed"]  # nobody has taken it meanwhile
        await a.release("feed", 1)
        assert await b.take("feed") is None
        await a.release("feed", 2)
        assert await b.take("feed") == 3
        with pytest.raises(Refused, match="another server does this now"):
            await database.commit("a", None, lambda log: (None, []), work_of=Leading("feed", 2))
        await database.commit("b", None, lambda log: (None, []), work_of=Leading("feed", 3))

    loop.run_until_complete(story())
    loop.close()


def test_a_silence_at_the_end_counts() -> None:
    events: list[dict[str, Any]] = [
        {"t": 1.0, "n": 0, "lane": "log", "do": "commit", "msg": "A1", "who": "A", "tick": 1},
        {"t": 13.5, "n": 1, "lane": "A", "do": "say", "text": "…"},
    ]
    (verdict,) = check(events, ["leader_within"])
    assert verdict.breach is not None
    assert verdict.breach.values == {"since": 1.0, "until": 13.5, "most": 12.0}
