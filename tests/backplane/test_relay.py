"""Requests whose session is on another node, when the line between the nodes is cut, and when a node is gone."""

import asyncio

import pytest

from quart_app.lab.world.redis import Server
from quart_app.realtime import Refused, limits
from quart_app.transports.socketio.relay import Answer, Relay
from tests.backplane.cluster import Cluster
from tests.backplane.test_link import heal, part, started, until
from tests.realtime.clock import skipping_time


class Sessions:
    """Sessions that are answered when a test says so."""

    def __init__(self, *known: str) -> None:
        self.known = known
        self.begun: list[bytes] = []
        self.ended: list[str] = []
        self.ready = asyncio.Event()

    def knows(self, engine_id: str) -> bool:
        return engine_id in self.known

    async def perform(self, method: str, engine_id: str, body: bytes) -> Answer:
        self.begun.append(body)
        await self.ready.wait()
        return Answer(200, [(b"content-type", b"text/plain")], b"answer to " + body)

    async def end_session(self, engine_id: str) -> None:
        self.ended.append(engine_id)

    async def release(self, engine_id: str) -> None:
        self.ready.set()


class Pair:
    """Two nodes; `id` is a session that is on the second."""

    def __init__(self, server: Server, cluster: Cluster) -> None:
        self.server = server
        self.cluster = cluster
        self.tag = cluster.link(1).tag
        self.id = f"{self.tag}secret"
        self.sessions = Sessions(self.id)
        self.relay, self.other = Relay(cluster.hubs[0], Sessions()), Relay(cluster.hubs[1], self.sessions)

    def ask(self, body: bytes, method: str = "GET", id: str = "") -> "asyncio.Task[Answer | None]":
        return asyncio.create_task(self.relay.request(self.tag, method, id or self.id, body))

    async def stop(self) -> None:
        await self.relay.stop()
        await self.other.stop()
        await self.cluster.stop()


async def pair_of_nodes() -> Pair:
    server, cluster = await started(2)
    await until(lambda: all(len(hub.backplane.others) == 1 for hub in cluster.hubs))
    return Pair(server, cluster)


@skipping_time
async def test_answers_come_whenever_they_are_there_and_block_no_questions_until_then() -> None:
    pair = await pair_of_nodes()
    assert pair.relay.owner(pair.id) == pair.tag
    assert pair.relay.owner("of nobody") is None
    bodies = [b"%d" % number for number in range(limits.ASKS_WAITING)]
    asked = [pair.ask(body) for body in bodies]
    await until(lambda: len(pair.sessions.begun) == len(asked))
    await asyncio.sleep(25)  # as long as a poll may be open
    assert await pair.ask(b"", id=f"{pair.tag}unknown") is None
    pair.sessions.ready.set()
    assert [answer.body for answer in await asyncio.gather(*asked) if answer] == [b"answer to " + one for one in bodies]
    assert pair.sessions.ended == []
    await pair.stop()


@skipping_time
async def test_a_cut_that_is_short_costs_nothing_and_nothing_is_done_twice() -> None:
    pair = await pair_of_nodes()
    asked = pair.ask(b"poll")
    await until(lambda: pair.sessions.begun == [b"poll"])
    for node in (0, 1):
        await part(pair.server, pair.cluster, node)
    pair.sessions.ready.set()
    late = pair.ask(b"later")
    await asyncio.sleep(limits.PROBE_DEADLINE / 2)
    await heal(pair.server, pair.cluster)
    assert await asked == Answer(200, [(b"content-type", b"text/plain")], b"answer to poll")
    assert (await late or Answer(0, [], b"")).body == b"answer to later"
    assert pair.sessions.begun == [b"poll", b"later"]
    assert pair.sessions.ended == []
    await pair.stop()


@skipping_time
async def test_where_an_answer_cannot_be_brought_back_the_session_ends() -> None:
    pair = await pair_of_nodes()
    asked = pair.ask(b"poll")
    await until(lambda: pair.sessions.begun == [b"poll"])
    await part(pair.server, pair.cluster, 1)
    pair.sessions.ready.set()
    assert await asked is None
    await until(lambda: pair.sessions.ended == [pair.id])
    await until(lambda: pair.relay.owner(pair.id) is None)
    assert await pair.ask(b"again") is None
    await pair.stop()


@skipping_time
async def test_requests_under_way_are_bounded_and_those_of_a_node_that_drains_are_released(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pair = await pair_of_nodes()
    monkeypatch.setattr(limits, "RELAYED", 3)
    asked = [pair.ask(b"poll") for _ in range(3)]
    await until(lambda: len(pair.sessions.begun) == 3)
    with pytest.raises(Refused) as refused:
        await pair.ask(b"one too many")
    assert (refused.value.status, refused.value.retry_after) == (503, 1.0)
    await pair.relay.drain()
    assert all(one.done() for one in asked)
    await pair.relay.end(pair.tag, pair.id)
    assert pair.sessions.ended == [pair.id]
    await pair.stop()
