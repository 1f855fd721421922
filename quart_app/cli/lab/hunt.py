"""`envivo lab hunt`: a lesson's strategies under many storms, and the shortest counter-example."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from quart_app.cli.lab.showing import (
    file_option,
    knob_option,
    knobs_of,
    language_option,
    plain_errors,
    sentence,
)

if TYPE_CHECKING:
    from quart_app.lab.lesson import Lesson
    from quart_app.lab.running import Played

MOST_SEEDS = 10_000


@click.command()
@click.argument("lesson")
@click.option("--strategy", help="This one alone.  [default: all of the lesson]")
@file_option
@click.option("--seeds", type=click.IntRange(1, MOST_SEEDS), default=100, show_default=True, help="How many storms.")
@knob_option
@language_option
def hunt(lesson: str, strategy: str | None, file: str | None, seeds: int, knobs: tuple[str, ...], lang: str) -> None:
    """Run LESSON with the seeds from 1 on, count in how many a rule is broken, and tell the shortest counter-example.

    \b
    Examples:
      envivo lab hunt 2 --strategy retry
      envivo lab hunt 2 --file mine.py --seeds 500
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from quart_app.lab.lesson import find
    from quart_app.lab.running import Choice, choose, named, play
    from quart_app.lab.workshop import plays

    if strategy is not None and file is not None:
        raise click.UsageError("--strategy and --file exclude each other")
    with plain_errors():
        found = find(lesson)
        choice = choose(found, knobs=knobs_of(knobs))
        extra = "".join(f" --knob {one}" for one in knobs)
        numbers = range(1, seeds + 1)
        if file is not None:
            _hunt(found, plays(Path(file), found, numbers, choice), (file, f"--file {file}{extra}"), seeds, lang)
            return
        for name in found.checked_strategies(None if strategy is None else [strategy]):
            one = named(found, name)
            runs = (play(Choice(found, seed, choice.knobs, ()), one) for seed in numbers)
            _hunt(found, runs, (name, f"--strategy {name}{extra}"), seeds, lang)


def _hunt(lesson: Lesson, runs: Iterable[Played], who: tuple[str, str], seeds: int, language: str) -> None:
    from quart_app.lab.texts import words

    say = words(language, lesson.folder)
    broken: list[tuple[int, int, int, Played]] = []

    def count(_: object) -> str:
        return say("some_broken", n=len(broken))

    with click.progressbar(
        length=seeds,
        label=f"{who[0]}: {say('seeds')}",
        show_pos=True,
        item_show_func=count,
        file=sys.stderr,
    ) as bar:
        for seed, played in enumerate(runs, 1):
            if played.broken:
                shortest = min(len(verdict.breach.events) for verdict in played.broken if verdict.breach)
                broken.append((shortest, len(played.events), seed, played))
            bar.update(1, played)
    if not broken:
        click.echo(f"{who[0]}: {say('break_none', all=seeds)}")
        return
    *_, seed, played = min(broken, key=lambda one: one[:3])
    click.echo(f"{who[0]}: {say('break_found', n=len(broken), all=seeds, seed=seed)}")
    click.echo(f"  {sentence(played.broken[0], say)}")
    click.echo(f"  {say('see_it')}: envivo lab run {lesson.number} --seed {seed} {who[1]}")
