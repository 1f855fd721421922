"""A batch is what goes out together: messages of one reader or of an audience, joined once in each wire form."""

from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum, auto
from typing import Final, NamedTuple

from quart_app.realtime import limits
from quart_app.realtime.messages import encoding
from quart_app.realtime.messages.event import Event, Message


class Form(IntEnum):
    """The bytes that messages become on a wire."""

    FRAMES = auto()
    """WebSocket frames."""
    DEFLATED_FRAMES = auto()
    """WebSocket frames for a peer that has agreed to compression."""
    BLOCKS = auto()
    """Server-sent events."""
    CHUNK = auto()
    """Server-sent events as one chunk of an HTTP/1.1 body."""


class Place(NamedTuple):
    """How far somebody has read: the durable `position`, and per topic the count of transient events `seen`."""

    position: int
    seen: Mapping[str, int]


NOWHERE: Final = Place(0, {})
_NOBODY: Final[frozenset[str]] = frozenset()


class Batch:
    """Messages that go out together; all subscriptions of an audience share one, whose bytes are joined once.

    A batch of the bus also says where its readers stand afterwards: at `place`, which is the `version` of their
    audience; and when it was handed out: `at` (s, the loop's clock). A batch that one subscription has read by itself
    has version 0. `heard` counts the messages that a client hears, and `hidden_from` names the users who do not get
    all.
    """

    __slots__ = ("_encoded", "at", "heard", "hidden_from", "messages", "place", "version")

    def __init__(
        self, messages: Sequence[Message], *, version: int = 0, place: Place = NOWHERE, at: float = 0.0
    ) -> None:
        self.messages = messages
        self.version = version
        self.place = place
        self.at = at
        self._encoded: dict[Form, bytes] = {}
        # A comment, which nobody hears, is sent to one reader alone, and only where nothing waits before it.
        self.heard = len(messages) if version or not messages or messages[0].heard else len(messages) - 1
        # What one subscription has read by itself holds nothing that its user must not see.
        self.hidden_from = (
            frozenset([one.hidden_from for one in messages if one.hidden_from is not None]) if version else _NOBODY
        )

    def encoded(self, form: Form) -> bytes:
        """Return the messages in one wire form."""
        encoded = self._encoded.get(form)
        if encoded is None:
            encoded = self._encoded[form] = _join(self.messages, form)
        return encoded


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
