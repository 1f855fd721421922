"""`python -m tests.bench.costs`: what an event, a delivery, a request and a connection cost, stage by stage.

The stages of an event and a delivery are timed one by one through the engine's public functions in this process. The
rest is the processor time of a whole server's process: of what is below En Vivo, and of En Vivo itself. There are
rounds, of which the cheapest counts, so that other programs are in it as little as can be.

What a run wrote with `--json` is shown beside a later run's figures with `--before`. An older commit is measured with
today's `tests`, where .venv is the environment of the checkout that one is in:

    mkdir ../before && git archive COMMIT | tar -x -C ../before && git archive HEAD tests | tar -x -C ../before
    cd ../before && PYTHONPATH=$PWD CHECKOUT/.venv/bin/python -m tests.bench.costs --name COMMIT --json FILE
"""

import argparse
import asyncio
import json
import socket
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Final

import msgspec

from quart_app.cli.bench.crowd import crowd, fresh
from quart_app.cli.bench.fan_out import from_inside
from quart_app.cli.bench.load import Target
from quart_app.cli.bench.measures import carry_out, connections
from quart_app.cli.bench.process import processor_time, settled, used_since
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
from tests.bench.asking import asked, post
from tests.bench.contenders import CHECKOUT, OURS, Contender, named
from tests.bench.guide import PAGES, write_costs
from tests.bench.inbound import inbound
from tests.bench.loads import FULL, FullLoad
from tests.bench.servers import pinned, running

_TOPIC: Final = "live/bench"
_BODY: Final = b'{"topic":"live/bench","type":"bench","data":{"text":"0123abcd#1234;"}}'
_LIST: Final = 100
_BURST: Final = 20
_TEXT: Final = "0123abcd#1234;"
_EVENT: Final = "an event"
_DELIVERY: Final = "a delivery"
_CONNECTION: Final = "a connection"
_LAYER: Final = [sys.executable, "-m", "tests.bench.layers"]
_LAYERS: Final = (
    Contender("Hypercorn with an ASGI function", lambda folder, port: [*_LAYER, "asgi"]),
    Contender("Quart with a route", lambda folder, port: [*_LAYER, "quart"]),
)
BEFORE: Final = CHECKOUT / "tests" / "bench" / "results" / "costs-before.json"


@dataclass(frozen=True)
class Cost:
    """A stage, of what it is one, and what each costs: µs of a core, or KB of memory."""

    stage: str
    each: str
    value: float
    unit: str = "µs"


@dataclass(frozen=True)
class Effort:
    """How much is done: subscriptions, sockets, rounds of each stage; seconds, connections and rounds of a whole
    server."""

    subscriptions: int = 1_000
    sockets: int = 200
    rounds: int = 200
    seconds: float = 1.0
    connections: int = 1_000
    server_rounds: int = 3


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
        Cost("read and check a message of a request", _EVENT, _fastest(read, rounds)),
        Cost("make the event", _EVENT, _fastest(event, rounds)),
        Cost("encode the event as JSON", _EVENT, _encoding(lambda one: one.json, rounds)),
        Cost("make its WebSocket frame", _EVENT, _fastest(lambda: encoding.websocket_frame(made[0].json), rounds)),
        Cost("make its server-sent event", _EVENT, _fastest(lambda: encoding.sse_block(made[0].json, None), rounds)),
        Cost(f"join {_LIST} frames, each", _EVENT, _fastest(lambda: Batch(made).encoded(Form.FRAMES), rounds) / _LIST),
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
    for ordinal in range(1, rounds + 1):
        one = event()
        one.ordinal = ordinal
        started = perf_counter()
        bus.publish([one])
        published = perf_counter()
        bus.flush()
        publishing, handing = min(publishing, published - started), min(handing, perf_counter() - published)
    for subscription in subscribed:
        subscription.close()
    alone = Subscription(bus, log, [_TOPIC], "alone", NOWHERE)
    for ordinal in range(rounds + 1, 2 * rounds + 1):
        one = event()
        one.ordinal = ordinal
        bus.publish([one])
        started = perf_counter()
        bus.flush()
        settling = min(settling, perf_counter() - started)
    alone.close()
    return [
        Cost("publish the event on the bus", _EVENT, publishing * 1e6),
        Cost("hand the event out, with nobody waiting", _EVENT, settling * 1e6),
        Cost("hand the event to a subscription that waits", _DELIVERY, (handing - settling) / subscriptions * 1e6),
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
            costs.append(Cost(name, _DELIVERY, best / count / size * 1e6))
        for transport in transports:
            transport.abort()
        return costs


async def of_requests(target: Target, effort: Effort, whose: str, more: Mapping[str, bytes]) -> list[Cost]:
    """Whole requests on connections that are kept alive: one that publishes a message that nobody listens to, and those
    of `more`."""
    path, body = target.dialect.publishing(_TOPIC, [_TEXT])
    wanted = {f"{whose} answers a request that publishes a message": post(target.address, path, body), **more}
    load = FullLoad(seconds=effort.seconds)
    costs = []
    for name, one in wanted.items():
        rounds = [(await asked(target, load, one, "it")).get("asked_it_cost", 0.0) for _ in range(effort.server_rounds)]
        costs.append(Cost(name, "a request", min(rounds)))
    return costs


async def of_connections(target: Target, effort: Effort, whose: str) -> list[Cost]:
    """WebSockets that are opened and welcomed, and the memory of those that stay."""
    load = FullLoad(connections=effort.connections)
    memory = (await connections(target, load)).get("memory", 0.0)  # while the server has no memory that it used before
    following, opening = fresh(), float("inf")
    for _ in range(effort.server_rounds):
        used = processor_time(target.pid)
        async with crowd(target, following, effort.connections):
            opening = min(opening, used_since(used, target.pid) or 0.0)
        await settled(target.pid)
    return [
        Cost(f"{whose} opens a WebSocket and welcomes it", _CONNECTION, opening / effort.connections * 1e6),
        Cost(f"{whose} keeps a WebSocket", _CONNECTION, memory, "KB"),
    ]


async def of_messages(target: Target, effort: Effort) -> list[Cost]:
    """Messages that come in on WebSockets, each of which goes back to its sender alone."""
    load = FullLoad(seconds=effort.seconds)
    costs = []
    for name, size in (("", 1), (f", {_BURST} in one write", _BURST)):
        rounds = [(await inbound(target, load, size)).get("inbound_cost", 0.0) for _ in range(effort.server_rounds)]
        costs.append(Cost(f"En Vivo takes a message of a WebSocket{name}, and gives it back", "a message", min(rounds)))
    return costs


async def of_deliveries(target: Target, effort: Effort) -> list[Cost]:
    """Whole deliveries of messages that are published inside."""
    each = float("inf")
    for _ in range(effort.server_rounds):
        async with crowd(target, fresh(), effort.subscriptions) as followers:
            rate = await from_inside(target, followers, effort.seconds)
            each = min(each, (rate.used or 0.0) / rate.published)
    return [Cost("En Vivo delivers, one message per loop turn", _DELIVERY, each / effort.subscriptions * 1e6)]


async def of_a_layer(target: Target, effort: Effort, whose: str) -> list[Cost]:
    return await of_connections(target, effort, whose) + await of_requests(target, effort, whose, {})


async def of_us(target: Target, effort: Effort) -> list[Cost]:
    """Return what the layers below cost too, then what only we do."""
    path, body = target.dialect.publishing(_TOPIC, [_TEXT] * _LIST)
    more = {
        f"{OURS} answers a request that publishes {_LIST} messages": post(target.address, path, body),
        f"{OURS} answers a small GET": target.address.head("GET", "/api/thresholds"),
    }
    costs = await of_connections(target, effort, OURS) + await of_requests(target, effort, OURS, more)
    return costs + await of_messages(target, effort) + await of_deliveries(target, effort)


def all_costs(effort: Effort) -> list[Cost]:
    """Every row. Raise BenchError."""
    with pinned(1), asyncio.Runner(loop_factory=new_event_loop) as runner:
        costs = of_an_event(effort.rounds)
        costs += runner.run(of_the_bus(effort.subscriptions, effort.rounds))
        costs += runner.run(of_the_sockets(effort.sockets, effort.rounds))
    for below in _LAYERS:
        with tempfile.TemporaryDirectory() as folder, running(below, Path(folder)) as target, pinned(1):
            costs += carry_out(of_a_layer(target, effort, below.name))
    with tempfile.TemporaryDirectory() as folder, running(named(OURS), Path(folder)) as target, pinned(1):
        return costs + carry_out(of_us(target, effort))


@dataclass(frozen=True)
class Written:
    """What a run has written: what it was called, and the costs by stage."""

    name: str
    costs: Mapping[str, float]


def table(costs: Sequence[Cost], before: Written | None = None) -> str:
    """Return the costs in Markdown, those of each kind together, beside those of `before`."""
    kinds = list(dict.fromkeys(cost.each for cost in costs))
    head = ["", "each", *([] if before is None else [before.name]), "now"]
    lines = [head, ["---", "---", *["---:"] * (len(head) - 2)]]
    for cost in sorted(costs, key=lambda cost: kinds.index(cost.each)):
        shown = [cost.stage, cost.each]
        if before is not None:
            shown.append(f"{before.costs[cost.stage]:,.2f} {cost.unit}" if cost.stage in before.costs else "–")
        lines.append([*shown, f"{cost.value:,.2f} {cost.unit}"])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.costs", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="write them to this file")
    parser.add_argument(
        "--guide", action="store_true", help="write their table into the guide's page, in both languages"
    )
    parser.add_argument("--name", default="before", help="what they are called when they are shown as those of before")
    parser.add_argument("--before", type=Path, default=BEFORE, help=f"what was written then ({BEFORE.name})")
    options = parser.parse_args(arguments)
    costs = all_costs(Effort())
    before = Written(**json.loads(options.before.read_text("utf-8"))) if options.before.exists() else None
    shown = table(costs, before)
    sys.stdout.write(f"{shown}\n")
    if options.guide:
        write_costs(PAGES, FULL, shown)
    if options.json is not None:
        written = Written(options.name, {cost.stage: round(cost.value, 3) for cost in costs})
        options.json.write_text(json.dumps(asdict(written), indent=2, ensure_ascii=False) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
