"""Four ways to let one node alone publish what a sensor says each second."""

from contextlib import suppress

from quart_app.lab.lessons.leader.producer import Producer
from quart_app.realtime import Refused


async def everybody(node: Producer) -> None:
    """Everybody publishes."""
    while True:
        await node.tick()
        await node.publish()


async def lowest(node: Producer) -> None:
    """The first of those who are heard."""
    while True:
        await node.tick()
        if node.name == min(node.alive()):
            await node.publish()


async def lease(node: Producer) -> None:
    """Who holds the lease, which is looked at before writing."""
    permit = node.lease  # a row that expires, which the node tries to get from now on
    while True:
        await node.tick()
        if permit.held:
            await node.publish()


async def fenced(node: Producer) -> None:
    """Who holds the lease, and the log asks for its number."""
    while True:
        with suppress(TimeoutError, Refused):
            async with node.lease.hold():  # ← what is done in here carries the number
                await node.tick()
                await node.publish()
