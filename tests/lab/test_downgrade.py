"""Lesson 1: who goes on from now has holes, who says from where has none; the words are true of the run."""

from random import Random
from typing import Any

import pytest

from quart_app.client.bookmark import Bookmark
from quart_app.lab.checker import State, check
from quart_app.lab.lesson import find
from quart_app.lab.lessons.downgrade import mine
from quart_app.lab.lessons.downgrade.net import Net
from quart_app.lab.lessons.downgrade.tally import figures, strip, tally
from quart_app.lab.running import Played, choose, play, run
from quart_app.lab.strategies import Strategy
from quart_app.lab.strip import Row
from quart_app.lab.texts import LANGUAGES, words

LESSON = find("downgrade")
ALL = list(range(1, 41))
STORMS = [(), ("buffer@2.2",), ("cut@4.4", "cut@9"), ("block@12",), ("heal@4.2", "buffer@6")]


def played(name: str, seed: int | None = None, *acts: str, **knobs: float) -> Played:
    return run(LESSON, seed, knobs, [name], acts).played[0]


def shown(one: Played) -> list[int]:
    return [event["pos"] for event in one.events if event["do"] == "show"]


def test_the_figures_of_the_texts_are_those_of_the_run() -> None:
    whole = run(LESSON)
    found = figures(whole.played)
    counts = [len({*shown(one)}) for one in whole.played]
    assert [found["ws_only"], found["switch"], found["ladder"]] == counts
    assert 25 <= found["switch"] <= 35  # the answer to the prediction
    assert found["ws_only"] < found["switch"] < found["ladder"] == 40
    breach = whole.played[1].broken[0].breach
    assert breach is not None
    assert (breach.values["msg"], breach.why) == (found["hole"], LESSON.observe.answer)


def test_the_ladder_stands_on_all_rungs_and_goes_on_from_what_it_has() -> None:
    events = played("ladder").events
    stands = [event for event in events if event["do"] == "rung" and event["rung"] != "none"]
    assert [event["rung"] for event in stands] == ["ws", "sse", "poll", "sse", "ws"]
    for stand in stands[1:]:
        before = [event["pos"] for event in events[: stand["n"]] if event["do"] == "show"]
        assert stand["since"] <= max(before)
    assert all("since" not in event for event in played("switch").events if event["do"] == "rung")


def test_what_the_proxy_keeps_is_lost_with_its_connection() -> None:
    events = played("ladder").events
    kept = next(event["n"] for event in events if event["do"] == "buffer")
    left = next(event["n"] for event in events[kept:] if event["do"] == "rung")
    for push in (event for event in events[kept:left] if event["do"] == "push"):
        after = [event["do"] for event in events if event.get("of") == push["n"]]
        assert after == ["lose"]


def test_the_ladder_misses_nothing_whatever_is_done_to_it() -> None:
    for seed in range(16):
        dice = Random(seed)
        acts = [f"{dice.choice(LESSON.acts)}@{dice.uniform(0, 16):.3f}" for _ in range(4)]
        knobs = {"heartbeat": dice.uniform(0.5, 3.0), "delay": dice.uniform(0.02, 0.2), "heal": dice.randint(6, 12)}
        one = played("ladder", seed, *acts, **knobs)
        assert shown(one) == ALL, (seed, acts, knobs)
        assert all(verdict.state is State.HOLDS for verdict in one.verdicts)


def test_a_client_that_does_not_say_from_where_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Bookmark, "cursor", None)
    monkeypatch.setattr(Bookmark, "full_cursor", None)
    broken = [one for one in (played("ladder", seed) for seed in range(5)) if one.broken]
    assert len(broken) == 5
    assert {verdict.rule for one in broken for verdict in one.broken} == {"complete"}


def test_a_client_that_takes_a_message_twice_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Bookmark, "admit", lambda self, topic, cursor: self.advance(cursor) or True)
    rules = {verdict.rule for seed in range(5) for verdict in played("ladder", seed).broken}
    assert rules == {"shown_once"}


def test_a_try_that_keeps_the_cursor_has_them_all() -> None:
    async def with_cursor(net: Net) -> None:
        last = None
        while True:
            for way in ("ws", "sse", "poll"):
                async for message in net.open(way, since=last):
                    net.show(message)
                    last = message["id"]

    for seed in range(5):
        naive = play(choose(LESSON, seed), Strategy("mine", mine.mine))
        assert [verdict.rule for verdict in naive.broken] == ["complete"]
        better = play(choose(LESSON, seed), Strategy("mine", with_cursor))
        assert shown(better) == ALL


def test_every_sentence_is_true_of_its_run() -> None:
    said = set()
    for seed in (0, 2, 13, 17):
        for acts in STORMS:
            for one in run(LESSON, seed, strategies=LESSON.strategies[:2], acts=acts).played:
                (verdict,) = one.broken
                said.add(is_true(one.events, verdict.breach))
    assert said >= {"between", "held_back", "on_its_way"}


def is_true(events: list[dict[str, Any]], breach: Any) -> str:
    values, why = breach.values, str(breach.why)
    first = next(event for event in events if event["do"] == "commit" and event["pos"] == values["msg"])
    seen = {event["pos"] for event in events if event["do"] == "show"}
    assert values["msg"] == min({*ALL} - seen)
    assert (values["at"], values["lost"]) == (first["t"], 40 - len(seen))
    stands = [event for event in events if event["do"] == "rung"]
    began = next((event for event in stands if event["rung"] != "none" and event["n"] > first["n"]), None)
    assert values["began"] == (began and began["t"])
    assert began is None or "since" not in began
    faults = {event["t"]: event["do"] for event in events if event["do"] in {"cut", "buffer"}}
    standing = next(event["rung"] for event in reversed(stands) if event["n"] < first["n"])
    pushed = [event["n"] for event in events if event["do"] == "push" and event["msg"] == f"m{values['msg']}"]
    fate = [event["do"] for event in events if event.get("of") in pushed]
    match why:
        case "between":
            assert values["ended"] < values["at"] < values["began"]
            assert standing == "none"
        case "held_back" | "on_its_way":
            assert standing != "none"
            assert faults[values["fault"]] == {"held_back": "buffer", "on_its_way": "cut"}[why]
            assert values["fault"] <= values["ended"] < values["began"]
            assert fate in ([], ["lose"])
        case "never_again":
            assert began is None
    for language in LANGUAGES:
        assert f" {values['msg']} " in words(language, LESSON.folder)(f"complete_{why}", **values).replace(":", " ")
    return why


def test_the_strip_of_a_beginning_shows_what_is_known_by_then() -> None:
    events = played("switch").events
    signs: list[str] = []
    for until in range(0, len(events) + 1, 7):
        tape = strip(events[:until]).rows[0]
        assert isinstance(tape, Row)
        signs = [cell.sign for cell in tape.cells]
        assert len(signs) == 40
        newest = max(shown_until(events, until), default=0)
        assert "✕" not in signs[newest:] or until == len(events)
        assert "?" not in signs[:newest]
    assert signs.count("✕") == len(tally(events).holes)


def shown_until(events: list[dict[str, Any]], until: int) -> list[int]:
    return [event["pos"] for event in events[:until] if event["do"] == "show"]


def event(number: int, do: str, **more: Any) -> dict[str, Any]:
    return {"t": float(number), "n": number, "lane": "phone", "do": do, **more}


def test_what_is_shown_too_often_or_too_late_is_found_out() -> None:
    stored = [event(0, "commit", pos=1), event(1, "commit", pos=2)]
    twice = check([*stored, event(2, "show", pos=1), event(3, "show", pos=1)], LESSON.rules)
    assert [verdict.state for verdict in twice] == [State.OPEN, State.BROKEN, State.OPEN]
    assert twice[0].waits_for == ("2",)
    assert twice[1].breach is not None
    assert twice[1].breach.values == {"msg": 1, "first": 2.0, "second": 3.0}
    crossed = check([*stored, event(2, "show", pos=2), event(3, "show", pos=1)], LESSON.rules)
    assert [verdict.state for verdict in crossed] == [State.HOLDS, State.HOLDS, State.BROKEN]
    assert crossed[2].breach is not None
    assert crossed[2].breach.values == {"msg": 1, "after": 2, "at": 3.0}


def test_what_was_there_to_be_read_and_is_not_shown_is_told_as_that() -> None:
    reads = [event(0, "rung", rung="ws"), event(1, "commit", pos=1), event(2, "done")]
    again = [*reads[:2], event(2, "rung", rung="none"), event(3, "rung", rung="sse", since=0), event(4, "done")]
    early = [event(0, "commit", pos=1), event(1, "rung", rung="ws"), event(2, "done")]
    whys = [
        verdict.breach and verdict.breach.why for one in (reads, again, early) for verdict in check(one, ["complete"])
    ]
    assert whys == ["never_again", "not_shown", "too_early"]
