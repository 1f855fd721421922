"""What every transport asks before anything flows: who comes, to which topics, from which cursor."""

import re
from typing import Any

from quart import has_websocket_context, request, websocket
from quart.wrappers import Request, Websocket

from quart_app.context import app
from quart_app.doors import client_address, door_of
from quart_app.realtime import Identity, Opening
from quart_app.realtime.limits import AGENT_CHARACTERS, TOPICS_PER_CONNECTION
from quart_app.transports.elsewhere import Named

_CONNECTION_ID = re.compile(r"[A-Za-z0-9_-]{24}")


def source() -> Request | Websocket:
    """Return the request or the WebSocket of this context, without the proxy in front of it."""
    proxy: Any = websocket if has_websocket_context() else request
    return proxy._get_current_object()  # type: ignore[no-any-return]  # werkzeug's documented way past the proxy


def connection_id() -> str:
    """Return the id of the connection that the client says it has, empty where it says none."""
    client = source()
    id = client.headers.get("X-Connection-Id") or client.args.get("connection_id", "")
    return id if _CONNECTION_ID.fullmatch(id) else ""


def speaker_and_connection() -> tuple[Identity, Named]:
    """Return who speaks, and the connection that they say they have. Raise Refused.

    At an open door the connection's id alone proves whose it is, because a guest is another one at every request; at a
    secure one the token has to agree.
    """
    client = source()
    door = door_of(client.scope)
    identity = app().identification.identify(client, tickets=True)
    return identity, Named(connection_id(), door.name, identity.user_id if door.secure else None)


def opening(transport: str, name: str | None) -> Opening:
    """Return what the client of this context asks for. Raise Refused.

    `name` is the topic of the path, None where the topics are query parameters.
    """
    client, here = source(), app()
    args, headers, topic_of = client.args, client.headers, here.hub.channels.topic
    names = [name] if name is not None else args.getlist("topic")[: TOPICS_PER_CONNECTION + 1]
    return Opening(
        here.identification.identify(client, tickets=True),
        tuple(dict.fromkeys(map(topic_of, names))),
        transport,
        since=headers.get("Last-Event-ID") or args.get("since") or None,
        fresh=frozenset(map(topic_of, args.getlist("fresh"))),
        agent=headers.get("User-Agent", "")[:AGENT_CHARACTERS],
        door=door_of(client.scope).name,
        address=client_address(client.scope),
    )
