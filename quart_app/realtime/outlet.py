"""Where the messages of a subscription go: what its reader was sent, and how it is written to without being woken."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from quart_app.realtime.audience import Audience, Stream, Write
from quart_app.realtime.batch import Batch
from quart_app.realtime.event import Message

if TYPE_CHECKING:
    from quart_app.realtime.subscription import Subscription


def _shut(data: bytes) -> bool:
    """Nothing can be written before it is opened."""
    return False


class Outlet:
    """`streaming` while its subscription stands in a stream of its audience, which counts for it meanwhile."""

    __slots__ = ("_bytes", "_form", "_joined_at", "_messages", "_stream", "_write", "_written_at")

    def __init__(self) -> None:
        self._messages = 0
        self._bytes = 0
        self._form = ""
        self._write: Write = _shut
        self._written_at = 0.0
        self._joined_at = 0.0
        self._stream: Stream | None = None

    @property
    def messages(self) -> int:
        """How many the reader was sent."""
        return self._messages + (self._stream.messages if self._stream is not None else 0)

    @property
    def bytes(self) -> int:
        """Of these messages, on the wire."""
        return self._bytes + (self._stream.bytes if self._stream is not None else 0)

    @property
    def written_at(self) -> float:
        """When it was last written to behind the reader's back (s, the loop's clock)."""
        stream = self._stream
        if stream is None or stream.at <= self._joined_at:  # what the others were sent before it came
            return self._written_at
        return max(self._written_at, stream.at)

    @property
    def streaming(self) -> bool:
        return self._stream is not None

    @property
    def writable(self) -> bool:
        """Whether it can be written to while its reader waits."""
        return self._write is not _shut

    def open(self, write: Write, form: str) -> None:
        """From now on it can be written to, in the form of this attribute of a batch."""
        self._write, self._form = write, form

    def count(self, messages: int, size: int) -> None:
        """The reader itself has sent so many messages, of `size` bytes together."""
        self._messages += messages
        self._bytes += size

    def write(self, messages: Sequence[Message]) -> bool:
        """Write messages for this reader alone; whether it may be written to again."""
        data: bytes = getattr(Batch(messages), self._form)
        self.count(len(messages), len(data))
        if messages[-1].json:  # a comment is nothing that a client hears
            self._written_at = asyncio.get_running_loop().time()
        return self._write(data)

    def join(self, audience: Audience, subscription: "Subscription") -> None:
        """From now on its subscription is written to as the events of `audience` come."""
        self._stream = stream = audience.stream(self._form)
        stream.writes[subscription] = self._write
        self._joined_at = stream.at
        self.count(-stream.messages, -stream.bytes)

    def leave(self, subscription: "Subscription") -> bool:
        """It is not any more; whether it was."""
        stream = self._stream
        if stream is None:
            return False
        self._written_at = self.written_at
        self._stream = None
        del stream.writes[subscription]
        self.count(stream.messages, stream.bytes)
        return True
