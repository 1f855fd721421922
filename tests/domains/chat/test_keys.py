"""The same key again gets the first answer again, and nothing is said twice: on a stream, over REST, after a drop."""

import asyncio

import httpx

from tests.domains.chat.people import Room


async def contents(rest: httpx.AsyncClient, room: Room) -> list[str]:
    return [message["content"] for message in (await rest.get(f"{room.path}/messages")).json()["data"]]


async def test_a_repeated_message_is_answered_again_and_said_once(room: Room, rest: httpx.AsyncClient) -> None:
    async with room.joined("Ana") as ana, room.joined("Juan") as juan:
        await ana.say("message", content="una vez", key="k1")
        first = await ana.hear("message_sent")
        await ana.say("message", content="una vez", key="k1")
        again = await ana.hear("message_sent")
        await ana.say("message", content="fin")
        await juan.hear_content("fin")

        assert (again["message_id"], again["data"], again["key"]) == (first["message_id"], first["data"], "k1")
        assert [m["data"]["content"] for m in juan.heard if m["type"] == "message"] == ["una vez", "fin"]
    assert await contents(rest, room) == ["una vez", "fin"]


async def test_a_key_holds_after_a_reconnect_and_over_other_ways_up(room: Room, rest: httpx.AsyncClient) -> None:
    async with room.joined("Ana") as ana:
        await ana.say("message", content="una vez", key="k2")
        first = await ana.hear("message_sent")
        await ana.vanish()
    async with room.joined("Ana") as ana:
        await ana.say("message", content="una vez", key="k2")
        assert (await ana.hear("message_sent"))["message_id"] == first["message_id"]

    who = {"user_id": "ana", "username": "Ana"}
    posted = await rest.post(
        f"{room.path}/messages", params=who, json={"content": "una vez"}, headers={"Idempotency-Key": "k2"}
    )
    assert posted.status_code == 201
    assert posted.json()["data"]["id"] == first["message_id"]
    sent = await rest.post(f"/send/{room.id}", params=who, json={"type": "message", "content": "una vez", "key": "k2"})
    assert [message["message_id"] for message in sent.json()["messages"]] == [first["message_id"]]
    assert await contents(rest, room) == ["una vez"]


async def test_many_copies_at_once_are_one_message(room: Room, rest: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(
        *(
            rest.post(f"{room.path}/messages", json={"content": "una vez"}, headers={"Idempotency-Key": "k3"})
            for _ in range(20)
        )
    )

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["data"]["id"] for answer in answers}) == 1
    assert await contents(rest, room) == ["una vez"]


async def test_a_key_belongs_to_its_user_and_room(room: Room, rest: httpx.AsyncClient) -> None:
    async with room.joined("Ana") as ana, room.joined("Juan") as juan:
        await ana.say("message", content="de Ana", key="k4")
        await juan.say("message", content="de Juan", key="k4")
        mine, yours = await ana.hear("message_sent"), await juan.hear("message_sent")
        assert mine["message_id"] != yours["message_id"]
    assert sorted(await contents(rest, room)) == ["de Ana", "de Juan"]


async def test_a_refused_message_does_not_use_its_key_up(room: Room, rest: httpx.AsyncClient) -> None:
    async with room.joined("Ana") as ana:
        await ana.say("message", content=" ", key="k5")
        assert (await ana.hear("error"))["key"] == "k5"
        await ana.say("message", content="ahora sí", key="k5")
        await ana.hear("message_sent")
    assert await contents(rest, room) == ["ahora sí"]


async def test_a_room_is_made_once_per_key(rest: httpx.AsyncClient, room: Room) -> None:
    name = f"Única {room.id}"
    first, again = [
        await rest.post("/api/rooms", json={"name": name}, headers={"Idempotency-Key": f"room-{room.id}"})
        for _ in range(2)
    ]
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
