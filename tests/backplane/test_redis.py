"""Nodes over a real Redis, which is killed, loses its data, stands still, and drops its clients: nothing durable is
lost or comes twice, each signal comes or is told as missing, and all have the same values in the end."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import msgspec
import pytest
from redis.asyncio import Connection

from quart_app.backplane import Lost, connect_to, messages, presence_scripts, scripts
from quart_app.backplane.line import Line
from quart_app.lab.world.redis import Server
from quart_app.realtime import Event, limits
from tests.backplane.cluster import Cluster, Poller, Stream
from tests.running import eventually
from tests.servers import Redis

pytestmark = pytest.mark.redis

TOPICS = ("log/a", "state/s", "live/x")


@pytest.fixture
async def cluster(redis: Redis) -> AsyncIterator[Cluster]:
    cluster = Cluster(lambda: connect_to(redis.url))
    await cluster.start(3)
    yield cluster
    await cluster.stop()


class Load:
    """Everything is published on all nodes, all the time."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._task = asyncio.create_task(self._publish())

    async def _publish(self) -> None:
        turn = 0
        while True:
            for node in range(3):
                self._cluster.commit(node, ["log/a", "log/b"], told=True)
                self._cluster.signal(node, "live/x", 3)
            self._cluster.value(turn % 3, "state/s", "kl"[turn % 2])
            turn += 1
            await asyncio.sleep(0.005)

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])


def received(stream: Stream) -> int:
    return len(stream.account.received.get("live/x", ()))


def known(stream: Stream) -> int:
    """How many signals a client got or was told to have missed."""
    return received(stream) + stream.account.dropped["live/x"]


def all_there(cluster: Cluster) -> bool:
    return all(hub.backplane.away_since is None for hub in cluster.hubs)


async def assert_well(cluster: Cluster, streams: list[Stream]) -> None:
    """Assert that after a while everybody knows everything."""
    await eventually(lambda: all_there(cluster), deadline=20)
    sent, last = cluster.sent["live/x"], cluster.last_of("log/a")
    await eventually(lambda: all(stream.account.position >= last for stream in streams), deadline=15)
    await eventually(lambda: all(known(stream) >= sent for stream in streams), deadline=15)
    assert [known(stream) for stream in streams] == [sent] * len(streams)
    cluster.check()

    def values() -> list[Any]:
        return [cluster.known(node) for node in range(3)] + [stream.account.values for stream in streams]

    await eventually(lambda: all(known == values()[0] for known in values()))
    assert set(values()[0]) == set(cluster.last)


async def kill(redis: Redis, cluster: Cluster) -> None:
    redis.kill()
    await eventually(lambda: not any(hub.backplane.away_since is None for hub in cluster.hubs), deadline=15)
    before = len(cluster.facts)
    await eventually(lambda: all(hub.position > before for hub in cluster.hubs), deadline=15)
    redis.start()


async def freeze(redis: Redis, cluster: Cluster) -> None:
    redis.freeze()
    await eventually(lambda: not any(hub.backplane.away_since is None for hub in cluster.hubs), deadline=20)
    redis.thaw()


async def pause(redis: Redis, cluster: Cluster) -> None:
    await asyncio.to_thread(redis.ask, "DEBUG", "SLEEP", "0.5")


async def drop_clients(redis: Redis, cluster: Cluster) -> None:
    for _ in range(5):
        redis.ask("CLIENT", "KILL", "TYPE", "pubsub")
        await asyncio.sleep(0.02)
        redis.ask("CLIENT", "KILL", "TYPE", "normal")
        await eventually(lambda: all_there(cluster), deadline=15)


@pytest.mark.parametrize("fault", [kill, freeze, pause, drop_clients])
async def test_under_load_nothing_is_lost_untold(
    redis: Redis, cluster: Cluster, fault: Callable[[Redis, Cluster], Coroutine[Any, Any, None]]
) -> None:
    streams = [await cluster.follow(node, TOPICS) for node in range(3)]
    load = Load(cluster)
    await eventually(lambda: all(received(stream) > 50 for stream in streams), deadline=15)
    await fault(redis, cluster)
    await eventually(lambda: all_there(cluster), deadline=20)
    before = [received(stream) for stream in streams]
    await eventually(
        lambda: all(received(one) > was + 50 for one, was in zip(streams, before, strict=True)), deadline=15
    )
    await load.stop()
    await assert_well(cluster, streams)
    orders = [stream.account.received["live/x"] for stream in streams]
    common = set.intersection(*map(set, orders))
    assert len({tuple(serial for serial in order if serial in common) for order in orders}) == 1
    assert len(common) > 100


async def test_a_long_poll_that_moves_loses_nothing(redis: Redis, cluster: Cluster) -> None:
    poller = cluster.poller(TOPICS)
    await poller.ask(cluster.hubs[0])
    for turn in range(30):
        cluster.commit(turn % 3, ["log/a"], told=True)
        cluster.signal((turn + 1) % 3, "live/x", 4)
        cluster.value(turn % 3, "state/s", "k")
        await poller.ask(cluster.hubs[(turn + 2) % 3])

    async def has_all(poller: Poller = poller) -> bool:
        for hub in cluster.hubs:
            await poller.ask(hub)
        return len(poller.account.received.get("live/x", ())) == 120

    await eventually(has_all, deadline=15)
    assert poller.account.dropped == {}
    assert poller.account.position == 30
    assert poller.account.values == cluster.last


async def test_a_node_that_starts_knows_the_values_and_who_is_there(redis: Redis, cluster: Cluster) -> None:
    for key in "kl":
        cluster.value(0, "state/s", key)
    await eventually(lambda: cluster.known(1) == cluster.last)
    await cluster.restart(2)
    stream = await cluster.follow(2, TOPICS)
    await eventually(lambda: stream.account.values == cluster.last)
    await eventually(lambda: list(cluster.link(0).nodes) == ["node 0", "node 1", "node 2"], deadline=15)


async def test_two_logs_on_one_server_never_meet(redis: Redis) -> None:
    here, there = Cluster(lambda: connect_to(redis.url)), Cluster(lambda: connect_to(redis.url))
    there.log.terms = type(here.log)("e9").terms
    await here.start(1)
    await there.start(1)
    follower = await there.follow(0, TOPICS)
    here.value(0, "state/s", "k")
    here.signal(0, "live/x", 1)
    there.signal(0, "live/x", 1)
    await eventually(lambda: received(follower) == 1)
    assert there.known(0) == {}
    await here.stop()
    await there.stop()


async def test_a_server_that_cannot_be_reached_is_away(redis: Redis) -> None:
    redis.kill()
    cluster = Cluster(lambda: connect_to(redis.url))
    await cluster.start(1)
    stream = await cluster.follow(0, TOPICS)
    cluster.commit(0, ["log/a"], told=True)
    cluster.value(0, "state/s", "k")
    cluster.signal(0, "live/x", 7)
    await eventually(lambda: stream.account.position == 1)
    await eventually(lambda: stream.account.values == cluster.last)
    assert known(stream) == 0
    redis.start()
    await eventually(lambda: all_there(cluster), deadline=15)
    cluster.signal(0, "live/x", 1)
    await eventually(lambda: received(stream) == 1)
    await cluster.stop()


async def test_a_connection_that_is_closed_while_it_opens_is_lost(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def closed(*_: object, **_more: object) -> None:
        raise RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed")

    monkeypatch.setattr(Connection, "send_packed_command", closed)  # as uvloop's transports do
    with pytest.raises(Lost, match="the handler is closed"):
        await connect_to(redis.url)("envivo:{e}:", "envivo:{e}:node:t")


class TestScripts:
    """What the tests' own server does is what Redis does."""

    async def answers(self, line: Line, end_calm: Callable[[], object]) -> list[Any]:
        channel = "envivo:{e}:node:t"
        hello = await line.call(scripts.HELLO, "i", "r", 0, "t")
        base = 0
        told: list[Any] = [hello[:2], hello[2]]

        async def next_message() -> Any:
            def relative(value: Any) -> Any:
                if isinstance(value, list):
                    many = [relative(one) for one in value]
                    return sorted(many) if len(many) > 500 else many  # a hash has no order
                return value - base if isinstance(value, int) and 0 <= value - base < 10**6 and base else value

            return relative(msgspec.msgpack.decode(await line.receive()))

        async def publish(serial: int, kind: str, lost: dict[str, int], *events: Event, states: bool = False) -> None:
            packed = [messages.packed(event) for event in events]
            arguments: list[Any] = ["i", "t", serial, kind, len(lost)]
            for topic, number in lost.items():
                arguments += (topic, number)
            arguments.append(messages.array(packed))
            for event, body in zip(events, packed, strict=True):
                arguments += (event.topic, event.key if states else "", event.at, body if states else b"")
            await line.call(scripts.PUBLISH, *arguments)
            told.append(await next_message())

        await line.call(scripts.STOCK, "i", "t", channel, 1, "live/none", "", 0, 0)
        first = await next_message()
        base = first[4][0][1]

        def signals(count: int) -> list[Event]:
            return [Event("live/x", "moved", b'{"data":%d}' % number, 5) for number in range(count)]

        def value(key: str, at: int) -> Event:
            return Event("state/s", "set", b'{"at":%d}' % at, at, key=key)

        await publish(1, "live", {}, *signals(20))
        await publish(2, "live", {"live/x": 3, "live/y": 2}, *signals(1))
        await publish(3, "live", {"live/x": 1})
        await publish(4, "live", {}, value("a", 10), value("b", 10), value("a", 9), states=True)
        await publish(5, "again", {}, value("a", 9), value("b", 11), value("c", 1), states=True)
        many = [value(f"{number}", 1) for number in range(limits.BUS_EVENTS)]
        for serial in range(6, 10):
            await publish(serial, "live", {}, *many[: 250 if serial < 9 else 249], states=True)
            many = [value(f"{serial}-{number}", 1) for number in range(limits.BUS_EVENTS)]
        asked = [
            "live/x",
            "",
            0,
            0,
            "live/z",
            "",
            base + 2,
            base + 9,
            "live/y",
            "",
            base,
            base + 500,
            "state/s",
            "state",
            0,
            0,
        ]
        await line.call(scripts.STOCK, "i", "t", channel, 2, *asked)
        told.extend([await next_message(), await next_message()])
        await line.call(scripts.STOCK, "i", "t", channel, 3, "state/s", "shown", base, base + 5_000)
        told.append((await next_message(), await next_message()))
        told.append((await line.call(scripts.HELLO, "j", "s", 0, "t"))[2])
        with pytest.raises(Lost):
            await line.call(scripts.PUBLISH, "j", "t", 1, "live", 0, b"\x90")
        told += await self.presence(line, channel, next_message, end_calm)
        await line.close()
        return told

    async def presence(
        self, line: Line, channel: str, next_message: Callable[[], Any], end_calm: Callable[[], object]
    ) -> list[Any]:
        """Return what comes of the scripts of presence."""
        left = messages.without_time(Event("rooms/1", "left", b"{}", 0, hidden_from="u"))
        joined = messages.packed(Event("rooms/1", "joined", b"{}", 5, hidden_from="u"))

        async def move(tag: str, *users: str, name: str = "") -> Any:
            changes: list[Any] = []
            for user in users:
                changes += ["rooms/1", user, messages.known(name, left) if name else b"", left, joined]
            done = await line.call(presence_scripts.MOVE, "i", tag, f"{tag} me", 2**41, *changes)
            return await next_message() if done else None

        async def appear(tag: str, lease: int = 5_000) -> Any:
            topics, known = await line.call(presence_scripts.APPEAR, "i", tag, f"{tag} me", lease)
            return sorted(topics), sorted(known)

        told: list[Any] = [await move("t", "u", name="Ana")]
        told += [await appear("t"), await appear("other", 0)]
        told.append(await move("t", *"abc", name="Ana"))
        told.append(await move("other", *"bcd", name="Ana"))
        told.append(await move("other", "b", name="Eva"))
        told.append(await move("t", "a", "b"))
        told += [await appear("t"), await appear("other", 0)]
        await line.call(presence_scripts.PRESENT, "i", "t", channel, "rooms/1", "rooms/2")
        told.append(await next_message())
        with pytest.raises(Lost):
            await line.call(presence_scripts.PRESENT, "j", "t", channel, "rooms/1")

        async def beat() -> Any:
            *rest, nodes = await line.call(presence_scripts.BEAT, "i", "t", "t me", channel, 5_000, 2**41, 1)
            return rest, sorted(nodes)

        restored: list[Any] = []
        for user in "xyz":
            restored += [user, messages.known("Ana", left), left]
        for number in (5, 4):
            await line.call(presence_scripts.RESTORE, "i", "t", "rooms/9", 2, number, 3, *restored)
        told += [await next_message(), (await beat())[0], await next_message()]
        for number, there in ((3, 3), (7, 0)):  # who knows more knows that everybody has left
            people = restored if there else []
            await line.call(presence_scripts.RESTORE, "i", "t", "rooms/8", 2, number, there, *people)
        told += [await next_message(), await next_message(), await appear("t")]
        end_calm()
        told += [await beat(), await next_message(), await next_message()]
        await line.call(presence_scripts.RETIRE, "i", "t", "t me", 5_000)
        await appear("last")
        told.append(sorted((await line.call(presence_scripts.BEAT, "i", "last", "last me", channel, 5_000, 1, 1))[2]))
        return told

    async def test_both_answer_alike(self, redis: Redis) -> None:
        prefix, channel = "envivo:{e}:", "envivo:{e}:node:t"
        server = Server()
        line = await connect_to(redis.url)(prefix, channel)
        there = await self.answers(line, lambda: redis.ask("DEL", f"{prefix}calm"))
        line = await server.connect(prefix, channel)
        here = await self.answers(line, lambda: setattr(server.attendance, "_calm_until", 0.0))
        for one, other in zip(there, here, strict=True):
            assert one == other
