"""The object that a unit of work is given: a way to record events beside the rows it changes.

A unit is an async function of one `UnitOfWork`. It changes rows through its domain's models, and may run twice, so it
has no other effect. Where it has nothing to look up it is an `Append`, which costs a tenth. This module knows nothing
of groups and transactions.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeVar

from quart_app.realtime import Event, Identity, fields_json
from quart_app.realtime.limits import TYPE_CHARACTERS
from quart_app.storage.errors import WriteOutsideUnit
from quart_app.storage.idempotency import IdempotencyKey
from quart_app.surroundings import now
from quart_app.wire import is_topic_name

T = TypeVar("T")

_NOTHING: Final[Mapping[IdempotencyKey, Any]] = {}


class Deed(NamedTuple):
    """What `who` has done to `object`, such as ``deposit`` to ``accounts/1350509525``; `detail` says more of it."""

    who: Identity
    what: str
    object: str
    detail: str = ""


class UnitOfWork:
    """One unit's events, rows and deeds. `term` is the log's present one, `head` the position before its first event.

    `known` has the first answers to those of the keys of its parts that were used before: these parts are done.
    """

    __slots__ = ("_head", "_over", "_term", "deeds", "events", "known", "rows", "unread")

    def __init__(self, term: str, head: int, known: Mapping[IdempotencyKey, Any] = _NOTHING) -> None:
        self._term = term
        self._head = head
        self._over = False
        self.known = known
        self.events: list[Event] = []
        self.rows: list[tuple[str, list[Any]]] = []
        self.unread: list[tuple[str, list[Any]]] = []
        self.deeds: tuple[Deed, ...] = ()

    @property
    def next_position(self) -> int:
        """Return the position that the next recorded event will have."""
        return self._head + len(self.events) + 1

    def record(
        self, topic: str, type: str, data: Any = None, *, hidden_from: str | None = None, **fields: Any
    ) -> Event:
        """Record that something happened; it is stored with the unit's rows, or not at all.

        `data` (unless None) and `fields` become the top-level members of the message. The event
        has its position at once; should the unit run again, that run's event has its own.
        Raise ValueError for a topic or type that is none, TypeError for what JSON cannot hold,
        WriteOutsideUnit after the unit's end.
        """
        self._check()
        if not is_topic_name(topic):
            raise ValueError(f"{topic!r} is not a topic name")
        if not type.isprintable() or not 0 < len(type) <= TYPE_CHARACTERS:
            raise ValueError(f"{type!r} is not an event type")
        body = fields if data is None else {"data": data, **fields}
        event = Event(
            topic,
            type,
            fields_json(body),
            now(),
            epoch=self._term,
            position=self.next_position,
            hidden_from=hidden_from,
        )
        self.events.append(event)
        return event

    def add(self, insert: str, *values: Any) -> None:
        """Store a row by the statement `insert`, whose `?` stand for the `values`.

        It is stored after the unit's end, together with those of its neighbours, and before any
        unit that may look at it. Raise WriteOutsideUnit after the unit's end.
        """
        self._check()
        self.rows.append((insert, list(values)))

    def add_unread(self, insert: str, *values: Any) -> None:
        """Store a row of a table that no unit ever looks at, as `add` does, but only once all units of the transaction
        have run, so that those of all of them take one trip to the database."""
        self._check()
        self.unread.append((insert, list(values)))

    def attribute(self, who: Identity, what: str, object: str, detail: str = "") -> None:
        """Say who does by this unit what to which object; the security log is told once the unit is committed."""
        self._check()
        self.deeds += (Deed(who, what, object, detail),)

    def end(self) -> None:
        """End the unit: nothing is recorded or stored any more."""
        self._over = True

    def _check(self) -> None:
        if self._over:
            raise WriteOutsideUnit("an event was recorded, or a row stored, after its unit of work had ended")


@dataclass(frozen=True, slots=True)
class Append(Generic[T]):
    """A unit that looks nothing up: the plain function `unit` records events and adds rows."""

    unit: Callable[[UnitOfWork], T]


class Committer(Protocol):
    """Whoever runs units of work and commits them: the writer, and the program on its behalf."""

    async def commit(
        self,
        unit: Callable[[UnitOfWork], Awaitable[T]] | Append[T],
        *,
        key: IdempotencyKey | None = None,
        parts: Collection[IdempotencyKey] = (),
        on_commit: Callable[[T], object] | None = None,
        on_failure: Callable[[], object] | None = None,
    ) -> T:
        """Run a unit of work and return its result; `storage.writer.Writer.commit` tells all about it."""
        raise NotImplementedError
