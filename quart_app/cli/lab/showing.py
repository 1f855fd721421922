"""How the lessons and their runs are written in a terminal, and what their commands have in common."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from quart_app.lab.checker import Verdict
    from quart_app.lab.lesson import Lesson
    from quart_app.lab.running import Choice, Played

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
        name = f"{lesson.number:>3}  {lesson.slug:<10}  {text('title'):<14} {say('minutes', n=lesson.minutes):>6}"
        lines.append(f"{name}   {text('question')}")
    return "\n".join([*lines, "", say("try", n=lessons()[0].number)])


def heading(choice: Choice, language: str) -> str:
    """Return what is run, and the lesson's question."""
    from quart_app.lab.texts import words

    say, lesson = words(language), choice.lesson
    text = words(language, lesson.folder)
    told = [say("seed", seed=choice.seed)]
    told += [f"{knob.name} {choice.knobs[knob.name]:g}{knob.in_units}" for knob in lesson.knobs]
    if choice.acts:
        told.append(say("acts", acts=", ".join(map(str, choice.acts))))
    return "\n".join(
        [
            f"{lesson.number} · {text('title')} · {text('question')}",
            " · ".join(told),
            "",
            text("setup", **choice.knobs),
            text("setup_more"),
            text("legend"),
        ]
    )


def shown(choice: Choice, played: Played, language: str, title: str = "") -> str:
    """Return what a strategy came to."""
    from quart_app.lab.texts import words

    say, text = words(language), words(language, choice.lesson.folder)
    tally = choice.lesson.module("tally").tally(played.events)
    if not title:
        title = f"{text(f's_{played.strategy}')} ({text(f's_{played.strategy}_sub')})"
    lines = [f"{title} · {played.strategy} · {text('outcome', money=tally.money)}", f"  {'  '.join(tally.cells)}"]
    for name, found in (("lost", tally.lost), ("twice", tally.doubled)):
        lines.append(f"  {text(name, list=', '.join(found) or say('none'))}")
    lines += [f"  {_verdict(choice.lesson, verdict, language)}" for verdict in played.verdicts]
    return "\n".join([*lines, f"  {say('fingerprint', fingerprint=played.fingerprint)}"])


def _verdict(lesson: Lesson, verdict: Verdict, language: str) -> str:
    from quart_app.lab.checker import State
    from quart_app.lab.texts import words

    say, text = words(language), words(language, lesson.folder)
    rule = text(verdict.rule)
    match verdict.state:
        case State.HOLDS:
            return f"✓ {rule}: {say('holds', n=verdict.messages)}"
        case State.OPEN:
            return f"? {rule}: {say('open', list=', '.join(verdict.in_the_air))}"
        case State.BROKEN:
            return f"✕ {rule}: {say('broken')}. {sentence(lesson, verdict, language)}"


def sentence(lesson: Lesson, verdict: Verdict, language: str) -> str:
    """Return the counter-example of a broken rule in words."""
    from quart_app.lab.texts import words

    assert verdict.breach is not None  # noqa: S101 - it is broken
    return words(language, lesson.folder)(f"{verdict.rule}_{verdict.breach.why}", **verdict.breach.values)
