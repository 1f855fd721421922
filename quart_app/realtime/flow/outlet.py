"""The outlet of a subscription, which counts what its reader was sent, and is written to without waking the reader."""

import asyncio

from quart_app.realtime.flow.audience import Audience, Reader, Stream, Write
from quart_app.realtime.messages.batch import Batch, Form


class Outlet:
    """The count of what one reader was sent, and the direct write to it, once a transport has opened the outlet.

    It is `streaming` while its reader is in a stream of its audience, which counts for the reader meanwhile.
    """

    __slots__ = ("_bytes", "_form", "_messages", "_stood_at", "_stream", "_write", "_written_at")

    def __init__(self) -> None:
        self._messages = 0
        self._bytes = 0
        self._write: Write | None = None
        self._form = Form.FRAMES
        self._written_at = 0.0
        self._stood_at = 0.0
        self._stream: Stream | None = None

    @property
    def messages(self) -> int:
        """The number of messages that the reader was sent."""
        return self._messages + (self._stream.messages if self._stream is not None else 0)

    @property
    def sent_bytes(self) -> int:
        """The number of bytes that these messages were on the wire."""
        return self._bytes + (self._stream.bytes if self._stream is not None else 0)

    @property
    def written_at(self) -> float:
        """The time (s, the loop's clock) when the reader was last sent a message."""
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
        return self._write is not None

    def open(self, write: Write, form: Form) -> None:
        """Let what comes be written by `write` in `form` from now on."""
        self._write, self._form = write, form

    def shut(self) -> None:
        """Let it be written to no more; its transport is over."""
        self._write = None

    def count(self, messages: int, size: int) -> None:
        """Note that the reader is sent so many messages now, of `size` bytes together."""
        self._messages += messages
        self._bytes += size
        if messages:
            self._written_at = asyncio.get_running_loop().time()

    def write(self, batch: Batch, after: bytes = b"") -> None:
        """Write what is for this reader alone, right after some bytes that are no message."""
        assert self._write is not None  # noqa: S101 - only a writable outlet is written to
        data = batch.encoded(self._form)
        self.count(batch.heard, len(data))
        self._write(after + data)

    def stand_in(self, audience: Audience, reader: Reader) -> None:
        """Have `reader` written to as the events of `audience` come."""
        assert self._write is not None  # noqa: S101 - only a writable outlet stands there
        self._stream = stream = audience.stream(self._form)
        stream.writes[reader] = self._write
        self._stood_at = stream.at
        self._messages -= stream.messages
        self._bytes -= stream.bytes

    def leave(self, reader: Reader) -> bool:
        """Stop direct writing. Return whether it was on."""
        stream = self._stream
        if stream is None:
            return False
        self._written_at = self.written_at
        self._stream = None
        del stream.writes[reader]
        self._messages += stream.messages
        self._bytes += stream.bytes
        return True
