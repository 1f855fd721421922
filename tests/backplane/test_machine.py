"""Whatever becomes of the lines and of the server, in any order: no client of any node gets a gap, a repeat or a wrong
order among durable events, and each signal comes or is told as missing."""

import asyncio
import json
from collections.abc import Coroutine
from typing import Any, TypeVar

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from quart_app.lab.world.redis import Server
from quart_app.realtime import limits
from tests.backplane.cluster import DURABLE, SIGNAL, STATE, Cluster
from tests.realtime.clock import SkippingLoop, end_tasks

T = TypeVar("T")

# Limits small enough to be reached within a few steps.
SMALL = {
    "TAIL_EVENTS": 4,
    "SIGNAL_RING": 6,
    "BUS_EVENTS": 5,
    "BUS_BYTES": 900,
    "BUS_COMMITS": 2,
    "BUS_WAITING": 8,
    "STOCK_TOPICS": 2,
    "RELAY_AHEAD": 2,
}

NODES = 3
nodes = st.integers(0, NODES - 1)
chances = st.integers(0, 1_000)
topics = st.lists(st.sampled_from(DURABLE + STATE + SIGNAL), min_size=1, max_size=4, unique=True)
times = st.sampled_from([0.0, 0.0, 0.001, 0.03, 0.5, 3.0])
publications = st.one_of(
    st.tuples(st.just("commit"), nodes, st.lists(st.sampled_from(DURABLE), min_size=1, max_size=8), st.booleans()),
    st.tuples(st.just("signal"), nodes, st.sampled_from(SIGNAL), st.integers(1, 6)),
    st.tuples(st.just("value"), nodes, st.sampled_from(STATE), st.sampled_from("kl")),
)


class Machine(RuleBasedStateMachine):
    """One cluster."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        for name, value in SMALL.items():
            self.patch.setattr(limits, name, value)
        self.loop = SkippingLoop()
        self.server = Server()
        self.cluster = Cluster(lambda: self.server.connect)
        self.forgotten = False

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    async def publish(self, some: list[tuple[Any, ...]]) -> None:
        for name, *arguments in some:
            getattr(self.cluster, name)(*arguments)
            await asyncio.sleep(0)

    @initialize(delay=st.sampled_from([0.0, 0.001, 0.05]))
    def begin(self, delay: float) -> None:
        self.server.delay = delay
        self.run(self.cluster.start(NODES))

    @rule(some=st.lists(publications, min_size=1, max_size=8), within=times)
    def publish_some(self, some: list[tuple[Any, ...]], within: float) -> None:
        self.run(self.publish(some))
        self.run(asyncio.sleep(within))

    @precondition(lambda self: len(self.cluster.streams) < 5)
    @rule(node=nodes, topics=topics)
    def connect(self, node: int, topics: list[str]) -> None:
        self.run(self.cluster.follow(node, topics))

    @precondition(lambda self: self.cluster.streams)
    @rule(chance=chances)
    def disconnect(self, chance: int) -> None:
        stream = self.cluster.streams.pop(chance % len(self.cluster.streams))
        self.run(stream.close())

    @precondition(lambda self: len(self.cluster.pollers) < 3)
    @rule(node=nodes, topics=topics)
    def poll_for_the_first_time(self, node: int, topics: list[str]) -> None:
        self.run(self.cluster.poller(topics).ask(self.cluster.hubs[node]))

    @precondition(lambda self: self.cluster.pollers)
    @rule(chance=chances, node=nodes)
    def poll(self, chance: int, node: int) -> None:
        self.run(self.cluster.pollers[chance % len(self.cluster.pollers)].ask(self.cluster.hubs[node]))

    # Faults

    @rule(delay=st.sampled_from([0.0, 0.001, 0.05, 1.5]))
    def change_the_delay(self, delay: float) -> None:
        self.server.delay = delay

    @rule(node=nodes, within=times, some=st.lists(publications, max_size=4))
    def cut(self, node: int, within: float, some: list[tuple[Any, ...]]) -> None:
        self.run(self.publish(some))
        tag = self.cluster.link(node).tag
        if tag in self.server.lines:
            self.server.lines[tag].cut()
        self.run(asyncio.sleep(within))

    @rule(node=nodes)
    def part(self, node: int) -> None:
        self.server.refused ^= {self.cluster.link(node).tag}

    @rule(within=times, some=st.lists(publications, max_size=4))
    def forget(self, within: float, some: list[tuple[Any, ...]]) -> None:
        self.run(self.publish(some))
        self.forgotten = True
        self.server.forget()
        self.run(asyncio.sleep(within))

    @rule(node=nodes)
    def restart(self, node: int) -> None:
        # What a node that ends has not got rid of is lost with it.
        self.forgotten |= self.cluster.link(node).away_since is not None or self.server.delay > 0.1
        self.run(self.cluster.restart(node))

    @invariant()
    def nobody_complains(self) -> None:
        self.cluster.check()

    # Rest

    async def settle(self) -> None:
        """Let everything be as it should, and wait until it is."""
        self.server.delay = 0.0
        self.server.refused.clear()
        for _ in range(100):
            await asyncio.sleep(0.2)
            if all(hub.backplane.away_since is None for hub in self.cluster.hubs):
                break
        else:
            raise AssertionError("a node does not come back")
        await asyncio.sleep(2 * limits.HEAD_POLL)
        for poller in self.cluster.pollers:
            for hub in (*self.cluster.hubs, self.cluster.hubs[0]) * 10:
                await poller.ask(hub)

    def teardown(self) -> None:
        try:
            if self.cluster.hubs:
                self.run(self.settle())
                self.assert_well()
            self.run(self.cluster.stop())
        finally:
            self.run(end_tasks())
            self.patch.undo()
            self.loop.close()

    def assert_well(self) -> None:
        self.cluster.check()
        order = {
            topic: [json.loads(fields)["data"] for fields in events] for topic, events in self.server.order.items()
        }
        for account in self.cluster.accounts():
            account.assert_complete({} if self.forgotten else self.server.counts, order)
        there = self.values()
        if not self.forgotten:
            self.assert_all_is_counted()
            assert set(there) == set(self.cluster.last), "a value has gone"
        for account in self.cluster.accounts():
            owed = {key: serial for key, serial in there.items() if key[0] in account.topics}
            assert {key: account.values.get(key) for key in owed} == owed, f"{account} of {owed}"

    def assert_all_is_counted(self) -> None:
        for topic in SIGNAL:
            first, number = self.server.counts.get(topic, (0, 0))
            assert number - first == self.cluster.sent[topic], f"{topic} counts {number - first}"

    def values(self) -> dict[tuple[str, str], int]:
        """Return the serials of the values that the server has."""
        return {
            (topic, key): json.loads(msgspec.msgpack.decode(body)[2])["data"]["serial"]
            for topic, values in self.server.values.items()
            for key, (_, _, body) in values.items()
        }


Machine.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestMachine = Machine.TestCase
