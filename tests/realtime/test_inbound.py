"""What one client sends, message by message, without a loop and with a clock that is passed in."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quart_app.realtime import limits
from quart_app.realtime.clients.inbound import (
    Command,
    End,
    ForChannel,
    Inbound,
    Leave,
    Malformed,
    Reply,
    Subscribe,
    Unsubscribe,
)
from quart_app.wire import Close

ROOM = "rooms/1"


def receive(body: Any, *topics: str) -> Command:
    """What a new inbound on `topics` makes of `body`."""
    return Inbound(topics or (ROOM,), 0.0).take(json.dumps(body), 0.0)


def assert_malformed(command: Command) -> None:
    assert isinstance(command, Malformed)
    assert command.refused.code == "invalid_json"
    assert command.refused.message


def assert_error(command: Command, code: str, key: str | None = None) -> None:
    assert isinstance(command, Reply)
    assert command.type == "error"
    assert command.fields["data"]["code"] == code
    assert command.fields["data"]["message"]
    assert command.fields.get("key") == key
    assert ("key" in command.fields) == (key is not None)


def assert_end(command: Command, code: Close, name: str) -> None:
    assert isinstance(command, End)
    assert (command.code, command.refused.code) == (code, name)


@pytest.mark.parametrize(
    ("ping", "pong"),
    [({"action": "ping"}, "pong"), ({"type": "ping"}, "pong"), ({"type": "PING"}, "PONG")],
    ids=["action", "type", "capitals"],
)
@pytest.mark.parametrize("key", [None, "k1"])
def test_each_dialect_of_ping_gets_its_own_pong(ping: dict[str, str], pong: str, key: str | None) -> None:
    keyed = {} if key is None else {"key": key}
    assert receive(ping | keyed) == Reply(pong, keyed)
    # Whatever topics the connection is on.
    assert receive(ping | keyed, "a", "b") == Reply(pong, keyed)


def test_a_frame_may_be_text_or_bytes() -> None:
    for data in ('{"type":"ping"}', b'{"type":"ping"}'):
        assert Inbound((ROOM,), 0.0).take(data, 0.0) == Reply("pong", {})


class TestInvalid:
    @pytest.mark.parametrize(
        "data",
        [
            "", " ", "{", "hola", "[]", '"ping"', "1", "null", "true", '{"type":"ping"}{}', "{'type':'ping'}",
            '{"n":NaN}', '{"n":Infinity}', '{"n":1e999}', '{"n":' + "9" * 5_000 + "}",
            '{"s":"\\ud800"}', '{"s":"\ud800"}', "[" * 60_000, '{"s":"a\nb"}',
            b"\xff", b'{"s":"\xff"}', b"\xef\xbb\xbf{}", b"\x00", b"",
        ],
        ids=lambda data: ascii(data)[:20],
    )  # fmt: skip
    def test_what_is_no_json_object_gets_an_error_and_the_connection_stays(self, data: str | bytes) -> None:
        inbound = Inbound((ROOM,), 0.0)
        assert_malformed(inbound.take(data, 0.0))
        assert inbound.take('{"type":"ping"}', 0.0) == Reply("pong", {})

    def test_nesting_has_a_limit(self) -> None:
        def nested(levels: int) -> Any:
            return [] if levels == 1 else [nested(levels - 1)]

        deepest = {"type": "message", "content": nested(limits.JSON_DEPTH - 1), "key": "k"}
        assert receive(deepest) == ForChannel(ROOM, deepest, "k")
        assert_error(
            receive({"type": "message", "content": nested(limits.JSON_DEPTH), "key": "k"}), "invalid_json", "k"
        )
        assert_error(receive({"type": "ping", "a": {"b": nested(limits.JSON_DEPTH - 1)}}), "invalid_json")

    @pytest.mark.parametrize("key", ["", "k" * (limits.KEY_CHARACTERS + 1), 7, 1.5, True, [], {}])
    def test_a_key_is_a_short_string(self, key: Any) -> None:
        assert_error(receive({"type": "ping", "key": key}), "invalid_key")

    def test_the_longest_key_is_taken(self) -> None:
        key = "ñ" * limits.KEY_CHARACTERS
        assert receive({"type": "ping", "key": key}) == Reply("pong", {"key": key})

    def test_numbers_stay_what_they_are(self) -> None:
        body = {"type": "message", "n": 10**30, "f": 0.1, "zero": -0.0}
        command = receive(body)
        assert isinstance(command, ForChannel)
        assert command.body == body


class TestTopics:
    def test_on_one_topic_a_message_needs_none(self) -> None:
        body = {"type": "message", "content": "Hola"}
        assert receive(body) == ForChannel(ROOM, body, None)
        body["topic"] = ROOM
        assert receive(body) == ForChannel(ROOM, body, None)

    def test_on_several_topics_a_message_names_its_own(self) -> None:
        body = {"type": "message", "key": "k"}
        assert_error(receive(body, "a", "b"), "invalid_topic", "k")
        assert receive(body | {"topic": "b"}, "a", "b") == ForChannel("b", body | {"topic": "b"}, "k")

    @pytest.mark.parametrize("topic", ["rooms/2", "", 7, ["rooms/1"], {}, True])
    def test_a_topic_the_connection_is_not_on_is_refused(self, topic: Any) -> None:
        assert_error(receive({"type": "message", "topic": topic, "key": "k"}), "invalid_topic", "k")

    def test_topics_that_were_set_anew_count(self) -> None:
        inbound = Inbound(("a",), 0.0)
        inbound.topics = ("a", "b")
        assert_error(inbound.take('{"type":"x"}', 0.0), "invalid_topic")
        inbound.topics = ("b",)
        assert inbound.take('{"type":"x"}', 0.0) == ForChannel("b", {"type": "x"}, None)

    def test_subscribe_and_unsubscribe(self) -> None:
        assert receive({"type": "subscribe", "topic": "alerts"}) == Subscribe("alerts", None)
        assert receive({"type": "subscribe", "topic": "alerts", "key": "k"}) == Subscribe("alerts", "k")
        assert receive({"type": "unsubscribe", "topic": ROOM, "key": "k"}) == Unsubscribe(ROOM, "k")

    @pytest.mark.parametrize("type", ["subscribe", "unsubscribe"])
    @pytest.mark.parametrize("topic", ["", 7, None, ["alerts"]])
    def test_they_need_the_name_of_a_topic(self, type: str, topic: Any) -> None:
        for topics in (("a", "b"), ("a",)):
            command = receive({"type": type, "topic": topic}, *topics)
            assert_error(command, "invalid_topic")


class TestLimits:
    def test_the_size_is_counted_in_bytes(self) -> None:
        envelope = len(json.dumps({"content": ""}))
        for content, taken in (
            ("x" * (limits.INBOUND_MESSAGE_BYTES - envelope), True),
            ("x" * (limits.INBOUND_MESSAGE_BYTES - envelope + 1), False),
            ("ñ" * (limits.INBOUND_MESSAGE_BYTES // 2), False),
        ):
            frame = json.dumps({"content": content}, ensure_ascii=False)
            for data in (frame, frame.encode()):
                inbound = Inbound((ROOM,), 0.0)
                command = inbound.take(data, 0.0)
                if taken:
                    assert isinstance(command, ForChannel)
                else:
                    assert_end(command, Close.TOO_BIG, "too_big")

    def test_a_burst_is_taken_and_then_the_sustained_rate(self) -> None:
        inbound = Inbound((ROOM,), 100.0)
        burst, rate = int(limits.INBOUND_BURST), int(limits.INBOUND_RATE)
        for _ in range(burst):
            assert inbound.take('{"type":"ping"}', 100.0) == Reply("pong", {})
        # Half a second later half of the rate is earned, and not one more.
        for _ in range(rate // 2):
            assert inbound.take('{"type":"ping"}', 100.5) == Reply("pong", {})
        refused = inbound.take('{"type":"ping"}', 100.5)
        assert_end(refused, Close.TOO_MANY, "too_many")
        # What is refused costs nothing: however often it is tried, the next one is earned as soon as was told.
        for _ in range(20_000):
            assert_end(inbound.take('{"type":"ping"}', 100.5), Close.TOO_MANY, "too_many")
        assert isinstance(refused, End)
        assert refused.refused.retry_after == pytest.approx(1 / limits.INBOUND_RATE)
        assert inbound.take('{"type":"ping"}', 100.5 + 2 / limits.INBOUND_RATE) == Reply("pong", {})

    def test_silence_earns_no_more_than_a_burst(self) -> None:
        inbound = Inbound((ROOM,), 0.0)
        for _ in range(int(limits.INBOUND_BURST)):
            assert_malformed(inbound.take("{", 10_000.0))
        assert_end(inbound.take("{", 10_000.0), Close.TOO_MANY, "too_many")

    def test_a_steady_client_at_the_rate_is_never_closed(self) -> None:
        inbound = Inbound((ROOM,), 0.0)
        for number in range(int(limits.INBOUND_BURST) * 3):
            assert isinstance(inbound.take("{}", number / limits.INBOUND_RATE), ForChannel)


class TestGoodbye:
    @pytest.mark.parametrize("key", [None, "k"])
    def test_a_client_may_leave(self, key: str | None) -> None:
        assert receive({"type": "bye"} if key is None else {"type": "bye", "key": key}) == Leave(key)

    def test_it_counts_what_it_received(self) -> None:
        inbound = Inbound((ROOM,), 0.0)
        for data in ("{}", "{", b"{}"):
            inbound.take(data, 0.0)
        assert inbound.received == 3


frames = st.one_of(st.binary(), st.text(), st.text(alphabet='{}[]":,0123456789.eE+-\\untypekrsb \ud800'))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
types = st.sampled_from(["ping", "PING", "bye", "subscribe", "unsubscribe", "message"])
bodies = st.fixed_dictionaries(
    {},
    optional={
        "type": types | values,
        "action": types | values,
        "key": st.text(max_size=200) | values,
        "topic": st.sampled_from([ROOM, "b"]) | values,
        "data": values,
    },
)


@given(
    st.lists(frames | bodies.map(msgspec.json.encode), max_size=5), st.lists(st.sampled_from([ROOM, "b"]), max_size=2)
)
def test_no_frame_makes_it_raise_and_each_gets_one_command(sent: list[str | bytes], topics: list[str]) -> None:
    inbound = Inbound(topics, 0.0)
    for data in sent:
        command = inbound.take(data, 0.0)
        assert isinstance(command, Command)
        if isinstance(command, Reply):
            msgspec.json.encode(command.fields)
        if isinstance(command, ForChannel):
            assert command.topic in topics
