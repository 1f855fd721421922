"""How a client of the world reaches a node: what the real transports of the client do, over connections that are
simulated."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from quart_app.client.address import Address, StreamRequest
from quart_app.client.endings import (
    BACK_SOON,
    EndingKind,
    LinkEnded,
    LinkEnding,
    ending_of_answer,
    ending_of_close,
    failed,
)
from quart_app.client.errors import SendRefused
from quart_app.client.links import Arrival, Link, Postponed, RequestFailed, ServerFailed
from quart_app.client.messages import Message, ServerError, decode, encode, is_welcome
from quart_app.client.options import GOODBYE_TIMEOUT, Options
from quart_app.client.transports.http import BUSY
from quart_app.client.transports.polling import PollLink
from quart_app.lab.world.loop import Place
from quart_app.lab.world.roads import Cut, End, Listener, Road, Unreachable
from quart_app.lab.world.serving import PING, PONG, Answer, Closing, Refusal, Request
from quart_app.realtime import Identity
from quart_app.wire import Close, Control

BUFFER = 16  # messages that a WebSocket reads ahead of its user


class Dialer:
    """The `client.links.Dialer` of a user in a process; `choose()` returns a node, and the road there."""

    def __init__(
        self, process: Place, identity: Identity, choose: Callable[[], tuple[Road, Listener]], options: Options
    ) -> None:
        self._process = process
        self._identity = identity
        self._choose = choose
        self._options = options
        self.address = Address.of("http://world", None)

    async def open(self, transport: str, request: StreamRequest) -> Link:
        if transport == "poll":
            return PollLink(self, request, self._options)  # type: ignore[arg-type]  # what it uses of `Http` is below
        asked = Request(transport, self._identity, request.topics, request.since, request.fresh)
        return StreamLink(self, await self._connect(asked), transport, request.topics[0])

    async def call(self, method: str, path: str, body: object = None) -> Any:
        raise NotImplementedError

    async def close(self) -> None:
        """Do nothing, because connections share nothing."""

    async def _connect(self, request: Request) -> End:
        road, node = self._choose()
        try:
            end = await road.connect(self._process, node, request.kind)
        except Unreachable as error:
            raise LinkEnded(LinkEnding(EndingKind.UNREACHABLE, str(error))) from error
        except Cut:
            raise failed(f"{request.kind} is not let through") from None
        end.put(request)
        return end

    async def _ask(self, request: Request, within: float) -> Answer | Refusal:
        """Return the answer to a request; raise LinkEnded."""
        end: End | None = None
        try:
            async with asyncio.timeout(within):
                end = await self._connect(request)
                answer: Answer | Refusal = await end.receive()
                return answer
        except (Cut, TimeoutError) as error:
            raise failed("no answer in time" if isinstance(error, TimeoutError) else "no answer") from error
        finally:
            if end is not None:
                end.close()

    # What the real link of long polls, and those below, use of `client.transports.http.Http`

    async def poll(self, url: str, connection_id: str | None, within: float) -> Message:
        """Return the reply of a long poll; raise LinkEnded."""
        parts = urlsplit(url)
        query = parse_qs(parts.query)
        path = unquote(parts.path).removeprefix("/poll").removeprefix("/")
        request = Request(
            "poll",
            self._identity,
            (path,) if path else tuple(query["topic"]),
            query.get("since", [None])[0],
            tuple(query.get("fresh", ())),
            connection_id or "",
            float(query["wait"][0]),
        )
        answer = await self._ask(request, within)
        if isinstance(answer, Refusal):
            raise LinkEnded(
                ending_of_answer(answer.status, ServerError(answer.code, answer.message), answer.retry_after)
            )
        return {"messages": [decode(one.decode()) for one in answer.messages], "id": answer.cursor}

    async def send(self, topic: str, message: Message, connection_id: str) -> list[Message]:
        """Send a message by a request of its own; return the replies. Raise as `Link.send` does."""
        request = Request("send", self._identity, (topic,), connection_id=connection_id, body=encode(message))
        try:
            answer = await self._ask(request, self._options.request)
        except LinkEnded as error:
            raise RequestFailed(error.ending) from error
        if isinstance(answer, Answer):
            return [decode(one.decode()) for one in answer.messages]
        if answer.status in BUSY:
            raise Postponed(answer.retry_after)
        if answer.status < 500:
            raise SendRefused(answer.code, answer.message)
        raise ServerFailed(answer.code, answer.message)

    async def leave(self, topic: str, connection_id: str) -> None:
        """Tell the server that a connection's user left."""
        with suppress(RequestFailed, SendRefused, Postponed, ServerFailed, TimeoutError):
            async with asyncio.timeout(GOODBYE_TIMEOUT):
                await self.send(topic, {"type": Control.BYE}, connection_id)


class StreamLink:
    """A WebSocket or an event stream."""

    quiet = None

    def __init__(self, dialer: Dialer, end: End, transport: str, topic: str) -> None:
        self._dialer = dialer
        self._end = end
        self.transport = transport
        self.takes_subscriptions = transport == "ws"
        self._topic = topic
        self._connection_id = ""
        self._came: asyncio.Queue[Any] = asyncio.Queue(BUFFER)
        self._ending: LinkEnding | None = None
        self._reading = asyncio.create_task(self._read(), name=f"read {transport}")

    async def _read(self) -> None:
        """Read ahead, and answer pings, as a library does."""
        try:
            while True:
                item = await self._end.receive()
                if item == PING:
                    self._end.put(PONG)
                else:
                    await self._came.put(item)
        except Cut:
            await self._came.put(Cut)

    async def receive(self) -> Arrival:
        if self._ending is None:
            came = await self._came.get()
            if isinstance(came, bytes):
                message = decode(came.decode())
                if is_welcome(message):
                    self._connection_id = str(message["connection_id"])
                return Arrival([message])
            self._ending = self._meaning(came)
        raise LinkEnded(self._ending)

    def _meaning(self, last: Any) -> LinkEnding:
        if isinstance(last, Closing):
            return ending_of_close(last.code, last.reason)
        if isinstance(last, Refusal):
            return ending_of_answer(last.status, ServerError(last.code, last.message), last.retry_after)
        return ending_of_close(Close.GONE, "") if self.takes_subscriptions else failed("the stream ended").ending

    async def send(self, topic: str, message: Message) -> list[Message] | None:
        if not self.takes_subscriptions:
            return await self._dialer.send(topic, message, self._connection_id)
        if self._end.closed:
            raise LinkEnded(self._ending or ending_of_close(Close.GONE, ""))
        text = encode({**message, "topic": topic})
        self._end.put(text, len(text))
        return None

    async def close(self, *, orderly: bool) -> None:
        try:
            if self.takes_subscriptions:
                self._end.put(Closing(Close.NORMAL if orderly else BACK_SOON))
            elif orderly and self._connection_id:
                await self._dialer.leave(self._topic, self._connection_id)
        finally:
            self._end.close()
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
