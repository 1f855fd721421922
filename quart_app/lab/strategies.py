"""What a student writes: a strategy, which is marked with the lesson that it is for."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

Play = Callable[..., Any]
"""What plays a strategy: a function, of which the lesson says what it is given, what it returns, and whether it is
async."""
P = TypeVar("P", bound=Play)

_MARK = "__strategy__"


class Strategy(NamedTuple):
    """A strategy: its name in a run, the function that plays it, and what it is called, where its author says so."""

    name: str
    play: Play
    title: str = ""


def strategy(lesson: str, *, name: str = "") -> Callable[[P], P]:
    """Mark a function as a strategy for a lesson; `name` is what it is called where it is shown."""

    def mark(function: P) -> P:
        setattr(function, _MARK, (lesson, name or function.__name__))
        return function

    return mark


def marked(things: dict[str, Any]) -> list[tuple[str, Strategy]]:
    """Return what is marked among the `things` of a module, each with the slug of its lesson."""
    functions = ((function, getattr(function, _MARK, None)) for function in things.values())
    return [(mark[0], Strategy(function.__name__, function, mark[1])) for function, mark in functions if mark]
