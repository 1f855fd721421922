"""The inbound side of one client, without I/O: messages go in, commands come out.

Time is passed in. This module knows the envelope (dialects of ping, key, topic, subscribe) and the limits; what a
message means is its channel's business, and whether the connection still takes any is the connection's.
"""

from collections.abc import Collection
from typing import Any

import msgspec
from msgspec import Struct

from quart_app.realtime import limits
from quart_app.realtime.clients.allowance import Allowance
from quart_app.realtime.messages.refused import Refused
from quart_app.realtime.messages.validation import too_deep
from quart_app.wire import CLIENT_TYPES, Close, Control

_decode = msgspec.json.Decoder().decode


class Reply(Struct, frozen=True):
    """Answer at once: `type` and the top-level `fields`."""

    type: str
    fields: dict[str, Any]


class ForChannel(Struct, frozen=True):
    """Let the channel of `topic` act on `body`; `key` is the client's name for the message."""

    topic: str
    body: dict[str, Any]
    key: str | None


class Subscribe(Struct, frozen=True):
    topic: str
    key: str | None


class Unsubscribe(Struct, frozen=True):
    topic: str
    key: str | None


class Leave(Struct, frozen=True):
    """The client says goodbye."""

    key: str | None


class Malformed(Struct, frozen=True):
    """The client sent no message at all: tell the client `refused`, and go on."""

    refused: Refused


class End(Struct, frozen=True):
    """The client broke the rules: tell the client `refused`, then close with `code`."""

    code: Close
    refused: Refused


Command = Reply | ForChannel | Subscribe | Unsubscribe | Leave | Malformed | End


class Inbound:
    """The reader of one client's messages, which checks each (nothing else does) and makes a command of it.

    `topics` are those that the client is on; whoever changes them sets them anew. `received` counts the messages.
    """

    __slots__ = ("_allowance", "received", "topics")

    def __init__(self, topics: Collection[str], now: float) -> None:
        self.received = 0
        self.topics = topics
        self._allowance = Allowance(limits.INBOUND_RATE, limits.INBOUND_BURST, now)

    def take(self, data: str | bytes, now: float, *, topic: str | None = None) -> Command:
        """Return the command in one message.

        `data` is its JSON, `now` is the time (s of a clock that never goes back), and `topic` is the one that its
        address names, where it has an address of its own.
        """
        self.received += 1
        if isinstance(data, str):
            # What is no text in UTF-8 is no JSON either, and is refused as such below.
            data = data.encode(errors="surrogatepass")
        if len(data) > limits.INBOUND_MESSAGE_BYTES:
            text = f"a message has at most {limits.INBOUND_MESSAGE_BYTES} bytes"
            return End(Close.TOO_BIG, Refused("too_big", text, status=413))
        if (end := self.count(now)) is not None:
            return end
        try:
            body = _decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return Malformed(Refused("invalid_json", f"not valid JSON: {error}"))
        if not isinstance(body, dict):
            return Malformed(Refused("invalid_json", "a message is a JSON object"))
        # Nothing is nested deeper than there are brackets, and to count these is next to free.
        deep = data.count(b"{") + data.count(b"[") > limits.JSON_DEPTH and too_deep(body)
        return self._command(body if topic is None else {**body, "topic": topic}, deep)

    def count(self, now: float) -> End | None:
        """Count a message, or a frame that brings none; return the end of whoever sends too many."""
        wait = self._allowance.spend(now)
        if not wait:
            return None
        text = f"at most {limits.INBOUND_RATE:.0f} messages a second"
        return End(Close.TOO_MANY, Refused("too_many", text, status=429, retry_after=wait))

    def _command(self, body: dict[str, Any], deep: bool) -> Command:
        key = body.get("key")
        if key is not None and not (isinstance(key, str) and 0 < len(key) <= limits.KEY_CHARACTERS):
            return _wrong("key", f"a string of 1 to {limits.KEY_CHARACTERS} characters", "invalid_key", None)
        if deep:
            return _error(Refused("invalid_json", f"nested deeper than {limits.JSON_DEPTH} levels"), key)
        type = body.get("type", body.get("action"))
        if isinstance(type, str) and type in CLIENT_TYPES:
            return _for_connection(type, body.get("topic"), key)
        return self._for_channel(body, key)

    def _for_channel(self, body: dict[str, Any], key: str | None) -> Command:
        topic = body.get("topic")
        if topic is None and len(self.topics) == 1:
            topic = next(iter(self.topics))
        if topic is None:
            return _wrong("topic", "needed, because this connection is on several topics", "invalid_topic", key)
        if not isinstance(topic, str) or topic not in self.topics:
            return _wrong("topic", "not a topic of this connection", "invalid_topic", key)
        return ForChannel(topic, body, key)


def _for_connection(type: str, topic: Any, key: str | None) -> Command:
    """Return the command in a message that any connection takes, whatever its topics are about."""
    if type == Control.PING:
        return Reply(Control.PONG, _keyed(key))
    if type == Control.LOUD_PING:
        return Reply(Control.LOUD_PONG, _keyed(key))
    if type == Control.BYE:
        return Leave(key)
    if not (isinstance(topic, str) and topic):
        return _wrong("topic", "the name of a topic", "invalid_topic", key)
    return Subscribe(topic, key) if type == Control.SUBSCRIBE else Unsubscribe(topic, key)


def _keyed(key: str | None) -> dict[str, Any]:
    return {} if key is None else {"key": key}


def _wrong(field: str, wrong: str, code: str, key: str | None) -> Reply:
    return _error(Refused(code, f"{field}: {wrong}", fields={field: wrong}), key)


def _error(refused: Refused, key: str | None) -> Reply:
    return Reply(Control.ERROR, {"data": refused.data(), **_keyed(key)})
