"""What is asked of a lesson, made fit: the process that runs it is asked for nothing that the lesson does not have."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from quart_app.lab.laboratory import Request
from quart_app.lab.lesson import Lesson, Unfit, find
from quart_app.realtime import Refused

Fit = TypeVar("Fit")


def fit(field: str, make: Callable[[], Fit]) -> Fit:
    """Return what `make` does. Raise Refused (422) that names the field where that is unfit."""
    try:
        return make()
    except Unfit as unfit:
        raise Refused("bad_request", str(unfit), status=422, fields={field: str(unfit)}) from unfit


def lesson_of(name: str) -> Lesson:
    """Return the lesson of a name. Raise Refused (422)."""
    return fit("lesson", lambda: find(name))


def request_for(
    lesson: Lesson,
    seed: int | None = None,
    knobs: Mapping[str, int | float] | None = None,
    strategies: Sequence[str] | None = None,
    acts: Sequence[str] = (),
) -> Request:
    """Return what to ask for, for a run of a lesson. Raise Refused (422) that names the field that is unfit."""
    return Request(
        lesson.slug,
        fit("knobs", lambda: lesson.checked_knobs(knobs or {})),
        fit("strategies", lambda: lesson.checked_strategies(strategies)),
        fit("seed", lambda: lesson.checked_seed(seed)),
        fit("acts", lambda: tuple(map(str, lesson.checked_acts(acts)))),
    )
