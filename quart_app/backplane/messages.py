"""The messages between nodes: MessagePack arrays that begin with a version, the sender's tag and the kind.

`log` has durable events or, where these are large, only their positions; `live` and `again` have numbered events,
`lost` only numbers; `found` answers one node, and `probe` says that the line is well. With `ask` and `told` nodes ask
each other. Users who have `moved` have come or gone; those who are `present` in a topic, or `restored`, are all of
them. A node passes over what it does not know, as it may be younger: what is in the log is found there.
"""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, Final, NamedTuple

import msgspec

from quart_app.realtime import Count, Event, ReactionEvent, limits

VERSION: Final = 1

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Any]).decode


class Log(NamedTuple):
    """Durable events from position `first` to `last`; `rows` is None where they have to be read."""

    tag: str
    first: int
    last: int
    rows: Sequence[Sequence[Any]] | None

    def events(self) -> list[Event]:
        """Return the events of the rows."""
        return [_durable(position, *row) for position, row in enumerate(self.rows or (), self.first)]


class Live(NamedTuple):
    """Numbered events, after those that are `lost`. `serial` is the sender's own number for all of it, and `sequence`
    is as large as every number given. What comes `again` may be known."""

    tag: str
    sequence: int
    serial: int
    lost: Sequence[tuple[str, Count]]
    counts: Sequence[Count]
    events: Sequence[Event]
    again: bool


class Raised(NamedTuple):
    """Counts of topics of which somebody knows more than others."""

    sequence: int
    lost: Sequence[tuple[str, Count]]


class Found(NamedTuple):
    """The answer to a node's question `id`: of each topic its count and its values."""

    id: int
    topics: Sequence[tuple[str, Count, Sequence[Event]]]


class Probe(NamedTuple):
    """The line is well."""


class Asked(NamedTuple):
    """The question `id` of the node `tag`: what it is about, and the rest of it."""

    tag: str
    id: int
    what: str
    body: bytes


class Told(NamedTuple):
    """The answer of the node `tag` to the question `id`."""

    tag: str
    id: int
    body: bytes


class Known(NamedTuple):
    """What is known of somebody who is present: a name, and what tells that they have left, as `without_time`."""

    username: str
    left: bytes


class Moved(NamedTuple):
    """Changes of presence, in order: in which topic which user has come or is known otherwise, or has left (None), and
    the numbered signal that tells of it, if any does."""

    sequence: int
    counts: Sequence[Count]
    changes: Sequence[tuple[str, str, Known | None]]
    events: Sequence[Event | None]


class Present(NamedTuple):
    """Of some topics, up to which signal they have told of somebody, and who is there, in order of arrival. It was
    `restored` where a node knew that, and the server did not any more."""

    topics: Sequence[tuple[str, Count, dict[str, Known]]]
    restored: bool


Word = Log | Live | Raised | Found | Probe | Asked | Told | Moved | Present


class Unreadable(Exception):
    """A message is not of this version."""


def packed(event: Event) -> bytes:
    """Return a transient event, as it is among others of a message and as the value of a state."""
    told = event.topic, event.type, event.fields, event.at, event.hidden_from, event.key, event.payer
    return _encode((*told, event.depth) if event.depth else told)


def without_time(event: Event) -> bytes:
    """Return a packed event without its time: the length of what is before it, that, and what is after it."""
    before = b"\x97" + b"".join(map(_encode, (event.topic, event.type, event.fields)))
    after = b"".join(map(_encode, (event.hidden_from, event.key, event.payer)))
    return b"%d %s%s" % (len(before), before, after)


def known(username: str, left: bytes) -> bytes:
    """Return what is known of somebody, packed."""
    return _encode((username, left))


def array(items: Sequence[bytes]) -> bytes:
    """Return packed items as one array."""
    return (b"\xdc" + len(items).to_bytes(2, "big") if len(items) > 15 else bytes([0x90 + len(items)])) + b"".join(
        items
    )


def log(tag: str, events: Sequence[Event]) -> bytes:
    """Return the message for durable events that follow each other."""
    first, last = events[0], events[-1]
    told = None
    if len(events) <= limits.BUS_EVENTS and sum(event.size for event in events) <= limits.BUS_BYTES:
        told = [(event.topic, event.type, event.fields, event.at, event.hidden_from, _term(event)) for event in events]
    return _encode((VERSION, tag, "log", first.position, last.position, told))


def asked(question: Asked) -> bytes:
    """Return the message for a question."""
    return _encode((VERSION, question.tag, "ask", *question[1:]))


def told(answer: Told) -> bytes:
    """Return the message for an answer."""
    return _encode((VERSION, answer.tag, "told", *answer[1:]))


def _term(event: Event) -> str:
    return (event.cursor or "").rpartition("-")[0]


def read(data: bytes) -> Word:
    """Return what a message says. Raise Unreadable."""
    try:
        version, tag, kind, *rest = _decode(data)
        if version == VERSION:
            return _word(tag, kind, rest)
    except (msgspec.DecodeError, TypeError, ValueError, LookupError) as error:
        raise Unreadable(str(error)) from error
    raise Unreadable(f"version {version}")


def _word(tag: str, kind: str, rest: Sequence[Any]) -> Word:
    match kind:
        case "log":
            return Log(tag, *rest)
        case "live" | "again":
            sequence, serial, lost, numbers, events = rest
            events = [_transient(*one) for one in events]
            return Live(tag, sequence, serial, _counts(lost), _numbers(numbers), events, kind == "again")
        case "lost":
            sequence, lost = rest
            return Raised(sequence, _counts(lost))
        case "found":
            id, topics = rest
            return Found(
                id, [(topic, Count(first, number), _values(values)) for topic, first, number, values in topics]
            )
        case "probe":
            return Probe()
        case "ask":
            return Asked(tag, *rest)
        case "told":
            return Told(tag, *rest)
        case "moved":
            sequence, numbers, people, events = rest
            changes = [(topic, user, Known(*person) if person else None) for topic, user, person in people]
            return Moved(sequence, _numbers(numbers), changes, [one and _transient(*one) for one in events])
        case "present" | "restored":
            (topics,) = rest
            known = [(topic, Count(first, number), _people(people)) for topic, first, number, people in topics]
            return Present(known, kind == "restored")
    raise Unreadable(f"a message of the kind {kind}")


def _numbers(flat: Sequence[int]) -> list[Count]:
    return [Count(first, number) for first, number in zip(flat[::2], flat[1::2], strict=True)]


def _people(people: Sequence[Any]) -> dict[str, Known]:
    return {user: Known(*person) for user, _, person in sorted(people, key=itemgetter(1))}


def _counts(flat: Sequence[Any]) -> list[tuple[str, Count]]:
    return [(flat[at], Count(flat[at + 1], flat[at + 2])) for at in range(0, len(flat), 3)]


def _durable(  # noqa: PLR0913, PLR0917 - the columns of the log
    position: int, topic: str, type: str, fields: bytes, at: int, hidden_from: str | None, epoch: str
) -> Event:
    return Event(topic, type, fields, at, epoch=epoch, position=position, hidden_from=hidden_from)


def _transient(  # noqa: PLR0913, PLR0917 - what `packed` has packed
    topic: str,
    type: str,
    fields: bytes,
    at: int,
    hidden_from: str | None,
    key: str | None,
    payer: str,
    depth: int = 0,
) -> Event:
    if not depth:
        return Event(topic, type, fields, at, hidden_from=hidden_from, key=key, payer=payer)
    event = ReactionEvent(topic, type, fields, at, hidden_from=hidden_from, key=key, payer=payer)
    event.depth = depth
    return event


def _values(values: Sequence[Any]) -> list[Event]:
    events = []
    for number, one in values:
        event = _transient(*one)
        event.ordinal = number
        events.append(event)
    return sorted(events, key=lambda event: event.ordinal)
