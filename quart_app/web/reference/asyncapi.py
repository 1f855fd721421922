"""The AsyncAPI 3.0 document: every topic as a channel, every message that is sent on it or taken, on all transports.

The document is made of the shapes that the domains describe their topics with, and of the engine's own messages.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from quart_app import __version__
from quart_app.realtime import MessageShape, TopicShape, contract, limits
from quart_app.web.reference.shapes import Schema, Shapes

CONNECTION: Final = "connection"  # the channel of what belongs to no topic
_PLACE = re.compile(r"{(\w+)}")
_TIMESTAMP: Final = {"type": "string", "format": "date-time", "examples": ["2025-01-31T12:00:00.000Z"]}
_TYPE: Final = {"type": "string", "minLength": 1, "maxLength": limits.TYPE_CHARACTERS, "examples": ["thrown"]}
_CONNECTED: Final = MessageShape("connected", "The welcome.")

_ABOUT: Final = """What comes by itself. The same messages on every transport: WebSocket, server-sent events, long poll.

A topic is followed at `<server's pathname>/<address>`, several at `<server's pathname>?topic=a&topic=b`; over WebSocket
`subscribe` and `unsubscribe` change them later. Upstream, WebSocket takes the messages itself; for the other two
`POST /send/<address>` does, with `X-Connection-Id`, and answers `{"messages": […]}`: what a WebSocket would be sent.

The first message is the topic's welcome and carries `connection_id`, `transport`, `heartbeat` and `id`. A durable
message has an `id`, the cursor: come back with `since=<id>` (or `Last-Event-ID`) and nothing is lost or repeated.
What is asked rather than sent is in [/openapi.json](/openapi.json).
"""


class Parameters(Struct, frozen=True):
    """The query parameters of `/ws`, `/sse` and `/poll`."""

    topic: Annotated[list[str], Meta(description="Topics, where the address names none.")] = []
    since: Annotated[str, Meta(description="The cursor to go on from; `0`: all that is retained.")] | None = None
    fresh: Annotated[list[str], Meta(description="Topics that `since` does not apply to.")] = []
    user_id: Annotated[str, Meta(description="Who you are, in open mode.")] | None = None
    username: Annotated[str, Meta(description="How you are called, in open mode.")] | None = None
    token: Annotated[str, Meta(description="Who you are, in secure mode.")] | None = None


def asyncapi(topics: Sequence[TopicShape], host: str, *, secure: bool) -> dict[str, Any]:
    """Return the document of `topics` at `host` (`name:port`); `secure`: over TLS."""
    shapes = Shapes(_taken(topics), _given(topics))
    channels = {CONNECTION: _connection(shapes)}
    channels |= {channel_name(topic): _channel(topic, shapes) for topic in topics}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "En Vivo", "version": __version__, "description": _ABOUT},
        "defaultContentType": "application/json",
        "servers": _servers(host, secure=secure),
        "channels": channels,
        "operations": {name: one for topic in topics for name, one in _operations(topic)},
        "components": {
            "schemas": shapes.components,
            "messages": {
                **{f"server_{one.type}": _message(one, shapes) for one in contract.SENDS},
                **{f"client_{one.type}": _said(one, shapes) for one in contract.RECEIVES},
            },
        },
    }


def channel_name(topic: TopicShape) -> str:
    """Return what the topic's channel is called in the document."""
    return re.sub(r"\W+", "_", topic.name).strip("_")


def topic_pattern(name: str) -> str:
    """Return a regular expression of the topics that the described `name` stands for."""
    parts = re.split(r"{\w+}", name)
    return f"^{'.+'.join(map(re.escape, parts))}$"


def welcomes(topic: TopicShape) -> tuple[MessageShape, ...]:
    """Return the messages that the topic may welcome with, the default one where it describes none."""
    own = tuple(one for one in topic.sends if one.welcome or one.type == _CONNECTED.type)
    return own or (_CONNECTED,)


def _servers(host: str, *, secure: bool) -> dict[str, Any]:
    http, websocket = ("https", "wss") if secure else ("http", "ws")
    told = {
        "ws": (websocket, "WebSocket (RFC 6455; over HTTP/2 RFC 8441)."),
        "sse": (http, "Server-sent events: `EventSource`. One `data:` line of JSON; `id:` is the cursor."),
        "poll": (
            http,
            'Long poll: `{"messages": […], "id": "<cursor>"}`, after `wait` seconds (25 at most) at the latest.',
        ),
        "send": (http, "Upstream of server-sent events and long poll, by POST."),
    }
    return {
        name: {"host": host, "pathname": f"/{name}", "protocol": protocol, "description": said}
        for name, (protocol, said) in told.items()
    }


def _taken(topics: Iterable[TopicShape]) -> Iterable[Any]:
    yield from (contract.TopicName, Parameters)
    for message in (*contract.RECEIVES, *(one for topic in topics for one in topic.receives)):
        yield from _parts(message)


def _given(topics: Iterable[TopicShape]) -> Iterable[Any]:
    yield from (contract.Key, contract.CursorText, contract.TopicName, *contract.WELCOME_FIELDS.values())
    for message in (*contract.SENDS, *(one for topic in topics for one in topic.sends)):
        yield from _parts(message)


def _parts(message: MessageShape) -> Iterable[Any]:
    yield from (*message.fields.values(), *message.optional.values())
    if message.data is not None:
        yield message.data


def _connection(shapes: Shapes) -> dict[str, Any]:
    return {
        "address": None,
        "title": "Every connection",
        "description": "What a connection is told and may say whatever it follows.",
        "messages": _controls(),
        "bindings": _bindings(shapes),
    }


def _channel(topic: TopicShape, shapes: Shapes) -> dict[str, Any]:
    kept = {one.type for one in welcomes(topic)}
    sends = {one.type: one for one in (*welcomes(topic), *topic.sends)}
    own = {f"server_{type}": _message(one, shapes, topic, welcome=type in kept) for type, one in sends.items()}
    taken = {f"client_{one.type}": _said(one, shapes) for one in topic.receives}
    places = {name: {"description": f"`{name}` of the topic's name."} for name in _PLACE.findall(topic.name)}
    return {
        "address": topic.name,
        "title": topic.name,
        "description": f"{topic.summary} ({topic.kind.value})",
        **({"parameters": places} if places else {}),
        "messages": {_plain(name): one for name, one in (_controls() | own | taken).items()},
        "bindings": _bindings(shapes),
    }


def _plain(name: str) -> str:
    return _PLACE.sub("any", name)


def _controls() -> dict[str, Any]:
    names = [f"server_{one.type}" for one in contract.SENDS] + [f"client_{one.type}" for one in contract.RECEIVES]
    return {name: {"$ref": f"#/components/messages/{name}"} for name in names}


def _bindings(shapes: Shapes) -> dict[str, Any]:
    members, _ = shapes.members(Parameters)
    query = {"type": "object", "properties": members}
    return {"ws": {"method": "GET", "query": query, "bindingVersion": "0.1.0"}}


def _operations(topic: TopicShape) -> Iterable[tuple[str, dict[str, Any]]]:
    name = channel_name(topic)
    channel = {"$ref": f"#/channels/{name}"}

    def spoken(prefix: str, types: Iterable[str]) -> list[dict[str, str]]:
        return [{"$ref": f"#/channels/{name}/messages/{_plain(prefix + type)}"} for type in dict.fromkeys(types)]

    sent = [one.type for one in (*welcomes(topic), *topic.sends, *contract.SENDS)]
    http = {"http": {"method": "GET", "bindingVersion": "0.3.0"}}
    yield (
        f"{name}_follow",
        {"action": "send", "channel": channel, "messages": spoken("server_", sent), "bindings": http},
    )
    taken = [one.type for one in (*topic.receives, *contract.RECEIVES)]
    post = {"http": {"method": "POST", "bindingVersion": "0.3.0"}}
    yield (
        f"{name}_say",
        {"action": "receive", "channel": channel, "messages": spoken("client_", taken), "bindings": post},
    )


def _message(
    one: MessageShape, shapes: Shapes, topic: TopicShape | None = None, *, welcome: bool = False
) -> dict[str, Any]:
    """Return a message of the server: on `topic`, or of the engine, which may or may not name one."""
    optional = {"key": shapes.schema(contract.Key), "id": shapes.schema(contract.CursorText)}
    required = ["type", "timestamp"]
    if topic is not None:
        optional["topic"] = {"type": "string", "pattern": topic_pattern(topic.name), "examples": [_named(topic.name)]}
        required.append("topic")
    elif one.type in {"error", "ack", "gap", "unsubscribed"}:
        optional["topic"] = shapes.schema(contract.TopicName)
    if welcome or (topic is None and one.type == _CONNECTED.type):
        optional |= {name: shapes.schema(shape) for name, shape in contract.WELCOME_FIELDS.items()}
    return _spoken(one, shapes, {"timestamp": _TIMESTAMP, **optional}, required)


def _said(one: MessageShape, shapes: Shapes) -> dict[str, Any]:
    """Return a message of a client."""
    key = {"type": "string", "maxLength": limits.KEY_CHARACTERS, "description": "Your own name for it, for its answer."}
    return _spoken(one, shapes, {"topic": shapes.schema(contract.TopicName), "key": key}, ["type"])


def _spoken(one: MessageShape, shapes: Shapes, envelope: dict[str, Schema], required: list[str]) -> dict[str, Any]:
    members = {"type": {"const": one.type} if not _PLACE.search(one.type) else _TYPE, **envelope}
    members |= {name: shapes.schema(shape) for name, shape in {**one.fields, **one.optional}.items()}
    needed = [*required, *(name for name in one.fields if name not in required)]
    if one.data is not None:
        members["data"] = shapes.schema(one.data)
        needed += ["data"] if one.data is not Any else []
    shown = {*needed, *one.optional, *contract.WELCOME_FIELDS, *(["id"] if "connection_id" in members else [])}
    example = {name: shapes.example(members[name]) for name in members if name in shown}
    return {
        "name": _plain(one.type),
        "summary": one.summary,
        "payload": {"type": "object", "properties": members, "required": needed},
        "examples": [{"payload": example}],
    }


def _named(topic: str) -> str:
    return _PLACE.sub("1", topic)
