"""`envivo lab run`: a lesson, run with one seed."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from quart_app.cli.lab.showing import (
    file_option,
    heading,
    knob_option,
    knobs_of,
    language_option,
    plain_errors,
    shown,
    swept,
)

if TYPE_CHECKING:
    from quart_app.lab.running import Choice, Run


@click.command()
@click.argument("lesson")
@click.option("--seed", type=int, help="What decides the storm.  [default: the lesson's own]")
@click.option("--strategy", "strategies", multiple=True, help="This one alone; may be given again.  [default: all]")
@file_option
@knob_option
@click.option("--act", "acts", multiple=True, metavar="ACT@SECOND", help="Do this at that second, as in cut@4.2.")
@click.option("--json", "as_json", is_flag=True, help="Print the run as lines of JSON, event by event.")
@language_option
def run(lesson: str, seed: int | None, strategies: tuple[str, ...], knobs: tuple[str, ...], **more: Any) -> None:
    """Run LESSON, given by number or name: each strategy under the same storm, and what the rules say of it.

    \b
    Examples:
      envivo lab run 2
      envivo lab run delivery --seed 7 --strategy retry --knob cuts=2 --act cut@4.2
      envivo lab run 2 --file mine.py --lang es
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from quart_app.lab.lesson import find
    from quart_app.lab.running import Run, choose, named, play
    from quart_app.lab.workshop import plays

    with plain_errors():
        found = find(lesson)
        choice = choose(found, seed, knobs_of(knobs), more["acts"])
        names = found.checked_strategies(strategies) if strategies or more["file"] is None else ()
        played = [play(choice, named(found, name)) for name in names]
        if more["file"] is not None:
            played += plays(Path(more["file"]), found, [choice.seed], choice)
    done = Run(choice, tuple(played))
    if more["as_json"]:
        click.echo("\n".join(_json_lines(done)))
        return
    click.echo(heading(choice, more["lang"]))
    for number, one in enumerate(played):
        own = "" if number < len(names) else str(more["file"])
        click.echo(f"\n{shown(choice, one, more['lang'], own)}")
    if whole := _fact(choice, done, more["lang"]):
        click.echo(f"\n{whole}")


def _fact(choice: Choice, done: Run, language: str) -> str:
    """Return what the lesson says of its own run; nothing of another one, of which it may not be true."""
    from quart_app.lab.running import choose
    from quart_app.lab.texts import words

    lesson = choice.lesson
    if choice != choose(lesson) or tuple(one.strategy for one in done.played) != lesson.strategies:
        return ""
    text, tally = words(language, lesson.folder), lesson.module("tally")
    told = [text("fact", **tally.figures(done.played)), text("explain_1"), text("real")]
    if hasattr(tally, "sweep"):
        told = [swept(tally.sweep(), lesson.folder, language), "", *told]
    return "\n".join(told)


def _json_lines(done: Run) -> list[str]:
    choice = done.choice
    header: dict[str, Any] = {
        "lesson": choice.lesson.slug,
        "seed": choice.seed,
        "knobs": choice.knobs,
        "strategies": [one.strategy for one in done.played],
        "acts": [str(act) for act in choice.acts],
        "stage": "model",
        "fingerprint": done.fingerprint,
    }
    lines: list[Any] = [header]
    for one in done.played:
        verdicts = [asdict(verdict) | {"state": verdict.state.value} for verdict in one.verdicts]
        lines.append({"strategy": one.strategy, "fingerprint": one.fingerprint, "verdicts": verdicts})
        lines += one.events
    return [json.dumps(line, ensure_ascii=False) for line in lines]
