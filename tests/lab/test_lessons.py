"""Every lesson: its own run breaks what it is said to break, ours breaks nothing, its words are there and are true."""

import gzip
import inspect
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from quart_app.lab.checker import MOST_SHOWN, State
from quart_app.lab.lesson import Lesson, Unfit, find, lessons, read
from quart_app.lab.running import Played, Run, choose, run
from quart_app.lab.strip import Row
from quart_app.lab.texts import LANGUAGES, words

ROOT = Path(__file__).parents[2]
GOLDEN = tomllib.loads((Path(__file__).parent / "golden.toml").read_text("utf-8"))
LESSON = find("delivery")
NAMED = [f"{lesson.number} ({lesson.slug})" for lesson in lessons()]
LESSONS = NAMED[0] if len(NAMED) == 1 else f"{', '.join(NAMED[:-1])} or {NAMED[-1]}"
FAULTS = {"cut", "heal", "crash", "pause", "resume", "skew", "block", "buffer"}
"""What befalls the world of a run, whatever its strategy does."""

each_lesson = pytest.mark.parametrize("lesson", lessons(), ids=lambda lesson: lesson.slug)


@cache
def own(lesson: Lesson) -> Run:
    return run(lesson)


@cache
def played(lesson: Lesson, name: str, seed: int) -> Played:
    return run(lesson, seed, strategies=[name]).played[0]


def faults(events: list[dict[str, Any]]) -> list[tuple[float, str, str]]:
    return [(event["t"], event["lane"], event["do"]) for event in events if event["do"] in FAULTS]


@each_lesson
def test_in_its_own_run_each_strategy_breaks_what_is_said_and_nothing_else(lesson: Lesson) -> None:
    broken = {one.strategy: tuple(verdict.rule for verdict in one.broken) for one in own(lesson).played}
    assert broken == lesson.breaks
    assert broken[lesson.strategies[-1]] == ()
    assert all(verdict.state is not State.OPEN for one in own(lesson).played for verdict in one.verdicts)


def broken_seeds(lesson: Lesson, seeds: range) -> list[int]:
    ours = lesson.strategies[-1]
    return [seed for seed in seeds if run(lesson, seed, strategies=[ours]).played[0].broken]


@each_lesson
def test_ours_breaks_in_no_storm(lesson: Lesson) -> None:
    assert broken_seeds(lesson, range(20)) == []


@pytest.mark.storms
@each_lesson
def test_ours_breaks_in_none_of_two_hundred_storms(lesson: Lesson) -> None:
    assert broken_seeds(lesson, range(200)) == []


@pytest.mark.storms
@each_lesson
def test_the_naive_strategies_break_in_many_storms(lesson: Lesson) -> None:
    naive = [name for name in lesson.strategies if lesson.breaks[name]]
    assert naive
    for name in naive:
        broken = [one for one in (played(lesson, name, seed) for seed in range(40)) if one.broken]
        assert len(broken) >= 10, name


@each_lesson
def test_the_storm_is_the_same_for_all(lesson: Lesson) -> None:
    for seed in range(10):
        first, *others = (faults(played(lesson, name, seed).events) for name in lesson.strategies)
        assert all(other == first for other in others)


@each_lesson
def test_before_an_act_all_is_as_it_was_without(lesson: Lesson) -> None:
    at = lesson.lasts / 4
    for act in lesson.acts:
        for strategy in lesson.strategies:
            without = played(lesson, strategy, 1).events
            with_it = run(lesson, 1, strategies=[strategy], acts=[f"{act}@{at}"]).played[0].events
            before = [event for event in without if event["t"] < at]
            assert with_it[: len(before)] == before
            assert with_it != without, (act, strategy)


@each_lesson
def test_what_happens_is_told_in_order_with_its_causes_and_is_small(lesson: Lesson) -> None:
    for one in (*own(lesson).played, *(played(lesson, name, seed) for name in lesson.strategies for seed in range(5))):
        assert [event["n"] for event in one.events] == list(range(len(one.events)))
        assert all(a["t"] <= b["t"] for a, b in zip(one.events, one.events[1:], strict=False))
        assert all(event["of"] < event["n"] for event in one.events if "of" in event)
        lanes = {event["lane"] for event in one.events if "-" not in event["lane"]}
        assert lanes <= {*lesson.lanes}
        text = "\n".join(map(json.dumps, one.events)).encode()
        assert len(text) <= 60_000
        assert len(gzip.compress(text)) <= 12_000


@each_lesson
def test_every_counter_example_is_short_and_has_a_sentence(lesson: Lesson) -> None:
    for one in (*own(lesson).played, *(played(lesson, name, seed) for name in lesson.strategies for seed in range(10))):
        for verdict in one.broken:
            assert verdict.breach is not None
            assert 1 <= len(verdict.breach.events) <= MOST_SHOWN
            assert max(verdict.breach.events) < len(one.events)
            for language in LANGUAGES:
                say = words(language, lesson.folder)
                assert say(f"{verdict.rule}_{verdict.breach.why}", **verdict.breach.values)


def sentences(lesson: Lesson) -> dict[str, str]:
    told = {}
    for one in own(lesson).played:
        for verdict in one.broken:
            assert verdict.breach is not None
            key = f"{verdict.rule}_{verdict.breach.why}"
            for language in LANGUAGES:
                name = f"{one.strategy}_{verdict.rule}_{language}"
                told[name] = words(language, lesson.folder)(key, **verdict.breach.values)
    return told


@each_lesson
def test_the_sentences_of_its_own_run(lesson: Lesson) -> None:
    assert sentences(lesson) == GOLDEN[lesson.slug]["sentences"]


@each_lesson
def test_the_strip_has_words_in_both_languages(lesson: Lesson) -> None:
    for one in own(lesson).played:
        strip = lesson.module("tally").strip(one.events)
        assert strip.rows
        for language in LANGUAGES:
            say = words(language, lesson.folder)
            labels = [row.label for row in strip.rows if row.label is not None]
            assert all(say(said.key, **said.values) for said in (strip.outcome, *strip.notes, *labels))
        for row in strip.rows:
            if isinstance(row, Row):
                assert all(1 <= len(cell.sign) <= 3 for cell in row.cells)


@each_lesson
def test_every_text_of_the_lesson_is_there(lesson: Lesson) -> None:
    figures = lesson.module("tally").figures(own(lesson).played)
    for language in LANGUAGES:
        say = words(language, lesson.folder)
        keys = [f"p_{one}" for one in lesson.predict.options] + [f"o_{one}" for one in lesson.observe.options]
        keys += [f"q_{one}{said}" for one in lesson.quiz.options for said in ("", "_said")]
        keys += [f"s_{one}{sub}" for one in lesson.strategies for sub in ("", "_sub")]
        keys += [
            *lesson.rules,
            "title",
            "question",
            "predict",
            "explain_1",
            "explain_2",
            "real",
            "diff",
            "quiz",
            "mine",
        ]
        keys += ["legend", "break", "setup_more", "mine"]
        named = [("lane", lesson.lanes), ("knob", [knob.name for knob in lesson.knobs]), ("act", lesson.acts)]
        keys += [f"{kind}_{re.sub('[^A-Za-z0-9]', '_', name)}" for kind, names in named for name in names]
        assert all(say(key) for key in keys)
        assert say("setup", **own(lesson).choice.knobs)
        keys = ["fact", "observe", "teach"]
        told = [say(key, **figures) for key in keys]
        assert all(len(text) <= 320 for text in told)


@each_lesson
def test_what_is_shown_is_what_runs_and_is_short(lesson: Lesson) -> None:
    scenario, strategies = lesson.module("scenario"), lesson.module("strategies")
    assert {*scenario.ACTS} == {*lesson.acts}
    for name in lesson.strategies:
        source = inspect.getsource(getattr(strategies, name))
        assert source.startswith((f"async def {name}(", f"def {name}("))
        assert len(source.splitlines()) <= 12
    assert len(inspect.getsource(scenario).splitlines()) <= 80


FINGERPRINTS = """
import json
from quart_app.lab.lesson import lessons
from quart_app.lab.running import run
told = {}
for lesson in lessons():
    acts = [f"{act}@{lesson.lasts * (at + 1) / 5}" for at, act in enumerate(lesson.acts[:3])]
    told[lesson.slug] = [run(lesson).fingerprint, run(lesson, 3).fingerprint, run(lesson, 4, acts=acts).fingerprint]
print(json.dumps(told))
"""


@pytest.mark.parametrize("hash_seed", ["0", "77"])
def test_a_run_is_the_same_in_every_process_and_every_python(hash_seed: str) -> None:
    environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", FINGERPRINTS]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert json.loads(answer.stdout) == {lesson.slug: GOLDEN[lesson.slug]["runs"] for lesson in lessons()}


def test_a_lesson_is_found_by_number_and_by_name() -> None:
    for lesson in lessons():
        assert find(str(lesson.number)) is find(lesson.slug) is lesson
    assert [lesson.number for lesson in lessons()] == sorted({lesson.number for lesson in lessons()})


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda: find("99"), f"there is no lesson 99: it may be {LESSONS}"),
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
        ('"sum_is"', '"sum_was"', "there is no rule sum_was: it may be "),
        ('answer = "more"', 'answer = "most"', "the answer is most: it may be less, exact, more or depends"),
        ('retry = ["once_each"]', 'retry = ["in_order"]', "breaks has to name each strategy in order, with rules"),
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
