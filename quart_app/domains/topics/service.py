"""Publishing into the open namespaces, one message or many."""

from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from msgspec import Raw

from quart_app.domains.topics.requests import Publication
from quart_app.realtime import Event, Hub, Identity, Kind, encode, fields_json, topic_closed, wrong_fields
from quart_app.realtime.limits import KEY_BYTES
from quart_app.storage.idempotency import IdempotencyKey
from quart_app.storage.unit_of_work import Committer, UnitOfWork
from quart_app.surroundings import now
from quart_app.wire import SERVER_TYPES, is_open_topic


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
        publishing = _Publishing(self._hub, self._messages(publications, identity), identity, on_commit)
        if not publishing.durable and key is None:
            return publishing.at_once()
        asked = [(one.topic, one.type, one.data) for one in publications]
        scoped = IdempotencyKey.of("publish", identity, key, asked)
        return await self._commit(publishing, key=scoped, parts=())

    async def publish_each(self, publications: Sequence[Publication], identity: Identity) -> str:
        """Publish many messages as `publish` does, but each that has a `key` of its own is published once. Raise
        Refused."""
        messages: list[_Message] = []
        parts: dict[IdempotencyKey, IdempotencyKey] = {}
        for message in self._messages(publications, identity):
            one = message.publication
            key = IdempotencyKey.of("publish", identity, one.key, [(one.topic, one.type, one.data)])
            if key is None or parts.setdefault(key, key) is key:
                messages.append(message._replace(key=key))
            else:
                key.check(parts[key].fingerprint)
        return await self._commit(_Publishing(self._hub, messages, identity, None), key=None, parts=parts)

    async def _commit(
        self, publishing: "_Publishing", *, key: IdempotencyKey | None, parts: Collection[IdempotencyKey]
    ) -> str:
        publishing.keys = len(parts) + (key is not None)
        return await self._committer.commit(
            publishing.unit,
            key=key,
            parts=parts,
            on_commit=publishing.announce,
            on_failure=publishing.give_up_room,
        )

    def publish_now(self, publications: Sequence[Publication], identity: Identity) -> str:
        """Publish messages, all or none, of which none is durable, and return the cursor. Raise Refused."""
        return _Publishing(self._hub, self._messages(publications, identity), identity, None).at_once()

    def _messages(self, publications: Sequence[Publication], identity: Identity) -> "list[_Message]":
        for one in publications:
            identity.check_speaks(one.topic)
        several = len(publications) > 1
        return [
            _Message(one, self._kind(one, f"[{index}]." if several else "")) for index, one in enumerate(publications)
        ]

    def _kind(self, publication: Publication, path: str) -> Kind:
        """Return the kind of the topic that a message is for. Raise Refused where it may not be published."""
        if not is_open_topic(publication.topic):
            raise wrong_fields({f"{path}topic": "log/…, state/… or live/…"})
        channel = self._hub.channels.of(publication.topic)
        if not channel.open:
            raise topic_closed(publication.topic)
        if publication.type in SERVER_TYPES or not publication.type.isprintable():
            own = f"a type of your own, printable, not one of {', '.join(sorted(SERVER_TYPES))}"
            raise wrong_fields({f"{path}type": own})
        return channel.kind


class _Message(NamedTuple):
    """One message to be published, with the kind of its topic; `key` is its own, where it has one."""

    publication: Publication
    kind: Kind
    key: IdempotencyKey | None = None


class _Publishing:
    """One list of messages while it is published; `keys` counts those that are stored with it.

    The durable ones go in a unit of work, which is refused where there is no room for the others; these follow once
    that is committed, unless a key shows that they were published before.
    """

    keys = 0

    def __init__(
        self,
        hub: Hub,
        messages: Sequence[_Message],
        identity: Identity,
        on_commit: Callable[[str], object] | None,
    ) -> None:
        self._messages = messages
        self._identity = identity
        self._room: Callable[[], None] = lambda: None
        self._events: list[Event] = []
        self._counted = False
        self._hub = hub
        self._by = _author(identity.user_id, identity.username)
        self._on_commit = on_commit

    @property
    def durable(self) -> bool:
        """Tell whether any of them is to be stored."""
        return any(kind is Kind.DURABLE for _, kind, _ in self._messages)

    async def unit(self, work: UnitOfWork) -> str:
        """Record the durable messages, keep room for the others, and return the cursor after them.

        Those whose key was used before are left out. Raise Refused.
        """
        cursor, stored = self._hub.cursor, self.keys * KEY_BYTES
        new = [message for message in self._messages if message.key is None or message.key not in work.known]
        for one in [publication for publication, kind, _ in new if kind is Kind.DURABLE]:
            event = work.record(one.topic, one.type, **self._fields(one))
            cursor, stored = str(event.cursor), stored + event.size
        if not new:
            cursor = list(work.known.values())[-1]
        self._count(stored)
        self.give_up_room()  # of the run before, where the unit runs again
        self._events = self._transient(new)
        self._room = self._hub.keep_room(*self._events)
        return cursor

    def _count(self, stored: int) -> None:
        """Count the bytes that are about to be stored, once if the unit runs again. Raise Refused."""
        if self._identity.payer and not self._counted:
            self._hub.count_stored(self._identity, stored)
            self._counted = True

    def _transient(self, messages: Sequence[_Message]) -> list[Event]:
        return [self._event(publication) for publication, kind, _ in messages if kind is not Kind.DURABLE]

    def at_once(self) -> str:
        """Publish what needs no commit, and return the cursor. Raise Refused."""
        self._events = self._transient(self._messages)
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
        payer = self._identity.payer
        return Event(publication.topic, publication.type, body, now(), key=publication.type, payer=payer)

    def _fields(self, publication: Publication) -> dict[str, Any]:
        return {"by": self._by} if publication.data is None else {"data": publication.data, "by": self._by}


@lru_cache(maxsize=1024)
def _author(user_id: str, username: str) -> Raw:
    """Return who publishes, as JSON; those who publish much do it again and again."""
    return Raw(encode(Identity(user_id, username).user))
