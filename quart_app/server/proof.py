"""The proof, before the first client comes, that a taken connection sends the bytes that ASGI would have sent.

It serves a few deliveries with Hypercorn on a loopback connection, to a WebSocket, to one with compression and to an
event stream, once through ASGI and once by the transport that was taken, and compares the bytes; the last bytes of a
WebSocket repeat what its client said. It knows nothing of what the application does.
"""

import asyncio
import logging
import re
import socket
from typing import Any, Final

from hypercorn.asyncio import serve
from hypercorn.config import Config

from quart_app.realtime import Batch, Form, Message
from quart_app.transports.below.direct import agree_to, decline_compression
from quart_app.transports.below.hypercorn_018 import LACKING
from quart_app.transports.below.taking import take_answer, take_websocket
from quart_app.transports.sse import LAST_CHUNK
from quart_app.transports.websocket.compression import MessageDeflate, answer_to
from quart_app.transports.websocket.frames import FrameReader, close_frame

DEADLINE: Final = 2.0  # s
# There is a message for each form of a frame's length (RFC 6455 section 5.2), and a batch of several.
_BATCHES: Final = [
    Batch([Message(b'{"type":"%b"}' % ("\u00f1".encode() * length), cursor) for length in lengths])
    for cursor, lengths in ((None, (1,)), ("e-1", (300, 2, 3_000)), ("e-2", (40_000,)), (None, (5, 6)))
]
_UPGRADE: Final = (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
_SAID: Final = b"\x81\x84" + bytes(4) + b"hola"  # a text frame, masked with zeros
_DATE: Final = re.compile(rb"date: [^\r]*\r\n")
_CLIENTS: Final = {
    "a WebSocket": _UPGRADE,
    "a WebSocket with compression": _UPGRADE + b"Sec-WebSocket-Extensions: permessage-deflate\r\n",
    "an event stream": b"Connection: close\r\n",
}

logger = logging.getLogger(__name__)


async def direct_way_works() -> bool:
    """Return whether connections can be taken here; a warning names those where the bytes differ."""
    if LACKING:
        logger.warning(
            "This is another Hypercorn than 0.18 (%s): every connection is served the ordinary way, which is slower",
            LACKING,
        )
        return False
    try:
        async with asyncio.timeout(DEADLINE):
            different = await _compare()
    except Exception as error:
        logger.debug("the proof failed", exc_info=True)
        different = [f"{type(error).__name__} while it was tried"]
    if different:
        logger.warning(
            "Connections taken from Hypercorn do not get what it sends itself (%s): every connection is served the "
            "ordinary way, which is slower",
            ", ".join(different),
        )
    return not different


async def _compare() -> list[str]:
    """Return the names of the connections on which the two ways send different bytes."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.errorlog = None
    different = []

    async def compare() -> None:
        for client, headers in _CLIENTS.items():
            ordinary, taken = [await _answer(port, way, headers) for way in (b"/ordinary", b"/taken")]
            if not ordinary or taken != ordinary:
                different.append(client)

    await serve(_deliver, config, shutdown_trigger=compare)
    return different


async def _answer(port: int, path: bytes, headers: bytes) -> bytes:
    """Return what a client gets, up to the end, but the date; nothing where that begins with no head."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(b"GET %b HTTP/1.1\r\nHost: localhost\r\n%b\r\n" % (path, headers))
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return b""
        if headers.startswith(_UPGRADE):
            writer.write(_SAID)
        return b"\n".join(sorted(_DATE.sub(b"", head).splitlines())) + await reader.read()
    finally:
        writer.close()


async def _deliver(scope: Any, receive: Any, send: Any) -> None:
    """Serve the deliveries: this is the ASGI application of the proof."""
    if scope["type"] == "lifespan":
        for phase in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{phase}.complete"})
    elif scope["type"] == "websocket":
        offers = [value.decode() for name, value in scope["headers"] if name == b"sec-websocket-extensions"]
        if scope["path"] == "/ordinary":
            await _deliver_messages(receive, send, answer_to(offers))
        else:
            await _deliver_frames(send, answer_to(offers))
    else:
        await _deliver_chunks(send, taken=scope["path"] == "/taken")


async def _deliver_messages(receive: Any, send: Any, extensions: str | None) -> None:
    if extensions is None:
        decline_compression(send)
    else:
        agree_to(send, MessageDeflate(), extensions)
    await send({"type": "websocket.accept"})
    for batch in _BATCHES:
        for message in batch.messages:
            await send({"type": "websocket.send", "text": message.text})
    while (event := await receive())["type"] == "websocket.connect":
        pass
    await send({"type": "websocket.send", "text": event["text"]})
    await send({"type": "websocket.close", "code": 1000})


async def _deliver_frames(send: Any, extensions: str | None) -> None:
    opened = take_websocket(send)
    if opened is None:
        return
    form = Form.FRAMES if extensions is None else Form.DEFLATED_FRAMES
    opened.transport.write(opened.answer(None, extensions))
    for batch in _BATCHES:
        opened.transport.write(batch.encoded(form))
    opened.transport.set_protocol(_Echo(opened.transport))


class _Echo(asyncio.Protocol):
    """The rest of a WebSocket that was taken: it repeats one message, and closes."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._frames = FrameReader(compressed=False)

    def data_received(self, data: bytes) -> None:
        self._frames.feed(data)
        if (frame := self._frames.next()) is not None:
            self._transport.write(Message(frame[1]).frame + close_frame(1000, ""))
            self._transport.close()


async def _deliver_chunks(send: Any, *, taken: bool) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    answer = take_answer(send) if taken else None
    for batch in _BATCHES:
        if answer is not None:
            answer.transport.write(batch.encoded(Form.CHUNK))
        elif not taken:
            await send({"type": "http.response.body", "body": batch.encoded(Form.BLOCKS), "more_body": True})
    if answer is not None:
        answer.transport.write(LAST_CHUNK)
        answer.transport.close()
    else:
        await send({"type": "http.response.body", "body": b"", "more_body": False})
