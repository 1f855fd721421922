"""Lesson 6: three of 24 orders survive, what is said of a crash is true, and who leaves the key out is found out."""

from itertools import permutations
from typing import Any

import pytest

from quart_app.lab.checker import State, check
from quart_app.lab.lesson import Question, find
from quart_app.lab.lessons.idempotency.grid import CRASHES, effects, grid, survivors
from quart_app.lab.lessons.idempotency.ledgers import SIGNS, START, Db, Withdrawal
from quart_app.lab.lessons.idempotency.tally import figures, strip, sweep, tally
from quart_app.lab.running import MOST_EVENTS, Played, choose, play, run
from quart_app.lab.strategies import Strategy
from quart_app.lab.strip import Row
from quart_app.lab.texts import LANGUAGES, words

LESSON = find("idempotency")
SIX = ["1", "2", "3", "4", "5", "6"]


def played(name: str, seed: int | None = None, *acts: str, **knobs: float) -> Played:
    return run(LESSON, seed, knobs, [name], acts).played[0]


def own(code: Any, seed: int | None = None, *acts: str, **knobs: float) -> Played:
    return play(choose(LESSON, seed, knobs, acts), Strategy("own", code))


def test_three_of_the_24_orders_survive_a_crash_at_every_point() -> None:
    assert survivors() == [
        ("look", "move", "keep", "commit"),
        ("look", "keep", "move", "commit"),
        ("move", "look", "keep", "commit"),
    ]
    played = grid()
    assert {*played} == {*permutations(SIGNS)}
    assert all(len(row) == CRASHES == 5 for row in played.values())


def test_the_survivors_are_the_right_answers_of_the_question() -> None:
    question = LESSON.predict
    assert question.kind == "order"
    assert [question.answer, *question.also] == survivors()
    wrong = Question(
        answer=question.answer, also=(("look", "look", "move", "keep"),), options=question.options, kind="order"
    )
    assert question.is_fit
    assert not wrong.is_fit


@pytest.mark.parametrize(
    ("order", "row"),
    [
        ("look move commit keep", (1, 1, 1, 2, 1)),  # a crash fits between the two
        ("look keep commit move", (1, 1, 1, 0, 1)),  # and the other way round
        ("move commit look keep", (1, 1, 2, 2, 2)),  # whoever looks late moves again
        ("keep look move commit", (0, 0, 0, 0, 0)),  # it finds its own key
    ],
)
def test_what_becomes_of_an_order(order: str, row: tuple[int, ...]) -> None:
    assert tuple(effects(order.split(), crash) for crash in range(CRASHES)) == row


def test_the_table_of_orders_is_drawn() -> None:
    table = sweep()
    assert table.outcome.values == {"survive": 3, "orders": 24}
    first = table.rows[0]
    assert isinstance(first, Row)
    assert first.label is not None
    assert (first.label.values["order"], "".join(cell.sign for cell in first.cells)) == ("[ ? $ # ]", "●●●●●")


def test_the_figures_are_those_of_the_run() -> None:
    whole = run(LESSON)
    found = figures(whole.played)
    memory, after, first, ours = (tally(one.events) for one in whole.played)
    assert (memory.account, memory.pockets) == (START - 6 - found["memory"], 6)
    assert (after.account, after.pockets) == (START - 6 - found["after"], 6)
    assert (first.account, first.pockets) == (START - 6 + found["first"], 6)
    assert (ours.account, ours.pockets) == (START - 6, 6)
    assert found["memory"] > found["after"] > 0
    assert found["first"] > 0
    assert (found["orders"], found["survive"]) == (24, 3)
    crash = next(one for one in after.crashes if one.name == str(found["withdrawal"]))
    assert crash.steps == ("[", "?", "$", "]")  # the observation's answer: between the money and the key
    assert LESSON.observe.answer == "between"


def drawn(name: str) -> list[str]:
    return ["".join(cell.sign for cell in row.cells) for row in strip(played(name).events).rows if isinstance(row, Row)]


def test_the_strip_shows_both_ledgers_and_how_far_the_crash_let_it_come() -> None:
    assert drawn("memory") == ["●●②●②●", "----(#)(#)", "[(?)$](#)↯", "[(?)$]↯"]
    assert drawn("after") == ["●●●●②●", "######", "[?$]#↯", "[?$]↯"]
    assert drawn("first") == ["●●●●✕●", "######", "[?#]$↯", "[?#]↯"]
    assert drawn("together") == ["●●●●●●", "######", "[?$#]↯", "[?$#↯"]
    notes = {note.key: note.values["list"] for note in strip(played("first").events).notes}
    assert notes == {"twice": [], "never": ["5"]}


@pytest.mark.parametrize("name", LESSON.strategies)
def test_the_strip_is_right_after_every_event(name: str) -> None:
    events = played(name).events
    for until in range(len(events)):
        rows = strip(events[:until]).rows
        taken = sum(event["do"] == "take" for event in events[:until])
        crashes = sum(event["do"] == "crash" for event in events[:until])
        assert [len(row.cells) for row in rows[:2] if isinstance(row, Row)] == [taken, taken]
        assert len(rows) == 2 + crashes


def test_without_a_crash_nobody_breaks_anything_however_often_one_taps() -> None:
    for one in run(LESSON, 0, {"crashes": 0}, acts=["tap@2.5", "tap@6", "tap@6.1", "lose:answer@9"]).played:
        assert one.broken == []
        assert [deed.moved for deed in tally(one.events).deeds.values()] == [1] * 6


@pytest.mark.parametrize(("at", "moved"), [(1.2, "1111"), (1.4, "1111"), (1.6, "1111"), (1.8, "2201"), (2.0, "2111")])
def test_a_crash_after_each_step(at: float, moved: str) -> None:
    """The first withdrawal's steps are done at 1.35, 1.55, 1.75 and 1.95 s."""
    found = [tally(played(name, 0, f"crash@{at}", crashes=0).events) for name in LESSON.strategies]
    assert "".join(str(one.deeds["1"].moved) for one in found) == moved


def test_six_crashes_are_too_few_for_ours() -> None:
    for seed in range(20):
        one = tally(played("together", seed, "tap@3", "lose:answer@7", crashes=6).events)
        assert ([*one.deeds], one.account, one.pockets) == (SIX, START - 6, 6)


def test_every_counter_example_is_true_of_its_run() -> None:
    said = set()
    for seed in range(25):
        for one in run(LESSON, seed, acts=["crash@9.7"]).played:
            for verdict in one.broken:
                breach = verdict.breach
                assert breach is not None
                said.add(f"{verdict.rule}_{breach.why}")
                (true_of_a_key if verdict.rule == "effects_equal_keys" else true_of_the_money)(
                    one.events, breach.values
                )
                if breach.why in {"between", "forgotten", "key_first"}:
                    assert breach.values["crash"] in [event["t"] for event in one.events if event["do"] == "crash"]
                shown = [one.events[number] for number in breach.events]
                assert {event["msg"] for event in shown if "msg" in event} <= {f"r{breach.values.get('msg', '')}"} or (
                    verdict.rule == "conserved"
                )
    assert said == {
        *(f"effects_equal_keys_{why}" for why in ("between", "forgotten", "key_first")),
        *(f"conserved_{why}" for why in ("vanished", "made")),
    }


def true_of_a_key(events: list[dict[str, Any]], said: dict[str, Any]) -> None:
    mine = [event for event in events if event.get("msg") == f"r{said['msg']}"]
    moved = [event["t"] for event in mine if event["do"] == "commit" and "amount" in event]
    kept = [event["t"] for event in mine if event["do"] == "commit" and "kept" in event]
    if "first" in said:
        assert moved[:2] == [said["first"], said["second"]]
        assert said["first"] < said["crash"] < said["second"]
        assert all(at > said["crash"] for at in kept)
    else:
        assert moved == []
        assert kept == [said["kept"]]
        assert said["kept"] < said["crash"] < said["at"]


def true_of_the_money(events: list[dict[str, Any]], said: dict[str, Any]) -> None:
    until = [event for event in events if event["t"] <= said["at"]]
    assert said["left"] == [event["sum"] for event in until if "sum" in event][-1]
    assert said["got"] == sum(event["do"] == "done" for event in until)
    assert abs(said["start"] - said["left"] - said["got"]) == said["gap"]


async def no_key(db: Db, body: Withdrawal, key: str) -> None:
    await db.move(body)
    await db.commit()


async def no_look(db: Db, body: Withdrawal, key: str) -> None:
    await db.move(body)
    await db.keep(key)
    await db.commit()


async def no_commit(db: Db, body: Withdrawal, key: str) -> None:
    await db.move(body)
    await db.keep(key)


async def two_moves(db: Db, body: Withdrawal, key: str) -> None:
    await db.move(body)
    await db.move(body)
    await db.commit()


@pytest.mark.parametrize(
    ("code", "why"),
    [(no_key, "no_key"), (no_look, "not_looked"), (no_commit, "never"), (two_moves, "moved_twice")],
)
def test_code_that_leaves_something_out_is_found_out_and_told(code: Any, why: str) -> None:
    broken = {verdict.rule: verdict.breach for verdict in own(code, 0, crashes=0).broken}
    breach = broken["effects_equal_keys"]
    assert breach is not None
    assert breach.why == why
    for language in LANGUAGES:
        assert f" {breach.values['msg']} " in words(language, LESSON.folder)(
            f"effects_equal_keys_{why}", **breach.values
        )


def test_a_crash_before_it_all_is_not_to_blame() -> None:
    broken = own(no_key, 0, "crash@0.5", crashes=0).broken
    assert [verdict.breach.why for verdict in broken if verdict.breach is not None] == ["no_key", "vanished"]


def test_two_transactions_that_begin_one_after_the_other_are_two() -> None:
    async def again(db: Db, body: Withdrawal, key: str) -> None:
        if await db.look(key):
            return
        await db.move(body)
        await db.keep(key)
        await db.commit()
        db.begin()
        await db.move(body)  # never committed

    assert own(again).broken == []


def test_what_the_code_raises_ends_the_run() -> None:
    async def wrong(db: Db, body: Withdrawal, key: str) -> None:
        raise ZeroDivisionError("by hand")

    async def flood(db: Db, body: Withdrawal, key: str) -> None:
        while True:
            db.say("again")

    with pytest.raises(ZeroDivisionError, match="by hand"):
        own(wrong)
    with pytest.raises(Exception, match=f"more than {MOST_EVENTS:,} events"):
        own(flood)


def test_a_verdict_waits_for_who_has_no_answer() -> None:
    events = played("together").events
    taken = next(event["n"] for event in events if event["do"] == "take")
    for verdict in check(events[: taken + 1], LESSON.rules):
        assert (verdict.state, verdict.waits_for) == (State.OPEN, ("1",))
