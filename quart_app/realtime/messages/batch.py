"""What goes out together: messages of one reader or of a whole audience, joined once in each wire form."""

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Final, NamedTuple

from quart_app.realtime import limits
from quart_app.realtime.messages import encoding
from quart_app.realtime.messages.event import Event, Message


class Form(Enum):
    """The bytes that messages become on a wire."""

    FRAMES = "frames"
    """WebSocket frames."""
    DEFLATED_FRAMES = "deflated frames"
    """WebSocket frames for a peer that has agreed to compression."""
    BLOCKS = "blocks"
    """Server-sent events."""
    CHUNK = "chunk"
    """Server-sent events as one chunk of an HTTP/1.1 body."""


class Place(NamedTuple):
    """How far somebody has read: the durable `position`, and per topic the count of transient events `seen`."""

    position: int
    seen: Mapping[str, int]


NOWHERE: Final = Place(0, {})


class Batch:
    """Messages that go out together; all subscriptions of an audience share one, whose bytes are joined once.

    A batch of the bus also says where its readers stand afterwards: at `place`, which is the `version` of their
    audience; and when it was handed out: `at` (s, the loop's clock). A batch that one subscription has read by itself
    has version 0.
    """

    __slots__ = ("_hidden_from", "_joined", "at", "messages", "place", "version")

    def __init__(
        self, messages: Sequence[Message], *, version: int = 0, place: Place = NOWHERE, at: float = 0.0
    ) -> None:
        self.messages = messages
        self.version = version
        self.place = place
        self.at = at
        self._joined: dict[Form, bytes] = {}
        self._hidden_from: frozenset[str] | None = None

    def joined(self, form: Form) -> bytes:
        """Return the messages in one wire form."""
        joined = self._joined.get(form)
        if joined is None:
            joined = self._joined[form] = _join(self.messages, form)
        return joined

    @property
    def hidden_from(self) -> frozenset[str]:
        """The users who do not get all of it."""
        if self._hidden_from is None:
            hidden = [message.hidden_from for message in self.messages if message.hidden_from is not None]
            self._hidden_from = frozenset(hidden)
        return self._hidden_from

    @property
    def heard(self) -> int:
        """How many of the messages a client hears: a comment of an event stream is none."""
        return sum(1 for message in self.messages if message.json)


def _join(messages: Iterable[Message], form: Form) -> bytes:
    match form:
        case Form.FRAMES:
            return b"".join([message.frame for message in messages])
        case Form.DEFLATED_FRAMES:
            return b"".join([message.deflated_frame for message in messages])
        case Form.BLOCKS:
            return b"".join([message.block for message in messages])
        case Form.CHUNK:
            return encoding.http_chunk(_join(messages, Form.BLOCKS))


def visible(messages: Iterable[Message], user_id: str) -> list[Message]:
    """Return those of `messages` that are not hidden from the user."""
    return [message for message in messages if message.hidden_from != user_id]


def fitting(events: Sequence[Event]) -> int:
    """Return how many of `events` make one batch for a reader who was behind."""
    size = 0
    for index, event in enumerate(events[: limits.BATCH_EVENTS]):
        size += event.size
        if size > limits.OWN_BATCH_BYTES and index:
            return index
    return min(len(events), limits.BATCH_EVENTS)
