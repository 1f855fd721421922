"""How the lessons and their runs are written in a terminal, and what their commands have in common."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pathlib import Path

    from quart_app.lab.checker import Verdict
    from quart_app.lab.running import Choice, Played
    from quart_app.lab.strip import Bars, Row, Strip
    from quart_app.lab.texts import Say

BARS = " ▁▂▃▄▅▆▇█"
MOST_BARS = 60
"""The bars of a line; where there are more, one stands for the highest of several."""
MANY = 20
"""The cells of a row beyond which they stand closer, so that forty fit into a line."""

language_option = click.option(
    "--lang", type=click.Choice(["en", "es"]), default="en", show_default=True, help="The language of the lessons."
)
knob_option = click.option("--knob", "knobs", multiple=True, metavar="NAME=VALUE", help="Turn a knob, as in cuts=3.")
file_option = click.option("--file", metavar="FILE", help="A strategy of your own; `envivo lab new` writes one.")


@contextmanager
def plain_errors() -> Iterator[None]:
    """Say what is wrong in one sentence, and end with exit code 1."""
    from quart_app.lab.lesson import Unfit
    from quart_app.lab.workshop import Broken

    try:
        yield
    except (Broken, Unfit) as error:
        raise click.ClickException(str(error)) from error


def knobs_of(given: tuple[str, ...]) -> dict[str, str]:
    """Return the knobs that are given as NAME=VALUE. Raise click.BadParameter."""
    for one in given:
        if "=" not in one:
            raise click.BadParameter(f"{one}: a knob is given as NAME=VALUE, as in cuts=3", param_hint="--knob")
    return {one.split("=", 1)[0]: one.split("=", 1)[1] for one in given}


def listing(language: str) -> str:
    """Return the list of the lessons."""
    from quart_app.lab.lesson import lessons
    from quart_app.lab.texts import words

    say = words(language)
    lines = [say("listing"), ""]
    for lesson in lessons():
        text = words(language, lesson.folder)
        name = f"{lesson.number:>3}  {lesson.slug:<12}  {text('title'):<22} {say('minutes', n=lesson.minutes):>6}"
        lines.append(f"{name}   {text('question')}")
    return "\n".join([*lines, "", say("try", n=lessons()[0].number)])


def heading(choice: Choice, language: str) -> str:
    """Return what is run, and the lesson's question."""
    from quart_app.lab.texts import words

    lesson = choice.lesson
    say = words(language, lesson.folder)
    told = [say("seed", seed=choice.seed)]
    told += [f"{knob.name} {choice.knobs[knob.name]:g}{knob.in_units}" for knob in lesson.knobs]
    if choice.acts:
        told.append(say("acts", acts=", ".join(map(str, choice.acts))))
    return "\n".join(
        [
            f"{lesson.number} · {say('title')} · {say('question')}",
            " · ".join(told),
            "",
            say("setup", **choice.knobs),
            say("setup_more"),
            say("legend"),
        ]
    )


def shown(choice: Choice, played: Played, language: str, title: str = "") -> str:
    """Return what a strategy came to."""
    from quart_app.lab.texts import words

    say = words(language, choice.lesson.folder)
    strip = choice.lesson.module("tally").strip(played.events)
    if not title:
        title = f"{say(f's_{played.strategy}')} ({say(f's_{played.strategy}_sub')})"
    lines = [f"{title} · {played.strategy} · {say(strip.outcome.key, **strip.outcome.values)}"]
    lines += _rows(strip, say)
    lines += [f"  {say(note.key, **note.values)}" for note in strip.notes]
    lines += [f"  {_verdict(verdict, say)}" for verdict in played.verdicts]
    return "\n".join([*lines, f"  {say('fingerprint', fingerprint=played.fingerprint)}"])


def swept(strip: Strip, folder: Path, language: str) -> str:
    """Return what a lesson plays beside its runs, which is the same with every seed."""
    from quart_app.lab.texts import words

    say = words(language, folder)
    return "\n".join([say(strip.outcome.key, **strip.outcome.values), *_rows(strip, say)])


def _rows(strip: Strip, say: Say) -> list[str]:
    labels = ["" if row.label is None else say(row.label.key, **row.label.values) for row in strip.rows]
    width = max(map(len, labels), default=0)
    lines = [f"  {label:<{width}}  {_drawn(row)}" for label, row in zip(labels, strip.rows, strict=True)]
    return lines if width else [line[2:] for line in lines]


def _drawn(row: Row | Bars) -> str:
    from quart_app.lab.strip import Row

    if isinstance(row, Row):
        return (" " if len(row.cells) > MANY else "  ").join(cell.sign for cell in row.cells)
    highest = max(row.values, default=0)
    whole = row.top or max(highest, row.limit or 0) or 1
    at_once = math.ceil(len(row.values) / MOST_BARS) or 1
    values = [max(row.values[first : first + at_once]) for first in range(0, len(row.values), at_once)]
    bars = "".join(BARS[math.ceil(min(value, whole) / whole * (len(BARS) - 1))] for value in values)
    return f"{bars}  ≤ {highest:g}{'' if row.limit is None else f' / {row.limit:g}'}"


def _verdict(verdict: Verdict, say: Say) -> str:
    from quart_app.lab.checker import State

    rule = say(verdict.rule)
    match verdict.state:
        case State.HOLDS:
            return f"✓ {rule}: {say('holds', n=verdict.looked_at)}"
        case State.OPEN:
            return f"? {rule}: {say('open', list=verdict.waits_for)}"
        case State.BROKEN:
            return f"✕ {rule}: {say('broken')}. {sentence(verdict, say)}"


def sentence(verdict: Verdict, say: Say) -> str:
    """Return the counter-example of a broken rule in words."""
    assert verdict.breach is not None  # noqa: S101 - it is broken
    return say(f"{verdict.rule}_{verdict.breach.why}", **verdict.breach.values)
