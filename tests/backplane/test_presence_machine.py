"""Whatever becomes of nodes, lines and the server, in any order: that somebody has come and has gone is told in turns,
nobody is told to have left who is connected, and in the end everybody knows who is there."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from quart_app.lab.world.redis import Server
from quart_app.realtime import limits
from tests.backplane.rooms import Rooms
from tests.realtime.clock import SkippingLoop, end_tasks

T = TypeVar("T")

NODES = 3
SMALL = {"BUS_EVENTS": 2, "TAIL_EVENTS": 8, "SIGNAL_RING": 6, "STOCK_TOPICS": 1}
QUIET = limits.LINGER + limits.NODE_LEASE + limits.PROBE + 2.0
"""The seconds after which it is known everywhere who is there."""
nodes = st.integers(0, NODES - 1)
chances = st.integers(0, 1_000)
users = st.sampled_from("abcd")
times = st.sampled_from([0.0, 0.0, 0.001, 0.03, 0.5, 3.0, 7.0])


class Machine(RuleBasedStateMachine):
    """One cluster with one room."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        for name, value in SMALL.items():
            self.patch.setattr(limits, name, value)
        self.loop = SkippingLoop()
        self.errors: list[dict[str, Any]] = []
        self.loop.set_exception_handler(lambda _, error: self.errors.append(error))
        self.server = Server()
        self.cluster = Rooms(lambda: self.server.connect)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def wait(self, seconds: float) -> None:
        if self.server.delay > 0.1 or self.server.refused:
            self.cluster.troubled = self.loop.time() + seconds
        self.run(asyncio.sleep(seconds))

    @initialize(delay=st.sampled_from([0.0, 0.001, 0.05]))
    def begin(self, delay: float) -> None:
        self.server.delay = delay
        self.run(self.cluster.start(NODES))

    @precondition(lambda self: len(self.cluster.guests) < 6)
    @rule(node=nodes, user=users, within=times)
    def come(self, node: int, user: str, within: float) -> None:
        self.run(self.cluster.come(node, user))
        self.wait(within)

    @precondition(lambda self: self.cluster.guests)
    @rule(chance=chances, orderly=st.booleans(), within=times)
    def leave(self, chance: int, orderly: bool, within: float) -> None:
        guests = self.cluster.guests
        self.run(self.cluster.leave(guests[chance % len(guests)], orderly=orderly))
        self.wait(within)

    @precondition(lambda self: self.cluster.guests)
    @rule(chance=chances, node=nodes, orderly=st.booleans(), within=times)
    def move(self, chance: int, node: int, orderly: bool, within: float) -> None:
        guest = self.cluster.guests[chance % len(self.cluster.guests)]
        self.run(self.cluster.leave(guest, orderly=orderly))
        self.run(self.cluster.come(node, guest.user))
        self.wait(within)

    @rule(within=times)
    def pass_time(self, within: float) -> None:
        self.wait(within)

    # Faults

    @rule(delay=st.sampled_from([0.0, 0.001, 0.05, 1.5]))
    def change_the_delay(self, delay: float) -> None:
        self.server.delay = delay
        self.wait(0)

    @rule(node=nodes, within=times)
    def cut(self, node: int, within: float) -> None:
        if (line := self.server.lines.get(self.cluster.link(node).tag)) is not None:
            line.cut()
        self.wait(within)

    @rule(node=nodes, within=times)
    def part(self, node: int, within: float) -> None:
        tag = self.cluster.link(node).tag
        self.server.refused ^= {tag}
        if tag in self.server.refused and tag in self.server.lines:
            self.server.lines[tag].cut()
        self.wait(within)

    @rule(within=times)
    def forget(self, within: float) -> None:
        """Lose all data. What is on its way then is missed untold, so nobody knows more for certain."""
        self.wait(3 * self.server.delay)
        self.server.forget()
        if self.server.delay > 0.1 or self.server.refused:
            for guest in self.cluster.guests:
                guest.forget()
        self.wait(within)

    @rule(node=nodes, within=times)
    def kill(self, node: int, within: float) -> None:
        self.run(self.cluster.kill(node))
        self.wait(within)
        self.run(self.cluster.begin(node))

    @rule(node=nodes, within=times)
    def restart(self, node: int, within: float) -> None:
        self.run(self.cluster.end(node))
        self.wait(within)
        self.run(self.cluster.begin(node))

    @invariant()
    def nobody_complains(self) -> None:
        self.cluster.check()
        assert self.errors == []

    # Rest

    async def settle(self) -> None:
        self.server.delay = 0.0
        self.server.refused.clear()
        for _ in range(100):
            await asyncio.sleep(0.2)
            if all(hub.backplane.away_since is None for hub in self.cluster.hubs):
                break
        else:
            raise AssertionError("a node does not come back")
        await asyncio.sleep(QUIET)

    def teardown(self) -> None:
        try:
            if self.cluster.hubs:
                self.run(self.settle())
                self.cluster.check()
                self.assert_all_agree()
                self.assert_moving_is_not_told()
            self.run(self.cluster.stop())
        finally:
            self.run(end_tasks())
            self.patch.undo()
            self.loop.close()

    def assert_all_agree(self) -> None:
        there = [room.people() for room in self.cluster.rooms]
        told = {f"{guest.user} on {guest.node}": guest.here for guest in self.cluster.guests}
        assert self.cluster.agree(), f"{self.cluster.users()} are there, nodes say {there}, guests know {told}"

    def assert_moving_is_not_told(self) -> None:
        """Assert that, now that all is well, nobody is told of who moves to another node."""
        before = list(self.cluster.guests)
        told = {guest: list(guest.told) for guest in before}
        for guest in before:
            self.run(self.cluster.leave(guest, orderly=False))
            self.run(self.cluster.come((guest.node + 1) % NODES, guest.user))
            self.wait(QUIET / 10)
        self.wait(QUIET)
        self.cluster.check()
        self.assert_all_agree()
        assert {guest: guest.told for guest in before} == told
        assert not any(guest.told for guest in self.cluster.guests)


Machine.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestMachine = Machine.TestCase
