"""The Python client of En Vivo: one stream of messages over WebSocket, server-sent events or long polling.

async with connect("http://127.0.0.1:8000", topics=["rooms/1"]) as live:
    await live.send("rooms/1", {"type": "message", "content": "Hola"})
    async for message in live:
        print(message)
"""

from quart_app.client.errors import ClientError, Closed, SendRefused, SendStalled, Unreachable
from quart_app.client.live import Live, connect
from quart_app.client.messages import Message
from quart_app.client.options import TRANSPORTS, Options
from quart_app.client.status import Attempt, State, Status

__all__ = [
    "TRANSPORTS",
    "Attempt",
    "ClientError",
    "Closed",
    "Live",
    "Message",
    "Options",
    "SendRefused",
    "SendStalled",
    "State",
    "Status",
    "Unreachable",
    "connect",
]
