"""The admission of a client: whether it may come in, where it starts, and what it is welcomed with."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from quart_app.realtime import limits
from quart_app.realtime.clients.channels import Channels
from quart_app.realtime.clients.connection import Connection, Opening
from quart_app.realtime.flow.bus import Bus
from quart_app.realtime.flow.log import EventLog
from quart_app.realtime.flow.relay import Relay
from quart_app.realtime.flow.subscription import Subscription
from quart_app.realtime.messages.batch import Place
from quart_app.realtime.messages.refused import Refused
from quart_app.wire import Control, Cursor

Seed = Callable[[Collection[str], Mapping[str, int]], Awaitable[None]]


class Admission:
    """The admission of clients to the topics of `channels`, on a bus that follows `log` by `relay`. `seed(topics,
    seen)` lets the bus know what it does not know of them yet, up to what somebody has seen."""

    def __init__(self, channels: Channels, bus: Bus, log: EventLog, relay: Relay, seed: Seed) -> None:
        self._channels = channels
        self._bus = bus
        self._log = log
        self._relay = relay
        self._seed = seed

    async def authorize(self, opening: Opening) -> None:
        """Raise Refused where the client may not follow its topics."""
        if not 0 < len(opening.topics) <= limits.TOPICS_PER_CONNECTION:
            wrong = f"1 to {limits.TOPICS_PER_CONNECTION} topics"
            raise Refused("invalid_topic", f"topic: {wrong}", fields={"topic": wrong})
        for topic in opening.topics:
            await self._channels.authorize(opening.identity, topic)

    async def subscription(self, opening: Opening) -> tuple[Subscription, bool]:
        """Return a subscription that stands where the client asks, and whether it goes on without a hole from there;
        else the client has to be welcomed. Raise Refused for an invalid cursor."""
        await self._seed(opening.topics, {})
        place, reset, goes_on = await self._start(opening)
        subscription = Subscription(self._bus, self._log, opening.topics, opening.identity.user_id, place)
        if opening.fresh:
            subscription.start_now(opening.fresh & set(opening.topics))
        if reset is not None:
            subscription.reset(reset)
        return subscription, goes_on

    async def _start(self, opening: Opening) -> tuple[Place, str | None, bool]:
        """Return where the client starts, the reason for a reset if that cannot be where it asks, and whether it is
        known here which transient events it has seen."""
        if opening.since is None:
            return self._bus.now(opening.topics), None, False
        if opening.since == "0":
            floor = await self._log.floor()
            if floor > self._bus.position:  # the bus has not heard yet of what was trimmed already
                await self._relay.catch_up()
            return Place(floor, self._bus.now(opening.topics).seen), None, False
        try:
            cursor = Cursor.parse(opening.since)
        except ValueError as error:
            wrong = "a cursor from an earlier message, or 0"
            raise Refused("invalid_since", f"since: {error}", fields={"since": wrong}) from error
        if (reason := await self._log.refusal(cursor)) is not None:
            return self._bus.now(opening.topics), reason, False
        if cursor.position > self._bus.position:
            await self._relay.catch_up()
        topics = sorted(set(opening.topics))
        if not self._bus.counts_as(cursor.run, topics) or len(cursor.seen) != len(topics):
            return Place(cursor.position, self._bus.now(topics).seen), None, False
        seen = dict(zip(topics, cursor.seen, strict=True))
        await self._seed(topics, seen)
        now = self._bus.now(topics).seen
        # A count of 0 was not known: who has it goes on from now, and gets the values of states.
        known = {topic: count if 0 < count < limits.COUNTED else now[topic] for topic, count in seen.items()}
        return Place(cursor.position, known), None, True

    async def welcome(self, connection: Connection, opening: Opening, heartbeat: float) -> None:
        """Tell a new connection what it needs to know, then what each of its topics has to say.

        `heartbeat` is the seconds of silence after which the client gets a heartbeat.
        """
        id = str(connection.subscription.cursor)
        fields: dict[str, Any] = {
            "connection_id": connection.id,
            "transport": connection.transport,
            "heartbeat": heartbeat,
        }
        if len(opening.topics) > 1:
            connection.tell(Control.CONNECTED, id=id, **fields)
            fields = {}
        for topic in opening.topics:
            peer = connection.peer(topic)
            peer.resumed = opening.since is not None and topic not in opening.fresh
            for type, own in await self._channels.of(topic).welcome(peer):
                first = {"id": id, **fields} if fields else {}
                peer.reply(type, **first, **own)
                fields = {}
