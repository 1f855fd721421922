"""Hunts and sweeps: a strategy under many storms, a few runs at a time, so that whoever wants one run waits little.

A `Plan` says what is tried and what comes of it; it knows nothing of topics or processes.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from quart_app.domains.lab.asking import fit, request_for
from quart_app.domains.lab.requests import HuntAsked, SweepAsked
from quart_app.domains.lab.shapes import HuntResult, Point, SeedTold, Shortest, SweepResult
from quart_app.lab.laboratory import Request, Tried
from quart_app.lab.lesson import Knob, Lesson


class Plan(Protocol):
    """What is searched, in parts with seeds of their own."""

    @property
    def sort(self) -> str:
        """Return the middle of its topic's name."""

    @property
    def parts(self) -> Sequence[Request]:
        """Return what is tried."""

    def result(self, tried: Sequence[Sequence[Tried]]) -> Any:
        """Return what came of it, of what came of each part."""


@dataclass(frozen=True)
class Hunt:
    """One strategy, many seeds."""

    parts: Sequence[Request]
    sort: str = "hunts"

    @classmethod
    def of(cls, lesson: Lesson, asked: HuntAsked) -> "Hunt":
        """Return what is asked for. Raise Refused (422)."""
        return cls([_part(lesson, asked.strategy, asked.knobs, asked.seeds)])

    def result(self, tried: Sequence[Sequence[Tried]]) -> HuntResult:
        (found,) = tried
        seeds = [SeedTold(one.seed, one.broken, one.shown) for one in found]
        broken = [one for one in found if one.broken]
        least = min(broken, key=lambda one: (one.shown, one.events, one.seed), default=None)
        return HuntResult(None if least is None else Shortest(least.seed, least.shown, least.broken), seeds)


@dataclass(frozen=True)
class Sweep:
    """One strategy, a few seeds for each of many values of a knob."""

    parts: Sequence[Request]
    knob: str
    sort: str = "sweeps"

    @classmethod
    def of(cls, lesson: Lesson, asked: SweepAsked) -> "Sweep":
        """Return what is asked for. Raise Refused (422)."""
        knob = fit("knob", lambda: _knob(lesson, asked.knob))
        values = _values(knob, asked.values)
        return cls([_part(lesson, asked.strategy, {knob.name: value}, asked.seeds) for value in values], knob.name)

    def result(self, tried: Sequence[Sequence[Tried]]) -> SweepResult:
        points = zip(self.parts, tried, strict=True)
        return SweepResult([_point(part.knobs[self.knob], found) for part, found in points])


def _part(lesson: Lesson, strategy: str, knobs: dict[str, int | float], seeds: int) -> Request:
    request = request_for(lesson, 0, knobs, [fit("strategy", lambda: lesson.checked_strategies([strategy])[0])])
    return Request(request.lesson, request.knobs, request.strategies, seeds=tuple(range(1, seeds + 1)))


def _knob(lesson: Lesson, name: str) -> Knob:
    lesson.checked_knobs({name: next((knob.default for knob in lesson.knobs if knob.name == name), 0)})
    return next(knob for knob in lesson.knobs if knob.name == name)


def _values(knob: Knob, number: int) -> list[int | float]:
    """Return values of a knob from the lowest to the highest, as many where there are as many."""
    step = (knob.high - knob.low) / (number - 1)
    values = [round(knob.low + step * index, 6) for index in range(number)]
    return list(dict.fromkeys(map(round, values))) if isinstance(knob.default, int) else list(values)


def _point(value: float, found: Sequence[Tried]) -> Point:
    rules = Counter(rule for one in found for rule in one.broken)
    return Point(value, len(found), sum(1 for one in found if one.broken), dict(sorted(rules.items())))
