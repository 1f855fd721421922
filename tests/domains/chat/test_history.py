import asyncio
from contextlib import AsyncExitStack

import httpx

from tests.domains.chat.people import Json, Person, Room, create_room


async def fill(rest: httpx.AsyncClient, room: Room, count: int) -> list[Json]:
    messages = []
    for number in range(count):
        response = await rest.post(f"{room.path}/messages", json={"content": f"m{number}"})
        messages.append(response.json()["data"])
    return messages


async def test_a_newcomer_gets_the_last_50_oldest_first(room: Room, rest: httpx.AsyncClient) -> None:
    said = await fill(rest, room, 60)
    async with room.person("Ana") as ana:
        history = await ana.hear("history")
        assert ana.types() == ["connected", "history"]
        assert history["data"] == {"messages": said[-50:]}
        assert history["topic"] == f"rooms/{room.id}"


async def test_who_comes_back_with_a_cursor_gets_what_was_missed_and_no_history(
    room: Room, rest: httpx.AsyncClient
) -> None:
    await fill(rest, room, 3)
    async with room.person("Ana") as ana:
        cursor = (await ana.hear("connected"))["id"]
    missed = await fill(rest, room, 3)
    async with room.person("Ana", since=cursor) as ana:
        assert (await ana.hear("connected"))["id"] == cursor
        got = [(await ana.hear("message"))["data"] for _ in missed]
        assert got == missed
        assert "history" not in ana.types()
        await ana.say("message", content="en vivo")
        await ana.hear_content("en vivo")


async def test_history_and_live_meet_without_a_gap_or_a_repeat(room: Room, rest: httpx.AsyncClient) -> None:
    """Newcomers arrive while four people talk: what each one has is one unbroken row of messages."""
    newcomers: list[Person] = []
    async with AsyncExitStack() as everybody:
        senders = [await everybody.enter_async_context(room.joined(f"S{number}")) for number in range(4)]

        async def talk(sender: Person) -> None:
            for number in range(60):
                await sender.say("message", content=str(number))
                await sender.hear("message_sent")

        talking = asyncio.gather(*(talk(sender) for sender in senders))
        while not talking.done() and len(newcomers) < 40:
            newcomers.append(await everybody.enter_async_context(room.joined(f"N{len(newcomers)}")))
        await talking
        await senders[0].say("message", content="fin")
        for newcomer in newcomers:
            await newcomer.hear_content("fin")

    assert len(newcomers) >= 3
    said = [message["id"] for message in await whole(rest, room)]
    assert len(said) == 4 * 60 + 1
    for newcomer in newcomers:
        ids = [message["id"] for message in received(newcomer)]
        assert ids == said[-len(ids) :]


def received(person: Person) -> list[Json]:
    """What a page would show: the history, then every message as it came."""
    shown: list[Json] = []
    for message in person.heard:
        if message["type"] == "history":
            shown += message["data"]["messages"]
        elif message["type"] == "message":
            shown.append(message["data"])
    return shown


async def whole(rest: httpx.AsyncClient, room: Room) -> list[Json]:
    """All messages of a room, paged through from the end."""
    messages: list[Json] = []
    page = (await rest.get(f"{room.path}/messages?limit=100")).json()["data"]
    while page:
        messages = page + messages
        page = (await rest.get(f"{room.path}/messages?limit=100&before={page[0]['id']}")).json()["data"]
    return messages


async def test_older_pages_join_up(room: Room, rest: httpx.AsyncClient) -> None:
    said = await fill(rest, room, 25)
    newest = (await rest.get(f"{room.path}/messages?limit=10")).json()
    older = (await rest.get(f"{room.path}/messages?limit=10&before={newest['data'][0]['id']}")).json()
    oldest = (await rest.get(f"{room.path}/messages?before={older['data'][0]['id']}")).json()
    assert oldest["data"] + older["data"] + newest["data"] == said
    assert (await rest.get(f"{room.path}/messages?before={said[0]['id']}")).json()["data"] == []


async def test_a_list_carries_the_cursor_to_follow_it_from(room: Room, rest: httpx.AsyncClient) -> None:
    await fill(rest, room, 2)
    listed = (await rest.get(f"{room.path}/messages")).json()
    later = await fill(rest, room, 1)
    async with room.person("Ana", since=listed["cursor"]) as ana:
        assert (await ana.hear("message"))["data"] == later[0]
        assert ana.types() == ["connected", "message"]


async def test_a_second_room_on_one_connection_brings_its_own_history(room: Room, rest: httpx.AsyncClient) -> None:
    said = await fill(rest, room, 2)
    async with Person(room.url, "/1", user_id="ana", username="Ana") as ana:
        await ana.hear("history")
        await ana.say("subscribe", topic=f"rooms/{room.id}")
        connected = await ana.hear("connected")
        history = await ana.hear("history")
        assert connected["topic"] == history["topic"] == f"rooms/{room.id}"
        assert history["data"]["messages"] == said


async def test_a_room_that_is_new_to_a_returning_client_brings_its_history(room: Room, rest: httpx.AsyncClient) -> None:
    async with room.joined("Ana") as ana:
        cursor = ana.heard[0]["id"]
    other = await create_room(rest, f"Otra {room.id}")
    missed, said = await fill(rest, room, 2), await fill(rest, other, 3)
    topics = [f"rooms/{room.id}", f"rooms/{other.id}"]
    async with Person(room.url, "", user_id="ana", topic=topics, since=cursor, fresh=topics[1]) as ana:
        history = await ana.hear("history")
        assert (history["topic"], history["data"]["messages"]) == (topics[1], said)
        await ana.say("message", topic=topics[1], content="fin")
        await ana.hear_content("fin")
        heard = [message for message in ana.heard if message["type"] == "message"]
        assert [message["data"] for message in heard if message["topic"] == topics[0]] == missed
        assert [message["data"]["content"] for message in heard if message["topic"] == topics[1]] == ["fin"]
