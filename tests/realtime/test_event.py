"""Messages that are encoded once."""

import json

import pytest

from quart_app.realtime.messages import encoding
from quart_app.realtime.messages.event import Event, Message, message


class TestMessage:
    def test_what_a_client_gets(self) -> None:
        reply = message("pong", at=1_700_000_000_123, topic="rooms/1", id="e-7", key="k", data={"a": 1})
        body = json.loads(reply.json)
        assert body == {
            "type": "pong",
            "timestamp": "2023-11-14T22:13:20.123Z",
            "topic": "rooms/1",
            "id": "e-7",
            "key": "k",
            "data": {"a": 1},
        }
        assert reply.text == reply.json.decode()
        assert reply.block == b"id: e-7\ndata: " + reply.json + b"\n\n"

    def test_a_message_without_a_cursor_has_no_id_on_any_wire(self) -> None:
        reply = message("pong", at=0)
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
