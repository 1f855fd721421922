"""Publishing into the open namespaces, one message or many."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from msgspec import Raw

from quart_app.domains.topics.requests import Publication
from quart_app.realtime import Event, Hub, Identity, Kind, encode, fields_json, topic_closed, wrong_fields
from quart_app.storage.idempotency import IdempotencyKey
from quart_app.storage.unit_of_work import Committer, UnitOfWork
from quart_app.surroundings import now
from quart_app.wire import SERVER_TYPES


class Publisher:
    """A publisher of what clients send into open topics."""

    def __init__(self, hub: Hub, committer: Committer) -> None:
        self._hub = hub
        self._committer = committer

    async def publish(
        self,
        publications: Sequence[Publication],
        identity: Identity,
        *,
        key: str | None = None,
        on_commit: Callable[[str], object] | None = None,
    ) -> str:
        """Publish one message or many, and return the cursor that the durable ones end at.

        Each tells in `by` who published it. They are published all or none, the durable ones before the others. With a
        `key` (the client's own) they are published once, however often that is asked; a key whose messages were refused
        is not used up. `on_commit` is called with the cursor before anybody gets any of them. Raise Refused.
        """
        for one in publications:
            identity.check_speaks(one.topic)
        publishing = self._publishing(publications, identity, on_commit)
        if not publishing.durable and key is None:
            return publishing.at_once()
        asked = [(one.topic, one.type, one.data) for one in publications]
        return await self._committer.commit(
            publishing.unit,
            key=IdempotencyKey.of("publish", identity, key, asked),
            on_commit=publishing.announce,
            on_failure=publishing.give_up_room,
        )

    def publish_now(self, publications: Sequence[Publication], identity: Identity) -> str:
        """Publish messages, all or none, of which none is durable, and return the cursor. Raise Refused."""
        return self._publishing(publications, identity, None).at_once()

    def _publishing(
        self, publications: Sequence[Publication], identity: Identity, on_commit: Callable[[str], object] | None
    ) -> "_Publishing":
        several = len(publications) > 1
        kinds = [self._kind(one, f"[{index}]." if several else "") for index, one in enumerate(publications)]
        return _Publishing(self._hub, publications, kinds, _author(identity.user_id, identity.username), on_commit)

    def _kind(self, publication: Publication, path: str) -> Kind:
        """Return the kind of the topic that a message is for. Raise Refused where it may not be published."""
        if publication.topic.partition("/")[0] not in {"log", "state", "live"} or "/" not in publication.topic:
            raise wrong_fields({f"{path}topic": "log/…, state/… or live/…"})
        channel = self._hub.channels.of(publication.topic)
        if not channel.open:
            raise topic_closed(publication.topic)
        if publication.type in SERVER_TYPES or not publication.type.isprintable():
            own = f"a type of your own, printable, not one of {', '.join(sorted(SERVER_TYPES))}"
            raise wrong_fields({f"{path}type": own})
        return channel.kind


class _Publishing:
    """One list of messages while it is published; `by` is who publishes it, as JSON.

    The durable ones go in a unit of work, which is refused where there is no room for the others; these follow once
    that is committed, unless a key shows that they were published before.
    """

    def __init__(
        self,
        hub: Hub,
        publications: Sequence[Publication],
        kinds: Sequence[Kind],
        by: Raw,
        on_commit: Callable[[str], object] | None,
    ) -> None:
        self.durable = [one for one, kind in zip(publications, kinds, strict=True) if kind is Kind.DURABLE]
        self._transient = [one for one, kind in zip(publications, kinds, strict=True) if kind is not Kind.DURABLE]
        self._room: Callable[[], None] = lambda: None
        self._events: list[Event] = []
        self._hub = hub
        self._by = by
        self._on_commit = on_commit

    async def unit(self, work: UnitOfWork) -> str:
        """Record the durable messages, keep room for the others, and return the cursor after them. Raise Refused."""
        cursor = self._hub.cursor
        for one in self.durable:
            cursor = str(work.record(one.topic, one.type, **self._fields(one)).cursor)
        self.give_up_room()  # of the run before, where the unit runs again
        self._events = [self._event(one) for one in self._transient]
        self._room = self._hub.keep_room(*self._events)
        return cursor

    def at_once(self) -> str:
        """Publish what needs no commit, and return the cursor. Raise Refused."""
        self._events = [self._event(one) for one in self._transient]
        cursor = self._hub.cursor
        self.announce(cursor)
        return cursor

    def announce(self, cursor: str) -> None:
        """Broadcast the messages that are not in the log, then call `on_commit`, which comes before the subscribers'
        turn of the event loop."""
        self._hub.publish(*self._events)
        self.give_up_room()
        if self._on_commit is not None:
            self._on_commit(cursor)

    def give_up_room(self) -> None:
        """Keep no room any more."""
        self._room()

    def _event(self, publication: Publication) -> Event:
        body = fields_json(self._fields(publication))
        return Event(publication.topic, publication.type, body, now(), key=publication.type)

    def _fields(self, publication: Publication) -> dict[str, Any]:
        return {"by": self._by} if publication.data is None else {"data": publication.data, "by": self._by}


@lru_cache(maxsize=1024)
def _author(user_id: str, username: str) -> Raw:
    """Return who publishes, as JSON; those who publish much do it again and again."""
    return Raw(encode(Identity(user_id, username).user))
