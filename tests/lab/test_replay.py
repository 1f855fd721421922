"""Lesson 11: a look back finds what was there, an e-mail comes once, and code that mixes the two is found out."""

from typing import Any

import pytest

from quart_app.lab.checker import State, check
from quart_app.lab.lesson import find
from quart_app.lab.lessons.replay.bank import Bank
from quart_app.lab.lessons.replay.scenario import MOVEMENTS
from quart_app.lab.lessons.replay.tally import figures, strip, tally
from quart_app.lab.running import MOST_EVENTS, Played, choose, play, run
from quart_app.lab.strategies import Strategy
from quart_app.lab.strip import Row
from quart_app.lab.texts import LANGUAGES, words

LESSON = find("replay")


def played(name: str, seed: int | None = None, *acts: str, **knobs: float) -> Played:
    return run(LESSON, seed, knobs, [name], acts).played[0]


def own(code: Any, seed: int | None = None, *acts: str, **knobs: float) -> Played:
    return play(choose(LESSON, seed, knobs, acts), Strategy("own", code))


def whys(one: Played) -> dict[str, str]:
    return {verdict.rule: verdict.breach.why for verdict in one.broken if verdict.breach is not None}


def letters(events: list[dict[str, Any]]) -> list[str]:
    return [event["msg"] for event in events if event["do"] == "commit" and "letter" in event]


def test_the_figures_are_those_of_the_run() -> None:
    last, again, ours = run(LESSON).played
    found = figures((last, again, ours))
    live = {event["pos"]: event["sum"] for event in ours.events if event["do"] == "commit" and "pos" in event}
    shown = {event["until"]: event["value"] for event in ours.events if event["do"] == "show"}
    assert found["facts"] == found["ours"] == len(live) == MOVEMENTS
    assert found["balance"] == live[found["until"]] == shown[found["until"]]
    assert found["present"] == live[MOVEMENTS] != found["balance"]
    assert found["what_if"] == shown[MOVEMENTS]
    assert found["letters"] == len(letters(again.events)) > 2 * MOVEMENTS
    assert found["missing"] == MOVEMENTS - len(letters(last.events)) > 1
    assert found["times"] == letters(again.events).count(f"m{found['fact']}")
    sent = [event for event in again.events if event["do"] == "send" and event["msg"] == f"m{found['fact']}"]
    assert len(sent) == found["times"]  # the observation's answer: it acted each time
    assert LESSON.observe.answer == "again"


def test_in_its_own_run_an_e_mail_of_ours_comes_again_and_is_recognised() -> None:
    events = played("cursor").events
    assert tally(events).recognised == 1
    known = next(event for event in events if event["do"] == "known")
    crash = next(event for event in events if event["do"] == "crash")
    assert known["t"] > crash["t"]
    assert letters(events) == [f"m{position}" for position in range(1, MOVEMENTS + 1)]


@pytest.mark.parametrize("name", LESSON.strategies)
def test_the_strip_is_right_after_every_event(name: str) -> None:
    events = played(name).events
    for until in range(len(events)):
        facts = sum(event["do"] == "commit" and "pos" in event for event in events[:until])
        rows = strip(events[:until]).rows
        assert [len(row.cells) for row in rows if isinstance(row, Row)] == [facts] * 4


def test_a_look_back_in_the_middle_of_the_day_and_a_crash_in_the_middle_of_it() -> None:
    for seed in range(10):
        ours = played("cursor", seed, "rewind@2.5", "crash@2.52", "rewind@4.4", "crash@10.01", "crash@11", crashes=3)
        assert ours.broken == []
        assert sorted(letters(ours.events)) == sorted(f"m{position}" for position in range(1, MOVEMENTS + 1))
    assert whys(played("replay_all", 0, "rewind@3.5", crashes=0, rewinds=0)) == {"reaction_once": "rewound"}
    assert whys(played("last_value", 0, crashes=0)) == {"replay_equals_live": "only_present"}


def test_a_look_back_that_a_crash_ends_begins_again() -> None:
    one = played("replay_all", 0, "crash@10.5", rewinds=1)
    assert [look.shown == look.right for look in tally(one.events).looks] == [True, True]
    assert one.events[-1]["t"] < 60


def test_two_looks_back_at_once_have_their_own_answers() -> None:
    looks = tally(played("replay_all", 0, "rewind@3", "rewind@3.6", crashes=0, rewinds=0).events).looks
    assert [look.until for look in looks[:2]] == [3, 5]
    assert all(look.shown == look.right for look in looks)


def test_a_letter_that_was_on_its_way_in_the_crash_comes_again_because_of_it() -> None:
    sent = next(event["t"] for event in own(place_alone, crashes=0).events if event["do"] == "send" and event["n"] > 30)
    one = own(place_alone, None, f"crash@{sent + 0.05}", crashes=0)
    assert whys(one) == {"reaction_once": "after_crash"}


def test_every_counter_example_is_true_of_its_run() -> None:
    said = set()
    for seed in range(15):
        for crashes in (0, 1):
            for one in run(LESSON, seed, {"crashes": crashes}).played:
                for verdict in one.broken:
                    breach = verdict.breach
                    assert breach is not None
                    said.add(f"{verdict.rule}_{breach.why}")
                    {"replay_equals_live": true_of_a_look, "reaction_once": true_of_a_letter}[verdict.rule](
                        one.events, breach.values
                    )
    assert said == {
        "replay_equals_live_only_present",
        *(f"reaction_once_{why}" for why in ("after_crash", "rewound", "skipped")),
    }


def true_of_a_look(events: list[dict[str, Any]], said: dict[str, Any]) -> None:
    live = {event["pos"]: event["sum"] for event in events if event["do"] == "commit" and "pos" in event}
    shown = next(event for event in events if event["do"] == "show" and event["t"] == said["at"])
    assert (shown["until"], shown["value"]) == (said["until"], said["told"])
    assert (said["right"], said["told"]) == (live[said["until"]], live[max(live)])


def true_of_a_letter(events: list[dict[str, Any]], said: dict[str, Any]) -> None:
    mine = [event for event in events if event.get("msg") == f"m{said['msg']}"]
    came = [event["t"] for event in mine if event["do"] == "commit" and "letter" in event]
    crashes = [event["t"] for event in events if event["do"] == "crash"]
    if "at" in said:
        fact = next(event["t"] for event in mine if event["do"] == "commit")
        assert came == []
        assert fact == said["at"] < said["crash"] == crashes[0]
        assert said["many"] == MOVEMENTS - len({*letters(events)})
        return
    assert came[:2] == [said["first"], said["second"]]
    sent = [event for event in mine if event["do"] == "send" and event["t"] < said["second"]]
    assert len({event.get("key") for event in sent}) != 1 or sent[0].get("key") is None
    if "until" in said:
        assert sent[-1]["until"] == said["until"] >= int(said["msg"])
    else:
        assert sent[0]["t"] < said["crash"] < sent[-1]["t"]
        assert said["crash"] in crashes


async def place_alone(bank: Bank, until: int | None) -> None:
    if until is not None:
        bank.show(sum([movement.amount async for movement in bank.events(0, until)]))
        return
    async for movement in bank.events(await bank.place()):
        await bank.mail(movement)
        await bank.keep(movement.position)


async def with_dice(bank: Bank, until: int | None) -> None:
    if until is None:
        return
    bank.show(sum([movement.amount + bank.dice.randint(0, 3) async for movement in bank.events(0, until)]))


async def silent(bank: Bank, until: int | None) -> None:
    async for _ in bank.events(0, until):
        pass


async def twice(bank: Bank, until: int | None) -> None:
    if until is None:
        async for movement in bank.events(0):
            await bank.mail(movement)
            await bank.mail(movement)


async def blind_to_changes(bank: Bank, until: int | None) -> None:
    if until is not None and until < MOVEMENTS:
        bank.show(sum([movement.amount async for movement in bank.events(0, until)]))
    elif until is not None:
        bank.show(bank.balance)


@pytest.mark.parametrize(
    ("code", "rule", "why"),
    [
        (place_alone, "reaction_once", "after_crash"),
        (with_dice, "replay_equals_live", "differs"),
        (silent, "replay_equals_live", "no_answer"),
        (silent, "reaction_once", "skipped"),
        (twice, "reaction_once", "again"),
        (blind_to_changes, "replay_equals_live", "what_if"),
    ],
)
def test_code_that_leaves_something_out_is_found_out_and_told(code: Any, rule: str, why: str) -> None:
    one = own(code)
    assert whys(one)[rule] == why
    breach = next(verdict.breach for verdict in one.broken if verdict.rule == rule)
    assert breach is not None
    for language in LANGUAGES:
        assert words(language, LESSON.folder)(f"{rule}_{why}", **breach.values)


def test_an_e_mail_that_nobody_sends_is_missed_without_a_crash() -> None:
    assert whys(own(silent, crashes=0))["reaction_once"] == "never"


def test_what_the_code_raises_ends_the_run() -> None:
    async def wrong(bank: Bank, until: int | None) -> None:
        raise ZeroDivisionError("by hand")

    async def flood(bank: Bank, until: int | None) -> None:
        while True:
            bank.say("again")

    with pytest.raises(ZeroDivisionError, match="by hand"):
        own(wrong)
    with pytest.raises(Exception, match=f"more than {MOST_EVENTS:,} events"):
        own(flood)


def test_a_verdict_waits_for_e_mails_and_for_answers() -> None:
    events = played("cursor").events
    asked = next(event["n"] for event in events if event["lane"] == "film")
    same, once = check(events[: asked + 1], LESSON.rules)
    assert (same.state, same.looked_at) == (State.OPEN, 1)
    assert once.state is State.HOLDS
    first = next(event["n"] for event in events if event["do"] == "commit")
    assert check(events[: first + 1], ["reaction_once"])[0].waits_for == ("1",)
