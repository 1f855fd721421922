"""What goes out together: messages of one reader or of a whole audience, joined once in each wire form."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from quart_app.realtime import encoding, limits
from quart_app.realtime.event import Event, Message


class Marks(NamedTuple):
    """How far somebody has read: the durable position, and per topic the count of transient
    events."""

    position: int
    seen: Mapping[str, int]


class Batch:
    """Messages that go out together, and where their reader stands afterwards.

    Shared by all subscriptions of an audience: its bytes are joined once. `news` says where it comes
    from, `at` when it was handed out (s, the loop's clock); read by one subscription alone, it has neither.
    """

    def __init__(self, messages: Sequence[Message], news: "News | None" = None, at: float = 0.0) -> None:
        self.messages = messages
        self.news = news
        self.at = at

    @cached_property
    def hidden_from(self) -> frozenset[str]:
        """The users who do not get all of it."""
        return frozenset([message.hidden_from for message in self.messages if message.hidden_from is not None])

    @cached_property
    def blocks(self) -> bytes:
        """The messages as server-sent events."""
        return b"".join([message.block for message in self.messages])

    @cached_property
    def chunk(self) -> bytes:
        """The blocks as one chunk of an HTTP/1.1 body."""
        return encoding.http_chunk(self.blocks)

    @cached_property
    def frames(self) -> bytes:
        """The messages as WebSocket frames."""
        return b"".join([message.frame for message in self.messages])

    @cached_property
    def deflated_frames(self) -> bytes:
        """The messages as WebSocket frames for those who have agreed to compression."""
        return b"".join([message.deflated_frame for message in self.messages])

    def without(self, user_id: str) -> "Batch":
        """This batch as the user sees from whom some of it is hidden."""
        return Batch(visible(self.messages, user_id), self.news, self.at)


def visible(messages: Iterable[Message], user_id: str) -> list[Message]:
    """Those of `messages` that are not hidden from the user."""
    return [message for message in messages if message.hidden_from != user_id]


class News(NamedTuple):
    """What a batch of the bus stands for: its audience's `version`, and where it ends."""

    version: int
    marks: Marks


def one_batch(events: Sequence[Event]) -> int:
    """How many of `events` make one batch for a reader who was behind."""
    size = 0
    for index, event in enumerate(events[: limits.BATCH_EVENTS]):
        size += event.size
        if size > limits.OWN_BATCH_BYTES and index:
            return index
    return min(len(events), limits.BATCH_EVENTS)
