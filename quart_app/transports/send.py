"""`POST /send/<topic>`: what a WebSocket client would send, for those who are on SSE or poll."""

import asyncio

import msgspec
from quart import Blueprint, Response, request

from quart_app.context import app
from quart_app.realtime import Hub, Identity, Refused, Unanswered, limits
from quart_app.transports.elsewhere import Named, perform, perform_for, perform_there
from quart_app.transports.opening import speaker_and_connection


def add_routes(routes: Blueprint) -> None:
    """Serve `POST /send`."""
    routes.post("/send/<path:name>")(_send)


async def _send(name: str) -> Response:
    hub = app().hub
    topic = hub.channels.topic(name)
    data: bytes = await request.get_data(as_text=False)  # type: ignore[assignment]  # Quart tells of text too
    identity, named = speaker_and_connection()
    answers = await _perform(hub, identity, named, data, topic)
    if answers is None:
        answers = await perform_for(hub, identity, data, topic)
    body = b'{"messages":[%b]}' % b",".join(answers)
    return Response(body, content_type="application/json", headers={"Cache-Control": "no-store"})


async def _perform(hub: Hub, identity: Identity, named: Named, data: bytes, topic: str) -> list[bytes] | None:
    """Have it carried out by the node that has the sender's connection. Return None where the sender may speak without
    that, and nothing happens twice. Else raise Refused."""
    for _ in range(1 + round(limits.FORWARD / limits.TAKING)):
        if (answers := await perform(hub, named, data, topic)) is not None:
            return answers
        if not (named.id and hub.backplane.shared):
            return None
        try:
            answers = await perform_there(hub, named, data, topic)
        except Unanswered:
            if identity.nameless or not _has_key(data):
                said = "the node that has your connection does not answer; perhaps it has done what you asked for"
                raise _unavailable(said) from None
        if answers is not None or not identity.nameless:
            return answers
        await asyncio.sleep(limits.TAKING)  # it may be on its way from one node to another
    raise _unavailable("your connection is not there, so nobody knows who you are: open another one")


def _unavailable(said: str) -> Refused:
    return Refused("unavailable", said, status=503, retry_after=1.0)


def _has_key(data: bytes) -> bool:
    try:
        return "key" in msgspec.json.decode(data, type=dict)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
