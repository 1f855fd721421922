"""A whole hour of the engine and of the Python client on virtual time: all that they take from outside is given."""

import ast
import asyncio
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from quart_app.client import Live, Options, connect
from quart_app.client.address import StreamRequest
from quart_app.client.endings import failed
from quart_app.client.links import Arrival
from quart_app.realtime import Channel, Connection, Feed, Hub, Identity, Kind, Message, Opening, Peer, Welcome
from quart_app.realtime.flow.log import MemoryLog
from quart_app.surroundings import Surroundings
from tests.realtime.clock import SkippingLoop, clock

HOUR = 3600.0
SAYING = 20.0  # s between two messages of a client
TOPICS = ("rooms/1", "live/ticks")
PROGRAM = Path(__file__).parents[1] / "quart_app"

Trace = list[tuple[float, str, str]]


def given(dice: random.Random) -> Surroundings:
    """The surroundings of a world whose time is that of its loop, and whose chance is that of `dice`."""
    return Surroundings(
        time=clock,
        wall=lambda: round(clock() * 1000),
        token=lambda size: dice.randbytes(size).hex(),
        uniform=dice.uniform,
    )


class Room(Channel):
    """Stores what is said."""

    def __init__(self, log: MemoryLog, hub: Hub) -> None:
        self._log = log
        self._hub = hub

    async def welcome(self, peer: Peer) -> Welcome:
        return [("connected", {"data": {"resumed": peer.resumed}})]

    async def handle(self, peer: Peer, body: dict[str, Any]) -> None:
        event = self._log.append(peer.topic, "said", data={"text": body["text"]})
        peer.reply("published", id=event.cursor)
        self._hub.committed([event])


class Ticks(Channel):
    kind = Kind.SIGNAL


class VirtualLink:
    """A connection to the hub that takes a while for each message, and is cut after some time."""

    quiet: float | None = None

    def __init__(self, network: "VirtualNetwork", connection: Connection) -> None:
        self._network = network
        self._connection = connection
        self._cut_at = clock() + network.dice.uniform(60, 600)
        self.transport = connection.transport
        self.takes_subscriptions = self.transport == "ws"

    async def receive(self) -> Arrival:
        try:
            async with asyncio.timeout_at(self._cut_at):
                batch = await self._connection.read()
                await self._network.delay()
        except TimeoutError as error:
            await self.close(orderly=False)
            raise failed("the network was cut") from error
        if batch is None:
            raise failed("the server has ended it")
        return Arrival([json.loads(message.json) for message in batch.messages])

    async def send(self, topic: str, message: dict[str, Any]) -> list[dict[str, Any]] | None:
        await self._network.delay()
        if clock() >= self._cut_at:
            raise failed("the network was cut")
        data = json.dumps({**message, "topic": topic}).encode()
        if self.transport == "ws":
            await self._network.hub.receive(self._connection, data)
            return None
        answers: Sequence[Message] = await self._network.hub.answer(self._connection, data, topic)
        return [json.loads(answer.json) for answer in answers]

    async def close(self, *, orderly: bool) -> None:
        self._network.hub.closed(self._connection, orderly=orderly)


class VirtualNetwork:
    """The dialer of one client."""

    def __init__(self, hub: Hub, identity: Identity, dice: random.Random) -> None:
        self.hub = hub
        self.dice = dice
        self._identity = identity

    async def delay(self) -> None:
        await asyncio.sleep(self.dice.uniform(0.005, 0.2))

    async def open(self, transport: str, request: StreamRequest) -> VirtualLink:
        await self.delay()
        if self.dice.random() < 0.2:
            raise failed("nothing came through")
        asked = Opening(self._identity, request.topics, transport, request.since, frozenset(request.fresh))
        return VirtualLink(self, await self.hub.open(asked))

    async def call(self, method: str, path: str, body: object = None) -> Any:
        raise NotImplementedError("nobody asks for REST here")

    async def close(self) -> None:
        """Nothing is shared."""


async def follow(name: str, live: Live, trace: Trace) -> None:
    async for message in live:
        trace.append((clock(), name, json.dumps(message, sort_keys=True)))


async def speak(name: str, live: Live, trace: Trace) -> None:
    number = 0
    while clock() < HOUR - SAYING:
        number += 1
        answer = await live.send("rooms/1", {"type": "say", "text": f"{name} {number}"})
        trace.append((clock(), name, json.dumps(answer, sort_keys=True)))
        await asyncio.sleep(SAYING)


async def an_hour(seed: int) -> Trace:
    """What three clients of one hub hear within an hour."""
    dice = random.Random(seed)
    surroundings = given(dice)
    log = MemoryLog("e0", wall=surroundings.wall)
    hub = Hub(surroundings=surroundings)
    hub.add_channel("rooms/*", Room(log, hub))
    hub.add_channel("live/*", Ticks())
    await hub.start(log)

    async def tick() -> None:
        hub.broadcast("live/ticks", "tick", data=round(clock()))

    hub.add_feed(Feed("live/ticks", 10.0, tick))
    trace: Trace = []
    async with asyncio.timeout_at(HOUR + 60), asyncio.TaskGroup() as tasks:
        lives = []
        for number, rungs in enumerate((("ws", "sse"), ("sse",), ("ws",))):
            name = f"client {number}"
            network = VirtualNetwork(hub, Identity(str(number), name), dice)
            live = connect("http://virtual", TOPICS, transports=rungs, options=Options(surroundings=surroundings),
                           dialer=network)  # fmt: skip
            lives.append(await live.__aenter__())
            tasks.create_task(follow(name, live, trace))
            tasks.create_task(speak(name, live, trace))
        await asyncio.sleep(HOUR)
        for live in lives:
            await live.close()
    trace.append((clock(), "the log", str(await log.head())))
    await hub.stop()
    return trace


def run(seed: int) -> Trace:
    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        return runner.run(an_hour(seed))


@pytest.fixture(scope="module")
def trace() -> Trace:
    return run(7)


def test_an_hour_passes_and_everybody_hears_everything_once_in_order(trace: Trace) -> None:
    at, _, stored = trace[-1]
    assert HOUR <= at < HOUR + 60
    # Each of the three speaks every 20 s; what was sent again over another connection may stand in this log twice.
    assert int(stored) >= 3 * (HOUR / SAYING - 20)
    for number in range(3):
        heard = [json.loads(text) for _, name, text in trace if name == f"client {number}"]
        positions = [int(message["id"].partition("-")[2]) for message in heard if message["type"] == "said"]
        assert positions == list(range(positions[0], int(stored) + 1))
        assert positions[0] <= 3
        assert sum(message["type"] == "tick" for message in heard) > 300
        assert sum("connection_id" in message for message in heard) > 5, "its connections were never cut"


def test_the_same_hour_is_the_same_to_the_letter(trace: Trace) -> None:
    assert run(7) == trace
    assert run(8) != trace


def taken_from_outside(file: Path) -> set[str]:
    """What a module takes of time and chance without having been given it."""
    taken = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            taken |= {alias.name for alias in node.names} & {"random", "secrets", "time", "uuid"}
        elif isinstance(node, ast.ImportFrom):
            taken |= {str(node.module)} & {"random", "secrets", "time", "uuid"}
        elif isinstance(node, ast.Attribute) and node.attr in {"now", "today", "utcnow"}:
            owner = node.value
            if isinstance(owner, ast.Name) and owner.id in {"date", "datetime"}:
                taken.add(f"{owner.id}.{node.attr}")
    return taken


def test_the_engine_and_the_client_take_time_chance_and_ids_from_nowhere_else() -> None:
    files = [file for part in ("realtime", "client") for file in (PROGRAM / part).rglob("*.py")]
    assert len(files) > 50
    assert {str(file.relative_to(PROGRAM)): taken for file in files if (taken := taken_from_outside(file))} == {}
    # And the look itself finds what it looks for.
    assert taken_from_outside(PROGRAM / "surroundings.py") == {"random", "secrets", "time"}
