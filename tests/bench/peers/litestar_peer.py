"""Litestar's channels with the backend in memory, behind uvicorn: a topic is a channel, a follower a subscriber."""

from collections.abc import AsyncGenerator
from typing import Any

from litestar import Litestar, Request, WebSocket, get, post, websocket
from litestar.channels import ChannelsPlugin
from litestar.channels.backends.memory import MemoryChannelsBackend
from litestar.exceptions import WebSocketDisconnect
from litestar.response import ServerSentEvent

from tests.bench.peers.small import small
from tests.bench.peers.uvicorn_serving import serve

channels = ChannelsPlugin(backend=MemoryChannelsBackend(), arbitrary_channels_allowed=True)
CONNECTED = '{"type":"connected"}'


def publish_one(topic: str, message: dict[str, Any]) -> None:
    channels.publish({"type": message["type"], "topic": topic, "data": message["data"]}, topic)


@post("/api/publish", status_code=202)
async def publish(request: Request[Any, Any, Any]) -> dict[str, int]:
    body = await request.json()
    messages = body if isinstance(body, list) else [body]
    for message in messages:
        publish_one(message["topic"], message)
    return {"published": len(messages)}


@websocket("/ws/{topic:path}")
async def follow(socket: WebSocket[Any, Any, Any], topic: str) -> None:
    topic = topic.removeprefix("/")
    await socket.accept()
    async with channels.start_subscription(topic) as subscriber, subscriber.run_in_background(socket.send_text):
        await socket.send_text(CONNECTED)
        try:
            while True:
                publish_one(topic, await socket.receive_json())
        except WebSocketDisconnect:
            pass


@get("/sse/{topic:path}")
async def stream(topic: str) -> ServerSentEvent:
    async def events() -> AsyncGenerator[str, None]:
        async with channels.start_subscription(topic.removeprefix("/")) as subscriber:
            yield CONNECTED
            async for event in subscriber.iter_events():
                yield event.decode()

    return ServerSentEvent(events())


@get("/api/thresholds")
async def thresholds() -> dict[str, Any]:
    return small()


if __name__ == "__main__":
    serve(Litestar([publish, follow, stream, thresholds], plugins=[channels], openapi_config=None))
