"""What becomes of counts and values when a node, or the server, was away: one case after the other."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from quart_app.backplane.line import Line
from quart_app.lab.world.redis import Server
from quart_app.realtime import Event, limits
from tests.backplane.cluster import Cluster
from tests.realtime.clock import skipping_time

TOPICS = ("live/x", "state/s")


async def started(nodes: int = 2) -> tuple[Server, Cluster]:
    server = Server()
    cluster = Cluster(lambda: server.connect)
    await cluster.start(nodes)
    return server, cluster


async def until(predicate: Callable[[], bool]) -> None:
    """Let time pass until something is so, for a minute at most."""
    async with asyncio.timeout(60):
        while not predicate():
            await asyncio.sleep(0.01)


def all_there(cluster: Cluster) -> bool:
    return all(hub.backplane.away_since is None for hub in cluster.hubs)


async def part(server: Server, cluster: Cluster, node: int) -> None:
    """Let a node not reach the server."""
    tag = cluster.link(node).tag
    server.refused.add(tag)
    server.lines[tag].cut()
    await until(lambda: cluster.hubs[node].backplane.away_since is not None)


async def heal(server: Server, cluster: Cluster) -> None:
    server.refused.clear()
    await until(lambda: all_there(cluster))
    await asyncio.sleep(0.1)


def value(cluster: Cluster, node: int, serial: int, at: int) -> None:
    fields = b'{"data":{"key":"k","serial":%d}}' % serial
    cluster.hubs[node].publish(Event("state/s", "value", fields, at, key="k"))


@skipping_time
async def test_a_server_that_lost_its_data_gets_counts_and_values_back() -> None:
    server, cluster = await started()
    stream, poller = await cluster.follow(0, TOPICS), cluster.poller(("live/x",))
    await poller.ask(cluster.hubs[0])
    cluster.signal(1, "live/x", 5)
    cluster.value(1, "state/s", "k")
    await until(lambda: len(stream.account.received.get("live/x", ())) == 5)
    counts = dict(server.counts)
    server.forget()
    await until(lambda: not all_there(cluster))
    await heal(server, cluster)
    assert server.counts["live/x"] == counts["live/x"]
    assert set(server.values["state/s"]) == {"k"}
    cluster.signal(1, "live/x", 1)
    await cluster.restart(1)
    newcomer = await cluster.follow(1, TOPICS)
    await until(lambda: newcomer.account.values == cluster.last)
    await poller.ask(cluster.hubs[1])
    # The node that it asks now has heard none of them, so it tells how many there were.
    assert (poller.account.received, poller.account.dropped) == ({}, {"live/x": 6})
    assert stream.account.received["live/x"] == [1, 2, 3, 4, 5, 7]
    assert stream.account.dropped == {}
    await cluster.stop()


@skipping_time
async def test_of_two_values_that_were_set_apart_the_newer_one_stays() -> None:
    server, cluster = await started()
    streams = [await cluster.follow(node, TOPICS) for node in range(2)]
    for serial, (first, last) in enumerate([(0, 1), (1, 0)], start=1):
        await part(server, cluster, 0)
        value(cluster, first, 2 * serial, at=10 * serial)
        await asyncio.sleep(0.1)
        assert streams[first].account.values["state/s", "k"] == 2 * serial
        value(cluster, last, 2 * serial + 1, at=10 * serial + 5)
        await heal(server, cluster)
        assert [stream.account.values["state/s", "k"] for stream in streams] == [2 * serial + 1] * 2
        assert cluster.known(0) == cluster.known(1) == {("state/s", "k"): 2 * serial + 1}
    await cluster.stop()


@skipping_time
async def test_a_poll_of_a_node_that_has_not_all_values_gets_the_others_elsewhere() -> None:
    server, cluster = await started()
    cluster.value(0, "state/s", "k")
    await asyncio.sleep(0.1)
    await cluster.restart(1)
    cluster.value(0, "state/s", "l")
    await asyncio.sleep(0.1)
    await part(server, cluster, 1)
    poller = cluster.poller(("state/s",))
    for node in (1, 1, 0):
        await poller.ask(cluster.hubs[node])
    assert poller.account.values == cluster.last
    await cluster.stop()


@skipping_time
async def test_a_poll_that_passes_a_node_which_is_behind_gets_nothing_twice() -> None:
    server, cluster = await started()
    poller = cluster.poller(("live/x",))
    for node in (0, 1):
        await poller.ask(cluster.hubs[node])
    await part(server, cluster, 1)
    cluster.signal(0, "live/x", 4)
    await asyncio.sleep(0.1)
    for node in (0, 1, 0, 1):
        await poller.ask(cluster.hubs[node])
    await heal(server, cluster)
    cluster.signal(1, "live/x", 2)
    await asyncio.sleep(0.1)
    for node in (1, 0, 1):
        await poller.ask(cluster.hubs[node])
    assert poller.account.received["live/x"] == [1, 2, 3, 4, 5, 6]
    assert poller.account.dropped == {}
    await cluster.stop()


@skipping_time
async def test_who_comes_finds_the_signals_that_nobody_has_followed_there() -> None:
    _, cluster = await started()
    poller = cluster.poller(("live/x",))
    await poller.ask(cluster.hubs[0])
    cluster.signal(0, "live/x", 7)
    await asyncio.sleep(0.1)
    await poller.ask(cluster.hubs[1])
    assert poller.account.received["live/x"] == [1, 2, 3, 4, 5, 6, 7]
    await cluster.stop()


@skipping_time
async def test_a_node_that_says_nothing_any_more_is_not_there_any_more() -> None:
    server, cluster = await started(3)
    await until(lambda: len(cluster.link(0).nodes) == 3)
    await part(server, cluster, 2)
    await asyncio.sleep(limits.NODE_LEASE + limits.PROBE + 1)
    assert cluster.link(0).nodes == ["node 0", "node 1"]
    await cluster.hubs[1].stop()
    await asyncio.sleep(limits.PROBE + 0.1)
    assert cluster.link(0).nodes == ["node 0"]
    await cluster.stop()


@skipping_time
async def test_a_line_on_which_nothing_comes_back_is_given_up() -> None:
    server, cluster = await started(1)
    server.publish = lambda channel, message: None  # type: ignore[method-assign]  # it takes everything in silently
    began = asyncio.get_running_loop().time()
    await until(lambda: not all_there(cluster))
    assert asyncio.get_running_loop().time() - began <= limits.PROBE + limits.PROBE_DEADLINE + limits.PROBE
    await cluster.stop()


@skipping_time
async def test_a_line_is_opened_again_though_a_task_swallows_its_end_once() -> None:
    server, cluster = await started()
    stream = await cluster.follow(0, TOPICS)

    async def beat(line: Line) -> None:
        with suppress(asyncio.CancelledError):  # as a wait with a timeout that is over in the same moment
            await asyncio.sleep(3_600)
        await asyncio.sleep(3_600)

    cluster.link(0)._beat = beat  # type: ignore[method-assign]  # what the library does after a SIGSTOP
    for _ in range(2):
        server.lines[cluster.link(0).tag].cut()
        await until(lambda: not all_there(cluster))
        await heal(server, cluster)
    cluster.signal(1, "live/x", 1)
    await until(lambda: stream.account.received == {"live/x": [1]})
    await cluster.stop()


@skipping_time
async def test_who_gives_up_while_a_topic_is_asked_for_takes_nobody_along() -> None:
    server, cluster = await started()
    cluster.value(0, "state/s", "k")
    await asyncio.sleep(0.1)
    await cluster.restart(1)
    server.delay = 0.1
    leaving = asyncio.create_task(cluster.follow(1, TOPICS))
    staying = asyncio.create_task(cluster.follow(1, TOPICS))
    await asyncio.sleep(0.05)
    leaving.cancel()
    stream = await staying
    await until(lambda: stream.account.values == cluster.last)
    await cluster.stop()
