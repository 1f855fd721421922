"""`python -m tests.bench.nodes`: one, two and four nodes on PostgreSQL and Redis beside one node on SQLite.

Everything runs on this machine over loopback: the nodes, PostgreSQL, Redis and the load. So a machine with few cores
shows what sharing costs, and nothing of what more machines bring. All clusters are there from the beginning. In each
round each measure is taken of one after the other, in every other round in the opposite order; what counts are the
ratios to SQLite's figures of the same round, which were taken some seconds before or after.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from quart_app.cli.bench.crowd import Crowd, Following, crowd, fresh
from quart_app.cli.bench.delays import Clock
from quart_app.cli.bench.load import Load, Target
from quart_app.cli.bench.measures import Figures, carry_out
from quart_app.cli.bench.senders import Sender
from quart_app.cli.bench.stream import BenchError
from quart_app.cli.bench.wire import Poster
from tests.bench.asking import Asker, post
from tests.bench.contenders import OURS, named
from tests.bench.in_turn import all_in_turn
from tests.bench.servers import serving
from tests.servers import Postgres, Redis

_ROOM: Final = "rooms/1"
_LIST: Final = 100  # messages in a list
_ON_THE_WAY: Final = 4 * _LIST
_PUBLISHERS: Final = 2
_LISTENERS: Final = 20  # on each of the two nodes whose delays are compared
_ROUNDS: Final = 10
_LOAD: Final = Load(seconds=1.0)


@dataclass(frozen=True)
class Shape:
    """A cluster: so many nodes on a `store`, joined by Redis where they are `joined`."""

    name: str
    nodes: int = 1
    postgres: bool = True
    joined: bool = True


SQLITE: Final = Shape("SQLite, 1 node", postgres=False, joined=False)
SHAPES: Final = (
    SQLITE,
    Shape("PostgreSQL, 1 node", joined=False),
    Shape("and Redis, 1 node"),
    Shape("2 nodes", 2),
    Shape("4 nodes", 4),
)


@contextmanager
def _nodes(shape: Shape, postgres: Postgres, redis: Redis) -> Iterator[list[Target]]:
    """Give the running nodes of a cluster with a new database."""
    shared = {"ENVIVO_DATABASE_URL": postgres.new_database(migrated=True)} if shape.postgres else {}
    if shape.joined:
        shared["ENVIVO_BACKPLANE_URL"] = redis.url
    alone = named(OURS)

    def environment(place: Path, port: int) -> Mapping[str, str]:
        return {**alone.environment(place, port), **shared}

    contender = replace(alone, environment=environment)
    with ExitStack() as stack:
        folders = [Path(stack.enter_context(tempfile.TemporaryDirectory())) for _ in range(shape.nodes)]
        yield [stack.enter_context(serving(contender, folder, core=None)).target for folder in folders]


async def _prepare(targets: Sequence[Target], load: Load) -> None:
    """Open the accounts that are deposited into."""
    poster = Poster(targets[0].address)
    for number in range(load.senders):
        body = {"cedula": _cedula(number), "nombre": "Ana", "saldo_inicial": "100.00"}
        await poster.post("/api/cuentas", json.dumps(body).encode())
    poster.close()


async def chat(targets: Sequence[Target], load: Load) -> Figures:
    """Return how many chat messages a second were acknowledged and came to all readers, who are on all nodes."""
    following = replace(fresh("log"), topic=_ROOM)

    def compose(number: int, key: str) -> str:
        return json.dumps({"type": "message", "content": f"{following.mark}{number}; hola a todos", "key": key})

    async with AsyncExitStack() as stack:
        senders = []
        for number in range(load.senders):
            target, user = targets[number % len(targets)], f"{following.mark[:-1]}-{number}"
            path = target.dialect.path("ws", _ROOM, user) or ""
            senders.append(await Sender(target.address, path, user, compose).open(target.address))
            stack.callback(senders[-1].close)
        readers = [
            await stack.enter_async_context(crowd(targets[number % len(targets)], following, 1))
            for number in range(load.readers)
        ]
        started = perf_counter()
        async with asyncio.TaskGroup() as group:
            for number, sender in enumerate(senders):
                group.create_task(sender.run(number, len(senders), started + load.seconds))
        stored = sum(sender.acknowledged for sender in senders)
        for reader in readers:
            await reader.until(stored)
        took = perf_counter() - started
        _check(readers, stored, len(senders))
    return {"chat": stored / took}


def _check(readers: Sequence[Crowd], count: int, senders: int) -> None:
    """Raise BenchError unless all readers got so many messages, in one order."""
    for reader in readers:
        reader.stream.check(count, senders)
        if reader.stream.numbers != readers[0].stream.numbers:
            raise BenchError("two readers got the messages in different orders")


async def deposits(targets: Sequence[Target], load: Load) -> Figures:
    """Return how many deposits a second were made, by as many customers at once as there are senders, into an account
    of each."""
    askers = [_customer(targets[number % len(targets)], number) for number in range(load.senders)]
    with ExitStack() as stack:
        for number, asker in enumerate(askers):
            stack.callback(asker.close)
            await asker.open(targets[number % len(targets)].address)
        started = perf_counter()
        made = await all_in_turn(askers, started + load.seconds)
        return {"deposits": made / (perf_counter() - started)}


def _customer(target: Target, number: int) -> Asker:
    body = json.dumps({"cedula": _cedula(number), "monto": "1.00"}).encode()
    request = post(target.address, "/api/deposito", body)
    return Asker(lambda _: request)


def _cedula(number: int) -> str:
    return f"{number + 1:010}"


@asynccontextmanager
async def _followers(targets: Sequence[Target], following: Following, size: int) -> AsyncIterator[list[Crowd]]:
    """Give followers of a topic on each node, `size` in all."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(crowd(one, following, size // len(targets))) for one in targets]


async def fan_out(targets: Sequence[Target], load: Load) -> Figures:
    """Return how many deliveries a second are made on all nodes together of lists that are published on the first."""
    following, published = fresh(), 0
    async with _followers(targets, following, load.subscribers) as crowds:
        started = perf_counter()

        async def publish_from(sender: int) -> None:
            nonlocal published
            poster, number = Poster(targets[0].address), sender
            try:
                while perf_counter() - started < load.seconds:
                    await asyncio.gather(*(one.until(published + _LIST - _ON_THE_WAY) for one in crowds))
                    published += _LIST
                    texts = [f"{following.mark}{number + index * _PUBLISHERS};" for index in range(_LIST)]
                    await poster.post(*targets[0].dialect.publishing(following.topic, texts))
                    number += _LIST * _PUBLISHERS
            finally:
                poster.close()

        await asyncio.gather(*map(publish_from, range(_PUBLISHERS)))
        await asyncio.gather(*(one.until(published) for one in crowds))
        took = perf_counter() - started
        _check(crowds, published, _PUBLISHERS)
        return {"fan_out": published * sum(len(one.followers) for one in crowds) / took}


async def stored(targets: Sequence[Target], load: Load) -> Figures:
    """Return the delays of messages that are stored."""
    return await _delays(targets, load, "stored", fresh("log"))


async def signals(targets: Sequence[Target], load: Load) -> Figures:
    """Return the delays of signals."""
    return await _delays(targets, load, "signals", fresh())


async def _delays(targets: Sequence[Target], load: Load, name: str, following: Following) -> Figures:
    """Return the delays (ms, p50) from a publication on the first node to its deliveries there, and on the last one,
    if that is another."""
    places = [targets[0]] if len(targets) == 1 else [targets[0], targets[-1]]
    async with _followers(places, following, _LISTENERS * len(places)) as crowds:
        clocks = [Clock(one, _LISTENERS) for one in crowds]
        poster, started = Poster(targets[0].address), perf_counter()
        total = round(load.steady_rate * load.seconds)
        for number in range(total):
            await asyncio.sleep(max(0.0, started + number / load.steady_rate - perf_counter()))
            for clock in clocks:
                clock.sent[number] = perf_counter()
            await poster.post(*targets[0].dialect.publishing(following.topic, [f"{following.mark}{number};"]))
        for one in crowds:
            await one.until(total)
        poster.close()
        own, *others = [clock.delays().p50 for clock in clocks]
        figures = {f"{name}_own": own}
        return figures | {f"{name}_other": one for one in others} | {f"{name}_times": one / own for one in others}


MEASURES: Final = (chat, deposits, fan_out, stored, signals)


async def _measure(clusters: Mapping[str, Sequence[Target]], load: Load, rounds: int) -> list[dict[str, Figures]]:
    """Return the figures of each round, by the names of the clusters."""
    for targets in clusters.values():
        await _prepare(targets, load)
    taken: list[dict[str, Figures]] = []
    for number in range(rounds):
        _say(f"round {number + 1} of {rounds}; load average {os.getloadavg()[0]:.1f}")
        found: dict[str, Figures] = {name: {} for name in clusters}
        for measure in MEASURES:
            for name in list(clusters)[:: 1 if number % 2 == 0 else -1]:
                found[name] |= await measure(clusters[name], load)
        taken.append(found)
    return taken


# What is told


_ROWS: Final = {
    "chat": ("Chat messages, stored and delivered, a second", 0),
    "deposits": ("Deposits a second", 0),
    "fan_out": ("Deliveries of a fan-out a second", 0),
    "stored_own": ("Stored message, publication to delivery on the same node, ms", 1),
    "stored_other": ("The same, on another node, ms", 1),
    "stored_times": ("The same, as a multiple", 2),
    "signals_own": ("Signal, publication to delivery on the same node, ms", 1),
    "signals_other": ("The same, on another node, ms", 1),
    "signals_times": ("The same, as a multiple", 2),
}
_AS_RATIOS: Final = ("chat", "deposits", "fan_out")


def table(rounds: Sequence[Mapping[str, Figures]]) -> str:
    """Return the medians of all rounds in Markdown, with the medians of the ratios to SQLite in the same round."""
    lines = [["", *(shape.name for shape in SHAPES)], ["---", *["---:"] * len(SHAPES)]]
    lines += [[title, *(_cell(rounds, shape, name) for shape in SHAPES)] for name, (title, _) in _ROWS.items()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(rounds: Sequence[Mapping[str, Figures]], shape: Shape, name: str) -> str:
    found = [one[shape.name][name] for one in rounds if name in one[shape.name]]
    if not found:
        return "–"
    text = f"{statistics.median(found):,.{_ROWS[name][1]}f}"
    if name not in _AS_RATIOS or shape is SQLITE:
        return text
    ratios = [one[shape.name][name] / one[SQLITE.name][name] for one in rounds]
    return f"{text} (**{statistics.median(ratios):.2f}**, {min(ratios):.2f}–{max(ratios):.2f})"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.nodes", description=__doc__)
    parser.add_argument("--rounds", type=int, default=_ROUNDS)
    parser.add_argument("--seconds", type=float, default=_LOAD.seconds, help="s of each measure")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    options = parser.parse_args(arguments)
    load = replace(_LOAD, seconds=options.seconds)
    with ExitStack() as stack:
        # A commit survives a power cut, as it does on SQLite.
        postgres = stack.enter_context(Postgres(fsync="on", full_page_writes="on"))
        redis = stack.enter_context(Redis())
        clusters = {shape.name: stack.enter_context(_nodes(shape, postgres, redis)) for shape in SHAPES}
        rounds = carry_out(_measure(clusters, load, options.rounds))
    sys.stdout.write(f"{table(rounds)}\n")
    if options.json:
        written: dict[str, Any] = {"cores": os.cpu_count(), "seconds": load.seconds, "rounds": rounds}
        options.json.write_text(json.dumps(written, indent=2) + "\n", "utf-8")
    return 0


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
