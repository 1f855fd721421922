"""What a page is told of a run: all that happened, in no language, and what it has come to at each moment."""

import gzip
import inspect
import json
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import pytest

from quart_app.lab.lesson import Lesson, find, lessons
from quart_app.lab.running import Run, run
from quart_app.lab.strip import Bars, Said, Strip
from quart_app.lab.telling import MOST_LOOKS, frames, strip_told, told
from quart_app.lab.texts import LANGUAGES, texts, words

each_lesson = pytest.mark.parametrize("lesson", lessons(), ids=lambda lesson: lesson.slug)


@cache
def own(lesson: Lesson) -> Run:
    return run(lesson)


@cache
def page_of(lesson: Lesson) -> Any:
    """Return what a page is told of the lesson's own run."""
    return json.loads(json.dumps(told(own(lesson))))


@each_lesson
def test_a_run_is_told_in_keys_that_have_texts_and_is_small(lesson: Lesson) -> None:
    done, page = own(lesson), page_of(lesson)
    assert page["fingerprint"] == done.fingerprint
    assert page["figures"] == lesson.module("tally").figures(done.played)
    assert len(gzip.compress(json.dumps(page, ensure_ascii=False).encode())) <= 40_000
    for one, played in zip(page["played"], done.played, strict=True):
        assert one["events"] == json.loads(json.dumps(played.events))
        said = [frame["strip"]["outcome"] for frame in one["frames"]]
        said += [note for frame in one["frames"] for note in frame["strip"]["notes"]]
        said += [row["label"] for frame in one["frames"] for row in frame["strip"]["rows"] if row["label"]]
        said += [verdict["breach"] for verdict in one["verdicts"] if verdict["breach"]]
        for language in LANGUAGES:
            say, known = words(language, lesson.folder), texts(language, lesson.folder)
            assert all(known[one["key"]] and say(one["key"], **one["values"]) for one in said)


@each_lesson
def test_the_sentence_on_the_page_is_that_of_the_terminal(lesson: Lesson) -> None:
    for one, played in zip(page_of(lesson)["played"], own(lesson).played, strict=True):
        for verdict, judged in zip(one["verdicts"], played.verdicts, strict=True):
            if judged.breach is None:
                assert verdict["breach"] is None
                continue
            last = played.events[judged.breach.events[-1]]
            assert verdict["breach"]["t"] == last["t"]
            for language in LANGUAGES:
                say = words(language, lesson.folder)
                sentence = say(f"{judged.rule}_{judged.breach.why}", **judged.breach.values)
                assert say(verdict["breach"]["key"], **verdict["breach"]["values"]) == sentence


@each_lesson
def test_each_frame_is_what_the_run_has_come_to_at_its_time(lesson: Lesson) -> None:
    strip = lesson.module("tally").strip
    for shown, one in zip([one["frames"] for one in page_of(lesson)["played"]], own(lesson).played, strict=True):
        times = [frame["t"] for frame in shown]
        assert times == sorted(set(times))
        assert all(before["strip"] != after["strip"] for before, after in pairwise(shown))
        for frame in (*shown[::10], shown[-1]):
            until = [event for event in one.events if event["t"] <= frame["t"]]
            assert frame["strip"] == json.loads(json.dumps(strip_told(strip(until))))
        assert shown[-1]["strip"] == json.loads(json.dumps(strip_told(strip(one.events))))


def test_only_the_lesson_s_own_run_has_figures() -> None:
    lesson = find("delivery")
    assert told(run(lesson, lesson.seed))["figures"] is not None
    assert told(run(lesson, lesson.seed + 1))["figures"] is None
    assert told(run(lesson, strategies=lesson.strategies[:1]))["figures"] is None
    assert told(run(lesson, acts=["cut@1"]))["figures"] is None


def test_a_long_run_is_looked_at_a_bounded_number_of_times_and_no_change_is_dated_early() -> None:
    events = [{"t": number / 10} for number in range(5_000)]
    looks = 0

    def strip(some: Sequence[Any]) -> Strip:
        nonlocal looks
        looks += 1
        high = float(sum(1_000 <= number < 3_000 for number in (len(some),)))
        return Strip(Said("outcome", {"high": high}), (Bars((high,)),))

    shown = frames(events, strip)
    assert looks <= MOST_LOOKS
    assert [frame["strip"]["outcome"]["values"]["high"] for frame in shown] == [0, 1, 0]
    assert shown[0]["t"] == 0
    assert 99.8 <= shown[1]["t"] <= 100.2, "a change is looked for until it is found"
    assert 299.8 <= shown[2]["t"] <= 300.2


def test_nothing_has_happened_yet() -> None:
    empty = Strip(Said("outcome"), ())
    assert frames([], lambda _: empty) == [{"t": 0.0, "strip": strip_told(empty)}]


@each_lesson
def test_the_code_that_is_shown_is_the_code_that_runs(lesson: Lesson) -> None:
    for name in lesson.strategies:
        assert lesson.code(name) == inspect.getsource(getattr(lesson.module("strategies"), name))
