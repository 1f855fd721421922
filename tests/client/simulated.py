"""A network that is not there: connections of the client to a hub in the same loop, with delays and weather.

Everything takes the time of the loop, so that on one that skips it hours go by at once, and always in the same way.
"""

import asyncio
import json
import random
from collections.abc import Sequence
from typing import Any

from quart_app.client.address import StreamRequest
from quart_app.client.endings import EndingKind, LinkEnded, LinkEnding, ending_of_answer, failed
from quart_app.client.links import Arrival, Link
from quart_app.client.messages import Message, ServerError, encode, is_welcome
from quart_app.realtime import Connection, Hub, Identity, Opening, Refused, message
from quart_app.realtime import Message as Sent
from quart_app.surroundings import Surroundings
from tests.realtime.hubs import hand_in, request_of

POLL_WAIT = 25.0
LATENCY = (0.005, 0.08)


class Weather:
    """The weather between the clients and the hub: rungs that are blocked, a network that is down or cut."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        self._tokens = 0
        self.blocked: set[str] = set()
        self.down = False
        self.links: set[StreamLink] = set()
        self.surroundings = Surroundings(
            time=lambda: asyncio.get_running_loop().time(),
            wall=lambda: round(asyncio.get_running_loop().time() * 1000) + 1_700_000_000_000,
            token=self._token,
            uniform=self._dice.uniform,
        )

    def _token(self, _size: int) -> str:
        self._tokens += 1
        return f"token-{self._tokens}"

    def latency(self) -> float:
        """Return the seconds that something takes on its way."""
        return self._dice.uniform(*LATENCY)

    def cut(self) -> None:
        """Cut all streams, without a word."""
        for link in sorted(self.links, key=lambda link: link.connection.id):
            link.cut()


class Simulation:
    """The `Dialer` of one user."""

    def __init__(self, hub: Hub, user: str, weather: Weather) -> None:
        self._hub = hub
        self._identity = Identity(user, user)
        self._weather = weather

    async def open(self, transport: str, request: StreamRequest) -> Link:
        await asyncio.sleep(self._weather.latency())
        self._pass(transport)
        opening = Opening(self._identity, request.topics, transport, request.since, frozenset(request.fresh))
        if transport == "poll":
            return PollLink(self._hub, opening, self)
        try:
            connection = await self._hub.open(opening)
        except Refused as refused:
            error = ServerError(refused.code, refused.message)
            raise LinkEnded(ending_of_answer(refused.status, error, refused.retry_after)) from refused
        return StreamLink(self._hub, connection, self._weather)

    def _pass(self, transport: str) -> None:
        if self._weather.down:
            raise LinkEnded(LinkEnding(EndingKind.UNREACHABLE, "the network is down"))
        if transport in self._weather.blocked:
            raise failed(f"{transport} is blocked")

    async def travel(self, transport: str) -> None:
        """Take the time of one way; raise LinkEnded where nothing gets through."""
        self._pass(transport)
        await asyncio.sleep(self._weather.latency())

    async def call(self, method: str, path: str, body: object = None) -> Any:
        raise NotImplementedError

    async def close(self) -> None:
        """Do nothing, because connections share nothing."""


class StreamLink:
    """A WebSocket or an event stream."""

    quiet = None

    def __init__(self, hub: Hub, connection: Connection, weather: Weather) -> None:
        self._hub = hub
        self.connection = connection
        self._weather = weather
        self.transport = connection.transport
        self.takes_subscriptions = connection.transport == "ws"
        self._way: asyncio.Queue[tuple[float, list[Message] | None]] = asyncio.Queue()
        self._next: tuple[float, list[Message] | None] | None = None
        self._arrives = 0.0
        self._cut = False
        self._pump = asyncio.create_task(self._send_down())
        weather.links.add(self)

    def cut(self) -> None:
        self._end()
        self._cut = True
        self._way.put_nowait((0.0, None))

    async def _send_down(self) -> None:
        loop, subscription = asyncio.get_running_loop(), self.connection.subscription
        messages: Sequence[Sent]
        while True:
            try:
                async with asyncio.timeout(self._hub.heartbeat):
                    batch = await subscription.read()
            except TimeoutError:
                messages = [message("heartbeat", at=self._weather.surroundings.wall(), id=str(subscription.cursor))]
            else:
                if batch is None:
                    self._way.put_nowait((0.0, None))
                    return
                messages = batch.messages
            self._arrives = max(self._arrives, loop.time() + self._weather.latency())
            self._way.put_nowait((self._arrives, decoded(messages)))

    async def receive(self) -> Arrival:
        if self._next is None:
            self._next = await self._way.get()
        at, messages = self._next
        await asyncio.sleep(max(0.0, at - asyncio.get_running_loop().time()))
        if messages is None or self._cut:
            raise failed("cut")
        self._next = None
        return Arrival(messages)

    async def send(self, topic: str, message: Message) -> list[Message] | None:
        await asyncio.sleep(self._weather.latency())
        if self._cut:
            raise failed("cut")
        data = encode({**message, "topic": topic})
        if self.takes_subscriptions:
            await hand_in(self._hub, self.connection, data)
            return None
        return decoded(await self._hub.answer(self.connection, data, topic))

    async def close(self, *, orderly: bool) -> None:
        self._end(orderly=orderly)

    def _end(self, *, orderly: bool = False) -> None:
        self._weather.links.discard(self)
        self._pump.cancel()
        self._hub.closed(self.connection, orderly=orderly)


class PollLink:
    """Long polls, one after the other."""

    transport = "poll"
    takes_subscriptions = False
    quiet: float | None = 2 * POLL_WAIT

    def __init__(self, hub: Hub, opening: Opening, simulation: Simulation) -> None:
        self._hub = hub
        self._opening = opening
        self._simulation = simulation
        self._id = ""

    async def receive(self) -> Arrival:
        await self._simulation.travel("poll")
        if self._id:
            connection = await self._hub.resume(self._opening, self._hub.connections.get(self._id))
        else:
            connection = await self._hub.open(self._opening)
        async with request_of(self._hub, connection):
            collected, cursor = await connection.collect(POLL_WAIT)
        messages = decoded(collected)
        await self._simulation.travel("poll")
        self._id = next((each["connection_id"] for each in messages if is_welcome(each)), self._id)
        one = self._opening
        self._opening = Opening(one.identity, one.topics, "poll", cursor, connection_id=self._id)
        return Arrival(messages, cursor)

    async def send(self, topic: str, message: Message) -> list[Message]:
        await self._simulation.travel("poll")
        speaker = self._hub.connections.get(self._id) or self._opening.identity
        return decoded(await self._hub.answer(speaker, encode({**message, "topic": topic}), topic))

    async def close(self, *, orderly: bool) -> None:
        connection = self._hub.connections.get(self._id)
        if connection is not None and orderly:
            self._hub.closed(connection, orderly=True)


def decoded(messages: Sequence[Sent]) -> list[Message]:
    """Return the messages as a client reads them."""
    return [json.loads(each.json) for each in messages]
