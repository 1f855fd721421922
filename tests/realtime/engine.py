"""Log, relay and bus without a hub, for tests that look closely at one of them."""

import asyncio
import json
from collections.abc import Collection, Sequence
from typing import Any

from quart_app.realtime.flow.backplane import InProcess
from quart_app.realtime.flow.bus import Bus
from quart_app.realtime.flow.intake import Intake
from quart_app.realtime.flow.log import MemoryLog
from quart_app.realtime.flow.relay import Relay
from quart_app.realtime.flow.subscription import Subscription
from quart_app.realtime.messages import encoding
from quart_app.realtime.messages.batch import Batch, Place
from quart_app.realtime.messages.event import Event
from quart_app.realtime.messages.kinds import Kind

_KINDS = {"state": Kind.STATE, "live": Kind.SIGNAL}


def kind_of(topic: str) -> Kind:
    """Return the kind of a topic: state for `state/…`, live for `live/…`, durable for all others."""
    return _KINDS.get(topic.partition("/")[0], Kind.DURABLE)


class GatedLog(MemoryLog):
    """A log that counts its answers, and holds them back while `gate` is closed; they tell what was true when they were
    asked for. The next `failures` reads fail."""

    def __init__(self) -> None:
        super().__init__("e0")
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked = 0
        self.reads = 0
        self.reading = 0
        self.failures = 0

    async def head(self) -> int:
        self.asked += 1
        head = await super().head()
        await self.gate.wait()
        return head

    async def read(self, topics: Collection[str] | None, after: int, until: int, limit: int) -> Sequence[Event]:
        self.reads += 1
        if self.failures:
            self.failures -= 1
            raise OSError("disk I/O error")
        self.reading += 1
        try:
            return await super().read(topics, after, until, limit)
        finally:
            await asyncio.sleep(0)
            await self.gate.wait()
            self.reading -= 1


class Engine:
    """An engine on an empty log; `patience` is that of its relay."""

    def __init__(self, patience: float = 0.0) -> None:
        self.log = GatedLog()
        backplane = InProcess()
        self.bus = Bus(kind_of, count_of=backplane.count_of)
        self.relay = Relay(self.log, self.bus, patience)
        backplane.join(Intake(self.bus, self.relay, lambda *_: None, lambda: None))
        self.publish = backplane.publish

    def append(self, *topics: str, size: int = 0, hidden_from: str | None = None) -> list[Event]:
        """Commit an event to each of `topics`, and tell nobody."""
        data = {"pad": "." * size}
        return [self.log.append(topic, "happened", hidden_from=hidden_from, data=data) for topic in topics]

    def commit(self, *topics: str, size: int = 0, hidden_from: str | None = None) -> list[Event]:
        """Commit an event to each of `topics`, and tell the relay."""
        events = self.append(*topics, size=size, hidden_from=hidden_from)
        self.relay.take(events)
        return events

    def broadcast(self, topic: str, number: int, key: str | None = None, hidden_from: str | None = None) -> Event:
        """Publish a transient event."""
        fields = encoding.fields_json({"data": number})
        event = Event(topic, "moved", fields, 0, key=key, hidden_from=hidden_from)
        self.publish([event])
        return event

    def subscribe(self, *topics: str, user_id: str = "1", since: int | None = None) -> Subscription:
        """Return a subscription from position `since`, or from now on."""
        seen = self.bus.now(topics).seen
        position = self.bus.position if since is None else since
        return Subscription(self.bus, self.log, topics, user_id, Place(position, seen))


def brief(batch: Batch | None) -> list[Any]:
    """Return what is in a batch: of a durable event its position, of a transient one its data, else the type."""
    return _brief([] if batch is None else [json.loads(message.json) for message in batch.messages])


def brief_blocks(blocks: bytes) -> list[Any]:
    """Return what is in a batch's server-sent events, as `brief` does."""
    return _brief(parsed_blocks(blocks))


def parsed_blocks(blocks: bytes) -> list[dict[str, Any]]:
    """Return the messages in server-sent events."""
    return [json.loads(line[6:]) for line in blocks.splitlines() if line.startswith(b"data: {")]


def _brief(bodies: list[dict[str, Any]]) -> list[Any]:
    shown: list[Any] = []
    for body in bodies:
        if body["type"] == "happened":
            shown.append(int(body["id"].partition("-")[2]))
        else:
            shown.append(body["data"] if body["type"] == "moved" else body["type"])
    return shown


async def drain(subscription: Subscription) -> list[Any]:
    """Return all that there is to read now, in the form of `brief`."""
    shown = []
    while (batch := await subscription.read_now()) is not None:
        shown += brief(batch)
    return shown


async def turn() -> None:
    """Let everybody go on until they wait: a few turns of the loop, in which nothing happens by itself."""
    for _ in range(10):
        await asyncio.sleep(0)
