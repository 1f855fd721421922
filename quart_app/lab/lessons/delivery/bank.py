"""The bank: a channel of a real engine, which books payments and answers each with a ✓."""

from typing import Any

from quart_app.lab.lessons.delivery.till import TOPIC
from quart_app.lab.world.database import RecordedLog
from quart_app.lab.world.node import Node
from quart_app.lab.world.trace import Trace
from quart_app.lab.world.world import World
from quart_app.lab.world.writer import Writer
from quart_app.realtime import Channel, Event, Hub, Peer


class Bank(Channel):
    """Books a payment, and under one key only one."""

    def __init__(self, writer: Writer, trace: Trace) -> None:
        self._writer = writer
        self._trace = trace

    async def handle(self, peer: Peer, body: dict[str, Any]) -> None:
        """Book a payment, and answer with its place in the books."""
        payment, amount, who = body["payment"], body["amount"], peer.identity.user_id
        arrived = self._trace.last(lane="bank", do="arrive", msg=payment)
        entry = None

        def book(log: RecordedLog) -> tuple[int, list[Event]]:
            nonlocal entry
            event = log.append(TOPIC, "booked", hidden_from=who, data={"payment": payment, "amount": amount})
            total = sum(one["amount"] for one in log.record)
            told = {"msg": payment, "pos": event.position, "amount": amount, "sum": total, "key": peer.key}
            entry = self._trace.note("bank", "commit", **told, of=arrived)
            return event.position, [event]

        position = await self._writer.commit(who, peer.key, book)
        if entry is None:
            self._trace.note("bank", "known", msg=payment, pos=position, key=peer.key, of=arrived)
        peer.reply("booked", data={"payment": payment, "position": position})


def furnish(world: World, node: Node, hub: Hub) -> None:
    """Give the bank's engine its channel."""
    node.writer = Writer(world.database, hub)
    hub.channels.add("bank/*", Bank(node.writer, world.trace))
