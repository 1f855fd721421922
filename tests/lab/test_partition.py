"""Lesson 9: two sides that sell sell twice, one number for all loses claps; and the sentences are true."""

from functools import cache
from typing import Any

import pytest

from quart_app.lab.checker import State, check
from quart_app.lab.lesson import find
from quart_app.lab.lessons.partition.hall import Hall
from quart_app.lab.lessons.partition.tally import figures, strip, tally
from quart_app.lab.running import Played, run

LESSON = find("partition")


@cache
def played(name: str, seed: int | None = None, *acts: str) -> Played:
    return run(LESSON, seed, strategies=[name], acts=acts).played[0]


def test_the_figures_are_those_of_the_run_and_the_answers_follow_from_them() -> None:
    found = figures(run(LESSON).played)
    assert found["doubled"] == found["kept"] > 1
    assert min(found["lost_claps"], found["marked"]) > 1
    assert found["unavailable"] == 1
    buyers = tally(played("both").events).tickets[found["seat"]]
    assert sorted(who for who, _ in buyers) == ["ana", "leo"]
    assert (LESSON.predict.answer, LESSON.observe.answer) == ("both", "moved")


def test_who_is_refused_with_a_time_goes_on_at_another_node() -> None:
    for seed in range(5):
        events = played("ours", seed).events
        refused = next(event for event in events if event.get("status") == 503)
        sold = [event for event in events if event["do"] == "commit" and event.get("seat") and event["lane"] == "A"]
        assert refused["lane"] == "A"
        assert all(event["t"] < refused["t"] for event in sold)
        moved = [event for event in events if event["do"] == "arrive" and event.get("msg") == refused["msg"]]
        assert {event["lane"] for event in moved} - {"A", "ana"} <= {"B", "C"}
        assert len({event["lane"] for event in moved}) == 3
        wanted = {event["msg"] for event in events if event["do"] == "take"}
        answered = {event["msg"] for event in events if event["do"] == "arrive" and event["lane"] in {"ana", "leo"}}
        assert answered == wanted


def test_without_a_cut_nobody_breaks_anything() -> None:
    for one in run(LESSON, 3, {"cut": 0}).played:
        assert one.broken == []
        assert tally(one.events).doubled == []


def test_what_is_old_and_not_marked_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Hall, "behind", lambda self: None)
    broken = [verdict.rule for seed in range(4) for verdict in run(LESSON, seed, strategies=["ours"]).played[0].broken]
    assert set(broken) == {"reads_are_marked"}


def test_a_log_that_does_not_look_what_is_sold_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    async def book(self: Hall, order: Any) -> bool:
        order.booked()
        self.add(order.seat, order.who)
        return True

    monkeypatch.setattr(Hall, "book", book)
    assert [verdict.rule for verdict in run(LESSON, strategies=["ours"]).played[0].broken] == ["one_ticket_per_seat"]


def test_every_sentence_is_true_of_its_own_run() -> None:
    said = set()
    for one in (played(name, seed) for name in LESSON.strategies for seed in range(8)):
        for verdict in one.broken:
            assert verdict.breach is not None
            values = verdict.breach.values
            said.add(f"{verdict.rule}_{verdict.breach.why}")
            shown = [one.events[number] for number in verdict.breach.events]
            if verdict.rule == "one_ticket_per_seat":
                first, second = (event for event in shown if event["do"] == "commit")
                assert (first["lane"], second["lane"]) == (values["here"], values["there"])
                assert (first["who"].title(), second["who"].title()) == (values["one"], values["other"])
                assert first["seat"] == second["seat"] == values["seat"]
                assert values["cut"] < second["t"]
            elif verdict.rule == "reads_are_marked":
                sold = {event["seat"] for event in one.events if event["do"] == "commit" and event.get("seat")}
                assert values["said"] < values["right"] <= len(sold)
                assert (shown[-1]["sold"], shown[-1]["node"]) == (values["said"], values["node"])
            else:
                claps = [event for event in one.events if event.get("clap")]
                assert values["right"] == len(claps) > values["says"]
    assert said == {"one_ticket_per_seat_cut", "reads_are_marked_stale", "counter_converges_lost"}


def test_claps_are_not_known_before_the_end() -> None:
    events = played("merge").events
    before = [event for event in events if event["do"] != "state"]
    assert check(before, ["counter_converges"])[0].state is State.OPEN
    assert check(events, ["counter_converges"])[0].state is State.HOLDS


def test_the_strip_can_be_read_at_any_time() -> None:
    events = played("ours").events
    for end in range(0, len(events), 9):
        assert len(strip(events[:end]).rows) == 4
