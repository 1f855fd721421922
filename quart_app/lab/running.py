"""A run as a value: the same lesson, seed, knobs, strategies and acts give the same run, to the letter."""

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from quart_app.lab.checker import State, Verdict, check
from quart_app.lab.lesson import Act, Lesson
from quart_app.lab.strategies import Strategy
from quart_app.lab.world.world import World

MOST_EVENTS: Final = 20_000
"""The events that a run may have, for one strategy."""


@dataclass(frozen=True)
class Choice:
    """What a run is of, all of it checked."""

    lesson: Lesson
    seed: int
    knobs: dict[str, int | float]
    acts: tuple[Act, ...]


@dataclass(frozen=True)
class Played:
    """What one strategy did."""

    strategy: str
    events: list[dict[str, Any]]
    verdicts: list[Verdict]
    fingerprint: str

    @property
    def broken(self) -> list[Verdict]:
        """Return the verdicts of the rules that are broken."""
        return [verdict for verdict in self.verdicts if verdict.state is State.BROKEN]


@dataclass(frozen=True)
class Run:
    """A run of several strategies under the same storm."""

    choice: Choice
    played: tuple[Played, ...]

    @property
    def fingerprint(self) -> str:
        """Return 16 hexadecimal digits, which two runs have in common only where all was the same."""
        return hashlib.sha256("".join(one.fingerprint for one in self.played).encode()).hexdigest()[:16]


def choose(
    lesson: Lesson, seed: int | None = None, knobs: Mapping[str, Any] | None = None, acts: Sequence[str] = ()
) -> Choice:
    """Return what to run. Raise lesson.Unfit where the lesson does not have it."""
    return Choice(lesson, lesson.checked_seed(seed), lesson.checked_knobs(knobs or {}), lesson.checked_acts(acts))


def run(
    lesson: Lesson,
    seed: int | None = None,
    knobs: Mapping[str, Any] | None = None,
    strategies: Sequence[str] | None = None,
    acts: Sequence[str] = (),
) -> Run:
    """Run strategies of a lesson, all where none is named. Raise lesson.Unfit."""
    choice = choose(lesson, seed, knobs, acts)
    return Run(choice, tuple(play(choice, named(lesson, name)) for name in lesson.checked_strategies(strategies)))


def named(lesson: Lesson, name: str) -> Strategy:
    """Return a strategy of a lesson."""
    return Strategy(name, getattr(lesson.module("strategies"), name))


def play(choice: Choice, strategy: Strategy) -> Played:
    """Run one strategy in a world of its own. Raise what the strategy raises."""
    scenario = choice.lesson.module("scenario")
    world = World(choice.seed, scenario.NODES, scenario.furnish, **getattr(scenario, "LIVENESS", {}))
    world.trace.most = MOST_EVENTS
    for act in choice.acts:
        world.loop.call_at(act.at, scenario.ACTS[act.do], world)
    with _unheard():
        world.run(scenario.scenario(world, choice.knobs, strategy.play))
    return judged(choice, strategy.name, world.trace.events, world.trace.fingerprint)


@contextmanager
def _unheard() -> Iterator[None]:
    """Keep what the engines of a world log out of the logs of the program that runs it."""
    logger, nobody = logging.getLogger("quart_app"), logging.NullHandler()
    logger.addHandler(nobody)
    heard, logger.propagate = logger.propagate, False
    try:
        yield
    finally:
        logger.propagate = heard
        logger.removeHandler(nobody)


def judged(choice: Choice, strategy: str, events: list[dict[str, Any]], fingerprint: str) -> Played:
    """Return a run with what the lesson's rules say of it."""
    return Played(strategy, events, check(events, choice.lesson.rules), fingerprint)
