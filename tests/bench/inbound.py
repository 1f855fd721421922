"""What a message costs that comes in on a WebSocket: each sender has a topic of its own, which nobody else follows."""

from contextlib import ExitStack
from time import perf_counter, process_time

from quart_app.cli.bench.crowd import fresh
from quart_app.cli.bench.load import Target
from quart_app.cli.bench.measures import Figures
from quart_app.cli.bench.process import processor_time, used_since
from tests.bench.in_turn import SenderInTurn, all_in_turn
from tests.bench.loads import FullLoad


async def inbound(target: Target, load: FullLoad, burst: int = 1) -> Figures:
    """Return how many messages a second come in, `burst` at a time from each sender, and what each costs the server
    (µs), its one delivery included."""
    with ExitStack() as stack:
        senders = [_sender(target, f"sender-{number}", burst) for number in range(load.senders)]
        for sender in senders:
            stack.callback(sender.close)
            await sender.open(target.address)
        started, busy, used = perf_counter(), process_time(), processor_time(target.pid)
        sent = burst * await all_in_turn(senders, started + load.seconds)
        took, busy, spent = perf_counter() - started, process_time() - busy, used_since(used, target.pid)
    figures = {"inbound": sent / took, "inbound_busy": busy / took}
    return figures if spent is None else figures | {"inbound_cost": spent / sent * 1e6}


def _sender(target: Target, user: str, burst: int) -> SenderInTurn:
    """Return a sender that follows a topic of its own, and sends the next `burst` when the last one has come back."""
    dialect, following = target.dialect, fresh()

    def text(number: int) -> str:
        return f"{following.mark}{number};"

    def said(number: int) -> list[str]:
        return [dialect.saying(following.topic, text(one)) for one in range(number * burst, (number + 1) * burst)]

    return SenderInTurn(
        target.address,
        dialect.path("ws", following.topic, user) or "",
        (dialect.greeting.replace("{topic}", following.topic), dialect.welcome),
        said,
        lambda number: text((number + 1) * burst - 1).encode(),
    )
