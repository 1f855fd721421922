"""Three ways to stay connected, as students see them."""

from quart_app.lab.lessons.downgrade.net import Net


async def ws_only(net: Net) -> None:
    """A WebSocket, again and again."""
    while True:
        async for message in net.open("ws"):
            net.show(message)
        await net.sleep(1)


async def switch(net: Net) -> None:
    """Another way, from now on."""
    for way in ("ws", "sse", "poll"):
        async for message in net.open(way):
            net.show(message)


async def ladder(net: Net) -> None:
    """Another way, from where we were."""
    async with net.client() as live:  # ← each connection says from where: live.status.id
        async for message in live:
            net.show(message)
