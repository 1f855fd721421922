"""Publishing into the open namespaces, one message or many."""

from collections.abc import Callable, Sequence
from typing import Any

from quart_app.domains.topics.requests import Publication
from quart_app.realtime import Event, Hub, Identity, Kind, Refused, fields_json, wrong_fields
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

        The durable ones are published all or none, and so are the others, which come after them. With a `key` (the
        client's own) they are published once, however often that is asked. `on_commit` is called with the cursor before
        anybody gets any of them. Raise Refused.
        """
        for index, publication in enumerate(publications):
            self._check(publication, f"[{index}]." if len(publications) > 1 else "")
        publishing = _Publishing(self._hub, publications, on_commit, keyed=key is not None)
        asked = [(one.topic, one.type, one.data) for one in publications]
        scope = IdempotencyKey.of("publish", identity, key, asked)
        if publishing.durable or scope is not None:
            cursor = await self._committer.commit(publishing.unit, key=scope, on_commit=publishing.announce)
        else:
            cursor = self._hub.cursor
            publishing.announce(cursor)
        if publishing.refused is not None:
            raise publishing.refused
        return cursor

    def _check(self, publication: Publication, path: str) -> None:
        if publication.topic.partition("/")[0] not in {"log", "state", "live"} or "/" not in publication.topic:
            raise wrong_fields({f"{path}topic": "log/…, state/… or live/…"})
        self._hub.channels.of(publication.topic)
        if publication.type in SERVER_TYPES or not publication.type.isprintable():
            own = f"a type of your own, printable, not one of {', '.join(sorted(SERVER_TYPES))}"
            raise wrong_fields({f"{path}type": own})


class _Publishing:
    """One list of messages while it is published.

    The durable ones go in a unit of work; the others follow once that is committed, unless a key shows that they were
    published before. `refused` is why the others were not published.
    """

    def __init__(
        self, hub: Hub, publications: Sequence[Publication], on_commit: Callable[[str], object] | None, *, keyed: bool
    ) -> None:
        kinds = [(one, hub.channels.of(one.topic).kind is Kind.DURABLE) for one in publications]
        self.durable = [one for one, durable in kinds if durable]
        self.refused: Refused | None = None
        self._transient = [one for one, durable in kinds if not durable]
        self._hub = hub
        self._on_commit = on_commit
        self._new = not (self.durable or keyed)

    async def unit(self, work: UnitOfWork) -> str:
        """Record the durable messages, and return the cursor after them."""
        self._new = True
        cursor = self._hub.cursor
        for one in self.durable:
            cursor = str(work.record(one.topic, one.type, **_fields(one)).cursor)
        return cursor

    def announce(self, cursor: str) -> None:
        """Broadcast the other messages, or keep in `refused` why that was refused; then call `on_commit`, which comes
        before the subscribers' turn of the event loop."""
        try:
            if self._new:
                self._hub.publish(*[self._event(one) for one in self._transient])
        except Refused as refusal:
            self.refused = refusal
        else:
            if self._on_commit is not None:
                self._on_commit(cursor)

    @staticmethod
    def _event(publication: Publication) -> Event:
        body = fields_json(_fields(publication))
        return Event(publication.topic, publication.type, body, now(), key=publication.type)


def _fields(publication: Publication) -> dict[str, Any]:
    return {} if publication.data is None else {"data": publication.data}
