"""What comes from a WebSocket's client, byte by byte: the frames of wsproto's client and those that break a rule."""

import zlib
from collections.abc import Iterable, Sequence
from typing import Final

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, Event, Ping, Pong, TextMessage

from quart_app.realtime.limits import INBOUND_MESSAGE_BYTES
from quart_app.transports.websocket.frames import (
    NOT_ITS_TYPE,
    PROTOCOL_ERROR,
    TOO_LONG,
    FrameError,
    FrameReader,
    Opcode,
    close_code,
    close_frame,
    unmasked,
)

MASK: Final = b"\x37\xfa\x21\x3d"  # of the examples in RFC 6455 section 5.7
TEXT, BINARY, CONTINUATION, CLOSE, PING = 0x81, 0x82, 0x80, 0x88, 0x89  # each with FIN


PART: Final = (int(Opcode.CONTINUATION), b"")  # which is told of a frame that completes no message


def frame(first: int, payload: bytes = b"", mask: bytes = MASK) -> bytes:
    """Return a client's frame with this first byte."""
    length = len(payload)
    if length < 126:
        head = bytes([first, 0x80 | length])
    elif length < 1 << 16:
        head = bytes([first, 0xFE]) + length.to_bytes(2, "big")
    else:
        head = bytes([first, 0xFF]) + length.to_bytes(8, "big")
    return head + mask + unmasked(payload, mask)


def read(pieces: Iterable[bytes], *, compressed: bool = False) -> list[tuple[int, bytes]]:
    """Return the messages and control frames that a reader finds in the pieces."""
    reader = FrameReader(compressed=compressed)
    found = []
    for piece in pieces:
        reader.feed(piece)
        while (one := reader.next()) is not None:
            if one != PART:
                found.append(one)
    return found


def cut(data: bytes, sizes: Sequence[int]) -> list[bytes]:
    """Return `data` in pieces of these sizes, which begin again at their end."""
    pieces, at = [], 0
    while at < len(data):
        for size in sizes:
            pieces.append(data[at : at + size])
            at += size
    return pieces


texts = st.text(max_size=200)
events = st.one_of(
    st.builds(TextMessage, data=texts, message_finished=st.booleans()),
    st.builds(BytesMessage, data=st.binary(max_size=20_000), message_finished=st.booleans()),
    st.builds(Ping, payload=st.binary(max_size=125)),
    st.builds(Pong, payload=st.binary(max_size=125)),
)


@given(events=st.lists(events, max_size=12), sizes=st.lists(st.integers(1, 3000), min_size=1, max_size=5))
def test_what_a_client_sends_is_read_however_it_comes(events: list[Event], sizes: list[int]) -> None:
    client = Connection(ConnectionType.CLIENT)
    sent, expected, part = b"", [], b""
    begun: type[Event] | None = None
    for event in events:
        if isinstance(event, (TextMessage, BytesMessage)):
            if begun is not None and type(event) is not begun:
                continue
            begun = None if event.message_finished else type(event)
            part += event.data.encode() if isinstance(event.data, str) else event.data
            if begun is None:
                expected.append((int(Opcode.TEXT if isinstance(event, TextMessage) else Opcode.BINARY), part))
                part = b""
        elif isinstance(event, (Ping, Pong)):
            expected.append((int(Opcode.PING if isinstance(event, Ping) else Opcode.PONG), bytes(event.payload)))
        sent += client.send(event)
    assume(all(len(data) <= INBOUND_MESSAGE_BYTES for data in (part, *(data for _, data in expected))))
    assert read(cut(sent, sizes)) == expected


@pytest.mark.parametrize("sizes", [(1,), (2, 3), (1_000_000,)])
def test_control_frames_come_between_the_parts_of_a_message(sizes: tuple[int, ...]) -> None:
    data = frame(0x01, b"Ho") + frame(PING, b"?") + frame(0x00, b"l") + frame(CONTINUATION, b"a") + frame(TEXT, b"2")
    assert read(cut(data, sizes)) == [(9, b"?"), (1, b"Hola"), (1, b"2")]


def test_empty_messages_and_frames() -> None:
    data = frame(TEXT) + frame(0x02) + frame(0x00) + frame(CONTINUATION) + frame(PING)
    assert read([data]) == [(1, b""), (2, b""), (9, b"")]


RULES: Final = {
    "without a mask": b"\x81\x01a",
    "a reserved bit": frame(TEXT | 0x40, b"a"),
    "another reserved bit": frame(TEXT | 0x20, b"a"),
    "an unknown opcode": frame(0x83, b"a"),
    "an unknown control opcode": frame(0x8B),
    "a ping in parts": frame(0x09, b"a"),
    "a long ping": frame(PING, b"a" * 126),
    "a part of nothing": frame(CONTINUATION, b"a"),
    "a message inside another": frame(0x01, b"a") + frame(TEXT, b"b"),
    "a length in two bytes too many": b"\x81\xfe\x00\x05" + MASK,
    "a length in eight bytes too many": b"\x81\xff" + (65_535).to_bytes(8, "big") + MASK,
    "a length with its highest bit": b"\x81\xff\x80" + bytes(7) + MASK,
}


@pytest.mark.parametrize("broken", RULES)
@pytest.mark.parametrize("sizes", [(1,), (1_000,)])
def test_what_breaks_a_rule_is_an_error(broken: str, sizes: tuple[int, ...]) -> None:
    with pytest.raises(FrameError) as error:
        read(cut(RULES[broken], sizes))
    assert error.value.code == PROTOCOL_ERROR


@pytest.mark.parametrize(
    "parts",
    [[frame(TEXT, b"\xce\xba\xff")], [frame(TEXT, b"\xce")], [frame(0x01, b"a\xce"), frame(0x00, b"\xff")]],
)
def test_text_that_is_no_utf8_is_an_error(parts: list[bytes]) -> None:
    with pytest.raises(FrameError) as error:
        read(parts)
    assert error.value.code == NOT_ITS_TYPE


def test_it_is_one_as_soon_as_the_byte_is_there() -> None:
    with pytest.raises(FrameError):
        read([frame(TEXT, b"a" * 1_000 + b"\xff" + b"b" * 1_000)[:1_010]])


@pytest.mark.parametrize("opcode", [0x01, 0x02, TEXT, BINARY])
def test_a_message_that_is_too_long_is_known_by_its_head(opcode: int) -> None:
    head = frame(opcode, b"a" * (INBOUND_MESSAGE_BYTES + 1))[:14]
    assert read([head, frame(PING)]) == [(opcode & 0x0F, TOO_LONG)]


def test_so_is_one_in_parts() -> None:
    part = b"a" * (INBOUND_MESSAGE_BYTES // 2)
    whole = [frame(0x01, part), frame(CONTINUATION, part)]
    assert read(whole) == [(1, part + part)]
    assert read([frame(0x01, part), frame(0x00, part), frame(CONTINUATION, b"a"), frame(TEXT, b"b")]) == [(1, TOO_LONG)]


def compressed(data: bytes) -> bytes:
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return (deflate.compress(data) + deflate.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\x00\x00\xff\xff")


class TestCompression:
    @given(data=st.binary(max_size=2_000), sizes=st.lists(st.integers(1, 500), min_size=1, max_size=3))
    def test_messages_are_inflated_each_by_itself(self, data: bytes, sizes: list[int]) -> None:
        one = compressed(data)
        sent = frame(BINARY | 0x40, one) + frame(0x42, one[:5]) + frame(PING) + frame(CONTINUATION, one[5:])
        assert read(cut(sent, sizes), compressed=True) == [(2, data), (9, b""), (2, data)]

    def test_others_need_not_be_compressed(self) -> None:
        sent = frame(TEXT | 0x40, compressed(b"Hola")) + frame(TEXT, b"Hola") + frame(0x01, b"Ho") + frame(0x80, b"la")
        assert read([sent], compressed=True) == [(1, b"Hola")] * 3

    def test_one_that_inflates_to_too_much_is_cut_off(self) -> None:
        sent = frame(TEXT | 0x40, compressed("\u00f1".encode() * INBOUND_MESSAGE_BYTES))
        assert len(sent) < 1_000
        assert read([sent, frame(PING)], compressed=True) == [(1, TOO_LONG)]

    @pytest.mark.parametrize(
        ("sent", "code"),
        [
            (frame(TEXT | 0x40, b"\xff\xff\xff"), NOT_ITS_TYPE),
            (frame(TEXT | 0x40, compressed(b"\xff")), NOT_ITS_TYPE),
            (frame(0x01, b"a") + frame(0xC0, b"b"), PROTOCOL_ERROR),
            (frame(PING | 0x40), PROTOCOL_ERROR),
        ],
    )
    def test_what_breaks_its_rules_is_an_error(self, sent: bytes, code: int) -> None:
        with pytest.raises(FrameError) as error:
            read([sent], compressed=True)
        assert error.value.code == code


class TestClosing:
    @pytest.mark.parametrize("code", [1000, 1003, 1007, 1014, 3000, 4999])
    def test_a_code_and_its_reason(self, code: int) -> None:
        assert close_code(code.to_bytes(2, "big") + "adi\u00f3s".encode()) == code

    def test_without_a_code(self) -> None:
        assert close_code(b"") == 1005

    @pytest.mark.parametrize("payload", [b"\x03", b"\x03\xec", b"\x03\xed", b"\x03\xf7", b"\x00\x00", b"\x13\x88"])
    def test_a_code_that_may_not_be_sent(self, payload: bytes) -> None:
        with pytest.raises(FrameError) as error:
            close_code(payload)
        assert error.value.code == PROTOCOL_ERROR

    def test_a_reason_that_is_no_utf8(self) -> None:
        with pytest.raises(FrameError) as error:
            close_code(b"\x03\xe8\xff")
        assert error.value.code == NOT_ITS_TYPE

    @given(reason=texts)
    def test_a_reason_is_cut_to_what_fits(self, reason: str) -> None:
        sent = close_frame(1008, reason)
        assert sent[:4] == bytes([CLOSE, len(sent) - 2]) + (1008).to_bytes(2, "big")
        assert len(sent) <= 127
        assert reason.startswith(sent[4:].decode())
