"""Holds every message that a server sends to the AsyncAPI document which that server hands out.

The document leaves room for fields to come; here it has none: what a message carries and the document does not name
is a fault. Messages are looked at where they are made, once each, however many subscribers get them.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import jsonschema_rs
import msgspec

from quart_app.app import EnVivo
from quart_app.realtime.messages import encoding
from quart_app.realtime.messages.contract import TopicShape
from quart_app.web.reference.asyncapi import CONNECTION, asyncapi, channel_name, topic_pattern
from tests.running import UNDOCUMENTED

_SHOWN = 500  # characters of a message

Validator = jsonschema_rs.Draft202012Validator


class Contract:
    """What the described `topics` may send."""

    def __init__(self, topics: Sequence[TopicShape]) -> None:
        document = asyncapi(topics, "localhost", secure=False)
        self._components = _closed(document["components"])
        self._channels = {name: channel["messages"] for name, channel in document["channels"].items()}
        self._patterns = [(re.compile(topic_pattern(topic.name)), channel_name(topic)) for topic in topics]
        self.channel = lru_cache(maxsize=4096)(self._channel)
        self._validator = lru_cache(maxsize=None)(self._made)

    def fault(self, message: bytes) -> str | None:
        """What is wrong with a message, as it goes out; None where nothing is."""
        body = msgspec.json.decode(message)
        topic, type = body.get("topic"), body["type"]
        channel = self.channel(topic)
        if channel is None:
            return (
                f"topic={topic!r} type={type!r}: no topic of this name is described; sent: {message.decode()[:_SHOWN]}"
            )
        validator = self._validator(channel, type)
        if validator is None:
            return f"topic={topic!r} type={type!r}: {channel} has no such message; sent: {message.decode()[:_SHOWN]}"
        if validator.is_valid(body):
            return None
        wrong = "; ".join(
            f"{'.'.join(map(str, one.instance_path)) or 'message'}: {one.message}"
            for one in validator.iter_errors(body)
        )
        return f"topic={topic!r} type={type!r}: {wrong[:_SHOWN]}; sent: {message.decode()[:_SHOWN]}"

    def _channel(self, topic: str | None) -> str | None:
        if topic is None:
            return CONNECTION
        return next((name for pattern, name in self._patterns if pattern.fullmatch(topic)), None)

    def _made(self, channel: str, type: str) -> Validator | None:
        messages = self._channels[channel]
        message = messages.get(f"server_{type}") or messages.get("server_any")
        if message is None:
            return None
        if reference := message.get("$ref"):
            message = self._components["messages"][reference.rpartition("/")[2]]
        return Validator({**_closed(message["payload"]), "components": self._components}, validate_formats=True)


def hold_messages(report: Callable[[str], object]) -> Callable[[], None]:
    """Report, once each, the faults of what applications started from now on send; returns how to stop that."""
    start, made = EnVivo.start, encoding.message_json
    contract = Contract(())
    told: set[str] = set()

    async def held_start(app: EnVivo) -> None:
        nonlocal contract
        contract = Contract(app.topic_shapes)
        await start(app)

    def held(type: str, at: int, fields: bytes, topic: str | None, cursor: str | None) -> bytes:
        message = made(type, at, fields, topic, cursor)
        fault = contract.fault(message)
        if fault is not None and (known := fault.partition("; sent: ")[0]) not in told:
            told.add(known)
            report(f"{UNDOCUMENTED} {fault}")
        return message

    def let_go() -> None:
        EnVivo.start = start  # type: ignore[method-assign]  # as it was
        encoding.message_json = made

    EnVivo.start = held_start  # type: ignore[method-assign, assignment]  # to know what is described
    encoding.message_json = held
    return let_go


def _closed(schema: Any) -> Any:
    """The schema with no room for fields that it does not name."""
    if isinstance(schema, list):
        return [_closed(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(inner) for name, inner in schema.items()}
    if schema.get("type") == "object" and "properties" in schema:
        closed.setdefault("additionalProperties", False)
    return closed
