"""The server-sent events transport: one streaming GET down, `POST /send` up."""

from __future__ import annotations

import asyncio

import httpx

from quart_app.client.address import StreamRequest
from quart_app.client.endings import failed
from quart_app.client.links import Arrival
from quart_app.client.messages import Message, NotAMessage, decode, is_welcome
from quart_app.client.transports.event_stream import EventStream, EventTooBig
from quart_app.client.transports.http import Http

CONTENT_TYPE = "text/event-stream"


async def open_events(http: Http, request: StreamRequest) -> SseLink:
    """Open an event stream; raise LinkEnded."""
    response = await http.stream(http.address.events(request))
    kind = response.headers.get("content-type", "")
    if not kind.startswith(CONTENT_TYPE):
        await response.aclose()
        raise failed(f"{kind or 'nothing'} instead of an event stream")
    return SseLink(http, response, request.topics[0])


class SseLink:
    """A `Link` over server-sent events; replies come with the request that sends."""

    transport = "sse"
    takes_subscriptions = False
    quiet = None

    def __init__(self, http: Http, response: httpx.Response, topic: str) -> None:
        self._http = http
        self._response = response
        self._chunks = response.aiter_bytes()
        self._topic = topic
        self._reading: asyncio.Task[bytes] | None = None
        self._stream = EventStream()
        self._connection_id = ""

    async def receive(self) -> Arrival:
        try:
            events: list[str] = []
            while not events:
                events = self._stream.feed(await self._chunk())
            messages = [decode(data) for data in events]
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise failed(f"{type(error).__name__} {error}".strip()) from error
        except (NotAMessage, EventTooBig) as error:
            raise failed(str(error)) from error
        for message in messages:
            if is_welcome(message):
                self._connection_id = str(message["connection_id"])
        return Arrival(messages)

    async def _chunk(self) -> bytes:
        # A cancelled read would close the connection, and the server would miss the goodbye: it goes on in a task.
        if self._reading is None:
            self._reading = asyncio.ensure_future(anext(self._chunks, b""))
        chunk = await asyncio.shield(self._reading)
        self._reading = None
        if not chunk:
            raise failed("the stream ended")
        return chunk

    async def send(self, topic: str, message: Message) -> list[Message]:
        return await self._http.send(topic, message, self._connection_id)

    async def close(self, *, orderly: bool) -> None:
        # The goodbye goes first: once the stream is gone the server takes its user for lost.
        try:
            if orderly and self._connection_id:
                await self._http.leave(self._topic, self._connection_id)
        finally:
            if self._reading is not None:
                self._reading.cancel()
                await asyncio.gather(self._reading, return_exceptions=True)
            await self._response.aclose()
