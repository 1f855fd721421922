"""The facade of the engine: it puts the parts together, keeps the open connections, and starts, drains and stops.

It owns no mechanism of its own: events travel through relay and bus, reading is the subscription's, letting in is the
admission's, and what is said goes to the commands.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from typing import Any, Final

from quart_app.realtime import limits
from quart_app.realtime.clients.admission import Admission
from quart_app.realtime.clients.channels import Channels
from quart_app.realtime.clients.commands import Commands, Passerby
from quart_app.realtime.clients.connection import Connection, Opening
from quart_app.realtime.clients.feed import Feeds
from quart_app.realtime.clients.identity import Identity
from quart_app.realtime.clients.leases import Leases
from quart_app.realtime.clients.lines import Lines
from quart_app.realtime.clients.nodes import Nodes
from quart_app.realtime.clients.parking import Parking
from quart_app.realtime.clients.quotas import Quota, Quotas
from quart_app.realtime.clients.revocations import Revocations
from quart_app.realtime.clients.timers import Wheel
from quart_app.realtime.clients.turns import turns
from quart_app.realtime.flow.backplane import Backplane, InProcess
from quart_app.realtime.flow.bus import Bus
from quart_app.realtime.flow.counters import Counters
from quart_app.realtime.flow.intake import Intake
from quart_app.realtime.flow.log import EventLog
from quart_app.realtime.flow.relay import Relay
from quart_app.realtime.flow.ring import Ring
from quart_app.realtime.flow.room import Held
from quart_app.realtime.flow.subscription import Subscription
from quart_app.realtime.flow.topic_memory import Memory
from quart_app.realtime.messages.encoding import fields_json
from quart_app.realtime.messages.event import Event, Message
from quart_app.realtime.messages.refused import Refused
from quart_app.surroundings import REAL, Surroundings
from quart_app.wire import Close

NOTHING_SEEN: Final[Mapping[str, int]] = {}


class Hub:
    """The engine of one process. `heartbeat` is the seconds of silence after which a connection gets one, and
    `peer_timeout` those for which a peer may take nothing. `quota` is what one user may have of it all.

    `channels` are those of the topics that there are, `feeds` the producers of some, `connections` the open ones by
    their ids, `revocations` the tokens that open none any more, and `wheel` is where all their timers are.
    """

    log: EventLog
    relay: Relay
    _admission: Admission

    def __init__(
        self,
        *,
        heartbeat: float = 30.0,
        peer_timeout: float = 100.0,
        quota: Quota = Quota(),  # noqa: B008 - it cannot change
        backplane: Backplane | None = None,
        surroundings: Surroundings = REAL,
    ) -> None:
        self.heartbeat = heartbeat
        self.peer_timeout = peer_timeout
        self.surroundings = surroundings
        self.channels = Channels()
        share = Held(quota.state_keys, quota.state_bytes)
        self.backplane = backplane or InProcess()
        self.bus = Bus(
            self.channels.kind_of,
            surroundings=surroundings,
            share=share,
            count_of=self.backplane.count_of,
            unheard=Ring() if self.backplane.shared else None,
        )
        self._parking = Parking(self.closed)
        self.quotas = Quotas(quota, self.bus.holds, self._parking.give_way, self.bus.counters)
        self.leases = Leases()
        self.feeds = Feeds(self.bus.is_followed, self.leases.want)
        self.bus.demand = self.feeds.demand
        self.latest = self.bus.latest
        """`latest(topic)` returns the current values of a state topic, oldest change first."""
        self.connections: dict[str, Connection] = {}
        self.revocations = Revocations()
        self.lines = Lines()
        self.wheel = Wheel()
        self.commands = Commands(self.channels, self.quotas, self.bus.counters, surroundings, self.spawn, self.seed)
        self.nodes = Nodes(self.backplane, self.spawn)
        self.draining = False
        self._empty = asyncio.Event()
        self._own: list[Subscription] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._cursor = -1, ""

    async def start(self, log: EventLog) -> None:
        """Stand at the head of `log`."""
        self.log = log
        shared = self.backplane.shared
        self.relay = Relay(log, self.bus, limits.RELAY_HOLE if shared else 0.0)
        self._admission = Admission(self.channels, self.bus, log, self.relay, self.seed)
        await self.relay.start()
        await self.backplane.start(
            Intake(self.bus, self.relay, self.nodes.asked, self.nodes.joined), log.cursor(0).epoch
        )
        if shared:
            self.relay.poll(self._head_poll)
            self.nodes.start()

    def _head_poll(self) -> float:
        return limits.HEAD_POLL if self.backplane.away_since is None else limits.HEAD_POLL_AWAY

    async def seed(self, topics: Collection[str], seen: Mapping[str, int] = NOTHING_SEEN) -> None:
        """Let it be known how far the transient events of topics are counted, at least as far as somebody has `seen`
        elsewhere, and what values they have. Raise Refused where there is no place for one."""
        if self.backplane.shared and (unknown := self.bus.unknown(topics, seen)):
            await self.backplane.seed(unknown)

    async def stop(self) -> None:
        """End what is left: connections, feeds, commands under way."""
        for connection in list(self.connections.values()):
            self.closed(connection)
        self.feeds.stop()
        await self.leases.stop()
        await self.backplane.stop()
        await self.relay.stop()  # after those who would let it read the log
        await self.nodes.stop()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=limits.UNIT_TIMEOUT)

    def log_went_back(self, position: int) -> None:
        """Tell every client that the log has lost what was above `position`; all of them go on from there."""
        self.relay.go_back(position)
        for subscription in (*(one.subscription for one in self.connections.values()), *self._own):
            subscription.reset("unknown_log")

    def spawn(self, work: Coroutine[Any, Any, None], over: Callable[[], None] | None = None) -> None:
        """Run `work` to its end, whoever goes away meanwhile, and then call `over`."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if over is not None:
            task.add_done_callback(lambda _: over())

    # What there is

    @property
    def counters(self) -> Counters:
        """The counters of what happened since the start."""
        return self.bus.counters

    @property
    def position(self) -> int:
        """The position of the newest durable event that subscribers can have."""
        return self.bus.position

    @property
    def cursor(self) -> str:
        """The cursor of a snapshot; it is to be read before the data."""
        if self._cursor[0] != self.bus.position:
            self._cursor = self.bus.position, self.cursor_at(self.bus.position)
        return self._cursor[1]

    def cursor_at(self, position: int) -> str:
        """Return the cursor of a position of this log."""
        return str(self.log.cursor(position))

    def poll_cursor(self, *topics: str) -> str:
        """Return the cursor that a long poll of these topics would be answered with now."""
        place = self.bus.now(topics)
        plain = self.log.cursor(place.position)
        return str(plain._replace(run=self.bus.counts_of(place.seen), seen=tuple(place.seen.values())))

    def topics_in_use(self) -> list[str]:
        """Return the names of the topics that somebody follows or that hold values."""
        return [topic.name for topic in self.bus.topics() if topic.followers or topic.state]

    def memory(self) -> Memory:
        """Return what the topics hold in memory."""
        return self.bus.memory()

    async def catch_up(self) -> None:
        """Let subscribers have what is in the log by now, whichever process has written it. Raise Refused."""
        await self.relay.catch_up()

    def follow(self, topic: str, after: int | None = None) -> Subscription:
        """Return the program's own subscription to a topic, from now on or `after` a position; `close` it later."""
        if self.backplane.shared:
            self.spawn(self.seed((topic,)))
        now = self.bus.now((topic,))
        place = now if after is None else now._replace(position=after)
        subscription = Subscription(self.bus, self.log, (topic,), "", place)
        self._own = [one for one in self._own if not one.closed] + [subscription]
        return subscription

    # Events

    def committed(self, events: Sequence[Event]) -> None:
        """Take the writer's events, in order, right after their commit."""
        self.backplane.committed(events)

    def broadcast(self, topic: str, type: str, **more: Any) -> None:
        """Publish a transient event that `transient` makes. Raise Refused where the topic takes no more keys."""
        self.publish(self.transient(topic, type, **more))

    def transient(
        self,
        topic: str,
        type: str,
        *,
        key: str | None = None,
        hidden_from: str | None = None,
        **fields: Any,
    ) -> Event:
        """Return a transient event of now: a signal, or a state's new value (by `key`, else by type)."""
        at = self.surroundings.wall()
        return Event(topic, type, fields_json(fields), at, hidden_from=hidden_from, key=key or type)

    def publish(self, *events: Event) -> None:
        """Publish transient events that are made already, all or none. Raise Refused as `broadcast` does."""
        self.backplane.publish(events)

    async def numbered(self) -> None:
        """Return when the transient events that were published up to now have their place before all that is published
        after this on any node; where the backplane is away, they will have none."""
        if self.backplane.shared:
            await self.backplane.passed_on()

    def keep_room(self, *events: Event) -> Callable[[], None]:
        """Keep room for transient events, so that `publish` does not refuse them later; return what gives the room up,
        and is to be called in any case. Raise Refused where `publish` would now."""
        return self.bus.keep_room(events)

    # Connections

    async def check(self, opening: Opening) -> None:
        """Raise Refused where the client would not be let in."""
        self._check_draining()
        if len(self.connections) >= limits.CONNECTIONS:
            raise Refused("too_many", "the server is full", status=503, retry_after=5.0)
        await self._admission.authorize(opening)

    async def open(self, opening: Opening, *, comes_back: bool = False) -> Connection:
        """Let a client in and welcome it, but who `comes_back` only where nobody can tell what it has missed; return
        its connection, which is to be `closed` in the end. Raise Refused."""
        await self.check(opening)
        payer = opening.identity.payer
        self.quotas.enter(payer, opening.topics, self.surroundings.time())
        try:
            subscription, goes_on = await self._admission.subscription(opening)
        except BaseException:
            self.quotas.leave(payer, opening.topics)
            raise
        connection = Connection(opening, subscription, self.surroundings, self.wheel, self._parking.ended)
        if opening.connection_id and opening.connection_id not in self.connections:
            connection.id = opening.connection_id
        else:  # others can tell by it where this connection is
            connection.id = self.backplane.tag + connection.id[len(self.backplane.tag) :]
        self.connections[connection.id] = connection
        self.counters.opened[connection.transport] += 1
        connection.begin()
        try:
            self.revocations.check(connection.identity)  # it was good when the client came, before it was known here
            await self._admission.welcome(connection, opening, self.heartbeat)
            if comes_back and goes_on:
                connection.take_back()
            self._check_draining()  # it may have begun before this connection was known here
        except BaseException:
            self.closed(connection)
            raise
        connection.open()
        return connection

    def _check_draining(self) -> None:
        if self.draining:
            raise Refused("going_away", "the server is stopping", status=503, retry_after=1.0)

    def receive(self, connection: Connection, data: str | bytes) -> Awaitable[None] | None:
        """Carry out what the client of a connection sent; see `Commands.receive`."""
        return self.commands.receive(connection, data)

    def admit(self, connection: Connection, data: str | bytes) -> bool:
        """Hold what the client of a connection sent to the limits; return whether it may be acted on."""
        return self.commands.admit(connection, data) is not None

    def count_frame(self, connection: Connection) -> bool:
        """Count what the client of a connection sent and what is no message, such as a ping; return whether the
        connection goes on. Messages are counted by `receive`."""
        return self.commands.count_frame(connection)

    async def answer(self, speaker: Connection | Identity, data: bytes, topic: str) -> list[Message]:
        """Carry out what a client sent about `topic` by a request of its own, and return the answers.

        It speaks for its connection, or where that is not known here, for itself. Raise Refused as `Commands.answer`
        does, and where somebody without a connection may not follow the topic.
        """
        if isinstance(speaker, Connection):
            return await self.commands.answer(speaker, data, topic)
        await self.channels.authorize(speaker, topic)
        passerby = Passerby(speaker, topic, self.bus.position, self.surroundings)
        return await self.commands.answer(passerby, data, topic)

    def count_request(self, identity: Identity) -> None:
        """Count a request of a user. Raise Refused where that is one too many."""
        self.quotas.request(identity.payer, self.surroundings.time())

    def count_sign_in(self, identity: Identity) -> None:
        """Count a session of a user that begins. Raise Refused where that is one too many."""
        self.quotas.sign_in(identity.payer, self.surroundings.time())

    def count_stored(self, identity: Identity, size: int) -> None:
        """Count the bytes that a user is about to have stored. Raise Refused where these are too many."""
        self.quotas.store(identity.payer, size, self.surroundings.time())

    def closed(self, connection: Connection, *, orderly: bool = False) -> None:
        """Note that a connection is over, for whatever reason. Idempotent."""
        if self.connections.get(connection.id) is not connection:
            return
        del self.connections[connection.id]
        self._parking.release(connection)
        connection.subscription.close()
        self.quotas.leave(connection.identity.payer, connection.topics)
        orderly = orderly or (connection.ending is not None and connection.ending.orderly)
        for topic in connection.topics:
            self.channels.leave(connection.peer(topic), orderly=orderly)
        self.counters.count_closed(connection.transport, connection.closed(), connection.traffic)
        if self.draining and not self.connections:
            self._empty.set()

    # Long polls, whose connection outlives a request

    async def resume(self, opening: Opening, known: Connection | None) -> Connection:
        """Return the connection of a long poll that goes on: `known` if it is here, else a new one. Raise Refused, and
        EndedMeanwhile where the connection has ended between two requests."""
        self.check_ended(opening.connection_id)
        connection = await self._resume(opening, known)
        try:
            self.check_ended(opening.connection_id)  # it may have ended while it was asked for
        except BaseException:
            self.closed(connection)
            raise
        return connection

    def check_ended(self, connection_id: str) -> None:
        """Raise EndedMeanwhile, once, where the connection of a long poll has ended between two requests."""
        self._parking.check(connection_id)

    async def _resume(self, opening: Opening, known: Connection | None) -> Connection:
        if known is not None and _follows(known, opening.topics):
            await self.check(opening)
            subscription, goes_on = await self._admission.subscription(opening)
            # Meanwhile its lease may have run out, its client may have subscribed, or been sent away.
            still = self.connections.get(known.id) is known and known.alive and _follows(known, opening.topics)
            if still and goes_on and not self.revocations.covers(opening.identity):
                self._parking.release(known)
                known.subscription.close()  # a request that still waits is answered: the newest counts
                known.go_on(opening.identity, subscription)
                return known
            subscription.close()
        return await self.open(opening, comes_back=True)

    def park_after(self, connection: Connection, request: asyncio.Future[Any]) -> None:
        """Keep the connection of a long poll for as long as it lingers, from the end of `request` on.

        Nothing is done where the client's next request has come by then.
        """
        subscription = connection.subscription
        request.add_done_callback(lambda _: self._park(connection, subscription))

    def _park(self, connection: Connection, subscription: Subscription) -> None:
        subscription.close()
        if connection.subscription is subscription and connection.id in self.connections:
            self._parking.park(connection)

    # The end

    async def drain(self, leaving: Collection[str] = ()) -> None:
        """Give up the leases, say `bye` to everyone, and wait until they are gone, at most DRAIN_DEADLINE seconds.
        They come back at once where there are nodes that are not `leaving`; the more, the more spread out."""
        self.draining = self._parking.draining = self.feeds.draining = True
        self.spawn(self.leases.stop())
        connections = list(self.connections.values())
        alone = self.backplane.away_since is not None or set(self.backplane.nodes) <= set(leaving)
        away = limits.RESTART + len(connections) / limits.LEAVE_RATE if alone else 0.0
        returns = turns(len(connections), away, limits.RETURN_RATE, limits.RETURN_SPREAD if alone else 0.0)
        for connection, seconds in zip(connections, returns, strict=True):
            connection.end(Close.GOING_AWAY, "shutdown", back_in=round(1_000 * seconds))
        if self.connections:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._empty.wait(), limits.DRAIN_DEADLINE)
        await self.lines.gone()


def _follows(connection: Connection, topics: Collection[str]) -> bool:
    """Tell whether a connection follows just these topics."""
    return sorted(connection.topics) == sorted(topics)
