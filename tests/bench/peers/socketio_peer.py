"""python-socketio behind uvicorn: a topic is a room, a broadcast is `emit` to the room."""

import json
from typing import Any
from urllib.parse import parse_qs

import socketio

from tests.bench.peers.uvicorn_serving import serve

# No ping falls into a measure, so that all followers of a topic get the same bytes.
server = socketio.AsyncServer(async_mode="asgi", transports=["websocket"], ping_interval=3600, http_compression=False)


@server.event
async def connect(sid: str, environ: dict[str, Any], auth: object = None) -> None:
    topic = parse_qs(environ["QUERY_STRING"])["topic"][0]
    await server.enter_room(sid, topic)
    await server.save_session(sid, {"topic": topic})


@server.event
async def bench(sid: str, data: dict[str, Any]) -> None:
    session = await server.get_session(sid)
    await server.emit("bench", data, room=session["topic"])


async def publish(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """`POST /api/publish`, which Socket.IO itself does not have, as the plainest ASGI application."""
    if scope["type"] != "http":
        return
    body = b""
    more = True
    while more:
        part = await receive()
        body += part.get("body", b"")
        more = part.get("more_body", False)
    messages = json.loads(body)
    for message in messages if isinstance(messages, list) else [messages]:
        await server.emit(message["type"], message["data"], room=message["topic"])
    await send({"type": "http.response.start", "status": 202, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"{}"})


if __name__ == "__main__":
    serve(socketio.ASGIApp(server, publish))
