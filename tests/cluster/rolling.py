"""`python -m tests.cluster.rolling`: every node is ended and started again while clients follow, and what they noticed.

The clients come back as ours do, with their cursors: when they were told to, else after the client's back-off; the
balancer brings each to any node. What is stored meanwhile has to come to each of them once and in order; who is in a
room must not seem to leave it. They speak the wire themselves, because a thousand of our clients, the balancer and the
nodes on one machine would measure the clients.
"""

import asyncio
import random
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import click
import httpx
import msgspec

from quart_app.cli.bench.stream import BenchError, frame_end
from quart_app.cli.bench.wire import UPGRADE, Address, Client
from quart_app.client import Options
from quart_app.client.backoff import full_jitter
from quart_app.realtime.limits import LINGER
from quart_app.server.listening import raise_descriptor_limit
from tests.cluster.proxy import round_robin
from tests.running import ServerProcess, eventually
from tests.servers import Postgres, Redis

TOPIC: Final = "log/rolling"
ROOM: Final = "rooms/1"
SETTLING: Final = 60.0  # s that everybody has to be there, and to hear of everything
_OPENING: Final = 32  # clients that connect at a time, at first
_LATEST_LEAVE: Final = LINGER + 1.0  # s after which nobody seems to leave any more
_OPTIONS: Final = Options()
_TEXT: Final = 0x81  # the first byte of a whole text frame (RFC 6455 section 5.2)


class Node(ServerProcess):
    """The program as it is, which is not held to its documents: that would take most of the time."""

    module = "quart_app"


class Visit(Client):
    """One WebSocket of a follower, to which everything that comes is given; `over` gets the seconds after which to come
    back, None where none were told."""

    def __init__(self, address: Address, path: str, follower: "Follower") -> None:
        super().__init__(address.head("GET", path, UPGRADE), 101)
        self.over: asyncio.Future[float | None] = asyncio.get_running_loop().create_future()
        self.failed = lambda _: self.leave(None)
        self._follower = follower

    def leave(self, retry_after: float | None) -> None:
        """Note that it is over."""
        if not self.over.done():
            self.over.set_result(retry_after)

    def _body(self, data: bytes) -> None:
        self._buffer += data
        start = 0
        while (end := frame_end(self._buffer, start)) > 0:
            frame, start = self._buffer[start:end], end
            if frame[0] == _TEXT:
                self._take(msgspec.json.decode(frame[frame.index(b"{") :]))
        self._buffer = self._buffer[start:]

    def _take(self, message: dict[str, Any]) -> None:
        if not self.opened.done():
            self.opened.set_result(None)
        if message["type"] == "bye":
            self.leave(message["data"]["retry_after"] / 1_000)
        self._follower.take(message)


@dataclass(eq=False)
class Follower:
    """A client that notes what comes, and how long it was away each time."""

    name: str
    topics: Sequence[str]
    cursor: str | None = None
    there: bool = False
    numbers: list[int] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    joined: list[str] = field(default_factory=list)
    resets: int = 0
    absences: list[float] = field(default_factory=list)

    async def run(self, url: str) -> None:
        """Follow the topics until cancelled, and come back whenever the connection is lost."""
        address, failed, lost_at = Address.parse(url), 0, None
        while True:
            visit, delay = Visit(address, self._path(), self), None
            try:
                async with asyncio.timeout(_OPTIONS.ws_open):
                    await visit.open(address)
                if lost_at is not None:
                    self.absences.append(time.monotonic() - lost_at)
                self.there, failed = True, 0
                delay = await visit.over
                lost_at = time.monotonic()
            except (OSError, BenchError):
                failed += 1
            finally:
                self.there = False
                visit.close()
            if delay is None:
                delay = full_jitter(failed, _OPTIONS.backoff_base, _OPTIONS.backoff_cap, random.uniform)
            await asyncio.sleep(delay)

    def _path(self) -> str:
        asked = [*(("topic", topic) for topic in self.topics), ("user_id", self.name), ("username", self.name)]
        return "/ws?" + urlencode(asked if self.cursor is None else [*asked, ("since", self.cursor)])

    def take(self, message: dict[str, Any]) -> None:
        """Note a message."""
        self.cursor = message.get("id", self.cursor)
        match message["type"]:
            case "n":
                self.numbers.append(message["data"])
            case "user_left":
                self.left.append(str(message["data"]["user_id"]))
            case "user_joined":
                self.joined.append(str(message["data"]["user_id"]))
            case "reset":
                self.resets += 1


@dataclass(frozen=True)
class Outcome:
    """What came of it: `published` facts, of which some were `lost` by clients or `repeated` to them, counted over all
    clients; the seconds that each absence of a client took, and who was seen to leave or join the room again."""

    published: int
    lost: int
    repeated: int
    resets: int
    absences: list[float]
    left: list[str]
    joined: list[str]

    def __str__(self) -> str:
        ordered = sorted(self.absences) or [0.0]
        middle, most = ordered[len(ordered) // 2], ordered[-1]
        return (
            f"{self.published} facts; {self.lost} lost, {self.repeated} repeated, {self.resets} resets; "
            f"{len(self.absences)} returns, half of them within {middle:.2f} s, all within {most:.2f} s; "
            f"{len(self.left)} user_left, {len(self.joined)} user_joined"
        )


async def roll(
    folder: Path, clients: int, *, present: int, nodes: int = 3, pause: float = 0.05, **urls: Any
) -> Outcome:
    """Return what so many `clients` notice, and so many more who are `present` in a room, while each of the nodes is
    restarted. A fact is published every `pause` seconds."""
    servers = [Node(folder / f"node-{number}", node=f"node-{number}", **urls) for number in range(nodes)]
    with ExitStack() as ended:
        for server in servers:
            server.folder.mkdir()
            ended.callback(server.kill)
        await asyncio.gather(*(asyncio.to_thread(server.start) for server in servers))
        followers = [Follower(f"client-{number}", (TOPIC,)) for number in range(clients)]
        followers += [Follower(f"present-{number}", (TOPIC, ROOM)) for number in range(present)]
        async with round_robin([server.port for server in servers]) as proxy, _following(proxy.url, followers):
            for follower in followers:
                follower.joined.clear()
            publisher = _Publisher(proxy.url, pause)
            publishing = asyncio.create_task(publisher.run())
            for server in servers:
                await _restart(server)
                # Whoever is told to leave has to have come back before others are told so.
                await eventually(partial(_are_there, followers), SETTLING)
            await asyncio.sleep(_LATEST_LEAVE if present else 0)
            publisher.ended = True
            await publishing
            with suppress(AssertionError):  # what does not come is lost, as is told
                await eventually(lambda: all(len(one.numbers) >= publisher.published for one in followers), SETTLING)
        for server in servers:
            await asyncio.to_thread(server.check_clean_end)
    return _outcome(followers, publisher.published)


@asynccontextmanager
async def _following(url: str, followers: Sequence[Follower]) -> AsyncIterator[None]:
    """Let the followers follow until the end of the block."""
    async with asyncio.TaskGroup() as group:
        tasks = []
        for number in range(0, len(followers), _OPENING):
            some = followers[number : number + _OPENING]
            tasks += [group.create_task(follower.run(url)) for follower in some]
            await eventually(partial(_are_there, some), SETTLING)
        yield
        for task in tasks:
            task.cancel()


def _are_there(followers: Sequence[Follower]) -> bool:
    return all(one.there for one in followers)


async def _restart(server: ServerProcess) -> None:
    server.send_signal(signal.SIGTERM)
    code = await asyncio.to_thread(server.wait)
    assert code == 0, f"a node ended with {code}\n{server.log()}"
    await asyncio.to_thread(server.start)


class _Publisher:
    """Somebody who publishes numbered facts, each until it is stored."""

    def __init__(self, url: str, pause: float) -> None:
        self.ended = False
        self.published = 0
        self._url = url
        self._pause = pause

    async def run(self) -> None:
        """Publish until it is `ended`."""
        async with httpx.AsyncClient(base_url=self._url, timeout=10) as client:
            for number in count():
                if self.ended:
                    return
                await self._publish(client, {"topic": TOPIC, "type": "n", "data": number, "key": f"fact-{number}"})
                self.published = number + 1
                await asyncio.sleep(self._pause)

    async def _publish(self, client: httpx.AsyncClient, fact: dict[str, Any]) -> None:
        while True:
            try:
                if (await client.post("/api/publish", json=fact)).status_code == 202:
                    return
            except httpx.TransportError:
                pass  # the node has ended, and another one takes it
            await asyncio.sleep(self._pause)


def _outcome(followers: list[Follower], published: int) -> Outcome:
    lost = sum(published - len(set(one.numbers)) for one in followers)
    repeated = sum(len(one.numbers) - len(set(one.numbers)) for one in followers)
    assert all(one.numbers == sorted(one.numbers) for one in followers), "facts came in another order"
    return Outcome(
        published,
        lost,
        repeated,
        sum(one.resets for one in followers),
        [absence for one in followers for absence in one.absences],
        [user for one in followers for user in one.left],
        [user for one in followers for user in one.joined],
    )


@click.command()
@click.option("--clients", type=click.IntRange(min=1), default=1000, show_default=True)
@click.option("--present", type=int, default=20, show_default=True, help="So many of them are in a room.")
@click.option("--nodes", type=click.IntRange(min=2), default=3, show_default=True)
@click.option("--pause", type=float, default=0.5, show_default=True, help="Seconds between two facts.")
def main(clients: int, present: int, nodes: int, pause: float) -> None:
    """Restart the nodes of a cluster, one after another, under clients, and tell what these noticed."""
    raise_descriptor_limit()
    with (
        Postgres() as postgres,
        Redis() as redis,
        tempfile.TemporaryDirectory(prefix="envivo-rolling-") as folder,
    ):
        urls = {"database_url": postgres.new_database(migrated=True), "backplane_url": redis.url}
        rolled = roll(Path(folder), clients - present, present=present, nodes=nodes, pause=pause, **urls)
        click.echo(str(asyncio.run(rolled)))


if __name__ == "__main__":
    main()
