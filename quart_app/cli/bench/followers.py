"""The followers of a topic, over WebSocket or server-sent events, who are compared with one shared stream."""

from collections.abc import Callable
from time import perf_counter

from quart_app.cli.bench.stream import BenchError, SharedStream
from quart_app.cli.bench.wire import UPGRADE, Address, Client, masked


class Follower(Client):
    """A follower over WebSocket. Everything that it gets after its `welcomes` has to equal `stream`."""

    def __init__(self, address: Address, path: str, stream: SharedStream, *, greeting: str = "") -> None:
        super().__init__(address.head("GET", path, UPGRADE), 101)
        self.welcome = b""
        """What the message holds after which the stream begins; empty where none comes."""
        self.welcomes = 1
        self.position = 0
        self.seen = 0
        self.arrived: Callable[[int, float], object] | None = None
        """Gets the number of each message, and when it came (s, `perf_counter`)."""
        self._stream = stream
        self._greeting = greeting
        self._following = False

    def data_received(self, data: bytes) -> None:
        """Take bytes from the server. Nearly all of the load's time is spent here, on one comparison in memory."""
        if not self._following:
            super().data_received(data)
            return
        try:
            self._follow(data)
        except Exception as error:  # noqa: BLE001 - whatever it is, whoever waits has to hear of it
            self._fail(error)

    def _follow(self, data: bytes) -> None:
        self.position = self._stream.take(self.position, data)
        if self.arrived is not None:
            self._note(self.arrived)

    def _note(self, arrived: Callable[[int, float], object]) -> None:
        now = perf_counter()
        while self.seen < len(self._stream.ends) and self._stream.ends[self.seen] <= self.position:
            arrived(self._stream.numbers[self.seen], now)
            self.seen += 1

    def _ready(self) -> None:
        if self._greeting:
            self._write(masked(self._greeting.encode()))
        if not self.welcome:
            self._begin()

    def _begin(self) -> None:
        self._following = True
        self.opened.set_result(None)

    def _body(self, data: bytes) -> None:
        rest = self._after_welcome(data)
        if rest:
            self._follow(rest)

    def _after_welcome(self, data: bytes) -> bytes:
        """Return the bytes after the last welcome, none while that has not come."""
        if self._following:
            return data
        data = self._buffer + data
        start = 0
        while self.welcomes and (end := self._stream.split(data, start)) > 0:
            said = data[start:end]
            if b'"type":"error"' in said:
                raise BenchError(f"the server refused a follower: {said!r}")
            self.welcomes -= self.welcome in said
            start = end
        if self.welcomes:
            self._buffer = data[start:]
            return b""
        self._buffer = b""
        self._begin()
        return data[start:]


class EventStreamFollower(Follower):
    """A follower over server-sent events."""

    def __init__(self, address: Address, path: str, stream: SharedStream, *, greeting: str = "") -> None:
        super().__init__(address, path, stream, greeting=greeting)
        self._request = address.head("GET", path, "Accept: text/event-stream\r\n")
        self._status = b"HTTP/1.1 200 "
        self._chunks = b""

    def _body(self, data: bytes) -> None:
        self._follow(data)

    def _follow(self, data: bytes) -> None:
        text = self._unchunked(data) if self.chunked else data
        if not self._following:
            text = self._after_welcome(text)
        if text:
            super()._follow(text)

    def _unchunked(self, data: bytes) -> bytes:
        """Return the content of chunked transfer coding (RFC 9112 section 7.1)."""
        data = self._chunks + data if self._chunks else data
        parts = []
        start = 0
        while (line := data.find(b"\r\n", start)) >= 0:
            begin = line + 2
            end = begin + int(data[start:line], 16)
            if end == begin:
                raise BenchError("the server ended an event stream")
            if len(data) < end + 2:
                break
            # Comments keep a silent stream open, and come when each is due; one may also be the welcome.
            if not data.startswith(b":", begin) or self.welcome in data[begin:end]:
                parts.append(data[begin:end])
            start = end + 2
        self._chunks = data[start:]
        return parts[0] if len(parts) == 1 else b"".join(parts)
