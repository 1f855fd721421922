"""The decorators `@feed`, `@on` and `@command`, and what they note down while a file is read.

They check what they are given, at the line that gives it, and leave the function as it is. This file knows nothing of
how functions are called.

Errors: `WrongDeclaration` (a ValueError).
"""

import inspect
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from quart_app.functions.bounds import EVERY, EVERY_LEAST, EVERY_MOST
from quart_app.realtime.limits import TYPE_CHARACTERS
from quart_app.wire import SERVER_TYPES, is_open_topic, is_topic_name

Declared = TypeVar("Declared", bound=Callable[..., Any])
Role = Literal["feed", "on", "command"]

_OPEN_WORDS = "live/…, state/… or log/…"
_ARGUMENTS: dict[Role, tuple[str, ...]] = {"feed": (), "on": ("message",), "command": ("body", "who")}


class WrongDeclaration(ValueError):
    """A decorator cannot do what it is asked for; the message says what it can."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """One decorated function.

    `type` is that of what a feed publishes and a command answers; of a reaction it says which messages it hears, None
    for all. `every` is the seconds between two values of a feed, None where a generator says when. `open` tells that
    clients may publish into the topic of a feed or a command, too.
    """

    role: Role
    topic: str
    function: Callable[..., Any]
    type: str | None
    every: float | None = None
    open: bool = False

    @property
    def name(self) -> str:
        return self.function.__name__

    @property
    def answers_as(self) -> str:
        """The type of what the function publishes or answers, where it does not say another one."""
        return self.name if self.role == "on" or self.type is None else self.type

    @property
    def file(self) -> str:
        return self.function.__code__.co_filename

    @property
    def line(self) -> int:
        return self.function.__code__.co_firstlineno

    @property
    def where(self) -> str:
        """The function's name, its file and its line, for people."""
        return f"{self.name} ({Path(self.file).name}:{self.line})"


collected: ContextVar[list[Declaration] | None] = ContextVar("collected", default=None)


def feed(
    topic: str, *, every: float | None = None, type: str | None = None, open: bool = False
) -> Callable[[Declared], Declared]:
    """Publish into `topic` what the function returns, every `every` seconds (by default 1), while somebody follows it.

    Each value is the `data` of a message whose `type` is the function's name, if no other is given; None is not
    published. A generator is asked for its next value as soon as it has given one or, where `every` is given, at that
    interval. Clients may publish there too where it is `open`.
    """
    _check_topic("feed", topic, own=True)
    _check_type("feed", type)
    _check_open("feed", open)
    if every is not None and not (_is_number(every) and EVERY_LEAST <= every <= EVERY_MOST):
        allowed = f"a number of seconds from {EVERY_LEAST:g} to {EVERY_MOST:g}"
        raise WrongDeclaration(f"@feed: every is {every!r}; it may be {allowed}")

    def declare(function: Declared) -> Declared:
        _check_function("feed", function)
        pace = every if every is not None or _is_generator(function) else EVERY
        _note(Declaration("feed", topic, function, type or function.__name__, pace, open))
        return function

    return declare


def on(topic: str, *, type: str | None = None) -> Callable[[Declared], Declared]:
    """Call the function with each message of `topic`, a dict, or with those of one `type`, in their order."""
    _check_topic("on", topic, own=False)
    if type is not None and not isinstance(type, str):
        raise WrongDeclaration(f"@on: type is {type!r}; it may be the type of the messages to hear")

    def declare(function: Declared) -> Declared:
        _check_function("on", function)
        _note(Declaration("on", topic, function, type))
        return function

    return declare


def command(topic: str, *, type: str | None = None, open: bool = False) -> Callable[[Declared], Declared]:
    """Call the function with what a client sends to `topic` and with who that is; what it returns is the answer.

    It is called with a dict and with an object that has `user_id`, `username` and `role`, for one message at a time.
    ValueError and `Refused` answer `error`. The answer's `type` is the function's name, if no other is given. Clients
    may publish there past the function, by `POST /api/publish`, where it is `open`.
    """
    _check_topic("command", topic, own=True)
    _check_type("command", type)
    _check_open("command", open)

    def declare(function: Declared) -> Declared:
        _check_function("command", function)
        _note(Declaration("command", topic, function, type or function.__name__, open=open))
        return function

    return declare


def check_own_topic(topic: object) -> None:
    """Raise ValueError for a topic that functions may not publish into."""
    if not _is_own(topic):
        raise ValueError(f"{topic!r} is not {_OPEN_WORDS}")


def check_own_type(type: object) -> None:
    """Raise ValueError for a type that functions may not give a message."""
    own = isinstance(type, str) and 0 < len(type) <= TYPE_CHARACTERS and type.isprintable()
    if not own or type in SERVER_TYPES:
        taken = ", ".join(sorted(SERVER_TYPES))
        raise ValueError(f"type {type!r}: it may have 1 to {TYPE_CHARACTERS} characters and be none of {taken}")


def _note(declaration: Declaration) -> None:
    if declaration.role != "on":
        _check_type(declaration.role, declaration.type)
    found = collected.get()
    if found is not None:
        found.append(declaration)


def _is_own(topic: object) -> bool:
    return isinstance(topic, str) and is_topic_name(topic) and is_open_topic(topic)


def _check_topic(role: Role, topic: object, *, own: bool) -> None:
    example = "rooms/1" if role == "on" else "live/dice"
    if callable(topic):
        raise WrongDeclaration(f'@{role} needs a topic: @{role}("{example}")')
    if own and not _is_own(topic):
        raise WrongDeclaration(f"@{role}: the topic is {topic!r}; it may be {_OPEN_WORDS}")
    if not (isinstance(topic, str) and is_topic_name(topic)):
        raise WrongDeclaration(f'@{role}: {topic!r} is not the name of a topic, such as "{example}"')


def _check_type(role: Role, type: object) -> None:
    if type is None:
        return
    try:
        check_own_type(type)
    except ValueError as error:
        raise WrongDeclaration(f"@{role}: {error}") from error


def _check_open(role: Role, open: object) -> None:
    if not isinstance(open, bool):
        raise WrongDeclaration(f"@{role}: open is {open!r}; it may be True or False")


def _check_function(role: Role, function: object) -> None:
    if not inspect.isfunction(function):
        raise WrongDeclaration(f"@{role} goes before a def")
    if role != "feed" and _is_generator(function):
        raise WrongDeclaration(f"@{role}: {function.__name__} has a yield; only a feed may")
    arguments = _ARGUMENTS[role]
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError as error:
        takes = f"def {function.__name__}({', '.join(arguments)})"
        raise WrongDeclaration(f"@{role} calls it as {takes}: {error}") from error


def _is_generator(function: Callable[..., Any]) -> bool:
    return inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
