"""What a client receives: messages, and the events of topics among them.

An event is a fact. A durable one has a position in the log; a transient one (a state's new value,
a signal) has none. Encodings are made on first use and kept.
"""

from typing import Any

from quart_app.realtime.messages import encoding

_ENVELOPE_BYTES = 140  # type, timestamp, topic and id


class Message:
    """One JSON object on its way to clients: `json` in UTF-8, and what it becomes on each wire."""

    __slots__ = ("_block", "_deflated_frame", "_frame", "_text", "cursor", "json")

    json: bytes
    hidden_from: str | None = None
    heard = True
    """Whether a client hears of it; a comment only keeps the line alive."""

    def __init__(self, json: bytes, cursor: str | None = None) -> None:
        self.json = json
        self.cursor = cursor

    @property
    def text(self) -> str:
        try:
            return self._text
        except AttributeError:
            self._text: str = self.json.decode()
            return self._text

    @property
    def block(self) -> bytes:
        """The server-sent event."""
        try:
            return self._block
        except AttributeError:
            self._block: bytes = encoding.sse_block(self.json, self.cursor)
            return self._block

    @property
    def frame(self) -> bytes:
        """The WebSocket text frame."""
        try:
            return self._frame
        except AttributeError:
            self._frame: bytes = encoding.websocket_frame(self.json)
            return self._frame

    @property
    def deflated_frame(self) -> bytes:
        """The frame for those who have agreed to compression."""
        try:
            return self._deflated_frame
        except AttributeError:
            self._deflated_frame: bytes = encoding.deflated_frame(self.json)
            return self._deflated_frame


def message(type: str, *, at: int, topic: str | None = None, id: str | None = None, **fields: Any) -> Message:
    """Return a message for one client: a reply, a welcome, a heartbeat.

    `at` is its time (ms since the Unix epoch). `fields` stand at top level.
    """
    envelope: dict[str, Any] = {"type": type, "timestamp": encoding.timestamp(at)}
    if topic is not None:
        envelope["topic"] = topic
    if id is not None:
        envelope["id"] = id
    return Message(encoding.encode(envelope | fields), id)


class Event(Message):
    """A fact about a topic.

    `position` is its row in the log, 0 when it is transient. `fields` is the JSON object of its members (`{"data": …}`
    and what stands beside it). `size` is about the bytes of its JSON, known before that is made. `at` is its time (ms
    since the Unix epoch). `hidden_from` is the user who does not get it. `key` says which value of a state topic it
    replaces, and `payer` on whose account that value is held, empty where on nobody's. The backplane fills in its
    `ordinal`, the count of transient events in the topic, and the count after which that began (`first`); the bus the
    order (`sequence`) and time (`arrived`) of arrival, in s of the surroundings' clock, because the loop's stands still
    during a turn.
    """

    __slots__ = (
        "arrived", "at", "fields", "first", "hidden_from", "key", "ordinal", "payer", "position", "sequence", "size",
        "topic", "type",
    )  # fmt: skip

    depth: int = 0
    """How many reactions of the program's own, one after another, have led to it as far as it tells."""

    def __init__(  # noqa: PLR0913 - these are the columns of the log
        self,
        topic: str,
        type: str,
        fields: bytes,
        at: int,
        *,
        epoch: str = "",
        position: int = 0,
        hidden_from: str | None = None,
        key: str | None = None,
        payer: str = "",
    ) -> None:
        self.topic = topic
        self.type = type
        self.fields = fields
        self.size = len(fields) + _ENVELOPE_BYTES
        self.at = at
        self.position = position
        self.cursor = f"{epoch}-{position}" if position else None
        self.hidden_from = hidden_from
        self.key = key
        self.payer = payer
        self.ordinal = 0
        self.first = 0
        self.sequence = 0
        self.arrived = 0.0

    def __getattr__(self, name: str) -> bytes:
        if name != "json":
            raise AttributeError(name)
        self.json = encoding.message_json(self.type, self.at, self.fields, self.topic, self.cursor)
        return self.json

    def __repr__(self) -> str:
        return f"Event({self.topic!r}, {self.type!r}, position={self.position})"


class ReactionEvent(Event):
    """A transient event that reactions have led to."""

    __slots__ = ("depth",)

    depth: int
