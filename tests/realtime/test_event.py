"""Cursors as clients hold them, and messages that are encoded once."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from quart_app.realtime import encoding
from quart_app.realtime.event import Cursor, Event, Message, message, now

epochs = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=32)
runs = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=16)
positions = st.integers(0, 10**18 - 1)
counts = st.lists(st.integers(0, 16**15 - 1), max_size=100).map(tuple)
plain = st.builds(Cursor, epochs, positions, st.just(""), st.just(()))


class TestCursor:
    @pytest.mark.parametrize(
        ("text", "cursor"),
        [
            ("k3f9-0", Cursor("k3f9", 0)),
            ("k3f9-1042", Cursor("k3f9", 1042)),
            ("k3f9-1042.9a0b", Cursor("k3f9", 1042, "9a0b")),
            ("k3f9-1042.9a0b.0.ff.10", Cursor("k3f9", 1042, "9a0b", (0, 255, 16))),
        ],
    )
    def test_how_it_is_spelled(self, text: str, cursor: Cursor) -> None:
        assert str(cursor) == text
        assert Cursor.parse(text) == cursor

    @given(plain | st.builds(Cursor, epochs, positions, runs, counts))
    def test_it_comes_back_as_it_went(self, cursor: Cursor) -> None:
        assert Cursor.parse(str(cursor)) == cursor

    @given(st.builds(Cursor, epochs, positions, runs, counts))
    def test_a_client_finds_the_position_between_the_first_dash_and_dot(self, cursor: Cursor) -> None:
        assert str(cursor).split("-", 1)[1].split(".", 1)[0] == str(cursor.position)

    @pytest.mark.parametrize(
        "text",
        [
            "", "0", "-", "a-", "-1", "a-b", "a--1", "a-+1", "a-1.", "a-1.r.", "a-1.r.g", "a-1.r..1", "a-1.r.-1", "A-1",
            "a-1 ", " a-1", "a-1\n", "a-1\0", "ñ-1", "a-١", "a-1.r.１", "a_b-1", "a-1e3", "a-0x1", "a-1_000",
            "a" * 33 + "-1", "a-" + "1" * 19, "a-1." + "r" * 17, "a-1.r." + "f" * 16, "a-1.r" + ".1" * 101,
            "a-1" * 10_000, "../../etc/passwd", "a-1' OR 1=1 --",
        ],
        ids=lambda text: ascii(text)[:20],
    )  # fmt: skip
    def test_nothing_else_is_one(self, text: str) -> None:
        with pytest.raises(ValueError, match="is not a cursor") as refused:
            Cursor.parse(text)
        assert len(str(refused.value)) < 1_000

    @given(st.text() | st.from_regex(r"[a-z0-9]+-[0-9]+(\.[a-z0-9]+)*", fullmatch=True))
    @example("a-00000000000000001")
    def test_hostile_text_is_refused_or_read(self, text: str) -> None:
        try:
            cursor = Cursor.parse(text)
        except ValueError:
            return
        assert Cursor.parse(str(cursor)) == cursor
        assert cursor.position < 10**18
        assert len(cursor.seen) <= 100

    @pytest.mark.timeout(5)
    def test_hostile_text_takes_no_time(self) -> None:
        for text in ("a-1.r" + ".1" * 1_000_000, "a" * 1_000_000, "a-" + "1" * 1_000_000):
            with pytest.raises(ValueError, match="is not a cursor"):
                Cursor.parse(text)


class TestMessage:
    def test_what_a_client_gets(self) -> None:
        before = now()
        reply = message("pong", topic="rooms/1", id="e-7", key="k", data={"a": 1})
        body = json.loads(reply.json)
        at = datetime.fromisoformat(body.pop("timestamp"))
        assert at.tzinfo == UTC
        assert before <= round(at.timestamp() * 1000) <= now()
        assert body == {"type": "pong", "topic": "rooms/1", "id": "e-7", "key": "k", "data": {"a": 1}}
        assert reply.text == reply.json.decode()
        assert reply.block == b"id: e-7\ndata: " + reply.json + b"\n\n"

    def test_a_message_without_a_cursor_has_no_id_on_any_wire(self) -> None:
        reply = message("pong")
        assert "id" not in json.loads(reply.json)
        assert reply.block == b"data: " + reply.json + b"\n\n"

    def test_a_durable_event_carries_its_cursor(self) -> None:
        event = Event("rooms/1", "message", b'{"data":{"id":1}}', 0, epoch="k3f9", position=1042)
        assert json.loads(event.json) == {
            "type": "message",
            "timestamp": "1970-01-01T00:00:00.000Z",
            "topic": "rooms/1",
            "id": "k3f9-1042",
            "data": {"id": 1},
        }
        assert event.block.startswith(b"id: k3f9-1042\n")

    def test_a_transient_event_has_no_cursor(self) -> None:
        event = Event("live/x", "moved", b'{"x":1}', 0, epoch="k3f9")
        assert json.loads(event.json) == {
            "type": "moved",
            "timestamp": "1970-01-01T00:00:00.000Z",
            "topic": "live/x",
            "x": 1,
        }
        assert event.block.startswith(b"data: ")

    def test_each_wire_form_is_made_once_and_only_when_asked_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        made: list[str] = []
        for name in ("message_json", "sse_block", "websocket_frame", "deflated_frame"):
            original = getattr(encoding, name)

            def counted(*args: object, name: str = name, original: object = original) -> object:
                made.append(name)
                assert callable(original)
                return original(*args)

            monkeypatch.setattr(encoding, name, counted)
        event = Event("a", "b", b"{}", 0)
        assert made == []
        for _ in range(3):
            assert event.frame
        assert made == ["message_json", "websocket_frame"]
        for _ in range(3):
            assert event.block
            assert event.json
            assert event.text
            assert event.deflated_frame
        assert made == ["message_json", "websocket_frame", "sse_block", "deflated_frame"]

    def test_an_event_has_no_other_attributes(self) -> None:
        with pytest.raises(AttributeError):
            _ = Event("a", "b", b"{}", 0).payload

    def test_it_shows_itself_briefly(self) -> None:
        assert repr(Event("a", "b", b"{}", 0, position=3)) == "Event('a', 'b', position=3)"


def test_a_message_of_raw_json_is_sent_as_it_is() -> None:
    assert Message(b'{"a":1}').frame == b'\x81\x07{"a":1}'
