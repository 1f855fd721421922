from quart_app.lab import strategy


@strategy("downgrade", name="Mine")
async def mine(net):
    while True:
        for way in ("ws", "sse", "poll"):
            async for message in net.open(way):
                net.show(message)  # its cursor is message["id"]: net.open(way, since=...) goes on after it
