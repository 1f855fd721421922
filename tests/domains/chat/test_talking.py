import asyncio
import json
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from tests.domains.chat.people import DEADLINE, Person, Room
from tests.running import ServerProcess


async def test_what_one_says_both_hear_and_the_speaker_knows_first(room: Room) -> None:
    async with room.joined("Ana", "1") as ana, room.joined("Juan", "juan") as juan:
        await ana.say("message", content="  Hola ñandú 🙂 \n")
        sent = await ana.hear("message_sent")
        heard = await ana.hear("message")
        other = await juan.hear("message")

        assert sent["message_id"] == sent["data"]["message_id"] == heard["data"]["id"]
        assert set(sent["data"]) == {"message_id", "timestamp"}
        assert heard == other
        assert heard["topic"] == f"rooms/{room.id}"
        assert heard["id"]
        assert heard["data"] == {
            "id": sent["message_id"],
            "user_id": 1,
            "username": "Ana",
            "content": "Hola ñandú 🙂",
            "created_at": sent["data"]["timestamp"],
        }
        types = ana.types()
        assert types.index("message_sent") < types.index("message")


async def test_messages_of_one_sender_keep_their_order(room: Room) -> None:
    async with room.joined("Ana") as ana, room.joined("Juan") as juan:
        said = [f"m{number}" for number in range(200)]
        for content in said:
            await ana.say("message", content=content)
        await juan.hear_content(said[-1])

        heard = [message["data"] for message in juan.heard if message["type"] == "message"]
        assert [message["content"] for message in heard] == said
        ids = [message["id"] for message in heard]
        assert ids == sorted(set(ids))


async def test_every_answer_carries_the_key_of_what_it_answers(room: Room) -> None:
    async with room.joined("Ana") as ana:
        await ana.say("message", content="hola", key="k-message")
        assert (await ana.hear("message_sent"))["key"] == "k-message"
        await ana.say("typing", is_typing=True, key="k-typing")
        assert (await ana.hear("ack"))["key"] == "k-typing"
        await ana.say("read", message_id=0, key="k-read")
        assert (await ana.hear("error"))["key"] == "k-read"


@pytest.mark.parametrize(
    ("message", "code", "field"),
    [
        ({"type": "message", "content": ""}, "invalid_content", "content"),
        ({"type": "message", "content": " \t\n\u3000"}, "invalid_content", "content"),
        ({"type": "message", "content": "x" * 4001}, "invalid_content", "content"),
        ({"type": "message", "content": "a\0b"}, "invalid_content", "content"),
        ({"type": "message"}, "invalid_content", "content"),
        ({"type": "message", "content": 7}, "invalid_content", "content"),
        ({"type": "message", "content": None}, "invalid_content", "content"),
        ({"type": "typing"}, "bad_request", "is_typing"),
        ({"type": "typing", "is_typing": "yes"}, "bad_request", "is_typing"),
        ({"type": "read"}, "bad_request", "message_id"),
        ({"type": "read", "message_id": True}, "bad_request", "message_id"),
        ({"type": "read", "message_id": "7"}, "bad_request", "message_id"),
        ({"type": "read", "message_id": 999_999_999}, "message_not_found", None),
        ({"type": "read", "message_id": 0}, "message_not_found", None),
        ({"type": "read", "message_id": -1}, "message_not_found", None),
        ({"type": "read", "message_id": 2**63}, "message_not_found", None),
        ({"type": "read", "message_id": 2**80}, "message_not_found", None),
        ({"type": "shout", "content": "HOLA"}, "unknown_type", None),
        ({"type": ["message"]}, "unknown_type", None),
        ({"content": "hola"}, "unknown_type", None),
        ({"type": "message", "content": "hola", "key": 5}, "invalid_key", "key"),
        ({"type": "message", "content": "hola", "key": "a\nb"}, "invalid_key", None),
    ],
)
async def test_a_bad_message_gets_an_error_and_the_talk_goes_on(
    room: Room, message: dict[str, Any], code: str, field: str | None
) -> None:
    async with room.joined("Ana") as ana:
        await ana.socket.send(json.dumps(message))
        error = (await ana.hear("error"))["data"]
        assert error["code"] == code
        assert error["message"]
        assert field is None or field in error["fields"]

        await ana.say("message", content="sigo aquí")
        await ana.hear_content("sigo aquí")
        assert ana.types().count("message") == 1


@pytest.mark.parametrize(
    "frame", ["{", "7", '"message"', "[]", b"\xff\xfe", '{"type":"message","content":"\\ud800 x"}']
)
async def test_what_is_no_json_object_gets_invalid_json(room: Room, frame: str | bytes) -> None:
    async with room.joined("Ana") as ana:
        await ana.socket.send(frame)
        assert (await ana.hear("error"))["data"]["code"] == "invalid_json"


@pytest.mark.parametrize(
    "content", ["x" * 4000, "🙂" * 4000, "<script>alert(1)</script>", "'; DROP TABLE x; --", "%s {0}"]
)
async def test_content_up_to_the_limit_is_kept_as_it_is(room: Room, rest: httpx.AsyncClient, content: str) -> None:
    async with room.joined("Ana") as ana:
        await ana.say("message", content=f" {content} ")
        assert (await ana.hear("message"))["data"]["content"] == content
    messages = (await rest.get(f"{room.path}/messages")).json()["data"]
    assert [message["content"] for message in messages] == [content]


@pytest.mark.parametrize(
    "name", ["999999", "0", "007", "rooms/0", "rooms/abc", "rooms/1/2", "9223372036854775808", "9" * 100]
)
async def test_an_unknown_room_is_refused_for_good(server: ServerProcess, name: str) -> None:
    async with Person(server.url, f"/{name}", user_id="1") as ana:
        assert (await ana.hear("error"))["data"]["code"] == "room_not_found"
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(ana.socket.recv(), DEADLINE)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4404


async def test_a_room_has_a_short_and_a_long_address(room: Room) -> None:
    async with room.joined("Ana") as ana, Person(room.url, f"/rooms/{room.id}", user_id="2", username="Juan") as juan:
        assert (await juan.hear("connected"))["data"]["room_id"] == room.id
        await ana.hear("user_joined")
        await juan.hear("history")
        await ana.say("message", content="¿me oyes?")
        await juan.hear_content("¿me oyes?")


async def test_a_new_database_has_rooms_1_and_2(server: ServerProcess) -> None:
    for number in ("1", "2"):
        async with Person(server.url, f"/{number}", user_id="1", username="Juan") as juan:
            connected = await juan.hear("connected")
            assert connected["data"]["room_id"] == int(number)
            assert connected["connection_id"]
            assert connected["transport"] == "ws"


async def test_rooms_do_not_hear_each_other(room: Room, server: ServerProcess) -> None:
    async with room.joined("Ana") as ana, Person(server.url, "/1", user_id="x", username="X") as other:
        await other.hear("history")
        await other.say("message", content="en otra sala")
        await other.hear("message_sent")
        await ana.say("message", content="aquí")
        await ana.hear_content("aquí")
        assert ana.types().count("message") == 1
