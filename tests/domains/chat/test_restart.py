"""What a room knows survives the end of the process."""

from collections.abc import Callable

import httpx

from tests.domains.chat.people import Room, page_data
from tests.running import ServerProcess


async def test_messages_receipts_and_last_seen_survive_a_restart(make_server: Callable[..., ServerProcess]) -> None:
    server = make_server()
    room = Room(server.url, 1)
    async with room.joined("Ana") as ana:
        await ana.say("message", content="antes", key="k")
        sent = await ana.hear("message_sent")
        await ana.say("read", message_id=sent["message_id"], key="r")
        await ana.hear("ack")
        server.stop()
        bye = await ana.hear("bye")
    server.start()

    async with httpx.AsyncClient(base_url=server.url) as rest:
        (ana_seen,) = (await rest.get("/api/rooms/1/presence")).json()["data"]["last_seen"]
        assert ana_seen["user_id"] == "ana"
        assert ana_seen["last_seen"] >= bye["timestamp"]
        page = page_data((await rest.get("/chat/1")).text)
        assert [message["content"] for message in page["messages"]] == ["antes"]
        assert page["receipts"] == [{"user_id": "ana", "username": "Ana", "message_id": sent["message_id"]}]
    async with Room(server.url, 1).person("Ana", since=sent_before(ana.heard)) as ana_again:
        await ana_again.hear("connected")
        await ana_again.say("message", content="antes", key="k")
        assert (await ana_again.hear("message_sent"))["message_id"] == sent["message_id"]
        await ana_again.say("message", content="después")
        await ana_again.hear_content("después")
        assert ana_again.types().count("message") == 1


def sent_before(heard: list[dict[str, str]]) -> str:
    """The cursor of a client that has heard all of this."""
    return next(message["id"] for message in reversed(heard) if "id" in message)
