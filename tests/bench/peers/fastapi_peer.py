"""FastAPI behind uvicorn: the connection manager of FastAPI's documentation, a loop of `send_text` over the sockets.

uvicorn at its fastest: uvloop, httptools, no access log, no compression. An event stream is a generator that reads a
queue of its own: at `/sse` as Starlette has it, whose text is sent as it is, at `/events` as FastAPI itself has it.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterable, Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import FastAPI, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from tests.bench.peers.small import small
from tests.bench.peers.uvicorn_serving import serve

app = FastAPI(openapi_url=None)
sockets: dict[str, set[WebSocket]] = defaultdict(set)
streams: dict[str, set[asyncio.Queue[str]]] = defaultdict(set)
CONNECTED = '{"type":"connected"}'


async def broadcast(topic: str, message: dict[str, Any]) -> None:
    text = json.dumps({"type": message["type"], "topic": topic, "data": message["data"]}, separators=(",", ":"))
    for one in list(sockets[topic]):
        await one.send_text(text)
    for queue in streams[topic]:
        queue.put_nowait(text)


@app.post("/api/publish", status_code=202)
async def publish(request: Request) -> dict[str, int]:
    body = await request.json()
    messages = body if isinstance(body, list) else [body]
    for message in messages:
        await broadcast(message["topic"], message)
    return {"published": len(messages)}


@app.websocket("/ws/{topic:path}")
async def follow(websocket: WebSocket, topic: str) -> None:
    await websocket.accept()
    await websocket.send_text(CONNECTED)
    sockets[topic].add(websocket)
    try:
        while True:
            await broadcast(topic, await websocket.receive_json())
    except WebSocketDisconnect:
        pass
    finally:
        sockets[topic].discard(websocket)


@contextmanager
def queue_of(topic: str) -> Iterator[asyncio.Queue[str]]:
    queue: asyncio.Queue[str] = asyncio.Queue()
    queue.put_nowait(CONNECTED)
    streams[topic].add(queue)
    try:
        yield queue
    finally:
        streams[topic].discard(queue)


@app.get("/sse/{topic:path}")
async def stream(topic: str) -> StreamingResponse:
    async def events() -> AsyncGenerator[str, None]:
        with queue_of(topic) as queue:
            while True:
                yield f"data: {await queue.get()}\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


@app.get("/events/{topic:path}", response_class=EventSourceResponse)
async def own_stream(topic: str) -> AsyncIterable[ServerSentEvent]:
    with queue_of(topic) as queue:
        while True:
            yield ServerSentEvent(raw_data=await queue.get())


@app.get("/api/thresholds")
async def thresholds() -> dict[str, Any]:
    return small()


if __name__ == "__main__":
    serve(app)
