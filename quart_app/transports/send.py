"""`POST /send/<topic>`: what a WebSocket client would send, for those who are on SSE or poll."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
from quart import Blueprint, Response, request

from quart_app.realtime import limits
from quart_app.realtime.channel import Identity, Peer, Refused
from quart_app.realtime.event import Message, message
from quart_app.realtime.session import Handle, Leave, Reply, Session, Subscribe, Unsubscribe
from quart_app.transports.handshake import hub, speaker


def add_routes(routes: Blueprint) -> None:
    """`POST /send`."""
    routes.post("/send/<path:name>")(_send)


async def _send(name: str) -> Response:
    topic = hub().topic(name)
    body = {**await _body(), "topic": topic}
    replies: list[Message] = []
    identity, connection = speaker()
    if connection is not None and topic in connection.subscription.topics:
        connection.session.received += 1
        if not connection.session.within_rate(asyncio.get_running_loop().time()):
            raise Refused(
                "too_many", f"at most {limits.INBOUND_RATE:.0f} messages a second", status=429, retry_after=1.0
            )
        await connection.perform(connection.session.receive_body(body), replies.append)
    else:
        await hub().channel(topic).authorize(identity, topic)
        await _perform(identity, topic, body, replies.append)
    answer = b'{"messages":[%b]}' % b",".join([reply.json for reply in replies])
    return Response(answer, content_type="application/json", headers={"Cache-Control": "no-store"})


async def _body() -> dict[str, Any]:
    data = await request.get_data(as_text=False)
    if len(data) > limits.INBOUND_MESSAGE_BYTES:
        raise Refused("too_big", f"a message has at most {limits.INBOUND_MESSAGE_BYTES} bytes", status=413)
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused("invalid_json", f"the body is not a JSON object: {error}") from error


async def _perform(identity: Identity, topic: str, body: dict[str, Any], send: Callable[[Message], None]) -> None:
    """For a client whose connection is on another node, or was lost with a restart."""
    command = Session((topic,), 0.0).receive_body(body)
    position = hub().bus.position
    match command:
        case Reply(type, fields):
            send(message(type, **fields))
        case Handle(_, inner, key):
            await hub().handle(Peer("", identity, topic, position, resumed=True, send=send, key=key), inner)
        case Leave(str(key)):
            send(message("ack", key=key))
        case Subscribe(_, key) | Unsubscribe(_, key):
            refused = Refused("not_connected", "no stream of yours is known here: open one with the topics you want")
            send(message("error", data=refused.data(), **({} if key is None else {"key": key})))
