"""What a message costs that comes in on a WebSocket: each sender has a topic of its own, which nobody else follows."""

from contextlib import ExitStack
from time import perf_counter, process_time

from quart_app.cli.bench.crowd import fresh
from quart_app.cli.bench.load import Target
from quart_app.cli.bench.measures import Figures
from quart_app.cli.bench.process import processor_time, used_since
from tests.bench.in_turn import SenderInTurn, all_in_turn
from tests.bench.loads import FullLoad


async def inbound(target: Target, load: FullLoad) -> Figures:
    """Return how many messages a second come in, and what each costs the server (µs), its one delivery included."""
    with ExitStack() as stack:
        senders = [_sender(target, f"sender-{number}") for number in range(load.senders)]
        for sender in senders:
            stack.callback(sender.close)
            await sender.open(target.address)
        started, busy, used = perf_counter(), process_time(), processor_time(target.pid)
        sent = await all_in_turn(senders, started + load.seconds)
        took, busy, spent = perf_counter() - started, process_time() - busy, used_since(used, target.pid)
    figures = {"inbound": sent / took, "inbound_busy": busy / took}
    return figures if spent is None else figures | {"inbound_cost": spent / sent * 1e6}


def _sender(target: Target, user: str) -> SenderInTurn:
    """Return a sender that follows a topic of its own, and sends the next message when the one before is there."""
    dialect, following = target.dialect, fresh()

    def text(number: int) -> str:
        return f"{following.mark}{number};"

    return SenderInTurn(
        target.address,
        dialect.path("ws", following.topic, user) or "",
        (dialect.greeting.replace("{topic}", following.topic), dialect.welcome),
        lambda number: dialect.saying(following.topic, text(number)),
        lambda number: text(number).encode(),
    )
