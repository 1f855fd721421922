"""Lesson 5: silence is judged wrongly one way or the other, a lease with time to come back does better, and the words
are true."""

from functools import cache
from typing import Any

import pytest

from quart_app.lab.checker import State, check
from quart_app.lab.checker.rules.presence import LATELY, WITHIN
from quart_app.lab.lesson import find
from quart_app.lab.lessons.presence import scenario
from quart_app.lab.lessons.presence.tally import cost, figures, lives, strip
from quart_app.lab.lessons.presence.watcher import Watcher
from quart_app.lab.running import Played, choose, play, run
from quart_app.lab.strategies import Strategy
from quart_app.lab.strip import Row
from quart_app.realtime import Presence

LESSON = find("presence")
Event = dict[str, Any]


def played(name: str, seed: int | None = None, *acts: str, **knobs: float) -> Played:
    return run(LESSON, seed, knobs, [name], acts).played[0]


def why(one: Played) -> list[str]:
    return [verdict.breach.why for verdict in one.broken if verdict.breach]


@cache
def all_runs() -> list[Played]:
    acts: tuple[tuple[str, ...], ...] = ((), ("battery:sol@7",), ("sleep:ana@2", "move:eva@14"))
    runs = [one for seed in range(4) for some in acts for one in run(LESSON, seed, acts=some).played]
    return [*runs, *(played("eager", seed, beat=1.0, jams=0.0) for seed in range(3))]


def begins(events: list[Event], do: set[str], lane: str, before: float) -> list[Event]:
    lanes = {lane, f"{lane}-server"}
    return [one for one in events if one["do"] in do and one["lane"] in lanes and one["t"] <= before]


def test_every_sentence_is_true_of_its_run() -> None:
    troubles = {"slept": ("pause", "resume"), "moved": ("cut", "heal"), "jammed": ("dark", "light")}
    said = set()
    for one in all_runs():
        for verdict in one.broken:
            assert verdict.breach is not None
            reason, values = verdict.breach.why, verdict.breach.values
            said.add(reason)
            lane, at = values["who"].lower(), values["at"]
            shown = [one.events[number] for number in verdict.breach.events]
            if verdict.rule == "death_noticed_within":
                do = "stop" if reason == "goodbye" else "crash"
                assert [death["t"] for death in begins(one.events, {do}, lane, 99.0)] == [at]
                states = begins(one.events, {"state"}, lane, at + WITHIN)
                assert states[-1]["value"] == "here"
                continue
            assert (shown[-1]["do"], shown[-1]["value"], shown[-1]["lane"], shown[-1]["t"]) == (
                "state",
                "gone",
                lane,
                at,
            )
            assert begins(one.events, {"crash", "stop"}, lane, at) == []
            if reason == "waited":
                everything = {do for pair in troubles.values() for do in pair}
                assert not [event for event in begins(one.events, everything, lane, at) if event["t"] > at - LATELY]
            else:
                began, mended = troubles[reason]
                last = begins(one.events, {began}, lane, at)[-1]
                assert (last["t"], last["n"]) == (values["since"], shown[0]["n"])
                over = [event["t"] for event in begins(one.events, {mended}, lane, at) if event["t"] > last["t"]]
                assert not over or at - over[-1] < LATELY
    assert said == {"slept", "moved", "jammed", "waited", "goodbye", "died"}


@pytest.mark.parametrize(("at", "reason"), [(1.5, "slept"), (2.9, "slept"), (3.1, "waited")])
def test_a_trouble_explains_a_silence_until_a_little_after_its_end(at: float, reason: str) -> None:
    happened = [(0.0, "state", "here"), (1.0, "pause", None), (2.0, "resume", None), (at, "state", "gone")]
    events = [
        {"t": time, "n": number, "lane": "eva", "do": do, "value": value}
        for number, (time, do, value) in enumerate(sorted(happened, key=lambda one: one[0]))
    ]
    [verdict] = check(events, ["no_false_leave"])
    assert verdict.breach is not None
    assert verdict.breach.why == reason


def test_the_figures_of_the_texts_are_those_of_the_run() -> None:
    whole = run(LESSON).played
    eager, patient, adaptive, ours = whole
    found = figures(whole)
    assert found["eager_points"] > found["adaptive_points"] > found["lease_points"]
    assert found["patient_points"] > found["lease_points"]
    assert found["accused"] > 1
    asleep, woken = (
        next(event["t"] for event in adaptive.events if event["do"] == do and event["lane"] == "eva")
        for do in ("pause", "resume")
    )
    assert asleep < found["eva_at"] < woken
    assert LESSON.observe.answer == "slept"
    told = {event["lane"]: event["t"] for event in ours.events if event.get("value") == "gone"}
    left = next(event["t"] for event in ours.events if event["do"] == "stop")
    died = next(event["t"] for event in ours.events if event["do"] == "crash")
    assert told == {"ana": pytest.approx(left + found["goodbye"]), "leo": pytest.approx(died + found["died"])}
    assert cost(patient.events)["false"] == cost(ours.events)["false"] == 0
    assert cost(eager.events)["late"] < 3


def test_a_limit_as_long_as_the_answer_says_loses_the_fewest_points() -> None:
    limits = [0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 4.25, 4.75, 5.25, 6.0, 7.0, 8.0, 10.0]
    points = {limit: cost(played("patient", limit=limit).events)["points"] for limit in limits}
    assert isinstance(LESSON.predict.answer, float)
    good = {limit for limit in limits if abs(limit - LESSON.predict.answer) <= LESSON.predict.within}
    assert max(points[limit] for limit in good) < min(points[limit] for limit in {*limits} - good)


def test_a_goodbye_is_known_at_once_and_a_death_after_the_time_to_come_back() -> None:
    for seed in range(15):
        events = played("lease", seed).events
        people = lives(events)
        assert people["ana"].late(events[-1]["t"]) < 1
        assert 5 < people["leo"].late(events[-1]["t"]) < WITHIN


def test_a_lease_ends_by_a_return_or_by_a_leave() -> None:
    returns = 0
    for seed in range(15):
        events = played("lease", seed).events
        ends = [event for event in events if event["do"] == "expire"]
        assert len(ends) == len([event for event in events if event["do"] == "lease"])
        for end in ends:
            gone = [
                one["t"]
                for one in events
                if one["do"] == "state" and one["value"] == "gone" and one["lane"] == end["token"]
            ]
            assert end.get("back", False) == (not gone)
            assert not gone or 0 <= gone[0] - end["t"] < 0.2
            returns += end.get("back", False)
    assert returns >= 30


def test_the_impossible_stays_impossible_and_a_long_nap_looks_like_death() -> None:
    assert {reason for seed in range(6) for reason in why(played("lease", seed, nap=8.0))} == {"slept"}


def test_without_time_to_come_back_the_engine_accuses(monkeypatch: pytest.MonkeyPatch) -> None:
    enter = Presence.enter

    def at_once(self: Presence, *stay: Any) -> None:
        self._linger = 0.0
        enter(self, *stay)

    monkeypatch.setattr(Presence, "enter", at_once)
    assert {verdict.rule for seed in range(5) for verdict in played("lease", seed).broken} == {"no_false_leave"}


def test_without_asking_for_signs_of_life_the_engine_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(scenario.LIVENESS, "heartbeat", 30.0)
    assert {reason for seed in range(3) for reason in why(played("lease", seed))} == {"died"}


def test_somebody_who_hears_goodbyes_and_waits_long_enough_keeps_the_rules() -> None:
    async def mine(watcher: Watcher) -> None:
        await watcher.by_silence(lambda gaps, silent: silent > 5.5, goodbyes=True)

    for seed in range(10):
        one = play(choose(LESSON, seed), Strategy("mine", mine))
        assert one.broken == []
        assert cost(one.events)["points"] <= 7


def test_what_is_sent_comes_or_waits_and_what_mia_sees_comes_from_what_she_is_told() -> None:
    for one in all_runs():
        for event in one.events:
            if "of" not in event:
                continue
            cause = one.events[event["of"]]
            if event["do"] in {"arrive", "lose"}:
                assert cause["do"] in {"send", "push", "ack"}
            if event["do"] == "state":
                assert (cause["do"], cause["lane"], cause["msg"]) == ("arrive", "mia", event["lane"])


def test_the_strip_of_any_beginning_accuses_nobody_too_early() -> None:
    adaptive, ours = run(LESSON, strategies=["adaptive", "lease"]).played
    for until in range(0, len(ours.events), 7):
        rows = strip(ours.events[:until]).rows
        assert len(rows) == 8
        cells = [cell for row in rows if isinstance(row, Row) for cell in row.cells]
        assert "wrong" not in {cell.kind for cell in cells}
        assert all(verdict.state is not State.BROKEN for verdict in check(ours.events[:until], LESSON.rules))
    signs = [[cell.sign for cell in row.cells] for row in strip(adaptive.events).rows if isinstance(row, Row)]
    assert signs[4].count("z") == 4
    assert signs[5].count("!") >= 2
    assert {len(row) for row in signs} == {21}
    assert signs[2][-1] == signs[3][-1] == "✕"
