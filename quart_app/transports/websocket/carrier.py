"""The carrier of a WebSocket that ASGI serves: joined frames where that can be, else one text after another."""

from collections.abc import Awaitable, Iterable
from functools import partial
from typing import Final

from quart_app.realtime import Batch, Connection, Form, Hub, Message
from quart_app.transports.below.direct import WebsocketWire, is_over, websocket_wire
from quart_app.transports.websocket.asgi import AsgiWebsocket

_NEVER: Final = float("-inf")


class WebsocketCarrier:
    """The carrier of one WebSocket, which can ping and cut off its peer where Hypercorn serves, and writes past ASGI
    where it is `direct`."""

    __slots__ = ("_asgi", "_connection", "_form", "_hub", "_past_asgi", "_wire")

    comment: Message | None = None

    def __init__(
        self, hub: Hub, asgi: AsgiWebsocket, connection: Connection, *, direct: bool, compressed: bool
    ) -> None:
        self._hub = hub
        self._asgi = asgi
        self._connection = connection
        self._form = Form.DEFLATED_FRAMES if compressed else Form.FRAMES
        self._wire: WebsocketWire | None = websocket_wire(asgi.asgi_send)
        self._past_asgi = self._wire if direct else None
        if self._wire is not None:
            self._wire.ponged = connection.ponged
            self._wire.counts = partial(hub.count_frame, connection)

    @property
    def heard_at(self) -> float:
        """The time (s, the loop's clock) when the peer last sent a frame of any kind."""
        return _NEVER if self._wire is None else self._wire.heard_at

    @property
    def gone(self) -> bool:
        """As of `liveness.Peer`."""
        return self._asgi.closed or is_over(self._asgi.asgi_send)

    @property
    def close_code(self) -> int | None:
        """The code of its peer's close frame, None before there is one."""
        return None if self._wire is None else self._wire.close_code

    def send(self, batch: Batch) -> tuple[int, Awaitable[None]]:
        """Return the size of a batch in bytes, and an awaitable that sends it."""
        if self._past_asgi is not None:
            frames = batch.encoded(self._form)
            return len(frames), self._past_asgi.send(frames)
        texts = [message.text for message in batch.messages]
        return sum(len(message.json) for message in batch.messages), self._send_one_by_one(texts)

    async def _send_one_by_one(self, texts: Iterable[str]) -> None:
        for text in texts:
            await self._asgi.send(text)

    def ping(self) -> bool:
        """Send a ping frame (RFC 6455 section 5.5.2), where that can be done."""
        if self._wire is None:
            return False
        self._connection.pinged()
        self._hub.spawn(self._wire.ping())
        return True

    def drop(self) -> None:
        """Cut off the TCP connection of an HTTP/1.1 peer at once; over HTTP/2 others share it."""
        if self._wire is not None:
            self._wire.abort()
