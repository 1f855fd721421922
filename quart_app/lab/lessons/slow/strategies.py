"""Four ways to pass on to readers of whom one is slow, as students see them."""

from quart_app.lab.lessons.slow.server import Server


async def queue(server: Server) -> None:
    """A queue for each reader."""
    readers = await server.listen()
    async for item in server.feed():
        for reader in readers:
            reader.queue.append(item)


async def wait(server: Server) -> None:
    """All at the pace of the slowest."""
    readers = await server.listen()
    async for item in server.feed():
        for reader in readers:
            await reader.room()  # ← until it has taken what was before
            reader.queue.append(item)


async def drop(server: Server) -> None:
    """A short queue; the oldest goes."""
    readers = await server.listen()
    async for item in server.feed():
        for reader in readers:
            if len(reader.queue) == 8:
                reader.queue.popleft()  # ← and nobody is told
            reader.queue.append(item)


async def cursor(server: Server) -> None:
    """No queue: each reader has a place in what is kept once."""
    engine = await server.engine()
    async for item in server.feed():
        engine.publish(item)  # ← once, however many read
