"""The plain way: a queue per connection with `await websocket.send`, a generator per stream, an INSERT per message.

What one writes with Quart, Hypercorn and uvloop from their documentation: the peer the benchmark compares with. It
speaks as much of the wire as the load needs, and is served like En Vivo: the same hypercorn.toml, the same loop,
the same promise that an acknowledged message is on the disk.
"""

import argparse
import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any

import aiosqlite
from quart import Quart, Response, request, websocket

from quart_app.server.event_loop import new_event_loop
from tests.bench.hypercorn_serving import serve_here
from tests.bench.peers.small import small

app = Quart(__name__)
followers: dict[str, set[asyncio.Queue[str]]] = defaultdict(set)
writing = asyncio.Lock()
database: aiosqlite.Connection


def event(type: str, topic: str, **fields: Any) -> str:
    timestamp = datetime.now(UTC).isoformat(timespec="milliseconds")
    return json.dumps({"type": type, "timestamp": timestamp, "topic": topic, **fields}, separators=(",", ":"))


def broadcast(topic: str, text: str) -> None:
    for queue in followers[topic]:
        queue.put_nowait(text)


@app.post("/api/publish")
async def publish() -> tuple[dict[str, Any], int]:
    body = await request.get_json()
    messages = body if isinstance(body, list) else [body]
    for message in messages:
        broadcast(message["topic"], event(message["type"], message["topic"], data=message["data"]))
    return {"success": True, "published": len(messages)}, 202


@app.get("/api/thresholds")
async def thresholds() -> dict[str, Any]:
    return small()


@app.post("/bench/turns")
async def turns() -> tuple[dict[str, Any], int]:
    order = await request.get_json()
    pad = "x" * order["pad"]
    for number in range(order["first"], order["first"] + order["count"]):
        broadcast(order["topic"], event("bench", order["topic"], data={"text": f"{order['mark']}{number};{pad}"}))
        await asyncio.sleep(0)
    return {"success": True}, 202


@app.websocket("/ws/<path:topic>")
async def follow(topic: str) -> None:
    queue: asyncio.Queue[str] = asyncio.Queue()
    await websocket.accept()
    await websocket.send(event("connected", topic))
    followers[topic].add(queue)
    sender = asyncio.create_task(send_from(queue))
    try:
        while True:
            message = json.loads(await websocket.receive())
            if topic.startswith("live/"):
                broadcast(topic, event(message["type"], topic, data=message["data"]))
            else:
                await store(topic, message, queue)
    finally:
        followers[topic].discard(queue)
        sender.cancel()


async def send_from(queue: asyncio.Queue[str]) -> None:
    while True:
        await websocket.send(await queue.get())


async def store(topic: str, message: dict[str, Any], queue: asyncio.Queue[str]) -> None:
    async with writing:
        await database.execute("INSERT INTO messages (topic, content) VALUES (?, ?)", (topic, message["content"]))
        await database.commit()
    queue.put_nowait(event("message_sent", topic, key=message["key"]))
    broadcast(topic, event("message", topic, data={"content": message["content"]}))


@app.get("/sse/<path:topic>")
async def stream(topic: str) -> Response:
    async def events() -> AsyncGenerator[bytes, None]:
        queue: asyncio.Queue[str] = asyncio.Queue()
        followers[topic].add(queue)
        try:
            yield f"data: {event('connected', topic)}\n\n".encode()
            while True:
                yield f"data: {await queue.get()}\n\n".encode()
        finally:
            followers[topic].discard(queue)

    response = Response(events(), content_type="text/event-stream")
    response.timeout = None
    return response


async def main(file: str) -> None:
    global database
    async with aiosqlite.connect(file) as database:
        await database.execute("PRAGMA journal_mode = WAL")
        await database.execute("PRAGMA synchronous = FULL")
        await database.execute("CREATE TABLE messages (id INTEGER PRIMARY KEY, topic TEXT, content TEXT)")
        await database.commit()
        await serve_here(app)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", help="the database, a new file")
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(main(parser.parse_args().file))
