"""Five ways to read, as students see them."""

from quart_app.lab.lessons.overhead.reader import Reader


async def often(reader: Reader) -> None:
    """Ask every second."""
    while True:
        reader.show(await reader.ask())
        await reader.sleep(1)


async def seldom(reader: Reader) -> None:
    """Ask every five seconds."""
    while True:
        reader.show(await reader.ask())
        await reader.sleep(5)


async def long(reader: Reader) -> None:
    """Ask, and let the server answer when there is something: a long poll."""
    way = await reader.open("poll")
    while True:
        reader.show(await way.read())


async def sse(reader: Reader) -> None:
    """One answer that never ends: server-sent events."""
    way = await reader.open("sse")
    while True:
        reader.show(await way.read())


async def ws(reader: Reader) -> None:
    """A line on which both may speak: a WebSocket."""
    way = await reader.open("ws")
    while True:
        reader.show(await way.read())
