import json
import time
from contextlib import AsyncExitStack
from typing import Any

import httpx

from tests.domains.chat.people import DEADLINE, Json, Person, Room
from tests.running import ServerProcess, eventually
from tests.stores import query

LINGER = 5.0  # s, as the contract says


def users(person: Person, type: str) -> list[Any]:
    return [message["data"]["user_id"] for message in person.heard if message["type"] == type]


async def test_the_newcomer_gets_who_is_there_and_the_others_get_the_newcomer(room: Room) -> None:
    async with room.joined("Ana", "1") as ana, room.person("Juan", "juan") as juan:
        connected = await juan.hear("connected")
        joined = await ana.hear("user_joined")

        assert connected["data"] == {
            "room_id": room.id,
            "active_users": [{"user_id": 1, "username": "Ana"}, {"user_id": "juan", "username": "Juan"}],
        }
        assert joined["data"] == {"user_id": "juan", "username": "Juan"}
        assert joined["topic"] == f"rooms/{room.id}"
        assert "id" not in joined


async def test_three_tabs_are_one_user_who_leaves_with_the_last_one(room: Room) -> None:
    async with AsyncExitStack() as everybody:
        ana = await everybody.enter_async_context(room.joined("Ana"))
        tabs = [await everybody.enter_async_context(room.joined("Juan")) for _ in range(3)]
        for tab in tabs:
            users_there = tab.heard[0]["data"]["active_users"]
            assert [user["username"] for user in users_there] == ["Ana", "Juan"]
        for tab in tabs:
            await tab.say("message", content="de una pestaña")
            await ana.hear("message")
            await tab.leave()
        await ana.hear("user_left")

        assert users(ana, "user_joined") == ["juan"]
        assert users(ana, "user_left") == ["juan"]
        assert all(users(tab, "user_joined") == [] for tab in tabs)
        assert ana.types()[-1] == "user_left"
        assert ana.types().count("message") == 3


async def test_an_orderly_leave_is_told_at_once(room: Room) -> None:
    async with room.joined("Ana") as ana:
        async with room.joined("Juan"):
            await ana.hear("user_joined")
            left = time.monotonic()
        assert (await ana.hear("user_left"))["data"] == {"user_id": "juan", "username": "Juan"}
        assert time.monotonic() - left < LINGER / 2


async def test_a_dropped_connection_lingers_and_a_reconnect_shows_nobody_leaving(room: Room) -> None:
    async with room.joined("Ana") as ana, room.joined("Juan") as juan, room.joined("Eva") as eva:
        await juan.vanish()
        await eva.vanish()
        dropped = time.monotonic()
        async with room.joined("Juan") as juan_again:
            assert (await ana.hear("user_left"))["data"]["user_id"] == "eva"
            assert time.monotonic() - dropped > LINGER - 0.5
            assert users(ana, "user_joined") == ["juan", "eva"]
            await juan_again.leave()
            assert (await ana.hear("user_left"))["data"]["user_id"] == "juan"
        assert users(ana, "user_left") == ["eva", "juan"]


async def test_typing_reaches_the_others_and_none_of_ones_own_tabs(room: Room) -> None:
    async with room.joined("Ana") as ana, room.joined("Juan", "7") as juan, room.joined("Juan", "7") as other_tab:
        await juan.say("typing", is_typing=True)
        assert (await ana.hear("typing"))["data"] == {"user_id": 7, "username": "Juan", "is_typing": True}
        await juan.say("typing", is_typing=False)
        assert (await ana.hear("typing"))["data"]["is_typing"] is False
        await juan.say("message", content="ya")
        for tab in (juan, other_tab):
            await tab.hear_content("ya")
            assert "typing" not in tab.types()


async def test_presence_over_rest(room: Room, rest: httpx.AsyncClient) -> None:
    async with room.joined("Ana", "1") as ana:
        async with room.joined("Juan"):
            answer = (await rest.get(f"{room.path}/presence")).json()["data"]
            assert answer["online"] == [{"user_id": 1, "username": "Ana"}, {"user_id": "juan", "username": "Juan"}]
            assert answer["last_seen"] == []
        await ana.hear("user_left")
        away = await seen(rest, room, "juan")
        assert away["username"] == "Juan"
        assert away["last_seen"].endswith("Z")


async def seen(rest: httpx.AsyncClient, room: Room, user_id: str, after: str = "") -> Json:
    """When somebody was last seen, once something later than `after` has been written."""

    async def written() -> Json | None:
        people: list[Json] = (await rest.get(f"{room.path}/presence")).json()["data"]["last_seen"]
        return next((one for one in people if one["user_id"] == user_id and one["last_seen"] > after), None)

    found: Json = await eventually(written, DEADLINE)
    return found


async def test_last_seen_moves_on_with_every_visit(room: Room, rest: httpx.AsyncClient) -> None:
    async with room.joined("Juan"):
        pass
    first = await seen(rest, room, "juan")
    async with room.joined("Juan", "juan") as juan:
        await juan.say("message", content="he vuelto")
        await juan.hear("message_sent")
    await seen(rest, room, "juan", after=first["last_seen"])


async def test_who_was_seen_later_on_another_node_stays_so(
    room: Room, rest: httpx.AsyncClient, server: ServerProcess
) -> None:
    async with room.joined("Juan"):
        pass
    await seen(rest, room, "juan")
    later = 4_102_444_800_000
    where = f"room_id = {room.id} AND user_id = 'juan'"
    query(server.database_url, f"UPDATE chat_members SET last_seen = {later} WHERE {where}")
    async with room.joined("Juan"):
        pass
    async with room.joined("Eva"):
        pass
    await seen(rest, room, "eva")  # what is written of her is so after what is written of him
    assert (await seen(rest, room, "juan"))["last_seen"].startswith("2100-01-01")


async def test_all_transports_are_present_and_counted(room: Room, rest: httpx.AsyncClient) -> None:
    before = (await rest.get("/ws/stats")).json()
    assert str(room.id) not in before["rooms"]
    async with room.joined("Ana") as ana, room.joined("Ana"):
        async with rest.stream("GET", f"/sse/{room.id}", params={"user_id": "sse"}) as stream:
            lines = stream.aiter_lines()
            welcome = await anext(json.loads(line[5:]) async for line in lines if line.startswith("data:"))
            assert welcome["type"] == "connected"
            assert [user["user_id"] for user in welcome["data"]["active_users"]] == ["ana", "sse"]
            poll = (await rest.get(f"/poll/{room.id}", params={"user_id": "poll", "wait": "0"})).json()
            assert [message["type"] for message in poll["messages"]] == ["connected", "history"]

            stats = (await rest.get("/ws/stats")).json()
            assert stats["rooms"][str(room.id)] == {"connections": 4, "users": 3}
            assert stats["total_rooms"] == len(stats["rooms"])
            assert stats["total_connections"] == sum(one["connections"] for one in stats["rooms"].values())
        left = [(await ana.hear("user_left"))["data"]["user_id"] for _ in range(2)]
        assert sorted(left) == ["poll", "sse"]


async def test_a_poller_says_goodbye(room: Room, rest: httpx.AsyncClient) -> None:
    async with room.joined("Ana") as ana:
        poll = (await rest.get(f"/poll/{room.id}", params={"user_id": "poll", "wait": "0"})).json()
        await ana.hear("user_joined")
        said = time.monotonic()
        answer = await rest.post(
            f"/send/{room.id}",
            params={"user_id": "poll"},
            json={"type": "bye"},
            headers={"X-Connection-Id": poll["messages"][0]["connection_id"]},
        )
        assert answer.status_code == 200
        await ana.hear("user_left")
        assert time.monotonic() - said < LINGER / 2
