"""A cluster in small: nodes over one log and one server, clients on them, and an account of all that was published."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from quart_app.backplane import Link
from quart_app.backplane.line import Connect
from quart_app.realtime.clients.channel import Channel
from quart_app.realtime.clients.connection import Connection, Opening
from quart_app.realtime.clients.identity import Identity
from quart_app.realtime.flow.log import MemoryLog
from quart_app.realtime.hub import Hub
from quart_app.realtime.messages.event import Message
from quart_app.realtime.messages.kinds import Kind
from quart_app.wire import Cursor

DURABLE, STATE, SIGNAL = ("log/a", "log/b"), ("state/s", "state/t"), ("live/x", "live/y")
KINDS = {"log": Kind.DURABLE, "state": Kind.STATE, "live": Kind.SIGNAL}


@dataclass
class Account:
    """What a client has got. Every method that finds a broken promise raises AssertionError."""

    topics: Sequence[str]
    facts: list[str]
    """The topic of each durable event of the log; the first has position 1."""
    position: int = 0
    received: dict[str, list[int]] = field(default_factory=dict)
    dropped: Counter[str] = field(default_factory=Counter)
    values: dict[tuple[str, str], int] = field(default_factory=dict)
    counted: dict[str, int] = field(default_factory=dict)
    """Of each topic the number up to which its signals are no concern of this client."""

    def take(self, messages: Iterable[Message]) -> None:
        for message in messages:
            body = json.loads(message.json)
            match body["type"]:
                case "fact":
                    self._fact(body["topic"], Cursor.parse(body["id"]).position)
                case "signal":
                    received = self.received.setdefault(body["topic"], [])
                    assert body["data"] not in received, "a signal came twice"
                    received.append(body["data"])
                case "value":
                    self.values[body["topic"], body["data"]["key"]] = body["data"]["serial"]
                case "gap":
                    assert body["data"]["dropped"] > 0
                    self.dropped[body["topic"]] += body["data"]["dropped"]
                case other:
                    assert other in {"connected", "heartbeat"}, other

    def _fact(self, topic: str, position: int) -> None:
        assert topic in self.topics
        missed = [at for at in range(self.position + 1, position) if self.facts[at - 1] in self.topics]
        assert self.position < position, f"{position} came after {self.position}"
        assert not missed, f"{missed} are missing before {position}"
        self.position = position

    def assert_complete(self, counts: dict[str, tuple[int, int]], order: dict[str, list[int]]) -> None:
        """Assert that nothing is missing untold. `counts` tells by topic after which number its signals are counted,
        and up to which, as far as that is certain; all of them have an `order`."""
        missed = [at for at in range(self.position + 1, len(self.facts) + 1) if self.facts[at - 1] in self.topics]
        assert not missed, f"{missed} never came"
        for topic in self.topics:
            if topic in SIGNAL:
                received = self.received.get(topic, [])
                places = [order[topic].index(serial) for serial in received]
                assert places == sorted(places), f"the order of {topic} is another one elsewhere"
                first, number = counts.get(topic, (0, 0))
                if topic in self.counted and number:
                    owed = number - max(first, self.counted[topic])
                    known = len(received) + self.dropped[topic]
                    assert known == owed, f"{owed} signals of {topic} were sent, it knows of {known}"


class Stream:
    """A client with a connection to a node, which reads whatever comes."""

    def __init__(self, hub: Hub, connection: Connection, account: Account) -> None:
        self.hub = hub
        self.connection = connection
        self.account = account
        self._task = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        while (batch := await self.connection.read()) is not None:
            self.account.take(batch.messages)

    def check(self) -> None:
        if self._task.done():
            self._task.result()

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.result()
        self.hub.closed(self.connection)


class Poller:
    """A client of long polls, which may ask another node each time."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.cursor: str | None = None

    async def ask(self, hub: Hub) -> None:
        """Ask a node for what is new, and wait for nothing."""
        opening = Opening(Identity("1", "?"), tuple(self.account.topics), "poll", self.cursor)
        if self.cursor is None:
            connection = await hub.open(opening)
            connection.take_back()
        else:
            connection = await hub.resume(opening, None)
        subscription = connection.subscription
        try:
            before = subscription.full_cursor
            if self.cursor is None or Cursor.parse(self.cursor).run != before.run:
                self._begins(before)
            self.account.take(await subscription.collect(0))
            self.cursor = str(subscription.full_cursor)
        finally:
            hub.closed(connection)

    def _begins(self, cursor: Cursor) -> None:
        """Note that signals are counted from here on."""
        self.account.position = max(self.account.position, cursor.position)
        topics = sorted(self.account.topics)
        self.account.counted = {topic: seen for topic, seen in zip(topics, cursor.seen, strict=True) if seen}
        self.account.received.clear()
        self.account.dropped.clear()


class Cluster:
    """Nodes over one log, whose links are made by `connect`; what is published is noted here."""

    def __init__(self, connect: Callable[[], Connect]) -> None:
        self._connect = connect
        self.log = MemoryLog("e0")
        self.facts: list[str] = []
        self.hubs: list[Hub] = []
        self.streams: list[Stream] = []
        self.pollers: list[Poller] = []
        self.sent: Counter[str] = Counter()
        self.last: dict[tuple[str, str], int] = {}
        self._serial = 0

    async def start(self, nodes: int) -> None:
        for number in range(nodes):
            self.hubs.append(await self._node(number))

    async def _node(self, number: int) -> Hub:
        hub = Hub(backplane=Link(self._connect(), f"node {number}"))
        for prefix, kind in KINDS.items():
            channel = Channel()
            channel.kind = kind
            hub.channels.add(f"{prefix}/*", channel)
        await hub.start(self.log)
        return hub

    def link(self, node: int) -> Link:
        link = self.hubs[node].backplane
        assert isinstance(link, Link)
        return link

    async def restart(self, node: int) -> None:
        """End a node, with all its connections, and start another in its place."""
        for stream in [one for one in self.streams if one.hub is self.hubs[node]]:
            await stream.close()
            self.streams.remove(stream)
        await self.hubs[node].stop()
        self.hubs[node] = await self._node(node)

    async def stop(self) -> None:
        for stream in self.streams:
            await stream.close()
        for hub in self.hubs:
            await hub.stop()

    # What is published

    def commit(self, node: int, topics: Sequence[str], told: bool) -> None:
        """Commit an event to each of the topics; a node that ends right after that tells nobody."""
        events = []
        for topic in topics:
            self.facts.append(topic)
            events.append(self.log.append(topic, "fact", data=len(self.facts)))
        if told:
            self.hubs[node].committed(events)

    def signal(self, node: int, topic: str, count: int) -> None:
        for _ in range(count):
            self._serial += 1
            self.sent[topic] += 1
            self.hubs[node].broadcast(topic, "signal", data=self._serial)

    def value(self, node: int, topic: str, key: str) -> None:
        self._serial += 1
        self.last[topic, key] = self._serial
        self.hubs[node].broadcast(topic, "value", key=key, data={"key": key, "serial": self._serial})

    # Clients

    async def follow(self, node: int, topics: Sequence[str]) -> Stream:
        hub = self.hubs[node]
        connection = await hub.open(Opening(Identity("1", "?"), tuple(topics), "ws"))
        cursor = connection.subscription.full_cursor
        account = Account(topics, self.facts, cursor.position)
        names = zip(sorted(topics), cursor.seen, strict=True)
        account.counted = {topic: seen for topic, seen in names if seen and topic in SIGNAL}
        stream = Stream(hub, connection, account)
        self.streams.append(stream)
        return stream

    def poller(self, topics: Sequence[str]) -> Poller:
        poller = Poller(Account(topics, self.facts))
        self.pollers.append(poller)
        return poller

    def accounts(self) -> list[Account]:
        """Return the accounts of all clients."""
        return [stream.account for stream in self.streams] + [poller.account for poller in self.pollers]

    def check(self) -> None:
        for stream in self.streams:
            stream.check()

    def last_of(self, topic: str) -> int:
        """Return the position of the newest event of a topic."""
        return max((at for at, one in enumerate(self.facts, 1) if one == topic), default=0)

    def known(self, node: int) -> dict[tuple[str, str], Any]:
        """Return the values that a node holds of states."""
        held = {}
        for topic in STATE:
            for event in self.hubs[node].bus.latest(topic):
                held[topic, event.key or ""] = json.loads(event.json)["data"]["serial"]
        return held
