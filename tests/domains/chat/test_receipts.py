import httpx

from tests.domains.chat.people import Room, page_data


async def test_a_receipt_reaches_the_others_only(room: Room) -> None:
    async with room.joined("Ana", "1") as ana, room.joined("Juan") as juan, room.joined("Juan") as tab:
        await ana.say("message", content="leed esto")
        id = (await ana.hear("message_sent"))["message_id"]
        await juan.hear("message")
        await juan.say("read", message_id=id, key="r")
        assert (await juan.hear("ack"))["key"] == "r"

        read = await ana.hear("read")
        assert read["data"] == {"user_id": "juan", "username": "Juan", "message_id": id}
        assert read["id"]
        await ana.say("message", content="gracias")
        for own in (juan, tab):
            await own.hear_content("gracias")
            assert "read" not in own.types()


async def test_receipts_are_kept_and_only_go_forward(room: Room) -> None:
    async with room.joined("Ana") as ana:
        cursor = ana.heard[0]["id"]
        ids = []
        for content in ("uno", "dos"):
            await ana.say("message", content=content)
            ids.append((await ana.hear("message_sent"))["message_id"])
        async with room.joined("Juan") as juan:
            for id in (ids[1], ids[0], ids[1]):
                await juan.say("read", message_id=id, key=str(id))
                await juan.hear("ack")
    async with room.person("Eva", since=cursor) as eva:
        await eva.say("message", content="fin")
        await eva.hear_content("fin")
        receipts = [message["data"] for message in eva.heard if message["type"] == "read"]
        assert receipts == [{"user_id": "juan", "username": "Juan", "message_id": ids[1]}]


async def test_the_page_shows_how_far_people_have_read(room: Room, rest: httpx.AsyncClient) -> None:
    async with room.joined("Juan") as juan:
        await juan.say("message", content="uno")
        id = (await juan.hear("message_sent"))["message_id"]
        await juan.say("read", message_id=id, key="r")
        await juan.hear("ack")
    page = page_data((await rest.get(f"/chat/{room.id}")).text)
    assert page["receipts"] == [{"user_id": "juan", "username": "Juan", "message_id": id}]


async def test_a_message_of_another_room_cannot_be_read_here(room: Room, rest: httpx.AsyncClient) -> None:
    elsewhere = (await rest.post("/api/rooms/1/messages", json={"content": "lejos"})).json()["data"]["id"]
    async with room.joined("Juan") as juan:
        await juan.say("read", message_id=elsewhere)
        assert (await juan.hear("error"))["data"]["code"] == "message_not_found"
