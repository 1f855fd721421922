"""Lesson 2: the same storm for all, each naive till breaks its own rule, ours breaks none, and the words are true."""

import gzip
import inspect
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from quart_app.lab.checker import MOST_SHOWN, State, check
from quart_app.lab.lesson import Lesson, Unfit, find, lessons, read
from quart_app.lab.lessons.delivery import scenario, strategies
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
BREAKS = {"once": ["nothing_lost"], "retry": ["once_each"], "keyed": []}
TEN = [f"p{number}" for number in range(1, 11)]


def played(name: str, seed: int | None = None, *acts: str, **knobs: float) -> Played:
    return run(LESSON, seed, knobs, [name], acts).played[0]


def booked(events: list[dict[str, Any]]) -> list[str]:
    return sorted(event["msg"] for event in events if event["do"] == "commit")


def faults(events: list[dict[str, Any]]) -> list[tuple[float, str, str]]:
    return [(event["t"], event["lane"], event["do"]) for event in events if event["do"] in {"cut", "crash"}]


def test_in_its_own_run_each_naive_till_breaks_its_rule_and_no_other() -> None:
    for one in run(LESSON).played:
        assert [verdict.rule for verdict in one.broken] == BREAKS[one.strategy]
        assert all(verdict.state is not State.OPEN for verdict in one.verdicts)


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


def test_ours_breaks_in_no_storm_and_the_naive_ones_in_many() -> None:
    assert [seed for seed in range(200) if played("keyed", seed).broken] == []
    for name in ("once", "retry"):
        broken = [one for one in (played(name, seed) for seed in range(40)) if one.broken]
        assert len(broken) >= 10
        assert {verdict.rule for one in broken for verdict in one.broken} == set(BREAKS[name])


def test_the_storm_is_the_same_for_all() -> None:
    for seed in range(20):
        first, *others = (faults(one.events) for one in run(LESSON, seed).played)
        assert len(first) == 5
        assert all(other == first for other in others)


def test_a_cut_more_leaves_the_others_where_they_are() -> None:
    few, more = (set(faults(played("keyed", 5, cuts=cuts).events)) for cuts in (3, 4))
    assert few < more


@pytest.mark.parametrize("act", ["cut@4.2", "kill:bank@4.2", "lose:answer@4.2"])
@pytest.mark.parametrize("strategy", LESSON.strategies)
def test_before_an_act_all_is_as_it_was_without(act: str, strategy: str) -> None:
    for seed in range(10):
        without, with_it = played(strategy, seed).events, played(strategy, seed, act).events
        before = [event for event in without if event["t"] < 4.2]
        assert with_it[: len(before)] == before
        assert with_it != without


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
    monkeypatch.setattr(Database, "commit", lambda self, who, key, change: commit(self, who, None, change))
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


def test_the_sentences_of_its_own_run() -> None:
    first, second, _ = run(LESSON).played
    told = []
    for one in (first, second):
        (verdict,) = one.broken
        assert verdict.breach is not None
        key = f"{verdict.rule}_{verdict.breach.why}"
        told += [words(language, LESSON.folder)(key, **verdict.breach.values) for language in ("en", "es")]
    assert told == [
        GOLDEN["sentences"][f"{name}_{language}"] for name in ("once", "retry") for language in ("en", "es")
    ]


def event(number: int, do: str, **more: Any) -> dict[str, Any]:
    return {"t": float(number), "n": number, "lane": "till", "do": do, "msg": "p1", **more}


def test_a_verdict_waits_for_what_is_in_the_air() -> None:
    taken, sent, let_go = event(0, "take"), event(1, "send"), event(2, "done")
    (verdict,) = check([taken, sent, let_go], ["nothing_lost"])
    assert (verdict.state, verdict.in_the_air) == (State.OPEN, ("p1",))
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


def test_every_text_of_the_lesson_is_there() -> None:
    for language in LANGUAGES:
        say = words(language, LESSON.folder)
        keys = [f"p_{one}" for one in LESSON.predict.options] + [f"o_{one}" for one in LESSON.observe.options]
        keys += [f"q_{one}{said}" for one in LESSON.quiz.options for said in ("", "_said")]
        keys += [f"s_{one}{sub}" for one in LESSON.strategies for sub in ("", "_sub")]
        assert all(say(key) for key in [*keys, *LESSON.rules])


def test_what_is_shown_is_what_runs_and_is_short() -> None:
    for name in LESSON.strategies:
        source = inspect.getsource(getattr(strategies, name))
        assert source.startswith(f"async def {name}(")
        assert len(source.splitlines()) <= 12
    assert len(inspect.getsource(scenario).splitlines()) <= 80


def test_a_trace_is_small() -> None:
    for one in all_runs():
        text = "\n".join(map(json.dumps, one.events)).encode()
        assert len(text) <= 60_000
        assert len(gzip.compress(text)) <= 12_000


def fingerprints(python: str, hash_seed: str) -> dict[str, str]:
    program = (
        "import json; from quart_app.lab.lesson import find; from quart_app.lab.running import run\n"
        "def told(seed, *acts):\n    return run(find('2'), seed, acts=acts).fingerprint\n"
        "print(json.dumps({'own': told(None), 'seed_3': told(3), 'acts': told(4, 'cut@4.2', 'kill:bank@6')}))"
    )
    environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    answer = subprocess.run([python, "-c", program], env=environment, capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(answer.stdout)
    return found


@pytest.mark.parametrize("hash_seed", ["0", "77"])
def test_a_run_is_the_same_in_every_process_and_every_python(hash_seed: str) -> None:
    assert fingerprints(sys.executable, hash_seed) == GOLDEN["delivery"]


def test_a_till_that_sends_without_end_is_stopped() -> None:
    async def flood(till: Any, payment: Payment) -> None:
        while True:
            await till.send(payment)

    with pytest.raises(Exception, match=f"more than {MOST_EVENTS:,} events"):
        play(choose(LESSON), Strategy("flood", flood))


def test_a_lesson_is_found_by_number_and_by_name() -> None:
    assert find("2") is find("delivery") is LESSON
    assert [lesson.number for lesson in lessons()] == sorted({lesson.number for lesson in lessons()})


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda: find("99"), "there is no lesson 99: it may be 2 (delivery)"),
        (lambda: choose(LESSON, -1), "seed is -1: it may be a whole number from 0 to 4294967295"),
        (lambda: choose(LESSON, 0, {"cuts": "9"}), "knob cuts is 9: it may be a whole number from 0 to 8"),
        (lambda: choose(LESSON, 0, {"cuts": 1.5}), "knob cuts is 1.5: it may be a whole number from 0 to 8"),
        (lambda: choose(LESSON, 0, {"delay": "nan"}), "knob delay is nan: it may be a number from 0.02 to 0.6 s"),
        (lambda: choose(LESSON, 0, {"wind": 1}), "there is no knob wind: it may be cuts, delay or patience"),
        (lambda: run(LESSON, strategies=["hope"]), "there is no strategy hope: it may be once, retry or keyed"),
        (
            lambda: choose(LESSON, acts=["burn@3"]),
            "there is no act burn: it may be cut, kill:bank or lose:answer, followed by @ and the second",
        ),
        (
            lambda: choose(LESSON, acts=["cut@x"]),
            "the second of act cut@x may be a number from 0 to 20, as in cut@4.2",
        ),
        (lambda: choose(LESSON, acts=["cut@1"] * 21), "there are 21 acts: at most 20 may be done in one run"),
    ],
)
def test_what_a_lesson_does_not_have_is_named(ask: Callable[[], object], told: str) -> None:
    with pytest.raises(Unfit) as refused:
        ask()
    assert str(refused.value) == told


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("number = 2", 'number = "two"', "$.number"),
        ("seed = 125", "seed = 125\ncolour = 1", "colour"),
        ('"sum_is"', '"sum_was"', "there is no rule sum_was: it may be nothing_lost, once_each or sum_is"),
        ('answer = "more"', 'answer = "most"', "the answer is most: it may be less, exact, more or depends"),
        ("default = 5", "default = 50", "knob cuts is 50"),
        ("nodes = 1", "nodes =", "lesson.toml: Invalid value"),
    ],
)
def test_a_lesson_that_is_badly_written_names_the_field(tmp_path: Path, before: str, after: str, told: str) -> None:
    text = (LESSON.folder / "lesson.toml").read_text("utf-8")
    assert before in text
    (tmp_path / "lesson.toml").write_text(text.replace(before, after), "utf-8")
    with pytest.raises(Unfit) as refused:
        read(tmp_path / "lesson.toml")
    assert told in str(refused.value)


def test_the_strategies_and_the_scenario_are_there_for_every_lesson() -> None:
    for lesson in lessons():
        assert check_parts(lesson)


def check_parts(lesson: Lesson) -> bool:
    module = lesson.module("scenario")
    named = lesson.module("strategies")
    return set(module.ACTS) == set(lesson.acts) and all(hasattr(named, name) for name in lesson.strategies)
