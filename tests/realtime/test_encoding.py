"""The bytes of the wire: golden ones, and any others read back by parsers that are not ours."""

import json
import random
import zlib
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.protocol import CLIENT, Protocol

from quart_app.realtime import limits
from quart_app.realtime.messages import encoding
from quart_app.realtime.messages.event import Event

texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=10,
)
names = texts.filter(lambda name: name not in {"type", "timestamp", "topic", "id"})


def frames(data: bytes) -> list[bytes]:
    """The payloads that a WebSocket client finds in `data`."""
    client = Protocol(CLIENT, max_size=None)
    client.receive_data(data)
    received = client.events_received()
    assert client.parser_exc is None
    payloads = []
    for frame in received:
        assert isinstance(frame, Frame)
        assert (frame.opcode, frame.fin, frame.rsv1, frame.rsv2, frame.rsv3) == (Opcode.TEXT, True, False, False, False)
        payloads.append(bytes(frame.data))
    return payloads


def events(stream: bytes) -> list[tuple[str, str]]:
    """The (last event id, data) of every event dispatched, by the letter of WHATWG HTML 9.2.6."""
    found: list[tuple[str, str]] = []
    data: list[str] = []
    last_id = ""
    for line in stream.decode().replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line and data:
            found.append((last_id, "\n".join(data)))
            data = []
        elif field == "data":
            data.append(value)
        elif field == "id" and "\0" not in value:
            last_id = value
    return found


class TestWebsocketFrame:
    @pytest.mark.parametrize(
        ("length", "head"),
        [
            (0, "81 00"), (1, "81 01"), (125, "81 7d"),
            (126, "81 7e 00 7e"), (255, "81 7e 00 ff"), (256, "81 7e 01 00"), (65_535, "81 7e ff ff"),
            (65_536, "81 7f 00 00 00 00 00 01 00 00"), (100_000, "81 7f 00 00 00 00 00 01 86 a0"),
        ],
    )  # fmt: skip
    def test_each_length_has_its_form(self, length: int, head: str) -> None:
        assert encoding.websocket_frame(b"x" * length) == bytes.fromhex(head) + b"x" * length

    def test_the_unmasked_text_of_rfc_6455_section_5_7(self) -> None:
        assert encoding.websocket_frame(b"Hello") == bytes.fromhex("81 05 48 65 6c 6c 6f")

    @given(st.lists(st.integers(0, 300) | st.sampled_from([65_535, 65_536, 70_000]), max_size=5))
    @settings(max_examples=50)
    def test_joined_frames_come_apart_again(self, lengths: list[int]) -> None:
        payloads = [bytes([97 + index]) * length for index, length in enumerate(lengths)]
        assert frames(b"".join(map(encoding.websocket_frame, payloads))) == payloads


class TestDeflatedFrame:
    """For a peer that has agreed to permessage-deflate (RFC 7692)."""

    @given(
        st.binary(max_size=2000)
        | st.builds(lambda data, times: data * times, st.binary(max_size=50), st.integers(0, 2000))
    )
    def test_every_payload_comes_back_each_by_itself(self, payload: bytes) -> None:
        smaller = encoding.deflated(payload)
        if smaller is not None:
            assert len(smaller) < len(payload)
            inflater = zlib.decompressobj(-limits.DEFLATE_WINDOW_BITS)
            assert inflater.decompress(smaller + encoding.DEFLATE_TAIL) == payload
            assert not inflater.eof
            assert not inflater.unconsumed_tail
        client = Protocol(CLIENT, max_size=None)
        client.extensions = [PerMessageDeflate(True, True, 12, 12)]
        client.receive_data(encoding.deflated_frame(payload) * 2)
        assert client.parser_exc is None
        assert [frame.data for frame in client.events_received() if isinstance(frame, Frame)] == [payload] * 2

    @pytest.mark.parametrize("payload", [b"x" * (limits.DEFLATED_BYTES - 1), random.Random(1).randbytes(1000)])
    def test_what_would_gain_nothing_goes_as_it_is(self, payload: bytes) -> None:
        assert encoding.deflated_frame(payload) == encoding.websocket_frame(payload)

    def test_what_gains_is_marked(self) -> None:
        assert encoding.deflated_frame(b"x" * limits.DEFLATED_BYTES)[0] == 0xC1  # RSV1 and FIN, text
        assert len(encoding.deflated_frame(b"x" * 60_000)) < 200


class TestEventStreamBlock:
    def test_with_a_cursor(self) -> None:
        assert encoding.sse_block(b'{"a":1}', "k3f9-7") == b'id: k3f9-7\ndata: {"a":1}\n\n'

    def test_without_one(self) -> None:
        assert encoding.sse_block(b'{"a":1}', None) == b'data: {"a":1}\n\n'


class TestMessage:
    def test_the_envelope_stands_first(self) -> None:
        json = encoding.message_json("message", 1_700_000_000_123, b'{"data":{"id":1}}', "rooms/1", "k3f9-7")
        assert json == (
            b'{"type":"message","timestamp":"2023-11-14T22:13:20.123Z","topic":"rooms/1","id":"k3f9-7","data":{"id":1}}'
        )

    def test_what_there_is_not_is_left_out(self) -> None:
        bare = encoding.message_json("pong", 0, b"{}", None, None)
        assert bare == b'{"type":"pong","timestamp":"1970-01-01T00:00:00.000Z"}'

    def test_a_hostile_type_stays_a_string(self) -> None:
        hostile = 'a","id":"x-1","b":"\n\n data: '
        message = json.loads(encoding.message_json(hostile, 0, b"{}", None, None))
        assert message == {"type": hostile, "timestamp": "1970-01-01T00:00:00.000Z"}

    def test_money_is_a_number(self) -> None:
        assert encoding.fields_json({"balance": Decimal("5250.00")}) == b'{"balance":5250.00}'

    @given(st.integers(0, 253_402_300_799_999))
    @example(1_700_000_000_001)
    @example(999)
    def test_times_are_exact_to_the_millisecond(self, at: int) -> None:
        text = encoding.timestamp(at)
        assert len(text) == len("2023-11-14T22:13:20.123Z")
        assert text.endswith("Z")
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        elapsed = datetime.fromisoformat(text) - epoch
        assert elapsed.days * 86_400_000 + elapsed.seconds * 1000 + elapsed.microseconds // 1000 == at


@given(texts, st.dictionaries(names, values, max_size=4), st.none() | texts, st.integers(0, 10**6))
def test_any_event_is_the_same_on_every_wire(
    type: str, fields: dict[str, Any], hidden_from: str | None, position: int
) -> None:
    event = Event(
        "log/a",
        type,
        encoding.fields_json(fields),
        1_700_000_000_123,
        epoch="k3f9",
        position=position,
        hidden_from=hidden_from,
    )
    expected = {"type": type, "timestamp": "2023-11-14T22:13:20.123Z", "topic": "log/a", **fields}
    if position:
        expected["id"] = f"k3f9-{position}"
    assert json.loads(event.json) == expected
    assert frames(event.frame * 2) == [event.json] * 2
    assert events(event.block * 2) == [(f"k3f9-{position}" if position else "", event.text)] * 2
    assert b"\n" not in event.json
    assert b"\r" not in event.json
