"""A case: a history and the rows of its database, put in order once, as the checks look at them.

Everything here is linear in the history, or sorts it.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from math import inf
from typing import NamedTuple

from quart_app.wire import Cursor
from tests.cluster import models
from tests.cluster.history import (
    Connect,
    Event,
    Fail,
    Fault,
    Gap,
    Gone,
    Invoke,
    Json,
    Leaving,
    Line,
    Ok,
    Present,
    Reset,
    Settled,
    Stands,
    Unknown,
    Welcome,
)
from tests.cluster.models.model import Mark, Model
from tests.cluster.rows import LogEvent, Rows, TermWrite

Heard = Event | Gap | Reset | Stands | Present | Welcome
"""What a connection brings."""


class Finding(NamedTuple):
    """A promise that was broken, in one sentence; and what shows it, in order."""

    sentence: str
    evidence: tuple[Line | LogEvent | TermWrite, ...] = ()


@dataclass(slots=True)
class Attempt:
    """A request and its end, None where the history ends before."""

    invoke: Invoke
    end: Ok | Fail | Unknown | None = None

    @property
    def ended(self) -> float:
        return inf if self.end is None or isinstance(self.end, Unknown) else self.end.at


@dataclass(slots=True)
class Command:
    """What somebody asked for once, in one attempt or in several with one key."""

    attempts: list[Attempt] = field(default_factory=list)
    mark: Mark | None = None
    """What the event that it makes is known by; None for what makes none."""

    @property
    def process(self) -> str:
        return self.attempts[0].invoke.process

    @property
    def do(self) -> str:
        return self.attempts[0].invoke.do

    @property
    def asked(self) -> Json:
        return self.attempts[0].invoke.asked

    @property
    def invoked(self) -> float:
        return self.attempts[0].invoke.at

    @property
    def ok(self) -> Ok | None:
        """The first acknowledgement."""
        return min(self.oks, key=lambda end: end.at, default=None)

    @property
    def oks(self) -> list[Ok]:
        return [attempt.end for attempt in self.attempts if isinstance(attempt.end, Ok)]

    @property
    def refused(self) -> bool:
        """Whether every attempt was refused, so that nothing can have come of it."""
        return all(isinstance(attempt.end, Fail) for attempt in self.attempts)

    @property
    def lines(self) -> tuple[Line, ...]:
        """Its lines, attempt by attempt."""
        found: list[Line] = []
        for attempt in self.attempts:
            found += [attempt.invoke] if attempt.end is None else [attempt.invoke, attempt.end]
        return tuple(found)


@dataclass(slots=True)
class Connection:
    """A connection of a reader: how it began and ended, and what it brought in between."""

    connect: Connect
    welcome: Welcome | None = None
    leaving: Leaving | None = None
    gone: Gone | None = None
    heard: list[Heard] = field(default_factory=list)
    """All that it brought, in order; its welcome is the first."""

    @property
    def ended(self) -> float:
        """When it was over, as far as the reader knows."""
        return inf if self.gone is None else self.gone.at


class Case:
    """A history until it has settled, and the rows of its database. Raise ValueError where the history contradicts
    itself."""

    def __init__(self, lines: Sequence[Line], rows: Rows) -> None:
        self.lines = lines
        self.log = rows.log
        self.floor = rows.floor
        self.tables = rows.tables
        self.terms = rows.terms
        self.commands: list[Command] = []
        """In the order of their first attempts."""
        self.connections: list[Connection] = []
        self.faults: list[Fault] = []
        self.settled: float | None = None
        """When every reader that was open had had the time to hear of everything."""
        until = next((number for number, line in enumerate(lines) if isinstance(line, Settled)), len(lines))
        self._sort_commands(lines[: until + 1])
        self._sort_connections(lines[:until])

    def _sort_commands(self, lines: Iterable[Line]) -> None:
        attempts: dict[int, Attempt] = {}
        commands: dict[tuple[str, str], Command] = {}
        for line in lines:
            match line:
                case Invoke(process=process, op=op, key=key):
                    attempts[op] = attempt = Attempt(line)
                    command = Command() if key is None else commands.setdefault((process, key), Command())
                    if not command.attempts:
                        self.commands.append(command)
                        command.mark = models.mark_of_command(line.do, line.asked)
                    command.attempts.append(attempt)
                case Ok() | Fail() | Unknown():
                    attempts[line.op].end = line
                case Fault():
                    self.faults.append(line)
                case Settled(at=at):
                    self.settled = at
                case _:
                    pass

    def _sort_connections(self, lines: Iterable[Line]) -> None:
        connections: dict[int, Connection] = {}
        for line in lines:
            match line:
                case Connect(connection=number):
                    connections[number] = connection = Connection(line)
                    self.connections.append(connection)
                case Leaving(connection=number):
                    connections[number].leaving = line
                case Gone(connection=number):
                    connections[number].gone = line
                case Welcome(connection=number):
                    connections[number].welcome = line
                    connections[number].heard.append(line)
                case Present() | Event() | Gap() | Reset() | Stands():
                    connections[line.connection].heard.append(line)
                case _:
                    pass

    @cached_property
    def marked(self) -> dict[Mark, Command]:
        """The commands that make a durable event, by its mark."""
        found: dict[Mark, Command] = {}
        for command in self.commands:
            if command.mark is not None and found.setdefault(command.mark, command) is not command:
                raise ValueError(f"two commands have the mark {command.mark}")
        return found

    @cached_property
    def stored(self) -> dict[Mark, list[LogEvent]]:
        """The events of the log that commands make, by their marks."""
        found: dict[Mark, list[LogEvent]] = defaultdict(list)
        for event in self.log:
            if (mark := models.mark_of_event(event)) is not None:
                found[mark].append(event)
        return dict(found)

    def position(self, command: Command) -> int | None:
        """Return where the log has what came of a command, None where it has nothing."""
        events = self.stored.get(command.mark) if command.mark is not None else None
        return events[0].position if events else None

    @cached_property
    def acknowledged(self) -> list[tuple[Command, int]]:
        """The commands that were acknowledged and are in the log, with their positions, in the order of asking."""
        return [
            (command, at)
            for command in self.commands
            if command.ok is not None and (at := self.position(command)) is not None
        ]

    @property
    def unanswered(self) -> list[Command]:
        """The commands that somebody asked for again and again and got no answer to."""
        asked = [command for command in self.commands if command.attempts[0].invoke.key is not None]
        return [command for command in asked if all(isinstance(one.end, Unknown | None) for one in command.attempts)]

    @cached_property
    def readers(self) -> dict[str, list[Connection]]:
        """The connections of each reader, in order."""
        found: dict[str, list[Connection]] = defaultdict(list)
        for connection in self.connections:
            found[connection.connect.process].append(connection)
        return dict(found)

    @cached_property
    def at(self) -> dict[int, LogEvent]:
        """The events of the log by their positions."""
        return {event.position: event for event in self.log}

    @cached_property
    def replay(self) -> tuple[dict[str, Model], list[tuple[LogEvent, str]]]:
        """The models after the whole log, by the domains' names; and the events that they do not allow, with why."""
        of = models.new_models()
        told = ((event, model.apply(event)) for event in self.log for model in of.values())
        return of, [(event, why) for event, why in told if why is not None]

    @cached_property
    def _topics(self) -> dict[str, list[LogEvent]]:
        found: dict[str, list[LogEvent]] = defaultdict(list)
        for event in self.log:
            found[event.topic].append(event)
        return found

    def visible(self, topics: Iterable[str], user: str) -> list[LogEvent]:
        """Return the events of some topics that a user may see, in order."""
        events = [one for topic in topics for one in self._topics.get(topic, ()) if one.hidden_from != user]
        return sorted(events, key=lambda one: one.position)

    @cached_property
    def _decided(self) -> tuple[list[float], list[int], list[float], list[int]]:
        """Times of acknowledgement with the highest position until then, and times of asking with the lowest since."""
        acks = sorted((command.ok.at, at) for command, at in self.acknowledged if command.ok is not None)
        asks = sorted((c.invoked, at) for c in self.marked.values() if (at := self.position(c)) is not None)
        lowest = list(accumulate((at for _, at in reversed(asks)), min))[::-1]
        return [t for t, _ in acks], list(accumulate((at for _, at in acks), max)), [t for t, _ in asks], lowest

    def window(self, attempt: Attempt) -> tuple[int, int]:
        """Return between which positions of the log an attempt was decided: at or behind all that had been
        acknowledged before it was asked, and before all that was asked after its answer."""
        acks, highest, asks, lowest = self._decided
        before, after = bisect_left(acks, attempt.invoke.at), bisect_right(asks, attempt.ended)
        low = highest[before - 1] if before else self.floor
        return low, max(low, lowest[after] - 1) if after < len(asks) else len(self.log) + self.floor


def position_of(cursor: str) -> int:
    """Return the position that a cursor stands at."""
    return 0 if cursor == "0" else Cursor.parse(cursor).position
