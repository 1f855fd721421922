"""How a channel answers and refuses, and what a user looks like on the wire."""

import json
from typing import Any

import pytest

from quart_app.realtime import limits
from quart_app.realtime.clients.channel import Channel, Peer
from quart_app.realtime.clients.channels import Channels
from quart_app.realtime.clients.identity import Identity
from quart_app.realtime.messages.event import Message
from quart_app.realtime.messages.refused import Refused
from quart_app.surroundings import now


@pytest.mark.parametrize(
    ("user_id", "wire_id"),
    [
        ("1", 1), ("0", 0), ("123456789012345", 123456789012345),
        # Beyond what every JSON parser keeps exact, or with more than one spelling, it stays text.
        ("1234567890123456", "1234567890123456"), ("007", "007"), ("-1", "-1"), ("1.5", "1.5"), ("", ""),
        ("١", "١"), ("²", "²"), ("ana", "ana"), (" 1", " 1"),
    ],
)  # fmt: skip
def test_a_user_id_of_digits_goes_out_as_a_number(user_id: str, wire_id: int | str) -> None:
    assert Identity(user_id, "Ana").user == {"user_id": wire_id, "username": "Ana"}


def test_a_refusal_tells_what_is_wrong_and_when_to_come_back() -> None:
    assert Refused("busy", "later").data() == {"message": "later", "code": "busy"}
    refused = Refused("invalid", "no", status=422, fields={"precio": "too low"}, retry_after=1.25)
    assert refused.data() == {"message": "no", "code": "invalid", "fields": {"precio": "too low"}, "retry_after": 1250}
    # Who would have to wait for hours is told now, and nothing is repeated then.
    late = Refused("too_many", "no", retry_after=limits.REPEATED_WITHIN + 1)
    assert late.data() == {"message": "no", "code": "too_many"}
    assert (str(refused), refused.status) == ("no", 422)


def peer(sent: list[Message], key: str | None = None) -> Peer:
    return Peer("c", Identity("1", "Ana"), "rooms/1", 7, resumed=False, send=sent.append, wall=now, key=key)


@pytest.mark.parametrize("key", [None, "k1"])
def test_a_reply_carries_the_key_and_the_topic(key: str | None) -> None:
    sent: list[Message] = []
    speaker = peer(sent, key)
    speaker.reply("message_sent", message_id=1, data={"message_id": 1})
    assert speaker.replied
    reply = json.loads(sent[0].json)
    expected: dict[str, Any] = {"type": "message_sent", "topic": "rooms/1", "message_id": 1, "data": {"message_id": 1}}
    assert {name: value for name, value in reply.items() if name != "timestamp"} == (
        expected if key is None else expected | {"key": key}
    )


async def test_a_channel_lets_everybody_in_and_nobody_speak() -> None:
    channel = Channel()
    await channel.authorize(Identity("1", "Ana"), "x")
    assert await channel.welcome(peer([])) == [("connected", {})]
    with pytest.raises(Refused, match="'hola'") as refused:
        await channel.handle(peer([]), {"type": "hola"})
    assert refused.value.code == "unknown_type"


def test_the_channel_of_a_topic_is_the_one_that_was_added_last_and_not_removed() -> None:
    channels, first, second = Channels(), Channel(), Channel()
    for channel in (first, second):
        channels.add("x/*", channel)
        assert [channels.of("x/1") for _ in range(2)] == [channel] * 2
    channels.add("x/1", first)
    assert (channels.of("x/1"), channels.of("x/2")) == (first, second)
    channels.remove("x/1")
    assert channels.of("x/1") is second
    channels.remove("x/*")
    for _ in range(2):
        with pytest.raises(Refused, match="no topic x/1"):
            channels.of("x/1")


async def test_a_refusal_repeats_no_more_than_a_short_type() -> None:
    with pytest.raises(Refused) as refused:
        await Channel().handle(peer([]), {"type": {"deep": ["x" * 60_000]}})
    assert len(refused.value.message) < limits.TYPE_CHARACTERS + 50
