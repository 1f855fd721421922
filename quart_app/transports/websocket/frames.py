"""The frames of a WebSocket, read strictly (RFC 6455 section 5) and without I/O: bytes go in, messages come out."""

import codecs
import zlib
from enum import IntEnum
from typing import Final

from quart_app.realtime.limits import INBOUND_MESSAGE_BYTES
from quart_app.transports.websocket.compression import Inflater

CONTROL_BYTES: Final = 125  # RFC 6455 section 5.5
NO_CODE: Final = 1005  # of a close frame without one; the codes are those of RFC 6455 section 7.4.1
PROTOCOL_ERROR: Final = 1002
NOT_ITS_TYPE: Final = 1007
TOO_LONG: Final = bytes(INBOUND_MESSAGE_BYTES + 1)
"""What is handed on in the place of a longer message: it is refused for its length alone."""
_CODES: Final = frozenset({*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)})
_FIN, _RSV1, _RSV, _MASKED = 0x80, 0x40, 0x70, 0x80
_utf8 = codecs.getincrementaldecoder("utf-8")


class Opcode(IntEnum):
    """The kinds of frames (RFC 6455 section 5.2)."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


_CONTINUATION, _TEXT, _BINARY, _CLOSE = (
    opcode.value for opcode in (Opcode.CONTINUATION, Opcode.TEXT, Opcode.BINARY, Opcode.CLOSE)
)
_KNOWN: Final = frozenset(opcode.value for opcode in Opcode)


class FrameError(Exception):
    """The peer has sent what a WebSocket does not; `code` is the close code that says so."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def unmasked(data: bytes, mask: bytes) -> bytes:
    """Return `data` with `mask`, four bytes, taken from it or put on it (RFC 6455 section 5.3)."""
    length = len(data)
    masks = mask * (length // 4 + 1)
    return (int.from_bytes(data, "little") ^ int.from_bytes(masks[:length], "little")).to_bytes(length, "little")


def close_frame(code: int, reason: str) -> bytes:
    """Return the frame that ends a WebSocket; `reason` is cut to what fits."""
    return control_frame(Opcode.CLOSE, code.to_bytes(2, "big") + short_reason(reason).encode())


def short_reason(reason: str) -> str:
    """Return as much of `reason` as fits into a close frame beside the code."""
    return reason.encode()[: CONTROL_BYTES - 2].decode(errors="ignore")


def control_frame(opcode: int, payload: bytes) -> bytes:
    """Return a frame of the server's that is no message."""
    return bytes((_FIN | opcode, len(payload))) + payload


def close_code(payload: bytes) -> int:
    """Return the code of a close frame with this payload, NO_CODE where it has none. Raise FrameError."""
    if not payload:
        return NO_CODE
    code = int.from_bytes(payload[:2], "big")
    if len(payload) == 1 or code not in _CODES:
        raise FrameError(PROTOCOL_ERROR, "a close code that may not be sent")
    _check_utf8(payload[2:])
    return code


def _check_utf8(text: bytes) -> None:
    try:
        text.decode()
    except UnicodeDecodeError as error:
        raise FrameError(NOT_ITS_TYPE, "not UTF-8") from error


def _short_text(data: bytes, at: int) -> bytes:
    """Return the short, uncompressed text that makes the whole of the frame at `at`; nothing where that is another
    frame. Raise FrameError."""
    if data[at] != _FIN | _TEXT or len(data) - at < 6:
        return b""
    begins = at + 6
    ends = begins + data[at + 1] - _MASKED
    if not begins < ends <= min(begins + CONTROL_BYTES, len(data)):
        return b""
    text = unmasked(data[begins:ends], data[at + 2 : begins])
    _check_utf8(text)
    return text


class _Message:
    """A message of which not all has come."""

    __slots__ = ("_decoder", "_inflater", "data", "opcode")

    def __init__(self, opcode: int, *, compressed: bool) -> None:
        self.opcode = opcode
        self.data = bytearray()
        self._decoder = _utf8() if opcode == _TEXT else None
        self._inflater = Inflater() if compressed else None

    def take(self, part: bytes, *, last: bool) -> None:
        """Take the next part. Raise FrameError."""
        if self._inflater is not None:
            try:
                part = self._inflater.take(part) + (self._inflater.end() if last else b"")
            except zlib.error as error:
                raise FrameError(NOT_ITS_TYPE, "not compressed as agreed") from error
        if self._decoder is not None:
            try:
                self._decoder.decode(part, last)
            except UnicodeDecodeError as error:
                raise FrameError(NOT_ITS_TYPE, "not UTF-8") from error
        self.data += part

    def outgrows(self, left: int) -> bool:
        """Tell whether this message is too long, of whose frame so many bytes are still `left` to come."""
        return len(self.data) + (left if self._inflater is None else 0) > INBOUND_MESSAGE_BYTES


class _Frame:
    """A frame of whose payload some is `left` to come."""

    __slots__ = ("_mask", "fin", "left", "opcode", "payload")

    def __init__(self, opcode: int, left: int, mask: bytes, *, fin: bool) -> None:
        self.opcode = opcode
        self.left = left
        self._mask = mask
        self.fin = fin
        self.payload = b""

    def take(self, part: bytes) -> bytes:
        """Return the next part of the payload without its mask."""
        self.left -= len(part)
        data = unmasked(part, self._mask)
        turned = len(part) % 4
        self._mask = self._mask[turned:] + self._mask[:turned]
        return data


class FrameReader:
    """The reader of what one client sends. `compressed` tells whether permessage-deflate was agreed to.

    It is `deaf` once a message was too long: nothing is read after that.
    """

    __slots__ = ("_at", "_compressed", "_data", "_frame", "_message", "deaf")

    def __init__(self, *, compressed: bool) -> None:
        self._compressed = compressed
        self._data = b""
        self._at = 0
        self._frame: _Frame | None = None
        self._message: _Message | None = None
        self.deaf = False

    def feed(self, data: bytes) -> None:
        """Take what has come."""
        self._data = self._data[self._at :] + data
        self._at = 0

    def next(self) -> tuple[int, bytes] | None:
        """Return the next message, whole, or control frame, with its opcode; None where more has to come for that.

        For a frame that brings only a part of a message, CONTINUATION is returned, without the part. In place of a
        message that is longer than INBOUND_MESSAGE_BYTES, TOO_LONG is returned as soon as that is known, and nothing
        after it. Raise FrameError, after which nothing more is to be read.
        """
        while self._at < len(self._data) and not self.deaf:
            if self._frame is None:
                text = b"" if self._message is not None else _short_text(self._data, self._at)
                if text:  # it is what nearly all are, and needs none of what the others need
                    self._at += len(text) + 6
                    return _TEXT, text
                if not self._read_head():
                    return None
            frame = self._frame
            assert frame is not None  # noqa: S101 - its head was read
            part = self._data[self._at : self._at + frame.left]
            self._at += len(part)
            found = self._take_control(frame, part) if frame.opcode >= _CLOSE else self._take_part(frame, part)
            if not frame.left:
                self._frame = None
                found = found or (_CONTINUATION, b"")
            if found is not None:
                return found
        return None

    @staticmethod
    def _take_control(frame: _Frame, part: bytes) -> tuple[int, bytes] | None:
        frame.payload += frame.take(part)
        return None if frame.left else (frame.opcode, frame.payload)

    def _take_part(self, frame: _Frame, part: bytes) -> tuple[int, bytes] | None:
        message = self._message
        assert message is not None  # noqa: S101 - the head of a frame of data begins one
        data = frame.take(part)
        complete = frame.fin and not frame.left
        message.take(data, last=complete)
        if message.outgrows(frame.left):
            self.deaf = True
            return message.opcode, TOO_LONG
        if not complete:
            return None
        self._message = None
        return message.opcode, bytes(message.data)

    def _read_head(self) -> bool:
        """Begin the next frame; return whether all of its head is there. Raise FrameError."""
        data, at = self._data, self._at
        if len(data) - at < 2:
            return False
        first, second = data[at], data[at + 1]
        opcode, length = first & 0x0F, second & 0x7F
        self._check_head(first, opcode, length, masked=second & _MASKED > 0)
        at += 2
        if length > CONTROL_BYTES:
            size = 2 if length == 126 else 8
            if len(data) - at < size:
                return False
            shortest = 126 if size == 2 else 1 << 16
            length = int.from_bytes(data[at : at + size], "big")
            if not shortest <= length < 1 << 63:
                raise FrameError(PROTOCOL_ERROR, "a length that is not told in the shortest way")
            at += size
        if len(data) - at < 4:
            return False
        if opcode in (_TEXT, _BINARY):
            self._message = _Message(opcode, compressed=first & _RSV1 > 0)
        self._frame = _Frame(opcode, length, data[at : at + 4], fin=first & _FIN > 0)
        self._at = at + 4
        return True

    def _check_head(self, first: int, opcode: int, length: int, *, masked: bool) -> None:
        """Raise FrameError where a frame may not begin so, here."""
        begins = opcode in (_TEXT, _BINARY)
        allowed = _RSV1 if self._compressed and begins else 0
        if first & _RSV & ~allowed:
            raise FrameError(PROTOCOL_ERROR, "a reserved bit that was not agreed on")
        if opcode not in _KNOWN:
            raise FrameError(PROTOCOL_ERROR, f"an unknown opcode {opcode}")
        if not masked:
            raise FrameError(PROTOCOL_ERROR, "a frame without a mask")
        if opcode >= _CLOSE:
            if not first & _FIN or length > CONTROL_BYTES:
                raise FrameError(PROTOCOL_ERROR, "a control frame that is long or in parts")
        elif begins is (self._message is not None):
            raise FrameError(PROTOCOL_ERROR, "a message inside another" if begins else "a part of no message")
