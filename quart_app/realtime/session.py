"""One client's side of the conversation, without I/O: frames in, commands out.

Time is passed in. It knows the envelope (dialects of ping, key, topic, subscribe), the limits and
the state; what a message means is its channel's business.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import msgspec

from quart_app.realtime import limits
from quart_app.realtime.channel import Refused
from quart_app.realtime.checking import too_deep
from quart_app.wire import Close

_decode = msgspec.json.Decoder().decode


class State(Enum):
    OPEN = auto()
    CLOSED = auto()


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer at once: `type` and the top-level `fields`."""

    type: str
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Handle:
    """The channel of `topic` is to act on `body`; `key` is the client's name for the message."""

    topic: str
    body: dict[str, Any]
    key: str | None


@dataclass(frozen=True, slots=True)
class Subscribe:
    topic: str
    key: str | None


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    topic: str
    key: str | None


@dataclass(frozen=True, slots=True)
class Leave:
    """The client says goodbye."""

    key: str | None


@dataclass(frozen=True, slots=True)
class End:
    """The client broke the rules: tell it `refused`, then close with `code`."""

    code: Close
    refused: Refused


Command = Reply | Handle | Subscribe | Unsubscribe | Leave | End

_ENDED = End(Close.POLICY, Refused("ended", "this connection has ended", status=409))


class Session:
    """Turns frames of one client into commands, one each.

    `topics` are those that the client is on; whoever changes them sets them anew. Once it is
    CLOSED, by either side, there is nothing but End.
    """

    __slots__ = ("_allowance", "_heard_at", "received", "state", "topics")

    def __init__(self, topics: Collection[str], now: float) -> None:
        self.state = State.OPEN
        self.received = 0
        self.topics = topics
        self._allowance = limits.INBOUND_BURST
        self._heard_at = now

    def receive(self, data: str | bytes, now: float) -> Command:
        """The command in one frame; `now` in seconds of a monotonic clock."""
        if self.state is State.CLOSED:
            return _ENDED
        self.received += 1
        if isinstance(data, str):
            # What is no text in UTF-8 is no JSON either, and is refused as such below.
            data = data.encode(errors="surrogatepass")
        if len(data) > limits.INBOUND_MESSAGE_BYTES:
            return self._end(Close.TOO_BIG, "too_big", f"a message has at most {limits.INBOUND_MESSAGE_BYTES} bytes")
        if not self.within_rate(now):
            return self._end(Close.TOO_MANY, "too_many", f"at most {limits.INBOUND_RATE:.0f} messages a second")
        try:
            body = _decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return _error(Refused("invalid_json", f"not valid JSON: {error}"), None)
        if not isinstance(body, dict):
            return _error(Refused("invalid_json", "a message is a JSON object"), None)
        return self.receive_body(body)

    def receive_body(self, body: dict[str, Any]) -> Command:
        """The command in one message that is decoded already."""
        if self.state is State.CLOSED:
            return _ENDED
        key = body.get("key")
        if key is not None and not (isinstance(key, str) and 0 < len(key) <= limits.KEY_CHARACTERS):
            wrong = f"a string of 1 to {limits.KEY_CHARACTERS} characters"
            return _error(Refused("invalid_key", f"key: {wrong}", fields={"key": wrong}), None)
        if too_deep(body):
            return _error(Refused("invalid_json", f"nested deeper than {limits.JSON_DEPTH} levels"), key)
        type = body.get("type", body.get("action"))
        if type == "ping":
            return Reply("pong", _keyed(key))
        if type == "PING":
            return Reply("PONG", _keyed(key))
        if type == "bye":
            self.state = State.CLOSED
            return Leave(key)
        if type in ("subscribe", "unsubscribe"):  # it may be of any JSON, which a set could not be asked for
            if not (topic := _name(body)):
                wrong = "the name of a topic"
                return _error(Refused("invalid_topic", f"topic: {wrong}", fields={"topic": wrong}), key)
            return Subscribe(topic, key) if type == "subscribe" else Unsubscribe(topic, key)
        return self._for_channel(body, key)

    def _for_channel(self, body: dict[str, Any], key: str | None) -> Command:
        topic = body.get("topic")
        if topic is None and len(self.topics) == 1:
            topic = next(iter(self.topics))
        if topic is None:
            wrong = "needed, because this connection is on several topics"
            return _error(Refused("invalid_topic", f"topic: {wrong}", fields={"topic": wrong}), key)
        if not isinstance(topic, str) or topic not in self.topics:
            wrong = "not a topic of this connection"
            return _error(Refused("invalid_topic", f"topic: {wrong}", fields={"topic": wrong}), key)
        return Handle(topic, body, key)

    def within_rate(self, now: float) -> bool:
        """Whether one more message may come `now`: a token bucket."""
        earned = (now - self._heard_at) * limits.INBOUND_RATE
        self._allowance = min(limits.INBOUND_BURST, self._allowance + earned) - 1
        self._heard_at = now
        return self._allowance >= 0

    def _end(self, code: Close, name: str, text: str) -> End:
        self.state = State.CLOSED
        return End(code, Refused(name, text))


def _name(body: dict[str, Any]) -> str:
    topic = body.get("topic")
    return topic if isinstance(topic, str) else ""


def _keyed(key: str | None) -> dict[str, Any]:
    return {} if key is None else {"key": key}


def _error(refused: Refused, key: str | None) -> Reply:
    return Reply("error", {"data": refused.data(), **_keyed(key)})
