"""Commands that wait for their turn: whoever sends very many leaves room for those of others."""

import asyncio
from types import SimpleNamespace
from typing import Any

from quart_app.functions.bounds import WAITING_COMMANDS, WAITING_OF_USER
from quart_app.functions.channel import CommandChannel
from quart_app.realtime import Channel, Identity, Peer, Refused


async def test_one_user_does_not_take_all_the_places() -> None:
    goes_on = asyncio.Event()
    answered: list[Any] = []

    async def call(body: dict[str, Any], who: Identity, cause: Any) -> str:
        await goes_on.wait()
        return who.username

    declaration = SimpleNamespace(topic="log/orders", answers_as="ordered")
    function: Any = SimpleNamespace(call=call, declaration=declaration, worked=lambda: None)
    nowhere: Any = None  # none of these commands has a key
    channel = CommandChannel(function, Channel(), nowhere)

    async def ask(user: str) -> str:
        who = Identity(user, user, payer=user)
        peer = Peer("id", who, "log/orders", 0, resumed=True, send=answered.append, wall=lambda: 0)
        try:
            await channel.handle(peer, {"type": "order"})
        except Refused as refused:
            return refused.code
        return "ok"

    asking = [asyncio.create_task(ask("mallory")) for _ in range(WAITING_COMMANDS + 10)]
    asking += [asyncio.create_task(ask("ana"))]
    for _ in range(3):
        await asyncio.sleep(0)
    goes_on.set()
    told = await asyncio.gather(*asking)
    assert told[-1] == "ok"
    assert told.count("ok") == WAITING_OF_USER + 1
    assert {*told} == {"ok", "busy"}
    assert await ask("mallory") == "ok"
