"""The proof, before the first client comes, that writing past ASGI sends the bytes that ASGI would have sent.

It serves a few deliveries with Hypercorn on a loopback connection, to a WebSocket, to one with compression and to an
event stream, once through ASGI and once past it, and compares the bytes; the last bytes of a WebSocket repeat what its
client said. It knows nothing of what the application does.
"""

import asyncio
import logging
import socket
from typing import Any, Final

from hypercorn.asyncio import serve
from hypercorn.config import Config

from quart_app.realtime import Batch, Form, Message
from quart_app.transports.below.direct import agree_to, decline_compression, hear, pipe_of, websocket_wire
from quart_app.transports.below.hypercorn_018 import LACKING
from quart_app.transports.websocket.compression import MessageDeflate, answer_to

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
_CLIENTS: Final = {
    "a WebSocket": _UPGRADE,
    "a WebSocket with compression": _UPGRADE + b"Sec-WebSocket-Extensions: permessage-deflate\r\n",
    "an event stream": b"Connection: close\r\n",
}

logger = logging.getLogger(__name__)


async def direct_way_works() -> bool:
    """Return whether deliveries can be written past ASGI here; a warning names the connections where the bytes
    differ."""
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
            "Deliveries written past Hypercorn are not what it sends itself (%s): every connection is served the "
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
            ordinary, direct = [await _answer(port, way, headers) for way in (b"/ordinary", b"/direct")]
            if not ordinary or direct != ordinary:
                different.append(client)

    await serve(_deliver, config, shutdown_trigger=compare)
    return different


async def _answer(port: int, path: bytes, headers: bytes) -> bytes:
    """Return what a client gets after the head of the answer, up to the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(b"GET %b HTTP/1.1\r\nHost: localhost\r\n%b\r\n" % (path, headers))
        await reader.readuntil(b"\r\n\r\n")
        if headers.startswith(_UPGRADE):
            writer.write(_SAID)
        return await reader.read()
    finally:
        writer.close()


async def _deliver(scope: Any, receive: Any, send: Any) -> None:
    """Serve the deliveries: this is the ASGI application of the proof."""
    if scope["type"] == "lifespan":
        for phase in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{phase}.complete"})
    elif scope["type"] == "websocket":
        await _deliver_frames(scope, receive, send)
    else:
        await _deliver_chunks(scope, send)


async def _deliver_frames(scope: Any, receive: Any, send: Any) -> None:
    answer = answer_to(value.decode() for name, value in scope["headers"] if name == b"sec-websocket-extensions")
    if answer is None:
        decline_compression(send)
    compressed = answer is not None and agree_to(send, MessageDeflate(), answer)
    form = Form.DEFLATED_FRAMES if compressed else Form.FRAMES
    said: asyncio.Queue[Any] = asyncio.Queue()
    listen = said.get if scope["path"] == "/direct" and hear(send, receive, said.put) else receive
    await send({"type": "websocket.accept"})
    wire, pipe = websocket_wire(send), pipe_of(send)
    for number, batch in enumerate(_BATCHES * 3):
        if scope["path"] == "/ordinary" or number % 3 == 0:
            for message in batch.messages:
                await send({"type": "websocket.send", "text": message.text})
        elif wire is None or pipe is None:
            return
        elif number % 3 == 1:
            await wire.send(batch.encoded(form))
        else:
            pipe.push(batch.encoded(form))
    while (event := await listen())["type"] == "websocket.connect":
        pass
    await send({"type": "websocket.send", "text": event["text"]})
    await send({"type": "websocket.close", "code": 1000})


async def _deliver_chunks(scope: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    for number, batch in enumerate(_BATCHES * 3):
        if scope["path"] == "/ordinary" or number % 2 == 0:
            await send({"type": "http.response.body", "body": batch.encoded(Form.BLOCKS), "more_body": True})
        elif (pipe := pipe_of(send)) is None:
            return
        else:
            pipe.push(batch.encoded(Form.CHUNK))
    await send({"type": "http.response.body", "body": b"", "more_body": False})
