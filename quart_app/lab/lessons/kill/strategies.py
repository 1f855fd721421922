"""Three servers: when each of them gives its ✓."""

from quart_app.lab.lessons.kill.server import Message, Server


async def ack_first(server: Server, message: Message) -> None:
    """Promise, then store."""
    server.ack(message)  # the client need not wait
    await server.sleep(server.later)
    await server.store(message, flush=True)


async def no_fsync(server: Server, message: Message) -> None:
    """Store, and leave the disk to the system."""
    await server.store(message, flush=False)  # a flush would cost time
    server.ack(message)


async def flushed(server: Server, message: Message) -> None:
    """Store, flush, then promise."""
    await server.store(message, flush=True)  # ← it cannot be forgotten any more
    server.ack(message)
