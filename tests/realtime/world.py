"""The engine in small: a hub over a log in memory that takes its time, streams and long polls on it, and
an account of everything published. A test says what happens; each reader checks what it gets."""

import asyncio
import json
from collections.abc import Callable, Collection, Coroutine, Iterable, Sequence
from typing import Any, TypeVar

from quart_app.realtime import limits
from quart_app.realtime.clients.channel import Channel, Peer, Welcome
from quart_app.realtime.clients.connection import Connection, Opening
from quart_app.realtime.clients.identity import Identity
from quart_app.realtime.clients.inbound import Subscribe, Unsubscribe
from quart_app.realtime.flow.delivery import Delivery
from quart_app.realtime.flow.log import MemoryLog
from quart_app.realtime.flow.subscription import Subscription
from quart_app.realtime.flow.terms import Term, Terms
from quart_app.realtime.hub import Hub
from quart_app.realtime.messages.batch import Form
from quart_app.realtime.messages.event import Event, Message, message
from quart_app.realtime.messages.kinds import Kind
from quart_app.wire import Close, Cursor
from tests.realtime.engine import parsed_blocks
from tests.realtime.hubs import request_of
from tests.realtime.reader import Fact, Published, Reader, Value

DURABLE, STATE, SIGNAL = ("log/a", "log/b", "log/c"), ("state/s", "state/t"), ("live/x", "live/y")
TOPICS = DURABLE + STATE + SIGNAL
TURNS = 5_000  # turns of the loop within which everything has to come to rest

T = TypeVar("T")
Action = Callable[[], None]
Actions = Sequence[Action]


async def turns(count: int) -> None:
    """Let the loop turn that many times."""
    for _ in range(count):
        await asyncio.sleep(0)


class SlowLog(MemoryLog):
    """A log that answers after `delay` turns of the loop, with what was true half way."""

    delay = 0

    async def head(self) -> int:
        await turns(self.delay)
        head = await super().head()
        await turns(self.delay)
        return head

    async def floor(self) -> int:
        await turns(self.delay)
        floor = await super().floor()
        await turns(self.delay)
        return floor

    async def read(self, topics: Collection[str] | None, after: int, until: int, limit: int) -> Sequence[Event]:
        await turns(self.delay)
        try:
            return await super().read(topics, after, until, limit)
        finally:
            await turns(self.delay)

    async def newest(self, topic: str, until: int, limit: int) -> tuple[Sequence[Event], int]:
        await turns(self.delay)
        try:
            return await super().newest(topic, until, limit)
        finally:
            await turns(self.delay)


class Probe(Channel):
    """A channel that lets everybody in, and welcomes them with the position of a snapshot; both take a while."""

    def __init__(self, kind: Kind, world: "World") -> None:
        self.kind = kind
        self._world = world

    async def authorize(self, identity: Identity, topic: str) -> None:
        await turns(self._world.log.delay)

    async def welcome(self, peer: Peer) -> Welcome:
        if (reader := self._world.adding.pop(peer.connection_id, None)) is not None:
            reader.adds(peer.topic)
        await turns(self._world.log.delay)
        return [("welcome", {"data": {"position": peer.position, "resumed": peer.resumed}})]


class Stream:
    """A connection that takes as many batches as it is allowed; with none it stalls."""

    def __init__(self, reader: Reader, connection: Connection) -> None:
        self.reader = reader
        self.connection = connection

    @property
    def resting(self) -> bool:
        """Return whether the stream has nothing more to read."""
        raise NotImplementedError

    def allow(self, batches: float) -> None:
        """Let the stream take so many more batches."""
        raise NotImplementedError

    def check(self) -> None:
        """Raise the error of a reader that found something wrong."""

    async def close(self) -> None:
        """Read no more."""

    def _take(self, taken: list[dict[str, Any]]) -> None:
        values = [(read["topic"], read["data"]["key"]) for read in taken if read["type"] == "value"]
        assert len(values) == len(set(values)), "a batch holds a value that is replaced in the same batch"
        for read in taken:
            self.reader.take(read)


class ReadStream(Stream):
    """A stream that is read, as through ASGI."""

    def __init__(self, reader: Reader, connection: Connection) -> None:
        super().__init__(reader, connection)
        self._allowed = 0.0
        self._changed = asyncio.Event()
        self._task = asyncio.create_task(self._follow())

    @property
    def resting(self) -> bool:
        return self._task.done() or self.connection.subscription.idle

    def allow(self, batches: float) -> None:
        self._allowed = batches
        self._changed.set()

    def check(self) -> None:
        if self._task.done():
            self._task.result()

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.result()

    async def _follow(self) -> None:
        while True:
            while self._allowed <= 0:
                self._changed.clear()
                await self._changed.wait()
            self._allowed -= 1
            batch = await self.connection.read()
            if batch is None:
                return
            self._take([json.loads(read.json) for read in batch.messages])


class WrittenStream(Stream):
    """A stream that is written to, as on a socket of its own."""

    def __init__(self, reader: Reader, connection: Connection) -> None:
        super().__init__(reader, connection)
        self._allowed = 0.0
        self._error: AssertionError | None = None
        self._delivery = _Delivery(connection.subscription)
        self._delivery.pause()
        self._delivery.deliver(self._write, Form.BLOCKS)

    @property
    def resting(self) -> bool:
        return self._delivery.over or self.connection.subscription.idle

    def allow(self, batches: float) -> None:
        self._allowed = batches
        if batches > 0:
            self._delivery.resume()
        else:
            self._delivery.pause()

    def check(self) -> None:
        if self._error is not None:
            raise self._error

    async def close(self) -> None:
        self._delivery.stop()
        self.check()

    def _write(self, data: bytes) -> None:
        try:
            assert self._allowed > 0, "it was written to though it could take no more"
            self._take(parsed_blocks(data))
        except AssertionError as error:
            self._error = error
            raise
        self._allowed -= 1
        if self._allowed <= 0:
            self._delivery.pause()


class _Delivery(Delivery):
    def finish(self) -> None:
        """There is nothing to be closed."""

    def break_off(self) -> None:
        """The stream has noted what was wrong."""


class World:
    """One process after another on one database after another."""

    log: SlowLog
    hub: Hub

    def __init__(self) -> None:
        self.published = Published()
        self.readers: list[Reader] = []
        self.streams: dict[Reader, Stream] = {}
        self.late: list[list[Event]] = []
        self.adding: dict[str, Reader] = {}
        """Who has asked for one more topic, by connection."""
        self._connection_ids: dict[Reader, str] = {}
        self._waiting: list[Action] = []
        self._serial = 0
        self._terms = 0

    # The process

    async def start(self, delay: int) -> None:
        """Start a process on an empty database, which is as slow as `delay` says."""
        self.log = SlowLog("e0")
        self.log.delay = delay
        await self._start_hub()

    async def _start_hub(self) -> None:
        self.hub = Hub()
        self.hub.channels.add("log/*", Probe(Kind.DURABLE, self))
        self.hub.channels.add("state/*", Probe(Kind.STATE, self))
        self.hub.channels.add("live/*", Probe(Kind.SIGNAL, self))
        self.published.signals, self.published.values = {}, {}
        await self.hub.start(self.log)

    async def stop(self) -> None:
        """End the process."""
        for reader in list(self.streams):
            await self.disconnect(reader)
        await self.hub.stop()
        self.late.clear()
        self._waiting.clear()

    def _next_term(self) -> str:
        self._terms += 1
        return f"e{self._terms}"

    async def restart(self) -> None:
        """Start another process on the same database."""
        await self.stop()
        self.log.terms.coming = self._next_term()
        await self._start_hub()

    async def restore(self, kept: int) -> None:
        """Start another process, on a copy of the database that was made when there were `kept` events."""
        await self.stop()
        old, terms, delay = self.published, self.log.terms, self.log.delay
        self.published = Published()
        known: dict[str, int] = {}
        for position in range(kept + 1):
            known.setdefault(terms.cursor(position).epoch, max(0, position - 1))
        self.log = SlowLog()
        self.log.terms = Terms(Term(name, after) for name, after in known.items())
        self.log.delay = delay
        for reader in self.readers:
            reader.published = self.published
            reader.at_another_log |= reader.position > kept
        for fact in old.facts[:kept]:
            self._append(fact, 0)
        self.log.terms.coming = self._next_term()
        await self._start_hub()

    # What is published

    def later(self, action: Action) -> None:
        """Put `action` off to the turn of the loop in which the next thing begins."""
        self._waiting.append(action)

    def act(self) -> None:
        """Do now what was put off."""
        waiting, self._waiting = self._waiting, []
        for action in waiting:
            action()

    def _append(self, fact: Fact, size: int) -> Event:
        self.published.facts.append(fact)
        return self.log.append(fact.topic, "fact", hidden_from=fact.hidden_from, data={"pad": "." * size})

    def commit(self, facts: Iterable[Fact], size: int, wake: str) -> None:
        """Commit events; `wake` says what becomes of the news of them: told, late, lost, or another process's."""
        events = [self._append(fact, size) for fact in facts]
        if wake == "told":
            self.hub.committed(events)
        elif wake == "late":
            self.late.append(events)
        elif wake == "woken":
            self.hub.relay.wake(events[-1].position)

    def lose(self, facts: Sequence[Fact], kept: int) -> None:
        """Trim events of another process, all but the last `kept`, before this one has read them."""
        self.commit(facts, 0, "lost")
        head = len(self.published.facts)
        self.trim(head - min(kept, len(facts)))
        self.hub.relay.wake(head)

    def tell_late(self, index: int) -> None:
        """Let old news arrive after all."""
        self.hub.committed(self.late.pop(index))

    def signal(self, topic: str, hidden_from: str | None, size: int, count: int) -> None:
        """Broadcast signals."""
        for _ in range(count):
            serials = self.published.signals.setdefault(topic, [])
            serials.append(hidden_from)
            data = {"serial": len(serials) - 1, "pad": "." * size}
            self.hub.broadcast(topic, "signal", hidden_from=hidden_from, data=data)

    def value(self, topic: str, key: str, hidden_from: str | None) -> None:
        """Broadcast a state's new value."""
        self._serial += 1
        self.published.values.setdefault(topic, {})[key] = Value(self._serial, hidden_from)
        data = {"key": key, "serial": self._serial}
        self.hub.broadcast(topic, "value", key=key, hidden_from=hidden_from, data=data)

    def trim(self, floor: int) -> None:
        """Delete the oldest events, up to `floor`."""
        self.log.trim(floor)
        self.published.floor = max(self.published.floor, min(floor, len(self.published.facts)))

    def forget(self) -> None:
        """Let time pass, so that topics that nobody follows are forgotten, and their signals with them."""
        for topic in self.hub.bus.topics():
            topic.idle_since -= limits.IDLE_TOPIC + 1
        self.hub.bus._room.forget_idle_topics()
        for reader in self.readers:
            if reader not in self.streams:
                reader.forgotten()

    # Clients

    async def open(
        self, reader: Reader, topics: Sequence[str], fresh: Collection[str], batches: float, meanwhile: Actions
    ) -> None:
        """Connect a stream that may take so many batches; what was put off happens in the same turn,
        `meanwhile` on the way and after."""
        opening = Opening(Identity(reader.user_id, "?"), tuple(topics), "ws", reader.cursor, frozenset(fresh))

        async def connect() -> None:
            reader.open(topics, fresh, run=self.hub.bus.counts_of(topics))
            self.act()
            connection = await self.hub.open(opening)
            reader.opened()
            stream = (WrittenStream, ReadStream)[self.readers.index(reader) % 2](reader, connection)
            self.streams[reader] = stream
            stream.allow(batches)

        await self.along(connect(), meanwhile)

    async def add(self, reader: Reader, topic: str, meanwhile: Actions) -> None:
        """Add one more topic to a stream."""
        connection = self.streams[reader].connection

        async def subscribe() -> None:
            self.act()
            self.adding[connection.id] = reader
            await self.hub.commands.perform(connection, Subscribe(topic, None), send)

        def send(answer: Message) -> None:
            if json.loads(answer.json)["type"] != "error":
                connection.reply(answer)
                return
            del self.adding[connection.id]
            assert connection.ending is not None, "it is refused though its connection goes on"

        await self.along(subscribe(), meanwhile)

    async def remove(self, reader: Reader, topic: str, meanwhile: Actions) -> None:
        """Take one topic from a stream."""
        connection = self.streams[reader].connection

        async def unsubscribe() -> None:
            self.act()
            await self.hub.commands.perform(connection, Unsubscribe(topic, None), connection.reply)

        await self.along(unsubscribe(), meanwhile)

    async def disconnect(self, reader: Reader) -> None:
        """Break the connection; its client keeps what it has."""
        stream = self.streams.pop(reader)
        await stream.close()
        self.hub.closed(stream.connection)

    async def poll(self, reader: Reader, topics: Sequence[str], fresh: Collection[str], meanwhile: Actions) -> None:
        """Make one request of a long poll, which waits as long as half of `meanwhile` takes."""
        goes_on = False

        async def request() -> Connection:
            nonlocal goes_on
            run = self.hub.bus.counts_of(topics)
            counted = "." in (reader.cursor or "") and not fresh and not reader.at_another_log
            goes_on = counted and Cursor.parse(str(reader.cursor)).run == run
            reader.open(topics, fresh, run=run)
            self.act()
            connection = await self._request(reader, topics, fresh)
            reader.opened()
            return connection

        half = len(meanwhile) // 2
        connection = await self.along(request(), meanwhile[:half])
        async with request_of(self.hub, connection):
            subscription = connection.subscription
            messages = await self._collect(subscription, meanwhile[half:])
            cursor = str(subscription.full_cursor)
        if goes_on:
            reader.goes_on_silently()
        for taken in messages:
            reader.take(taken)
        reader.assert_told()
        reader.cursor = cursor

    async def poll_in_vain(self, reader: Reader, topics: Sequence[str]) -> None:
        """Make one request of a long poll whose answer is lost."""
        connection = await self._request(reader, topics, ())
        async with request_of(self.hub, connection):
            await self._collect(connection.subscription, ())

    async def _request(self, reader: Reader, topics: Sequence[str], fresh: Collection[str]) -> Connection:
        opening = Opening(Identity(reader.user_id, "?"), tuple(topics), "poll", reader.cursor, frozenset(fresh))
        if "." in (reader.cursor or "") and not fresh:
            known = self.hub.connections.get(self._connection_ids.get(reader, ""))
            connection = await self.hub.resume(opening, known)
        else:
            connection = await self.hub.open(opening)
        self._connection_ids[reader] = connection.id
        return connection

    async def _collect(self, subscription: Subscription, meanwhile: Actions) -> list[dict[str, Any]]:
        """Return messages as the transport of long polls does: those there are, up to a batch; if none, those that
        come first."""
        messages: list[Message] = []
        while len(messages) < limits.BATCH_EVENTS and (batch := await subscription.read_now()) is not None:
            messages += batch.messages
        if not messages:
            reading = asyncio.create_task(subscription.read())
            await self.along(turns(1), meanwhile)
            reading.cancel()
            await asyncio.wait([reading])
            if not reading.cancelled() and (batch := reading.result()) is not None:
                messages += batch.messages
        return [json.loads(taken.json) for taken in messages]

    async def along(self, work: Coroutine[Any, Any, T], meanwhile: Actions) -> T:
        """Do `work`, with one of the actions at each turn of the loop, and return its result."""
        task = asyncio.create_task(work)
        for action in meanwhile:
            await turns(1)
            action()
        return await task

    def tell(self, chance: int, what: str) -> None:
        """Send one of the streams, if there is any, a direct message: a note, a heartbeat, or a goodbye."""
        if not self.streams:
            return
        reader = list(self.streams)[chance % len(self.streams)]
        connection = self.streams[reader].connection
        if connection.ending is not None:
            return
        if what == "heartbeat":
            connection.heartbeat()
            return
        last = what == "goodbye"
        connection.reply(message("note", at=0, number=reader.notes_sent, head=len(self.published.facts), last=last))
        reader.notes_sent += 1
        if last:
            connection.end(Close.GOING_AWAY, "the server stops")

    # Rest

    def check(self) -> None:
        """Raise the error of a reader that found something wrong."""
        for stream in self.streams.values():
            stream.check()

    async def settle(self) -> None:
        """Let all news arrive, and every connected reader read all there is."""
        self.act()
        head = len(self.published.facts)
        self.hub.relay.wake(head)
        for stream in self.streams.values():
            stream.allow(float("inf"))
        for _ in range(TURNS):
            await asyncio.sleep(0)
            if self.hub.bus.position == head and all(stream.resting for stream in self.streams.values()):
                break
        else:
            raise AssertionError("it does not come to rest")
        self.check()
        for stream in self.streams.values():
            if stream.connection.ending is None:
                stream.reader.assert_complete()
