"""A history: what clients asked of a cluster, what they heard of it and when, one JSON object a line.

Times are seconds of one monotonic clock, which all clients share. A history holds what was *seen* and nothing that was
concluded from it; that is the checker's affair.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from msgspec import Struct, json

Json = dict[str, Any]


class Record(Struct, eq=False, gc=False, tag_field="is", tag=str.lower, kw_only=True):
    """A line of a history. Lines that look alike are different ones."""

    at: float


# Commands: one may take several attempts, which have its key in common.


class Invoke(Record):
    """An attempt is on its way: `process` asks to `do` something with a `key` of its own."""

    process: str
    op: int
    do: str
    asked: Json
    key: str | None = None


class Ok(Record):
    """The attempt was acknowledged."""

    op: int
    answer: Any
    node: int | None = None


class Fail(Record):
    """The attempt was refused for good, with an error's code."""

    op: int
    code: str
    node: int | None = None


class Unknown(Record):
    """The attempt was not answered: it may have been carried out, or may yet be."""

    op: int
    why: str


# Readers: a process that follows the same topics over many connections.


class Connect(Record):
    """A reader opens a connection, from the cursor `since` on; None is from now, `0` from the beginning."""

    process: str
    connection: int
    transport: str
    topics: tuple[str, ...]
    user: str
    since: str | None = None


class Welcome(Record):
    """The connection is open, and what it brings begins behind `cursor`."""

    connection: int
    cursor: str
    node: int | None = None


class Present(Record):
    """The connection was told who is in a room."""

    connection: int
    topic: str
    users: tuple[str, ...]


class Event(Record):
    """A message of a topic came; it has a `cursor` where it is durable, and is a signal where it has none."""

    connection: int
    topic: str
    type: str
    data: Any
    cursor: str | None = None


class Gap(Record):
    """The connection was told that it will not get so many signals, or `at_least` so many."""

    connection: int
    topic: str
    dropped: int
    at_least: bool = False


class Reset(Record):
    """The connection was told that its cursor cannot be honoured, and goes on from another one."""

    connection: int
    cursor: str
    reason: str


class Stands(Record):
    """The connection was told that it has everything up to `cursor` (the answer of a poll, a heartbeat)."""

    connection: int
    cursor: str


class Leaving(Record):
    """The reader begins to close the connection: in good order, or by cutting it."""

    connection: int
    orderly: bool


class Gone(Record):
    """The connection is over; `clean` where the server has agreed that the reader leaves."""

    connection: int
    why: str
    clean: bool = False


# The cluster


class Fault(Record):
    """Something is done to a node: `kill9`, `term`, `start`, `stop`, `cont`; or it is `cut` off from the others, and
    `heal`ed. Or to what they share, and then to no `node`; `what` begins with its name."""

    node: int | None
    what: str


class Settled(Record):
    """Nobody writes any more, and every reader that is open has had the time to hear of everything."""


Line = (
    Invoke | Ok | Fail | Unknown | Connect | Welcome | Present | Event | Gap | Reset | Stands | Leaving | Gone
    | Fault | Settled
)  # fmt: skip

_encoder = json.Encoder()
_decoder = json.Decoder(Line)


class History:
    """A history while it happens. With a `file` each line is in it as soon as it is known.

    Every method notes one line, with the time of `clock`; those that begin something return its number.
    """

    def __init__(self, file: BinaryIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.lines: list[Line] = []
        self._file = file
        self._clock = clock
        self._numbers = count(1)

    def invoke(self, process: str, do: str, asked: Json, key: str | None = None) -> int:
        op = next(self._numbers)
        self._add(Invoke, process=process, op=op, do=do, asked=asked, key=key)
        return op

    def ok(self, op: int, answer: Any = None, node: int | None = None) -> None:
        self._add(Ok, op=op, answer=answer, node=node)

    def fail(self, op: int, code: str, node: int | None = None) -> None:
        self._add(Fail, op=op, code=code, node=node)

    def unknown(self, op: int, why: str) -> None:
        self._add(Unknown, op=op, why=why)

    def connect(self, process: str, transport: str, topics: Iterable[str], user: str, since: str | None = None) -> int:
        connection = next(self._numbers)
        facts = {"process": process, "transport": transport, "topics": tuple(topics), "user": user, "since": since}
        self._add(Connect, connection=connection, **facts)
        return connection

    def welcome(self, connection: int, cursor: str, node: int | None = None) -> None:
        self._add(Welcome, connection=connection, cursor=cursor, node=node)

    def present(self, connection: int, topic: str, users: Iterable[str]) -> None:
        self._add(Present, connection=connection, topic=topic, users=tuple(users))

    def event(self, connection: int, topic: str, type: str, data: Any, cursor: str | None = None) -> None:
        self._add(Event, connection=connection, topic=topic, type=type, data=data, cursor=cursor)

    def gap(self, connection: int, topic: str, dropped: int, *, at_least: bool = False) -> None:
        self._add(Gap, connection=connection, topic=topic, dropped=dropped, at_least=at_least)

    def reset(self, connection: int, cursor: str, reason: str) -> None:
        self._add(Reset, connection=connection, cursor=cursor, reason=reason)

    def stands(self, connection: int, cursor: str) -> None:
        self._add(Stands, connection=connection, cursor=cursor)

    def leaving(self, connection: int, *, orderly: bool) -> None:
        self._add(Leaving, connection=connection, orderly=orderly)

    def gone(self, connection: int, why: str, *, clean: bool = False) -> None:
        self._add(Gone, connection=connection, why=why, clean=clean)

    def fault(self, node: int | None, what: str) -> None:
        self._add(Fault, node=node, what=what)

    def settled(self) -> None:
        self._add(Settled)

    def _add(self, kind: type[Any], **facts: Any) -> None:
        line = kind(at=self._clock(), **facts)
        self.lines.append(line)
        if self._file is not None:
            self._file.write(_encoder.encode(line) + b"\n")


def shown(line: Line) -> str:
    """Return a line as a file has it."""
    return _encoder.encode(line).decode()


def write(path: Path, lines: Iterable[Line]) -> None:
    """Write a history to a file."""
    path.write_bytes(b"".join(_encoder.encode(line) + b"\n" for line in lines))


def read(path: Path) -> list[Line]:
    """Return the history that a file holds; the last line of a recorder that was killed may be cut short."""
    whole = path.read_bytes().rpartition(b"\n")[0]
    return [_decoder.decode(line) for line in whole.splitlines()]


def changed(line: Any, **facts: Any) -> Any:
    """Return a line with other facts."""
    return msgspec.structs.replace(line, **facts)


def without(lines: Sequence[Line], *left_out: Line) -> list[Line]:
    """Return a history without some of its lines."""
    gone = set(map(id, left_out))
    return [line for line in lines if id(line) not in gone]
