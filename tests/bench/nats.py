"""NATS over WebSocket, by its own protocol: followers subscribe, publishers publish.

A message of NATS itself (core) is kept nowhere and acknowledged by nobody, so that its publisher waits for nothing. A
message of JetStream is acknowledged when its file has it: with `sync_interval: always` when that is on the disk, else
when the system has it, which brings it to the disk within minutes.

The messages of one publisher come in order, those of several come to one subscriber in another order than to the next:
so one publisher publishes, and there is no measure of many senders to many.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final, Self

from quart_app.cli.bench.crowd import Crowd, Following, fresh, opened
from quart_app.cli.bench.dialect import Dialect
from quart_app.cli.bench.followers import Follower
from quart_app.cli.bench.load import Target
from quart_app.cli.bench.measures import Figures
from quart_app.cli.bench.process import processor_time, used_since
from quart_app.cli.bench.stream import BenchError, Data, SharedStream, frame_end
from quart_app.cli.bench.wire import UPGRADE, Address, Client, masked
from tests.bench.in_turn import SenderInTurn, all_in_turn
from tests.bench.loads import FullLoad
from tests.bench.order import disorder
from tests.bench.publishing import Manner

_DEADLINE: Final = 60.0  # s
_CONNECT: Final = 'CONNECT {"verbose":false,"pedantic":false,"protocol":1}\r\n'
_PING: Final = b"PING\r\n"
_SEQUENCE: Final = re.compile(rb'"seq": ?(\d+)')
_PONG: Final = b"PONG\r\n"
_ASIDE: Final = re.compile(rb"(?:PING|INFO \{[^\r]*)\r\n")
"""What the server says when it likes, which is no message."""


@dataclass(frozen=True)
class NatsDialect(Dialect):
    """The words of NATS; a topic is a subject."""

    websocket: str | None = "/"
    events: str | None = None
    greeting: str = _CONNECT + "SUB {topic} 1\r\nPING\r\n"
    welcome: bytes = _PONG

    def saying(self, topic: str, text: str) -> str:
        """Return the command that publishes a message."""
        return _published(topic, json.dumps({"type": "bench", "data": {"text": text}}, separators=(",", ":")))


def _published(subject: str, payload: str, reply: str = "") -> str:
    return f"PUB {subject} {reply}{' ' if reply else ''}{len(payload.encode())}\r\n{payload}\r\n"


def message_end(data: Data, start: int) -> int:
    """Return the end of the protocol message at `start`, -1 while it is not whole."""
    line = data.find(b"\r\n", start)
    if line < 0 or not data.startswith(b"MSG ", start):
        return line + 2 if line >= 0 else -1
    end = line + 4 + int(data[data.rindex(b" ", start, line) + 1 : line])
    return end if end <= len(data) else -1


class Unframed:
    """The contents of frames, whose ends are those of no message."""

    def __init__(self) -> None:
        self._frames = b""

    def take(self, data: bytes) -> bytes:
        """Return the contents of the frames that `data` complete."""
        data = self._frames + data if self._frames else data
        contents, start = [], 0
        while (end := frame_end(data, start)) > 0:
            head = {126: 4, 127: 10}.get(data[start + 1], 2)
            contents.append(data[start + head : end])
            start = end
        self._frames = data[start:]
        return contents[0] if len(contents) == 1 else b"".join(contents)


class NatsFollower(Follower):
    """A follower whose stream is the protocol's, however the server cuts it into frames."""

    def __init__(self, address: Address, stream: SharedStream, greeting: str) -> None:
        super().__init__(address, "/", stream, greeting=greeting)
        self.welcome = _PONG
        self._unframed = Unframed()

    def _body(self, data: bytes) -> None:
        self._follow(data)

    def _follow(self, data: bytes) -> None:
        text = self._unframed.take(data)
        if _PING in text:
            self._write(masked(_PONG))
        text = _ASIDE.sub(b"", text)
        if not self._following:
            text = self._after_welcome(text)
        if text:
            super()._follow(text)


@asynccontextmanager
async def nats_crowd(target: Target, following: Following, size: int) -> AsyncIterator[Crowd]:
    """Give a crowd of `size` followers, as `crowd` of the load does."""
    stream = SharedStream(following.mark, message_end)
    greeting = target.dialect.greeting.replace("{topic}", following.topic)
    followers: list[Follower] = [NatsFollower(target.address, stream, greeting) for _ in range(size)]
    async with opened(target, following, stream, followers) as there:
        yield there


class NatsPublisher(Client):
    """A publisher, who may also give orders."""

    def __init__(self, target: Target) -> None:
        super().__init__(target.address.head("GET", "/", UPGRADE), 101)
        self._unframed = Unframed()
        self._done: asyncio.Future[None] = self.opened
        self._due = _PONG
        self._dialect = target.dialect
        self.failed = self._lost

    @classmethod
    async def opened_to(cls, target: Target) -> Self:
        return await cls(target).open(target.address)

    async def publish(self, topic: str, texts: Sequence[str]) -> None:
        """Publish, and return at once, since nothing tells when the messages are taken."""
        self._write(masked("".join(self._dialect.saying(topic, text) for text in texts).encode()))

    async def order(self, subject: str, **order: Any) -> None:
        """Ask JetStream for something. Raise BenchError where it is refused."""
        self._done, self._due = asyncio.get_running_loop().create_future(), b"MSG inbox "
        self._write(masked(_published(subject, json.dumps(order), "inbox").encode()))
        async with asyncio.timeout(_DEADLINE):
            await self._done
        self._due = _PONG

    def _ready(self) -> None:
        self._write(masked(f"{_CONNECT}SUB inbox 1\r\n".encode() + _PING))

    def _body(self, data: bytes) -> None:
        text = self._unframed.take(data)
        if b"-ERR" in text or b'"error":' in text:
            raise BenchError(f"the server refused something: {text[:500]!r}")
        if _PING in text:
            self._write(masked(_PONG))
        if self._due in text and not self._done.done():
            self._done.set_result(None)

    def _lost(self, error: BaseException) -> None:
        if not self._done.done():
            self._done.set_exception(error)


async def durable(target: Target, load: FullLoad) -> Figures:
    """Return what `durable` of the load does, of a stream of JetStream, whose readers each have a consumer."""
    subject, mark = fresh("log").topic.replace("/", "."), fresh().mark
    async with AsyncExitStack() as stack:
        admin = await NatsPublisher.opened_to(target)
        stack.callback(admin.close)
        await admin.order("$JS.API.STREAM.CREATE.bench", name="bench", subjects=["log.>"], storage="file")
        readers = []
        for number in range(load.readers):
            reader = Following(f"deliver.{number}", mark)
            readers.append(await stack.enter_async_context(nats_crowd(target, reader, 1)))
            config = {"deliver_subject": reader.topic, "deliver_policy": "all", "ack_policy": "none"}
            await admin.order("$JS.API.CONSUMER.CREATE.bench", stream_name="bench", config=config)
        places: dict[int, int] = {}
        senders = [_storer(target, subject, mark, number) for number in range(load.senders)]
        for sender in senders:
            stack.callback(sender.close)
            sender.heard = lambda number, text: places.update({number: int(_SEQUENCE.findall(text)[-1])})
            await sender.open(target.address)
        started, used = perf_counter(), processor_time(target.pid)
        stored = await all_in_turn(senders, started + load.seconds)
        for one in readers:
            await one.until(stored)
        took, spent = perf_counter() - started, used_since(used, target.pid)
    figures = {"durable": stored / took, "out_of_order": disorder(readers, sorted(places, key=lambda one: places[one]))}
    return figures if spent is None else figures | {"durable_cost": spent / stored * 1e6}


def _storer(target: Target, subject: str, mark: str, sender: int) -> SenderInTurn:
    """Return a sender whose every message is acknowledged to an inbox of its own."""

    def compose(number: int) -> list[str]:
        payload = {"type": "bench", "data": {"text": f"{mark}{number}; hola a todos"}}
        return [_published(subject, json.dumps(payload), f"inbox.{sender}.{number}")]

    opening = (f"{_CONNECT}SUB inbox.{sender}.* 1\r\nPING\r\n", _PONG)
    return SenderInTurn(target.address, "/", opening, compose, lambda number: f"MSG inbox.{sender}.{number} ".encode())


IN_PROTOCOL: Final = Manner(NatsPublisher.opened_to, nats_crowd, in_order=False)
