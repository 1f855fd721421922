"""The end of a served WebSocket, with a peer that takes nothing."""

import asyncio
from typing import Any

from quart_app.realtime.limits import CLOSE_HANDSHAKE
from quart_app.transports.websocket.asgi import AsgiWebsocket
from quart_app.transports.websocket.served import ServedWebsocket
from quart_app.wire import Close
from tests.realtime.clock import clock, skipping_time
from tests.realtime.engine import turn
from tests.realtime.hubs import Talk, connect, hub_with


async def never(*_: Any) -> Any:
    await asyncio.Event().wait()


@skipping_time
async def test_a_close_frame_that_nobody_takes_keeps_nobody() -> None:
    talk = Talk()
    hub = await hub_with(talk)
    connection = await connect(hub)

    async def send(event: Any) -> None:
        if event["type"] == "websocket.close":
            await never()

    served = ServedWebsocket(hub, AsgiWebsocket(never, send), connection, direct=False, compressed=False)
    running = asyncio.create_task(served.run())
    await turn()
    connection.end(Close.POLICY, "closed by the administrator")
    while hub.connections:
        await asyncio.sleep(0.1)
    assert clock() <= CLOSE_HANDSHAKE + 0.1
    assert talk.left_by == [("Ana", "talk/1", False)]
    await running
    assert clock() <= 2 * CLOSE_HANDSHAKE + 0.1
