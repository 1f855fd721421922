"""`python -m tests.bench.costs`: what an event and a delivery cost, stage by stage, in µs of a core.

The stages are timed one by one through the engine's public functions in this process, in rounds of which the fastest
counts, so that other programs are not in it; the last rows are the processor time of a whole server's process.
"""

import argparse
import asyncio
import json
import socket
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Final

import msgspec

from quart_app.cli.bench.crowd import crowd, fresh
from quart_app.cli.bench.fan_out import from_inside
from quart_app.cli.bench.load import Target
from quart_app.cli.bench.measures import carry_out
from quart_app.cli.bench.process import processor_time, used_since
from quart_app.cli.bench.wire import Poster
from quart_app.domains.topics.requests import Publication
from quart_app.realtime.flow.bus import Bus
from quart_app.realtime.flow.delivery import Delivery
from quart_app.realtime.flow.log import MemoryLog
from quart_app.realtime.flow.subscription import Subscription
from quart_app.realtime.messages import encoding
from quart_app.realtime.messages.batch import NOWHERE, Batch, Form
from quart_app.realtime.messages.event import Event
from quart_app.realtime.messages.kinds import Kind
from quart_app.realtime.messages.validation import checked
from quart_app.server.event_loop import new_event_loop
from quart_app.surroundings import now
from tests.bench.contenders import OURS, named
from tests.bench.servers import pinned, running

_TOPIC: Final = "live/bench"
_BODY: Final = b'{"topic":"live/bench","type":"bench","data":{"text":"0123abcd#1234;"}}'
_LIST: Final = 100


@dataclass(frozen=True)
class Cost:
    """A stage, and what it costs (µs) an event, or each delivery of one; None where it does not."""

    stage: str
    event: float | None = None
    delivery: float | None = None


@dataclass(frozen=True)
class Effort:
    """How much is done: subscriptions, sockets, rounds of each stage, seconds and requests of the whole server."""

    subscriptions: int = 1_000
    sockets: int = 200
    rounds: int = 200
    seconds: float = 2.0
    requests: int = 500


def event() -> Event:
    return Event(_TOPIC, "bench", encoding.fields_json({"data": {"text": "0123abcd#1234;"}}), now())


def of_an_event(rounds: int) -> list[Cost]:
    """The stages that are done once for an event, however many get it."""

    def read() -> None:
        checked([msgspec.json.decode(_BODY)], list[Publication])

    made = [event() for _ in range(_LIST)]
    for one in made:
        one.frame, one.block  # noqa: B018 - encoded on first use
    return [
        Cost("read and check a message of a request", _fastest(read, rounds)),
        Cost("make the event", _fastest(event, rounds)),
        Cost("encode the event as JSON", _encoding(lambda one: one.json, rounds)),
        Cost("make its WebSocket frame", _fastest(lambda: encoding.websocket_frame(made[0].json), rounds)),
        Cost("make its server-sent event", _fastest(lambda: encoding.sse_block(made[0].json, None), rounds)),
        Cost(f"join {_LIST} frames, each", _fastest(lambda: Batch(made).encoded(Form.FRAMES), rounds) / _LIST),
    ]


def _encoding(encode: Callable[[Event], bytes], rounds: int) -> float:
    fresh_events = iter([event() for _ in range(rounds + 1)])
    best = float("inf")
    for one in fresh_events:
        started = perf_counter()
        encode(one)
        best = min(best, perf_counter() - started)
    return best * 1e6


def _fastest(work: Callable[[], object], rounds: int) -> float:
    """The fastest of some rounds (µs)."""
    best = float("inf")
    for _ in range(rounds):
        started = perf_counter()
        work()
        best = min(best, perf_counter() - started)
    return best * 1e6


async def of_the_bus(subscriptions: int, rounds: int) -> list[Cost]:
    """Publishing, settling, and handing a batch to subscriptions that wait."""
    bus, log = Bus(lambda topic: Kind.SIGNAL), MemoryLog("e0")
    subscribed = [Subscription(bus, log, [_TOPIC], f"user-{n}", NOWHERE) for n in range(subscriptions)]
    for subscription in subscribed:
        _Delivery(subscription).deliver(_take, Form.FRAMES)
    publishing = handing = settling = float("inf")
    for _ in range(rounds):
        one = event()
        started = perf_counter()
        bus.publish([one])
        published = perf_counter()
        bus.flush()
        publishing, handing = min(publishing, published - started), min(handing, perf_counter() - published)
    for subscription in subscribed:
        subscription.close()
    alone = Subscription(bus, log, [_TOPIC], "alone", NOWHERE)
    for _ in range(rounds):
        bus.publish([event()])
        started = perf_counter()
        bus.flush()
        settling = min(settling, perf_counter() - started)
    alone.close()
    return [
        Cost("publish the event on the bus", publishing * 1e6),
        Cost("hand the event out, with nobody waiting", settling * 1e6),
        Cost("hand the event to a subscription that waits", None, (handing - settling) / subscriptions * 1e6),
    ]


class _Delivery(Delivery):
    """A delivery to a peer that takes everything at once."""

    def finish(self) -> None:
        """There is nothing to be closed."""

    def break_off(self) -> None:
        """Nothing can fail here."""


def _take(data: bytes) -> None:
    """Take everything at once."""


async def of_the_sockets(count: int, rounds: int) -> list[Cost]:
    """Writing to TCP connections of this machine, whose other ends are read outside of the time that is taken."""
    loop = asyncio.get_running_loop()
    frame = event().frame
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=count))
        peers = [stack.enter_context(socket.create_connection(listener.getsockname())) for _ in range(count)]
        transports = []
        for _ in peers:
            accepted, _address = listener.accept()
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            transport, _protocol = await loop.create_connection(asyncio.Protocol, sock=accepted)
            transports.append(transport)
        costs = []
        for name, size in (("write a frame", 1), (f"write {_LIST} joined frames, each", _LIST)):
            data, best = frame * size, float("inf")
            for _ in range(rounds):
                started = perf_counter()
                for transport in transports:
                    transport.write(data)
                await asyncio.sleep(0)  # uvloop hands them to the system at the end of the turn
                await asyncio.sleep(0)
                best = min(best, perf_counter() - started)
                for peer in peers:
                    _ = peer.recv(len(data), socket.MSG_WAITALL)
            costs.append(Cost(name, None, best / count / size * 1e6))
        for transport in transports:
            transport.abort()
        return costs


async def of_a_server(target: Target, effort: Effort) -> list[Cost]:
    """Whole requests, and whole deliveries of messages that are published inside."""
    poster = Poster(target.address)
    costs = []
    try:
        for name, size in (
            ("a request that publishes one message", 1),
            (f"a request that publishes {_LIST} messages, each", _LIST),
        ):
            path, body = target.dialect.publishing(_TOPIC, ["0123abcd#1234;"] * size)
            before = processor_time(target.pid)
            for _ in range(effort.requests):
                await poster.post(path, body)
            used = used_since(before, target.pid) or 0.0
            costs.append(Cost(name, used / effort.requests / size * 1e6))
    finally:
        poster.close()
    async with crowd(target, fresh(), effort.subscriptions) as followers:
        rate = await from_inside(target, followers, effort.seconds)
        each = (rate.used or 0.0) / rate.published / effort.subscriptions * 1e6
    return [*costs, Cost("a delivery, one message per loop turn", None, each)]


def all_costs(effort: Effort) -> list[Cost]:
    """Every row, the whole server's last. Raises BenchError."""
    with pinned(1), asyncio.Runner(loop_factory=new_event_loop) as runner:
        costs = of_an_event(effort.rounds)
        costs += runner.run(of_the_bus(effort.subscriptions, effort.rounds))
        costs += runner.run(of_the_sockets(effort.sockets, effort.rounds))
    with tempfile.TemporaryDirectory() as folder, running(named(OURS), Path(folder)) as target, pinned(1):
        return costs + carry_out(of_a_server(target, effort))


def table(costs: Sequence[Cost]) -> str:
    """The costs in Markdown."""
    lines = ["| | µs an event | µs a delivery |", "| --- | ---: | ---: |"]
    for cost in costs:
        shown = ["" if value is None else f"{value:,.2f}" for value in (cost.event, cost.delivery)]
        lines.append(f"| {cost.stage} | {shown[0]} | {shown[1]} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.costs", description=__doc__)
    parser.add_argument("--json", type=Path, help="write them to this file")
    options = parser.parse_args(arguments)
    costs = all_costs(Effort())
    sys.stdout.write(table(costs) + "\n")
    if options.json is not None:
        written = {cost.stage: {"event": cost.event, "delivery": cost.delivery} for cost in costs}
        options.json.write_text(json.dumps(written, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
