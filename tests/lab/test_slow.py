"""Lesson 4: a queue costs the server, waiting the others, dropping the slow one; a cursor none of them."""

from functools import cache
from random import Random
from typing import Any

import pytest

from quart_app.lab.checker import State, check
from quart_app.lab.lesson import find
from quart_app.lab.lessons.slow import mine
from quart_app.lab.lessons.slow.server import Server
from quart_app.lab.lessons.slow.tally import figures, strip, tally
from quart_app.lab.running import Played, choose, play, run
from quart_app.lab.strategies import Strategy
from quart_app.lab.strip import Bars, Row
from quart_app.lab.texts import LANGUAGES, words
from quart_app.realtime import limits
from quart_app.realtime.flow.subscription import Subscription

LESSON = find("slow")


def played(name: str, seed: int | None = None, *acts: str, **knobs: float) -> Played:
    return run(LESSON, seed, knobs, [name], acts).played[0]


@cache
def own() -> dict[str, Played]:
    return {one.strategy: one for one in run(LESSON).played}


def shown(events: list[dict[str, Any]], lane: str, kind: str = "") -> list[str]:
    return [one["msg"] for one in events if one["do"] == "show" and one["lane"] == lane and kind in one["kind"]]


def taken(events: list[dict[str, Any]], kind: str = "") -> list[str]:
    return [one["msg"] for one in events if one["do"] == "take" and kind in one["kind"]]


def test_the_figures_of_the_texts_are_those_of_the_run() -> None:
    whole = [*own().values()]
    found = figures(whole)
    held = [max(one["bytes"] for one in each.events if one["do"] == "hold") // 1024 for each in whole]
    assert (held[0], held[3]) == (found["held"], found["flat"])
    assert held[0] > found["limit"] > 2 * held[1]
    assert found["late"] > 5
    drop, cursor = whole[2].events, whole[3].events
    for events, count in ((drop, found["lost"]), (cursor, found["told"])):
        lost = {*taken(events, "chat"), *taken(events, "cam")} - {*shown(events, "leo")}
        assert len(lost) == count > 5
    assert not [one for one in drop if "gap" in one]  # the answer to the observation: he knows nothing


def test_the_cursor_brings_the_whole_chat_the_last_reading_and_a_number_for_the_rest() -> None:
    events = own()["cursor"].events
    assert shown(events, "leo", "chat") == taken(events, "chat")
    assert shown(events, "leo", "term")[-1] == taken(events, "term")[-1]
    assert len(shown(events, "leo", "term")) < len(taken(events, "term")) / 2
    told = sum(one.get("gap", 0) for one in events)
    assert len(shown(events, "leo", "cam")) + told == len(taken(events, "cam"))
    assert shown(events, "ana") == taken(events)


def test_the_cursor_fails_at_no_speed_and_in_no_storm() -> None:
    for seed in range(8):
        dice = Random(seed)
        acts = [f"{dice.choice(LESSON.acts)}@{dice.uniform(0, 20):.3f}" for _ in range(4)]
        knobs = {"rate": dice.randint(2, 8), "picture": dice.randint(8, 96), "stands": dice.randint(4, 16)}
        one = played("cursor", seed, *acts, **knobs)
        assert [verdict.state for verdict in one.verdicts] == [State.HOLDS] * 3, (seed, acts, knobs)


def test_the_road_is_dark_at_the_same_time_for_all() -> None:
    for seed in range(2):
        darks = [[one["t"] for one in played(name, seed).events if one["do"] == "dark"] for name in LESSON.strategies]
        assert darks[0]
        assert darks == [darks[0]] * 4


def test_an_engine_that_does_not_tell_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Subscription, "_gaps", lambda self, unread: [])
    assert [verdict.rule for verdict in played("cursor").broken] == ["lost_is_told"]


def test_an_engine_whose_signals_are_kept_too_long_tells_of_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "TAIL_BYTES", 64 * 1024 * 1024)
    one = played("cursor")
    assert shown(one.events, "leo", "cam") == taken(one.events, "cam")
    assert one.broken == []


def test_a_short_queue_that_tells_breaks_nothing() -> None:
    async def tells(server: Server) -> None:
        readers = await server.listen()
        lost = dict.fromkeys((reader.name for reader in readers), 0)
        async for item in server.feed():
            for reader in readers:
                if len(reader.queue) < 8:
                    if lost[reader.name]:
                        reader.queue.append(server.gap(lost[reader.name]))
                        lost[reader.name] = 0
                    reader.queue.append(item)
                else:
                    lost[reader.name] += 1

    for seed in range(2):
        naive = play(choose(LESSON, seed), Strategy("mine", mine.mine))
        assert [verdict.rule for verdict in naive.broken] == ["lost_is_told"]
        better = play(choose(LESSON, seed), Strategy("mine", tells))
        assert better.broken == []


def test_a_server_that_does_not_listen_has_not_won() -> None:
    async def sleeps(server: Server) -> None:
        await server.sleep(1)

    (verdict,) = play(choose(LESSON), Strategy("mine", sleeps)).broken
    assert verdict.breach is not None
    assert (verdict.rule, verdict.breach.why) == ("lost_is_told", "nobody")


def test_every_sentence_is_true_of_its_run() -> None:
    said = set()
    for seed in range(2):
        for acts in ((), ("heal@5", "dark@7"), ("dark@2",)):
            for one in run(LESSON, seed, strategies=LESSON.strategies[:3], acts=acts).played:
                for verdict in one.broken:
                    assert verdict.breach is not None
                    is_true(one.events, f"{verdict.rule}_{verdict.breach.why}", verdict.breach.values)
                    said.add(verdict.breach.why)
    assert said == {"unread", "waits", "silently"}


def is_true(events: list[dict[str, Any]], sentence: str, values: dict[str, Any]) -> None:
    darks = [one["t"] for one in events if one["do"] == "dark"]
    heals = [one["t"] for one in events if one["do"] == "heal"]
    assert values["dark"] in darks
    if "held" in values:
        assert any(one["do"] == "hold" and one["t"] == values["at"] and one["who"] == "leo" for one in events)
        assert values["held"] >= values["limit"]
        assert values["who"] == "Leo"
    if "now" in values:
        assert (values["who"], values["slow"]) == ("Ana", "Leo")
        assert not [time for time in heals if values["dark"] < time < values["at"]]
        came = [
            one["t"] for one in events if one["do"] == "show" and one["lane"] == "ana" and one["msg"] == values["msg"]
        ]
        assert not came or came[0] >= values["now"]
    if "lost" in values:
        first = next(one for one in events if one["do"] == "take" and one["msg"] == values["msg"])
        assert values["dark"] < values["at"] == first["t"]
        assert values["msg"] not in shown(events, "leo")
        missing = {*taken(events, "chat"), *taken(events, "cam")} - {*shown(events, "leo")}
        assert values["lost"] == len(missing)
    for language in LANGUAGES:
        assert words(language, LESSON.folder)(sentence, **values)


def test_the_strip_of_a_beginning_shows_what_is_known_by_then() -> None:
    for name in LESSON.strategies:
        events = own()[name].events
        for until in (*range(0, len(events), 61), len(events)):
            held, *behind, chat, _, cam = strip(events[:until]).rows
            assert isinstance(held, Bars)
            assert isinstance(chat, Row)
            assert isinstance(cam, Row)
            assert all(isinstance(one, Bars) and len(one.values) == len(held.values) for one in behind)
            assert len(chat.cells) == len(taken(events[:until], "chat"))
            signs = [cell.sign for cell in (*chat.cells, *cam.cells)]
            assert signs.count("●") + signs.count("○") == len(
                [*shown(events[:until], "leo", "chat"), *shown(events[:until], "leo", "cam")]
            )
            if name != "drop":
                assert "✕" not in signs
    assert signs.count("△") == tally(events).readers["leo"].told


def event(number: int, lane: str, do: str, **more: Any) -> dict[str, Any]:
    return {"t": float(number), "n": number, "lane": lane, "do": do, **more}


def test_a_value_that_a_newer_one_replaces_is_not_lost_and_the_last_one_is() -> None:
    begin = [event(0, "leo", "open")]
    begin += [event(n, "server", "take", msg=f"t{n}", kind="t", pos=n, latest=True) for n in (1, 2)]
    last = event(3, "leo", "show", msg="t2", kind="t", pos=2)
    first = event(3, "leo", "show", msg="t1", kind="t", pos=1)
    done = event(4, "server", "done")
    assert check([*begin, last, done], ["lost_is_told"])[0].state is State.HOLDS
    (verdict,) = check([*begin, first, done], ["lost_is_told"])
    assert verdict.breach is not None
    assert (verdict.breach.why, verdict.breach.values["msg"]) == ("no_trouble", "t2")
    (verdict,) = check([*begin, last], ["lost_is_told"])
    assert (verdict.state, verdict.waits_for) == (State.OPEN, ("t1",))


def test_who_has_no_trouble_is_told_apart() -> None:
    begin = [event(0, "ana", "open"), event(1, "server", "take", msg="c1", kind="c", pos=1)]
    hold = event(2, "server", "hold", who="ana", bytes=2048, limit=1024)
    held, late = check([*begin, hold, event(3, "server", "done")], ["held_below", "others_unharmed"])
    assert held.breach is not None
    assert late.breach is not None
    assert (held.breach.why, late.breach.why) == ("too_fast", "late")
    for language in LANGUAGES:
        say = words(language, LESSON.folder)
        assert say("held_below_too_fast", **held.breach.values)
        assert say("others_unharmed_late", **late.breach.values)
