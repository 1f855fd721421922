"""The encodings of the wire: JSON, the SSE block, the HTTP chunk, the WebSocket frame, plain or compressed.

The functions are pure. Their caller keeps the result, so that an event is encoded once per wire form however many
subscribers it has.
"""

import zlib
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import msgspec

from quart_app.realtime import limits

DEFLATE_TAIL: Final = b"\x00\x00\xff\xff"
"""The end of what is flushed, which a compressed message leaves out (RFC 7692 section 7.2.1)."""
_DEFLATE_MEMORY = 5  # of zlib's 1 to 9: enough for the window, and set up ten times as fast as with its default

_encoder = msgspec.json.Encoder(decimal_format="number")
encode = _encoder.encode


@lru_cache(maxsize=256)
def timestamp(at: int) -> str:
    """Return `at` (ms since the Unix epoch) as ISO 8601 UTC with milliseconds and `Z`."""
    seconds, milliseconds = divmod(at, 1000)
    return f"{_second(seconds)}.{milliseconds:03}Z"


@lru_cache(maxsize=256)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19]


def message_json(type: str, at: int, fields: bytes, topic: str | None, cursor: str | None) -> bytes:
    """Return one server message as JSON.

    `fields` is a JSON object (its members are spliced in at top level), `at` is ms since the Unix
    epoch, `cursor` becomes `id`.
    """
    head = b'{"type":%b,"timestamp":"%b"' % (encode(type), timestamp(at).encode())
    if topic is not None:
        head += b',"topic":' + encode(topic)
    if cursor is not None:
        head += b',"id":"%b"' % cursor.encode()
    return head + b"}" if fields == b"{}" else head + b"," + fields[1:]


def fields_json(fields: dict[str, Any]) -> bytes:
    """Return the members of a message besides its envelope, as one JSON object."""
    return encode(fields)


def sse_block(json: bytes, cursor: str | None) -> bytes:
    """Return one server-sent event (WHATWG HTML 9.2.6). JSON holds no line break, so one data line does."""
    if cursor is None:
        return b"data: %b\n\n" % json
    return b"id: %b\ndata: %b\n\n" % (cursor.encode(), json)


def http_chunk(data: bytes) -> bytes:
    """Return `data`, which is not empty, as one chunk of a chunked body (RFC 9112 section 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def websocket_frame(payload: bytes) -> bytes:
    """Return one unmasked, unfragmented text frame (RFC 6455 section 5.2)."""
    return _frame(b"\x81", payload)


def deflated_frame(payload: bytes) -> bytes:
    """Return the frame for a peer that has agreed to permessage-deflate (RFC 7692 section 6).

    It is compressed on its own, with RSV1 set, where that makes it smaller.
    """
    smaller = deflated(payload)
    return _frame(b"\x81", payload) if smaller is None else _frame(b"\xc1", smaller)


def deflated(payload: bytes) -> bytes | None:
    """Return `payload` as a compressed message that needs no other to be read, None where that would not be smaller."""
    if len(payload) < limits.DEFLATED_BYTES:
        return None
    deflate = zlib.compressobj(zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, -limits.DEFLATE_WINDOW_BITS, _DEFLATE_MEMORY)
    smaller = deflate.compress(payload) + deflate.flush(zlib.Z_SYNC_FLUSH)
    smaller = smaller.removesuffix(DEFLATE_TAIL)
    return smaller if len(smaller) < len(payload) else None


def _frame(head: bytes, payload: bytes) -> bytes:
    length = len(payload)
    if length < 126:
        return b"%b%c%b" % (head, length, payload)
    if length < 65_536:
        return head + b"\x7e" + length.to_bytes(2, "big") + payload
    return head + b"\x7f" + length.to_bytes(8, "big") + payload
