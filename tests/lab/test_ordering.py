"""Lesson 3: each way to order fails in its own way, one log's positions do not, and the words are true."""

from functools import cache
from itertools import combinations
from typing import Any

import pytest

from quart_app.lab.checker import State, check
from quart_app.lab.lesson import find
from quart_app.lab.lessons.ordering.board import PEOPLE, TOPICS
from quart_app.lab.lessons.ordering.tally import boards, columns_of, figures, strip
from quart_app.lab.running import Played, choose, play, run
from quart_app.lab.strategies import Strategy
from quart_app.lab.strip import Row

LESSON = find("ordering")
ACTS: tuple[tuple[str, ...], ...] = ((), ("cut:eva@4.9", "skew:leo@2"), ("dark:eva@7.6",), ("cut:eva@2", "dark:eva@5"))


@cache
def all_runs() -> list[Played]:
    return [one for seed in range(4) for acts in ACTS for one in run(LESSON, seed, acts=acts).played]


def when(events: list[dict[str, Any]], do: str, lane: str, card: str) -> float:
    [time] = [one["t"] for one in events if (one["do"], one["lane"], one.get("msg")) == (do, lane.lower(), card)]
    return float(time)


def painted(events: list[dict[str, Any]], card: str) -> dict[str, Any]:
    [take] = [one for one in events if one["do"] == "take" and one["msg"] == card]
    return take


def test_the_figures_of_the_texts_are_those_of_the_run() -> None:
    arrival, clock, position = run(LESSON).played
    found = figures((arrival, clock, position))
    columns = columns_of(arrival.events).of
    crossed = [
        (a, b, one, two)
        for a, b in combinations(PEOPLE, 2)
        for one, two in combinations(columns[a], 2)
        if columns[b].index(one) > columns[b].index(two)
    ]
    assert len(crossed) == found["crossings"] > 5
    assert found["boards"].split() == [columns[name][-1][0] for name in ("ana", "leo", "eva")]
    assert len({*boards(columns_of(arrival.events))}) > 1
    column = columns_of(clock.events).of["ana"]
    assert column.index(found["answer"]) < column.index(found["question"])
    answer, question = painted(clock.events, found["answer"]), painted(clock.events, found["question"])
    assert answer["t"] > when(clock.events, "show", answer["lane"], found["question"]) > question["t"]
    assert answer["clock"] < question["clock"]
    assert LESSON.observe.answer == "behind"
    assert found["above"] > 1
    ours = columns_of(position.events).of
    assert ours["ana"] == ours["leo"] == ours["eva"]
    assert len(ours["ana"]) == 10


def test_every_sentence_is_true_of_its_run() -> None:
    said = set()
    for one in all_runs():
        columns = columns_of(one.events).of
        for verdict in one.broken:
            assert verdict.breach is not None
            why, values = verdict.breach.why, verdict.breach.values
            said.add(why)
            shown = [one.events[number] for number in verdict.breach.events]
            if verdict.rule == "same_order":
                a, b, first, second = (values[name] for name in ("a", "b", "one", "two"))
                assert columns[a.lower()].index(first) < columns[a.lower()].index(second)
                assert columns[b.lower()].index(first) > columns[b.lower()].index(second)
                assert [painted(one.events, card)["t"] for card in (first, second)] == [
                    values["at_one"],
                    values["at_two"],
                ]
                if why in {"own_first", "one_own"}:
                    assert painted(one.events, first)["lane"] == a.lower()
                    assert when(one.events, "show", a, second) > values["at_one"]
                    assert when(one.events, "show", b, second) < when(one.events, "show", b, first)
                assert (painted(one.events, second)["lane"] == b.lower()) == (why == "own_first")
            elif why == "differ":
                lasts = [columns[values[name].lower()][-1] for name in "ab"]
                assert lasts == [values["one"], values["two"]]
                times = sorted(painted(one.events, card)["t"] for card in lasts)
                assert (times[0], round(1_000 * (times[1] - times[0]))) == (values["at"], values["gap"])
            elif why == "missing":
                assert values["card"] not in columns[values["reader"].lower()]
                take = painted(one.events, values["card"])
                assert (take["lane"].title(), take["t"]) == (values["who"], values["at"])
            else:
                column = columns[values["reader"].lower()]
                assert column.index(values["answer"]) < column.index(values["question"])
                answer, question = (painted(one.events, values[name]) for name in ("answer", "question"))
                assert (answer["re"], answer["t"], answer["lane"]) == (
                    question["msg"],
                    values["at"],
                    values["who"].lower(),
                )
                assert when(one.events, "show", answer["lane"], question["msg"]) < answer["t"]
                clocks = [
                    [past for past in one.events if past["do"] == "skew" and past["lane"] == take["lane"]]
                    for take in (question, answer)
                ]
                ahead = [
                    [past["seconds"] for past in skews if past["n"] < take["n"]][-1]
                    for skews, take in zip(clocks, (question, answer), strict=True)
                ]
                assert values["behind"] == pytest.approx(ahead[0] - ahead[1], abs=0.002)
            assert {event["msg"] for event in shown if "msg" in event} <= {*values.values()}
    assert said == {"own_first", "one_own", "differ", "missing", "clock"}


def test_what_is_asked_is_the_same_for_all_strategies() -> None:
    for seed in range(5):
        asked = [
            [(one["t"], one["msg"]) for one in played.events if one["do"] == "take" and one["msg"].endswith("?")]
            for played in run(LESSON, seed).played
        ]
        assert asked[0] == asked[1] == asked[2]
        assert len(asked[0]) == 6


def test_with_clocks_that_agree_one_may_order_by_them() -> None:
    assert [seed for seed in range(12) if run(LESSON, seed, {"skew": 0}, ["clock"]).played[0].broken] == []


def test_without_a_log_a_count_of_what_was_seen_does_where_names_decide_between_equals() -> None:
    async def counted(person: Any) -> None:
        async for card in person.cards("signals"):
            person.put(card, by=(card.seen, card.who))

    assert [seed for seed in range(12) if play(choose(LESSON, seed), Strategy("counted", counted)).broken] == []


def test_whoever_shows_a_card_before_its_number_is_known_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TOPICS, "signals", TOPICS["log"])  # a person's own cards come at once by this way
    broken = {
        verdict.rule for seed in range(5) for verdict in run(LESSON, seed, strategies=["position"]).played[0].broken
    }
    assert "same_order" in broken


def test_a_connection_that_is_cut_loses_signals_and_nothing_of_the_log() -> None:
    arrival, clock, position = run(LESSON, 26, acts=["cut:eva@4.9"]).played
    for one in (arrival, clock):
        assert {verdict.breach.why for verdict in one.broken if verdict.breach} >= {"missing"}
    assert position.broken == []
    assert len(columns_of(position.events).of["eva"]) == 10


def test_cards_move_only_as_roads_and_nodes_move_them() -> None:
    for one in all_runs():
        for event in one.events:
            if "of" not in event:
                continue
            cause = one.events[event["of"]]
            assert cause["msg"] == event["msg"]
            causes = {
                "arrive": {"send", "push"},
                "lose": {"send", "push"},
                "commit": {"arrive"},
                "push": {"arrive", "commit"},
                "show": {"arrive", "take"},
            }
            assert cause["do"] in causes[event["do"]]


def test_the_strip_of_any_beginning_accuses_nobody_too_early() -> None:
    _, clock, position = run(LESSON).played
    for until in range(0, len(position.events), 3):
        rows = strip(position.events[:until]).rows
        assert len(rows) == 4
        assert {cell.kind for row in rows if isinstance(row, Row) for cell in row.cells} <= {"right", "open", "idle"}
        assert all(verdict.state is not State.BROKEN for verdict in check(position.events[:until], LESSON.rules))
    signs = [cell.sign for row in strip(clock.events).rows if isinstance(row, Row) for cell in row.cells]
    assert any(sign.endswith("‼") for sign in signs)
    at_first = strip([]).rows
    assert [len(row.cells) for row in at_first if isinstance(row, Row)] == [0, 0, 0, 3]
