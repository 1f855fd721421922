"""permessage-deflate (RFC 7692): what is agreed to, and what a peer's compressed messages become."""

import tracemalloc
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Message, Ping, TextMessage
from wsproto.extensions import PerMessageDeflate

from quart_app.realtime.limits import INBOUND_MESSAGE_BYTES
from quart_app.transports.websocket.compression import MessageDeflate, answer_to

AGREED = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
NARROW = f"{AGREED}; server_max_window_bits=12"


class TestAnswer:
    @pytest.mark.parametrize(
        ("lines", "answer"),
        [
            (["permessage-deflate"], AGREED),
            (["permessage-deflate; client_max_window_bits"], AGREED),
            (["permessage-deflate; client_max_window_bits=8"], AGREED),
            (['permessage-deflate; client_max_window_bits="15"'], AGREED),
            (["permessage-deflate ;server_no_context_takeover;\tclient_no_context_takeover"], AGREED),
            (["permessage-deflate; server_max_window_bits=12"], NARROW),
            (["permessage-deflate; server_max_window_bits=15; client_max_window_bits=15"], NARROW),
            (["permessage-deflate; server_max_window_bits=10, permessage-deflate"], AGREED),
            (["x-webkit-deflate-frame, permessage-deflate; client_max_window_bits"], AGREED),
            (['foo; bar="b"', "permessage-deflate"], AGREED),
            ([" ,, permessage-deflate,"], AGREED),
        ],
    )
    def test_an_offer_that_can_be_kept(self, lines: list[str], answer: str) -> None:
        assert answer_to(lines) == answer

    @pytest.mark.parametrize(
        "offer",
        [
            "",
            "permessage-bzip2",
            "permessage-deflate; server_max_window_bits",
            "permessage-deflate; server_max_window_bits=11",
            "permessage-deflate; server_max_window_bits=16",
            "permessage-deflate; server_max_window_bits=012",
            "permessage-deflate; client_max_window_bits=7",
            "permessage-deflate; client_max_window_bits=1e1",
            "permessage-deflate; client_no_context_takeover=1",
            "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
            "permessage-deflate; mode=fast",
            "permessage-deflate; ",
            "permessage-deflate; =15",
            "permessage-deflate permessage-deflate",
            'permessage-deflate; client_max_window_bits="15',
            "permessage-deflate, (",
        ],
    )
    def test_an_offer_that_cannot_be_kept_or_read(self, offer: str) -> None:
        assert answer_to([offer]) is None

    @given(st.text(st.sampled_from('permessage-deflate;,="_ \t15'), max_size=200))
    def test_nothing_that_is_sent_upsets_it(self, text: str) -> None:
        assert answer_to([text]) in {None, AGREED, NARROW}


class Pair:
    """Our side of a connection, and an independent one that compresses what it sends."""

    def __init__(self) -> None:
        peer = PerMessageDeflate()
        peer.finalize(AGREED)
        self.peer = Connection(ConnectionType.CLIENT, [peer])
        self.extension = MessageDeflate()
        self.ours = Connection(ConnectionType.SERVER, [self.extension])

    def hear(self, data: bytes, step: int = 65_536) -> Iterator[Event]:
        for start in range(0, len(data), step):
            self.ours.receive_data(data[start : start + step])
            yield from self.ours.events()

    def answer(self, message: Message[Any]) -> bytes | str:
        self.peer.receive_data(self.ours.send(message))
        return _whole(self.peer.events())


def _whole(events: Iterator[Event]) -> bytes | str:
    """The one message that the events make."""
    parts = [event for event in events if isinstance(event, Message)]
    assert [part.message_finished for part in parts] == [False] * (len(parts) - 1) + [True]
    whole: bytes | str = type(parts[0].data)().join(part.data for part in parts)
    return whole


def frame(payload: bytes, head: int = 0xC1) -> bytes:
    """A frame of a client, masked with zeros (RFC 6455 section 5.2); as it comes, the whole of a compressed text."""
    if len(payload) < 126:
        return bytes([head, 0x80 | len(payload)]) + bytes(4) + payload
    return bytes([head, 0xFE]) + len(payload).to_bytes(2, "big") + bytes(4) + payload


def deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (stream.compress(data) + stream.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\x00\x00\xff\xff")


contents = (
    st.text() | st.binary() | st.builds(lambda text, times: text * times, st.text(max_size=20), st.integers(0, 500))
)


class TestMessages:
    @given(st.lists(st.lists(contents, min_size=1, max_size=4), min_size=1, max_size=4), st.integers(1, 700))
    @settings(max_examples=60)
    def test_whatever_is_sent_comes_back(self, messages: list[list[str | bytes]], step: int) -> None:
        """In any number of frames, with pings between them, in pieces of any size; and as an answer."""
        pair = Pair()
        for parts in messages:
            kind = TextMessage if isinstance(parts[0], str) else BytesMessage
            of_one = [part for part in parts if isinstance(part, type(parts[0]))]
            data = b""
            for number, part in enumerate(of_one, 1):
                data += pair.peer.send(kind(data=part, message_finished=number == len(of_one)))  # type: ignore[arg-type]
                data += pair.peer.send(Ping(payload=b"\xff"))
            heard = list(pair.hear(data, step))
            assert sum(isinstance(event, Ping) and event.payload == b"\xff" for event in heard) == len(of_one)
            whole = _whole(iter(heard))
            assert whole == type(parts[0])().join(of_one)  # type: ignore[arg-type]
            assert pair.answer(kind(data=whole)) == whole  # type: ignore[arg-type]
            assert pair.extension._inflater is None  # nothing is kept for the next message

    def test_one_that_is_not_compressed_may_follow_one_that_is(self) -> None:
        pair = Pair()
        assert _whole(pair.hear(frame(deflate(b"Hello")))) == "Hello"
        assert _whole(pair.hear(frame(b"Hello", 0x81))) == "Hello"
        assert _whole(pair.hear(frame(deflate(b"Hello")))) == "Hello"

    @pytest.mark.parametrize(
        "payload", ["f2 48 cd c9 c9 07 00", "f3 48 cd c9 c9 07 00 00", "00 05 00 fa ff 48 65 6c 6c 6f 00",
                    "f2 48 05 00 00 00 ff ff ca c9 c9 07 00"],
        ids=["one block", "a block that says it is the last", "not compressed", "two blocks"],
    )  # fmt: skip
    def test_the_examples_of_rfc_7692_section_7_2_3(self, payload: str) -> None:
        assert _whole(Pair().hear(frame(bytes.fromhex(payload)))) == "Hello"

    @pytest.mark.parametrize(
        ("data", "code"),
        [
            (frame(b"\xff" * 20), 1007),
            (frame(bytes.fromhex("f3 48 cd c9 c9 07 00 00") + b"more"), 1007),
            (frame(bytes.fromhex("f3 48 cd c9 c9 07 00"), 0x41) + frame(b"x" * 10, 0x00), 1007),
            (frame(b"\x00", 0xC9), 1002),
            (frame(deflate(b"a"), 0x41) + frame(b"\x00", 0xC0), 1002),
            (frame(deflate(b"\xff")), 1007),
        ],
        ids=["no deflate", "more after the last block", "endless after it", "ping", "continuation", "no text"],
    )
    def test_what_breaks_the_rules_ends_the_connection(self, data: bytes, code: int) -> None:
        (*_, last) = Pair().hear(data)
        assert isinstance(last, CloseConnection)
        assert last.code == code


class TestBombs:
    @given(st.sampled_from("x\u00e9\u20ac\U0001f600"), st.integers(0, 4), st.sampled_from([0x81, 0x82]))
    @example("\U0001f600", 1, 0x81)
    @settings(max_examples=20)
    def test_no_more_is_inflated_than_shows_that_it_is_too_much(self, character: str, shift: int, head: int) -> None:
        bomb = frame(deflate(b"x" * shift + character.encode() * 4_000_000), head | 0x40)
        tracemalloc.start()
        try:
            whole = _whole(Pair().hear(bomb))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        size = len(whole.encode() if isinstance(whole, str) else whole)
        assert INBOUND_MESSAGE_BYTES < size <= INBOUND_MESSAGE_BYTES + 5
        assert peak < 16 * INBOUND_MESSAGE_BYTES

    def test_nor_of_one_in_many_frames(self) -> None:
        pair = Pair()
        data = deflate(b"x" * 4_000_000)
        pieces = [data[start : start + 100] for start in range(0, len(data), 100)]
        heard = list(pair.hear(frame(pieces[0], 0x41)))
        for piece in pieces[1:]:
            heard += pair.hear(frame(piece, 0x00))
        heard += pair.hear(frame(b"", 0x80))
        assert INBOUND_MESSAGE_BYTES < len(_whole(iter(heard))) <= INBOUND_MESSAGE_BYTES + 5
        assert _whole(pair.hear(frame(deflate(b"Hello")))) == "Hello"

    def test_the_largest_message_that_is_taken_comes_whole(self) -> None:
        assert _whole(Pair().hear(frame(deflate(b"x" * INBOUND_MESSAGE_BYTES)))) == "x" * INBOUND_MESSAGE_BYTES
