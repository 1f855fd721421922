"""The outlet of a subscription, which counts what its reader was sent, and is written to without waking the reader."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from quart_app.realtime.flow.audience import Audience, Pushable, Reader, Stream
from quart_app.realtime.messages.batch import Batch, Form
from quart_app.realtime.messages.event import Message


class Outlet:
    """The count of what one reader was sent, and the direct write to it, once a transport has opened the outlet.

    It is `full` while nothing more may be written until the rest has gone, and `streaming` while its reader is in a
    stream of its audience, which counts for the reader meanwhile.
    """

    __slots__ = ("_bytes", "_drain", "_form", "_messages", "_pushable", "_stood_at", "_stream", "_written_at", "full")

    def __init__(self) -> None:
        self._messages = 0
        self._bytes = 0
        self._pushable: Pushable | None = None
        self._form = Form.FRAMES
        self._drain: Callable[[], Awaitable[None]] | None = None
        self.full = False
        self._written_at = 0.0
        self._stood_at = 0.0
        self._stream: Stream | None = None

    @property
    def messages(self) -> int:
        """The number of messages that the reader was sent."""
        return self._messages + (self._stream.messages if self._stream is not None else 0)

    @property
    def bytes(self) -> int:
        """The number of bytes that these messages were on the wire."""
        return self._bytes + (self._stream.bytes if self._stream is not None else 0)

    @property
    def written_at(self) -> float:
        """The time (s, the loop's clock) when the outlet was last written to without waking its reader."""
        stream = self._stream
        if stream is None or stream.at <= self._stood_at:  # what the others were sent before it came
            return self._written_at
        return max(self._written_at, stream.at)

    @property
    def streaming(self) -> bool:
        """Tell whether events are written to this outlet as they come."""
        return self._stream is not None

    @property
    def writable(self) -> bool:
        """Tell whether this outlet can be written to while its reader waits."""
        return self._pushable is not None

    def open(self, pushable: Pushable, form: Form, drain: Callable[[], Awaitable[None]]) -> None:
        """Let what comes be written to `pushable` in `form` from now on; `drain()` returns when most of it has gone."""
        self._pushable, self._form, self._drain = pushable, form, drain

    def shut(self) -> None:
        """Let it be written to no more; its transport is over."""
        self._pushable = self._drain = None

    def count(self, messages: int, size: int) -> None:
        """Note that the transport itself has sent the reader so many messages, of `size` bytes together."""
        self._messages += messages
        self._bytes += size

    def write(self, messages: Sequence[Message]) -> bool:
        """Write messages for this reader alone; return whether it may be written to again."""
        assert self._pushable is not None  # noqa: S101 - only a writable outlet is written to
        batch = Batch(messages)
        data = batch.encoded(self._form)
        heard = batch.heard
        self.count(heard, len(data))
        if heard:
            self._written_at = asyncio.get_running_loop().time()
        return self._pushable.push(data)

    async def make_room(self) -> None:
        """Return when a full outlet can be written to again."""
        self.full = False
        if self._drain is not None:
            await self._drain()

    def stand_in(self, audience: Audience, reader: Reader) -> None:
        """Have `reader` written to as the events of `audience` come."""
        assert self._pushable is not None  # noqa: S101 - only a writable outlet stands there
        self._stream = stream = audience.stream(self._form)
        stream.pushables[reader] = self._pushable
        self._stood_at = stream.at
        self.count(-stream.messages, -stream.bytes)

    def leave(self, reader: Reader) -> bool:
        """Stop direct writing. Return whether it was on."""
        stream = self._stream
        if stream is None:
            return False
        self._written_at = self.written_at
        self._stream = None
        del stream.pushables[reader]
        self.count(stream.messages, stream.bytes)
        return True
