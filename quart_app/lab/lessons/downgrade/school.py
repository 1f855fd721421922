"""The school: a server that publishes, and a proxy on the way to it that lets through what it likes."""

import json
from collections.abc import Iterator
from typing import Any

from quart_app.lab.world.database import RecordedLog
from quart_app.lab.world.node import Node
from quart_app.lab.world.roads import Road
from quart_app.lab.world.serving import Answer, Request
from quart_app.lab.world.world import World
from quart_app.lab.world.writer import Writer
from quart_app.realtime import Channel, Event, Hub
from quart_app.wire import Cursor

TOPIC = "log/board"
SAID = "said"


def furnish(world: World, node: Node, hub: Hub) -> None:
    """Give the server's engine its channel."""
    node.writer = Writer(world.database, hub)
    hub.channels.add("log/*", Channel())


async def publish(world: World, node: Node) -> None:
    """Store the next message, which goes to all that follow."""

    def say(log: RecordedLog) -> tuple[None, list[Event]]:
        event = log.append(TOPIC, SAID, data=len(log.record) + 1)
        world.trace.note(node.name, "commit", msg=f"m{event.position}", pos=event.position)
        return None, [event]

    await node.writer.commit(node.name, None, say)


def position(cursor: str | None) -> int | None:
    """Return the number of the message that a cursor stands at, None where there is no cursor."""
    if cursor is None:
        return None
    return 0 if cursor == "0" else Cursor.parse(cursor).position


def told(item: Any) -> dict[str, Any] | None:
    """Return what a run tells of something that is sent: a request for messages, or the first of those it brings."""
    if isinstance(item, Request):
        asks = item.kind in {"ws", "sse", "poll"}
        return {"do": "send", "kind": item.kind, "since": position(item.since)} if asks else None
    numbers = list(_numbers(item))
    return {"do": "push", "msg": f"m{numbers[0]}", "count": len(numbers)} if numbers else None


def _numbers(item: Any) -> Iterator[int]:
    """Yield the numbers of the messages in something that is sent."""
    for one in item.messages if isinstance(item, Answer) else [item]:
        message = json.loads(one) if isinstance(one, bytes) else {}
        if message.get("type") == SAID:
            yield message["data"]


# What the proxy does


def _way(world: World) -> Road:
    return world.road("phone", "server")


def cut(world: World, by: str = "storm") -> None:
    """Cut all connections."""
    _way(world).cut(world.trace.note(_way(world).name, "cut", by=by))


def block(world: World, by: str = "storm") -> None:
    """Cut WebSockets, and let none through from now on."""
    world.trace.note(_way(world).name, "block", kinds=["ws"], by=by)
    _way(world).blocked = frozenset(["ws"])
    cut(world, by)


def buffer(world: World, by: str = "storm") -> None:
    """Keep what event streams bring, until they end."""
    world.trace.note(_way(world).name, "buffer", kinds=["sse"], by=by)
    _way(world).towards("phone").buffered = frozenset(["sse"])


def heal(world: World, by: str = "storm") -> None:
    """Let everything through again."""
    world.trace.note(_way(world).name, "heal", by=by)
    _way(world).lighten()


ACTS = {
    "cut": lambda world: cut(world, "act"),
    "block": lambda world: block(world, "act"),
    "buffer": lambda world: buffer(world, "act"),
    "heal": lambda world: heal(world, "act"),
}
