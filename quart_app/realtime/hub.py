"""The facade of the engine: channels, connections, broadcasting, cursors, draining.

It puts the parts together and owns no mechanism of its own: events travel through relay and bus,
reading is the subscription's, what is said the channel's.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Collection, Coroutine, Iterable, Sequence
from typing import Any

from quart_app.realtime import encoding, limits
from quart_app.realtime.backplane import Backplane, InProcess
from quart_app.realtime.batch import Marks
from quart_app.realtime.bus import Bus
from quart_app.realtime.channel import Channel, Peer, Refused
from quart_app.realtime.connection import Connection, Opening
from quart_app.realtime.counters import Counters
from quart_app.realtime.event import Event, Message, message, now
from quart_app.realtime.feed import Feed
from quart_app.realtime.log import EventLog
from quart_app.realtime.relay import Relay
from quart_app.realtime.subscription import Subscription, transient_marks
from quart_app.realtime.tail import Size
from quart_app.realtime.topic import Kind
from quart_app.wire import TOPIC_NAME_RULE, Cursor, is_topic_name

logger = logging.getLogger(__name__)


class Hub:
    """`heartbeat`: seconds of silence after which a connection gets one."""

    log: EventLog
    relay: Relay

    def __init__(self, *, heartbeat: float = 30.0, backplane: Backplane | None = None) -> None:
        self.heartbeat = heartbeat
        self.bus = Bus(self._kind_of)
        self.bus.demand = self._demand
        self.connections: dict[str, Connection] = {}
        self.draining = False
        self.room = asyncio.Event()
        self._empty = asyncio.Event()
        self._backplane = backplane or InProcess()
        self._channels: dict[str, Channel] = {}
        self._aliases: list[Callable[[str], str | None]] = []
        self._feeds: dict[str, Feed] = {}
        self._parked: dict[str, asyncio.TimerHandle] = {}
        self._last_words: dict[str, list[Message]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, log: EventLog) -> None:
        """Stand at the head of `log`."""
        self.log = log
        self.relay = Relay(log, self.bus)
        await self.relay.start()
        await self._backplane.start(self.relay.wake, lambda event: self.bus.publish([event]))

    async def stop(self) -> None:
        """End what is left: connections, feeds, commands under way."""
        for connection in list(self.connections.values()):
            self.close(connection)
        for feed in self._feeds.values():
            feed.stop()
        await self.relay.stop()
        await self._backplane.stop()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=limits.UNIT_TIMEOUT)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` to its end, whoever goes away meanwhile."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # What there is

    def add_channel(self, pattern: str, channel: Channel) -> None:
        """`pattern` is a topic name, or a prefix followed by `/*`."""
        self._channels[pattern] = channel

    def remove_channel(self, pattern: str) -> None:
        self._channels.pop(pattern, None)

    def add_alias(self, alias: Callable[[str], str | None]) -> None:
        """`alias(name)` gives the topic that a name in a path stands for, None for others."""
        self._aliases.append(alias)

    def add_feed(self, feed: Feed) -> None:
        """It runs at once where somebody listens already."""
        self._feeds[feed.topic] = feed
        if any(topic.audiences for topic in self.bus.topics() if topic.name == feed.topic):
            feed.demand(True)

    def remove_feed(self, topic: str) -> None:
        if feed := self._feeds.pop(topic, None):
            feed.stop()

    def topic(self, name: str) -> str:
        """The topic that `name` in a path stands for."""
        for alias in self._aliases:
            if (topic := alias(name)) is not None:
                return topic
        return name

    def channel(self, topic: str) -> Channel:
        """Raises Refused for a name that is none and for a topic that does not exist."""
        if not is_topic_name(topic):
            raise Refused("invalid_topic", f"topic: {TOPIC_NAME_RULE}", fields={"topic": TOPIC_NAME_RULE})
        prefix, slash, _ = topic.partition("/")
        channel = self._channels.get(topic) or (self._channels.get(prefix + "/*") if slash else None)
        if channel is None:
            raise Refused("topic_not_found", f"there is no topic {topic}", status=404)
        return channel

    def _kind_of(self, topic: str) -> Kind:
        try:
            return self.channel(topic).kind
        except Refused:
            return Kind.DURABLE

    def _demand(self, topic: str, wanted: bool) -> None:
        if topic in self._feeds and not self.draining:
            self._feeds[topic].demand(wanted)

    @property
    def counters(self) -> Counters:
        """What happened since the start."""
        return self.bus.counters

    @property
    def position(self) -> int:
        """Return the position of the newest durable event that subscribers can have."""
        return self.bus.position

    @property
    def cursor(self) -> str:
        """Return the cursor of a snapshot; it is to be read before the data."""
        return self.cursor_at(self.bus.position)

    def cursor_at(self, position: int) -> str:
        """Return the cursor of a position of this log."""
        return str(self.log.cursor(position))

    def poll_cursor(self, *topics: str) -> str:
        """Return the cursor that a long poll of these topics would be answered with now."""
        seen = transient_marks(self.bus, topics)
        plain = self.log.cursor(self.bus.position)
        return str(plain._replace(run=self.bus.counts_of(seen), seen=tuple(seen.values())))

    def topics(self) -> list[str]:
        """Return the names of the topics in memory."""
        return [topic.name for topic in self.bus.topics()]

    def followed_topics(self) -> list[str]:
        """Return the names of the topics that somebody follows."""
        return [topic.name for topic in self.bus.topics() if topic.audiences]

    def topics_in_use(self) -> list[str]:
        """Return the names of the topics that somebody follows or that hold values."""
        return [topic.name for topic in self.bus.topics() if topic.audiences or topic.state]

    def tails(self) -> Size:
        """Return how many events the tails of all topics hold, and about how many bytes."""
        return self.bus.tails()

    def follow(self, topic: str) -> Subscription:
        """Return a subscription of the program's own to a topic, from now on; `close` it in the end."""
        return Subscription(self.bus, self.log, (topic,), "", self._now((topic,)))

    async def read_log(self, topics: Collection[str], after: int, until: int, limit: int) -> Sequence[Event]:
        """Return the first `limit` events of `topics` with `after` < position <= `until`. Raise Trimmed."""
        return await self.log.read(topics, after, until, limit)

    # Events

    def committed(self, events: Sequence[Event]) -> None:
        """The writer's events, in order, right after their commit."""
        self.relay.committed(events)
        if events:
            self._backplane.announce(events[-1].position)

    def broadcast(
        self,
        topic: str,
        type: str,
        *,
        key: str | None = None,
        hidden_from: str | None = None,
        **fields: Any,
    ) -> None:
        """Publish a transient event: a signal, or a state's new value (by `key`, else by type).

        Raises Refused where the topic takes no more keys.
        """
        body = encoding.fields_json(fields)
        self.publish(Event(topic, type, body, now(), hidden_from=hidden_from, key=key or type))

    def publish(self, *events: Event) -> None:
        """Publish transient events that are made already, all or none. Raises Refused as `broadcast` does."""
        self.bus.publish(events)
        for event in events:
            self._backplane.broadcast(event)

    # Connections

    async def open(self, opening: Opening) -> Connection:
        """Let a client in and welcome it. Raises Refused; `close` the connection in the end."""
        await self._admit(opening)
        subscription, resumed = await self._subscription(opening)
        connection = Connection(self, opening.identity, opening.transport, subscription)
        connection.agent = opening.agent
        if opening.connection_id and opening.connection_id not in self.connections:
            connection.id = opening.connection_id
        self.connections[connection.id] = connection
        self.counters.opened[connection.transport] += 1
        logger.info("%s opened", connection)
        connection.end_with_token()
        try:
            await self._welcome(connection, opening, resumed=resumed)
            self._check_draining()  # which may have begun meanwhile, and knew nothing of this one
        except BaseException:
            self.close(connection)
            raise
        return connection

    def _check_draining(self) -> None:
        if self.draining:
            raise Refused("going_away", "the server is stopping", status=503, retry_after=1.0)

    async def _admit(self, opening: Opening) -> None:
        self._check_draining()
        if len(self.connections) >= limits.CONNECTIONS:
            raise Refused("too_many", "the server is full", status=503, retry_after=5.0)
        if not 0 < len(opening.topics) <= limits.TOPICS_PER_CONNECTION:
            wrong = f"1 to {limits.TOPICS_PER_CONNECTION} topics"
            raise Refused("invalid_topic", f"topic: {wrong}", fields={"topic": wrong})
        for topic in opening.topics:
            await self.channel(topic).authorize(opening.identity, topic)

    async def _subscription(self, opening: Opening) -> tuple[Subscription, bool]:
        """A subscription that stands where the client asks; and whether its cursor is honoured."""
        marks, reset = await self._start(opening)
        subscription = Subscription(self.bus, self.log, opening.topics, opening.identity.user_id, marks)
        subscription.start_now(opening.fresh & set(opening.topics))
        if reset is not None:
            subscription.reset(reset)
        return subscription, opening.since is not None

    async def _start(self, opening: Opening) -> tuple[Marks, str | None]:
        """Where the client starts, and the reason for a reset if it cannot be where it asks."""
        if opening.since is None:
            return self._now(opening.topics), None
        if opening.since == "0":
            floor = await self.log.floor()
            if floor > self.bus.position:  # the bus has not heard yet of what was trimmed already
                await self.relay.catch_up()
            return Marks(floor, transient_marks(self.bus, opening.topics)), None
        try:
            cursor = Cursor.parse(opening.since)
        except ValueError as error:
            wrong = "a cursor from an earlier message, or 0"
            raise Refused("invalid_since", f"since: {error}", fields={"since": wrong}) from error
        if (reason := await self.log.refusal(cursor)) is not None:
            return self._now(opening.topics), reason
        if cursor.position > self.bus.position:
            await self.relay.catch_up()
        marks = transient_marks(self.bus, opening.topics)
        topics = sorted(set(opening.topics))
        if cursor.run == self.bus.counts_of(topics) and len(cursor.seen) == len(topics):
            marks = dict(zip(topics, cursor.seen, strict=True))
        return Marks(cursor.position, marks), None

    def _now(self, topics: Iterable[str]) -> Marks:
        return Marks(self.bus.position, transient_marks(self.bus, topics))

    async def _welcome(self, connection: Connection, opening: Opening, *, resumed: bool) -> None:
        id = str(connection.subscription.cursor)
        fields: dict[str, Any] = {
            "connection_id": connection.id,
            "transport": connection.transport,
            "heartbeat": self.heartbeat,
        }
        if len(opening.topics) > 1:
            connection.reply(message("connected", id=id, **fields))
            fields = {}
        for topic in opening.topics:
            peer = connection.peer(topic)
            peer.resumed = resumed and topic not in opening.fresh
            for type, own in await self.channel(topic).welcome(peer):
                connection.reply(message(type, topic=topic, id=id if fields else None, **fields, **own))
                fields = {}

    def close(self, connection: Connection, *, orderly: bool = False) -> None:
        """The connection is over, for whatever reason. Idempotent."""
        if self.connections.get(connection.id) is not connection:
            return
        del self.connections[connection.id]
        self._unpark(connection.id)
        connection.subscription.close()
        orderly = orderly or (connection.ending is not None and connection.ending.orderly)
        for topic in connection.subscription.topics:
            self.channel(topic).left(connection.peer(topic), orderly=orderly)
        self.counters.leave(connection.transport, connection.over(), connection.traffic)
        if self.draining and not self.connections:
            self._empty.set()

    async def subscribe(
        self, connection: Connection, topic: str, key: str | None, send: Callable[[Message], None]
    ) -> None:
        """Add a topic to a connection and welcome it there. Raises Refused."""
        channel = self.channel(topic)
        await channel.authorize(connection.identity, topic)
        # Only now, and without a suspension from here to the welcome: meanwhile it may have ended, or subscribed.
        if connection.ending is not None or self.connections.get(connection.id) is not connection:
            raise Refused("not_connected", "the connection has ended", status=409)
        if topic in connection.subscription.topics:
            raise Refused("already_subscribed", f"already subscribed to {topic}", status=409)
        if len(connection.subscription.topics) >= limits.TOPICS_PER_CONNECTION:
            raise Refused("too_many", f"at most {limits.TOPICS_PER_CONNECTION} topics")
        with connection.subscription.held():
            connection.subscription.add(topic)
            connection.session.topics = connection.subscription.topics
            peer = connection.peer(topic, key=key, send=send)
            id: str | None = str(self.log.cursor(peer.position))
            for type, fields in await channel.welcome(peer):
                peer.reply(type, id=id, **fields)
                id = None

    async def unsubscribe(
        self, connection: Connection, topic: str, key: str | None, send: Callable[[Message], None]
    ) -> None:
        """Take a topic from a connection. Raises Refused."""
        topics = connection.subscription.topics
        if topic not in topics:
            raise Refused("not_subscribed", f"not subscribed to {topic}", status=409)
        if len(topics) == 1:
            raise Refused("last_topic", "a connection needs a topic: close it instead", status=409)
        connection.subscription.remove(topic)
        connection.session.topics = connection.subscription.topics
        self.channel(topic).left(connection.peer(topic), orderly=True)
        connection.peer(topic, key=key, send=send).reply("unsubscribed")

    async def handle(self, peer: Peer, body: dict[str, Any]) -> None:
        """Let the topic's channel act on a message; whatever happens, the peer gets an answer."""
        began = time.perf_counter()
        try:
            await self.channel(peer.topic).handle(peer, body)
        except Refused as refused:
            self.counters.errors[refused.code] += 1
            peer.reply("error", data=refused.data())
        except Exception:
            logger.exception("handling a message on %s failed", peer.topic)
            self.counters.errors["internal"] += 1
            peer.reply("error", data={"message": "something went wrong here", "code": "internal"})
        self.counters.commands.observe(time.perf_counter() - began)
        if peer.key is not None and not peer.replied:
            peer.reply("ack")

    # Long polls, whose connection outlives a request

    async def resume(self, opening: Opening, known: Connection | None) -> Connection:
        """The connection of a long poll that goes on: `known` if it is here, else a new one. Raises
        Refused."""
        if known is not None and sorted(known.subscription.topics) == sorted(opening.topics):
            await self._admit(opening)
            subscription, _ = await self._subscription(opening)
            if self.connections.get(known.id) is known and known.ending is None:
                self._unpark(known.id)
                known.subscription.close()  # a request that still waits is answered: the newest counts
                known.go_on(opening.identity, subscription)
                return known
            subscription.close()  # its lease ran out just now, or it was sent away
        connection = await self.open(opening)
        connection.subscription.forget_direct()
        return connection

    def ended(self, connection: Connection) -> None:
        """A connection has come to its end: if it is parked, there is nobody else who would close it."""
        if connection.id in self._parked:
            self._send_away(connection)

    def _send_away(self, connection: Connection) -> None:
        self.close(connection)
        words = connection.subscription.forget_direct()
        if words and not self.draining:
            self._last_words[connection.id] = words
            asyncio.get_running_loop().call_later(limits.LINGER, self.last_words, connection.id)

    def last_words(self, connection_id: str) -> list[Message]:
        """What a connection that ended between two requests has still to be told, once, and as long as it would have
        lingered."""
        return self._last_words.pop(connection_id, [])

    def park(self, connection: Connection, subscription: Subscription) -> None:
        """A request of a long poll is over: keep its connection for as long as it lingers, unless
        the next one has come already."""
        subscription.close()
        if connection.subscription is not subscription or connection.id not in self.connections:
            return
        if self.draining or connection.ending is not None:
            self._send_away(connection)
            return
        loop = asyncio.get_running_loop()
        self._parked[connection.id] = loop.call_later(limits.LINGER, self._expire, connection)

    def _unpark(self, connection_id: str) -> bool:
        timer = self._parked.pop(connection_id, None)
        if timer is not None:
            timer.cancel()
        return timer is not None

    def _expire(self, connection: Connection) -> None:
        self.close(connection, orderly=True)

    # The end

    async def drain(self) -> None:
        """Say `bye` to everyone, with times to come back that are spread as far as they are many,
        and wait until they are gone, at most DRAIN_DEADLINE seconds."""
        self.draining = True
        connections = list(self.connections.values())
        away = limits.RESTART + len(connections) / limits.LEAVE_RATE
        spread = max(limits.RETURN_SPREAD, len(connections) / limits.RETURN_RATE)
        for index, connection in enumerate(connections):
            connection.bye("shutdown", round(1_000 * (away + spread * index / len(connections))))
        if self.connections:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._empty.wait(), limits.DRAIN_DEADLINE)
