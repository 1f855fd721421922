"""Independent clients of the wire, one per transport and HTTP version, all of one shape.

They know sockets, HTTP and frames; nothing of En Vivo's own clients is used here.
"""

import asyncio
import contextlib
import json
import secrets
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import h2.config
import h2.connection
import h2.events
import httpx
import websockets
from wsproto.connection import Connection as FrameConnection
from wsproto.connection import ConnectionType
from wsproto.events import CloseConnection, Ping, TextMessage
from wsproto.extensions import PerMessageDeflate

Json = dict[str, Any]
DEADLINE = 10.0  # s for anything that is awaited


class Refusal(Exception):
    """The error of a client that is not let in: `status` of HTTP or close code of a WebSocket, and the wire's error
    code."""

    def __init__(self, status: int, code: str, fields: dict[str, str] | None = None) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.fields = fields or {}


class Stream:
    """One open stream: every message that came, in order, and a way to speak."""

    def __init__(self, url: str, context: ssl.SSLContext | None, topics: tuple[str, ...], query: Json) -> None:
        self.url = url
        self.context = context
        self.topics = topics
        self.query = query
        self.messages: list[Json] = []
        self.closed: int | None = None
        """The WebSocket's close code, 0 for the end of a body."""
        self._taken = 0
        self._news = asyncio.Condition()
        self._reader: asyncio.Task[None] | None = None

    @property
    def welcome(self) -> Json:
        return self.messages[0]

    @property
    def last_id(self) -> str:
        """The cursor a client would come back with."""
        return next(str(one["id"]) for one in reversed(self.messages) if "id" in one and one["type"] != "published")

    async def open(self) -> None:
        """Connect and wait for the first message. Raise Refusal where the server does not let the client in."""
        raise NotImplementedError

    def start(self, reading: Any) -> None:
        self._reader = asyncio.create_task(reading)

    async def came(self, message: Json) -> None:
        async with self._news:
            self.messages.append(message)
            self._news.notify_all()

    async def ended(self, code: int) -> None:
        async with self._news:
            self.closed = code
            self._news.notify_all()

    async def next(self, type: str | None = None) -> Json:
        """Return the next message not taken yet, of `type` if given; those before it are passed over."""
        return await self.find(lambda one: type is None or one["type"] == type)

    async def find(self, wanted: Callable[[Json], bool]) -> Json:
        def look() -> Json | None:
            while self._taken < len(self.messages):
                self._taken += 1
                if wanted(self.messages[self._taken - 1]):
                    return self.messages[self._taken - 1]
            return None

        async with asyncio.timeout(DEADLINE), self._news:
            while (found := look()) is None:
                if self.closed is not None:
                    raise AssertionError(f"closed with {self.closed} after {self.messages[-3:]}")
                await self._news.wait()
            return found

    async def end(self) -> int:
        """Wait until the server has closed the stream; return its code."""
        async with asyncio.timeout(DEADLINE), self._news:
            while self.closed is None:
                await self._news.wait()
            return self.closed

    async def say(self, body: Json) -> Json:
        """Send one message; return the reply that carries its key."""
        key = body.setdefault("key", secrets.token_hex(8))
        await self.send_text(json.dumps(body))
        return await self._reply(key)

    async def _reply(self, key: str) -> Json:
        async with asyncio.timeout(DEADLINE), self._news:
            while True:
                for one in self.messages:
                    if one.get("key") == key:
                        return one
                await self._news.wait()

    async def send_text(self, text: str) -> None:
        """Send `text` upstream as it is."""
        raise NotImplementedError

    async def leave(self) -> None:
        """Close the stream in good order."""
        await self.drop()

    async def drop(self) -> None:
        """Cut the stream without a word."""
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.wait([self._reader])


class WebsocketStream(Stream):
    socket: websockets.ClientConnection
    compression: str | None = "deflate"
    """The compression that is offered; most servers decline it."""

    async def open(self) -> None:
        url, headers = _target(self, "ws")
        self.socket = await websockets.connect(
            url.replace("http", "ws", 1),
            ssl=self.context,
            additional_headers=headers,
            max_size=None,
            compression=self.compression,
        )
        self.start(self._read())
        await _first(self)

    async def _read(self) -> None:
        try:
            async for text in self.socket:
                await self.came(json.loads(text))
        except websockets.ConnectionClosed:
            pass
        await self.ended(self.socket.close_code or 1006)

    async def send_text(self, text: str) -> None:
        await self.socket.send(text)

    async def leave(self) -> None:
        await self.socket.close()

    async def drop(self) -> None:
        self.socket.transport.abort()
        await super().drop()


class PlainWebsocketStream(WebsocketStream):
    compression = None


class DeflatedWebsocketStream(WebsocketStream):
    async def open(self) -> None:
        await super().open()
        assert self.socket.response is not None
        assert self.socket.response.headers["Sec-WebSocket-Extensions"].startswith("permessage-deflate")


class WebsocketStreamH2(Stream):
    """A WebSocket in one stream of an HTTP/2 connection (RFC 8441)."""

    writer: asyncio.StreamWriter
    extension: PerMessageDeflate | None = None
    """The extension that is offered, and has to be agreed to."""

    async def open(self) -> None:
        url, headers = _target(self, "ws")
        parts = urlsplit(url)
        assert self.context is not None
        self.context.set_alpn_protocols(["h2"])
        self._input, self.writer = await asyncio.open_connection(parts.hostname, parts.port, ssl=self.context)
        self._http = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self._heard = asyncio.Event()
        self._http.initiate_connection()
        self._flush()
        self._stream = self._http.get_next_available_stream_id()
        self._request = [
            (":method", "CONNECT"),
            (":protocol", "websocket"),
            (":scheme", "https"),
            (":path", f"{parts.path}?{parts.query}"),
            (":authority", f"{parts.hostname}:{parts.port}"),
            ("sec-websocket-version", "13"),
            *headers.items(),
        ]
        if self.extension is not None:
            self._request.append(("sec-websocket-extensions", f"permessage-deflate; {self.extension.offer()}"))
        self.start(self._read())
        await _first(self)

    def _flush(self) -> None:
        self.writer.write(self._http.data_to_send())

    async def _read(self) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await self._input.read(65536):
                for event in self._http.receive_data(data):
                    await self._handle(event)
                self._flush()
                self._heard.set()
        if self.closed is None:
            await self.ended(1006)

    async def _handle(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.RemoteSettingsChanged) and self._request:
            self._http.send_headers(self._stream, self._request)
            self._request = []
        elif isinstance(event, h2.events.ResponseReceived):
            if self.extension is not None:
                agreed: Any = dict(event.headers)
                self.extension.finalize(agreed["sec-websocket-extensions"])
            self._frames = FrameConnection(ConnectionType.CLIENT, [self.extension] if self.extension else [])
        elif isinstance(event, h2.events.DataReceived):
            self._http.acknowledge_received_data(event.flow_controlled_length or 0, self._stream)
            self._frames.receive_data(event.data)
            await self._handle_frames()
        elif isinstance(event, h2.events.StreamEnded) and self.closed is None:
            await self.ended(1006)

    async def _handle_frames(self) -> None:
        for frame in self._frames.events():
            if isinstance(frame, TextMessage):
                self._text = getattr(self, "_text", "") + frame.data
                if frame.message_finished:
                    await self.came(json.loads(self._text))
                    self._text = ""
            elif isinstance(frame, Ping):
                self._http.send_data(self._stream, self._frames.send(frame.response()))
            elif isinstance(frame, CloseConnection):
                await self.ended(frame.code)

    async def send_text(self, text: str) -> None:
        await self._put(TextMessage(data=text))

    async def _put(self, message: TextMessage | CloseConnection) -> None:
        data = self._frames.send(message)
        while data:
            size = min(self._http.local_flow_control_window(self._stream), self._http.max_outbound_frame_size)
            if not size:
                self._heard.clear()
                await self._heard.wait()
                continue
            self._http.send_data(self._stream, data[:size])
            self._flush()
            data = data[size:]

    async def leave(self) -> None:
        await self._put(CloseConnection(code=1000))
        await self.end()
        await self.drop()

    async def drop(self) -> None:
        await super().drop()
        self.writer.transport.abort()


class DeflatedWebsocketStreamH2(WebsocketStreamH2):
    async def open(self) -> None:
        self.extension = PerMessageDeflate()
        await super().open()


class HttpStream(Stream):
    """The common part of SSE and poll: requests, and speaking through `POST /send`."""

    http2 = False

    async def open(self) -> None:
        self.client = httpx.AsyncClient(
            http1=not self.http2, http2=self.http2, verify=self.context or True, timeout=DEADLINE * 3
        )
        self.start(self._read())
        await _first(self)

    async def send_text(self, text: str) -> None:
        query = urlencode([(key, value) for key, value in self.query.items() if key in {"user_id", "username"}])
        response = await self.client.post(
            f"{self.url}/send/{self.topics[0]}?{query}",
            content=text,
            headers={"X-Connection-Id": self.welcome["connection_id"], **self.query.get("headers", {})},
        )
        if response.status_code != 200:
            raise _refusal(response)
        for message in response.json()["messages"]:
            await self.came(message)

    async def leave(self) -> None:
        await self.send_text('{"type":"bye"}')
        await self.drop()

    async def drop(self) -> None:
        await super().drop()
        await self.client.aclose()

    async def _read(self) -> None:
        raise NotImplementedError


class SseStream(HttpStream):
    async def _read(self) -> None:
        url, headers = _target(self, "sse")
        async with self.client.stream("GET", url, headers=headers) as response:
            if response.status_code != 200:
                await response.aread()
                await self.came({"type": "refused", "refusal": _refusal(response)})
                return
            assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
            with contextlib.suppress(httpx.RemoteProtocolError, httpx.ReadError):
                async for block in _blocks(response):
                    await self._take(block)
        await self.ended(0)

    async def _take(self, block: list[str]) -> None:
        fields = dict(line.split(": ", 1) for line in block if not line.startswith(":"))
        if "data" in fields:
            message = json.loads(fields["data"])
            # A heartbeat's cursor is for our own clients: an `id:` line is of a welcome, a reset or a durable message.
            assert fields.get("id") == (message.get("id") if message["type"] != "heartbeat" else None)
            await self.came(message)


class PollStream(HttpStream):
    async def _read(self) -> None:
        url, headers = _target(self, "poll")
        while True:
            response = await self.client.get(url, headers=headers)
            if response.status_code != 200:
                await self.came({"type": "refused", "refusal": _refusal(response)})
                return
            reply = response.json()
            assert set(reply) == {"messages", "id"}
            for message in reply["messages"]:
                await self.came(message)
            if any(message["type"] == "bye" for message in reply["messages"]):
                break
            self.query["since"] = reply["id"]
            self.query.pop("fresh", None)
            url, headers = _target(self, "poll")
            headers["X-Connection-Id"] = self.welcome["connection_id"]
        await self.ended(0)


class SseStreamH2(SseStream):
    http2 = True


class PollStreamH2(PollStream):
    http2 = True


async def _blocks(response: httpx.Response) -> AsyncIterator[list[str]]:
    block: list[str] = []
    async for line in response.aiter_lines():
        if line:
            block.append(line)
        elif block:
            yield block
            block = []


def _target(stream: Stream, transport: str) -> tuple[str, dict[str, str]]:
    query = [(key, value) for key, value in stream.query.items() if key not in {"headers", "fresh"}]
    query += [("fresh", topic) for topic in stream.query.get("fresh", ())]
    path = f"{stream.url}/{transport}"
    if len(stream.topics) == 1:
        path += f"/{quote(stream.topics[0])}"
    else:
        query += [("topic", topic) for topic in stream.topics]
    return f"{path}?{urlencode(query)}", dict(stream.query.get("headers", {}))


async def _first(stream: Stream) -> None:
    """Wait for the first message. Raise Refusal where it is no welcome."""
    first = await stream.next()
    if first["type"] == "refused":
        await stream.drop()
        raise first["refusal"]
    if first["type"] == "error":
        code = await stream.end()
        raise Refusal(code, first["data"]["code"], first["data"].get("fields"))


def _refusal(response: httpx.Response) -> Refusal:
    body = response.json()
    assert body["success"] is False
    return Refusal(response.status_code, body["error"]["code"], body["error"].get("fields"))


# By transport and server: of HTTP/1.1 or HTTP/2, of HTTP/1.1 over TLS, the ordinary way, with compression; `late` is
# what Hypercorn has read the request of, over TLS too.
STREAMS: dict[str, type[Any]] = {
    "ws-h1": WebsocketStream,
    "ws-h2": WebsocketStreamH2,
    "ws-tls": WebsocketStream,
    "ws-late": WebsocketStream,
    "ws-ordinary": PlainWebsocketStream,
    "ws-h1-deflated": DeflatedWebsocketStream,
    "ws-h2-deflated": DeflatedWebsocketStreamH2,
    "sse-h1": SseStream,
    "sse-h2": SseStreamH2,
    "sse-late": SseStream,
    "sse-ordinary": SseStream,
    "poll-h1": PollStream,
    "poll-h2": PollStreamH2,
}
