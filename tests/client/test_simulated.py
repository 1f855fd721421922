"""A server and its clients in the simulated world: hours of bad weather, connections that are replaced, topics that
change."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

import pytest

from quart_app.client import TRANSPORTS, Live, State
from quart_app.lab.world import world as lab
from quart_app.lab.world.node import Node
from quart_app.lab.world.roads import Road
from quart_app.realtime import Channel, Hub, Kind
from tests.realtime.clock import clock

HOUR = 3600.0
DELAY = (0.005, 0.08)  # s that something takes on its way


class Signals(Channel):
    kind = Kind.SIGNAL


def furnish(_world: lab.World, _node: Node, hub: Hub) -> None:
    hub.channels.add("log/*", Channel())
    hub.channels.add("live/*", Signals())


class World:
    """A server, what was published and what each client was told."""

    def __init__(self, users: list[str], seed: int = 1, **options: Any) -> None:
        self._world = lab.World(seed, ["A"], furnish)
        self.uniform = self._world.dice.of("story").uniform
        self._node = self._world.nodes["A"]
        self.published = {"log/a": 0, "live/a": 0}
        self.told: dict[str, list[tuple[float, str, int]]] = {user: [] for user in users}
        self.roads = [self._road(user) for user in users]
        self.lives = [self._world.client(user, ["log/a", "live/a"], **options).live for user in users]

    def _road(self, user: str) -> Road:
        road = self._world.road(user, "A")
        for weather in road.weather.values():
            weather.delay = DELAY
        return road

    def run(self, story: Callable[["World"], Coroutine[Any, Any, Any]]) -> Any:
        """Run a story in this world, whose clients are there, and return what it returns."""
        return self._world.run(self._tell(story))

    async def _tell(self, story: Callable[["World"], Coroutine[Any, Any, Any]]) -> Any:
        self._node.start()
        await settled(lambda: self._node.serves is not None)
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as listening:
            for user, live in zip(self.told, self.lives, strict=True):
                await stack.enter_async_context(live)
                listening.create_task(self._listen(user, live))
            outcome = await story(self)
            for live in self.lives:
                await live.close()
        return outcome

    async def _listen(self, user: str, live: Live) -> None:
        async for message in live:
            if message["type"] == "numbered":
                self.told[user].append((clock(), message["topic"], message["data"]))

    def block(self, *rungs: str) -> None:
        """Let no connections of these rungs through, and cut those that there are."""
        for road in self.roads:
            road.blocked = frozenset(rungs)
            for connection in [one for one in road.connections if one.kind in rungs]:
                connection.cut()

    def publish(self, topic: str) -> None:
        number = self.published[topic]
        self.published[topic] += 1
        hub = self._node.serves
        assert hub is not None
        if topic == "log/a":
            self._node.run(hub.committed, [self._world.database.log.append(topic, "numbered", data=number)])
        else:
            self._node.run(lambda: hub.broadcast(topic, "numbered", data=number))

    def numbers(self, user: str, topic: str) -> list[int]:
        return [number for _, name, number in self.told[user] if name == topic]


async def settled(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(600):
        while not reached():
            await asyncio.sleep(0.1)


async def an_hour(world: World) -> tuple[dict[str, list[tuple[float, str, int]]], list[Any]]:
    """Bad weather for an hour; return what each client was told when, and what it tried."""
    draw, next_change = world.uniform, 60.0
    while clock() < HOUR:
        await asyncio.sleep(draw(0.5, 4.0))
        world.publish("log/a" if draw(0, 1) < 0.5 else "live/a")
        if clock() >= next_change:
            next_change = clock() + draw(30.0, 240.0)
            for road in world.roads:
                road.lighten()
                if draw(0, 1) < 0.2:
                    road.darken()
            world.block(*(rung for rung in ("ws", "sse") if draw(0, 1) < 0.4))
            if draw(0, 1) < 0.7:
                for road in world.roads:
                    road.cut()
    for road in world.roads:
        road.lighten()
    await settled(lambda: all(live.status.state is State.CONNECTED for live in world.lives))
    world.publish("log/a")
    every = list(range(world.published["log/a"]))
    await settled(lambda: all(world.numbers(user, "log/a") == every for user in world.told))
    for user, live in zip(world.told, world.lives, strict=True):
        signals = world.numbers(user, "live/a")
        assert signals == sorted(set(signals)), f"{user} was told a signal twice, or in another order"
        assert (live.status.gaps, live.status.repeats) == (0, 0)
    return world.told, [live.status.why for live in world.lives]


def run(seed: int) -> Any:
    return World(["ana", "juan", "luz"], seed).run(an_hour)


def test_an_hour_of_bad_weather_is_the_same_each_time() -> None:
    first = run(1)
    assert first == run(1)
    assert first != run(2)
    transports = {attempt.transport for why in first[1] for attempt in why}
    assert transports == {"ws", "sse", "poll"}


async def climb(world: World) -> None:
    live = world.lives[0]
    world.block("ws", "sse")
    await settled(lambda: live.status.state is State.CONNECTED)
    for rung in ("sse", "ws"):
        until = clock() + 60
        world.block("ws") if rung == "sse" else world.block()
        while live.status.transport != rung and clock() < until:
            world.publish("live/a")
            world.publish("log/a") if world.published["live/a"] % 7 == 0 else None
            await asyncio.sleep(world.uniform(0.001, 0.02))
        assert live.status.transport == rung
    for _ in range(200):
        world.publish("live/a")
        await asyncio.sleep(0.01)
    every = list(range(world.published["live/a"]))
    await settled(lambda: len(world.numbers("ana", "live/a")) >= len(every))
    assert world.numbers("ana", "live/a") == every
    assert world.numbers("ana", "log/a") == list(range(world.published["log/a"]))


@pytest.mark.parametrize("seed", range(6))
def test_no_signal_is_lost_or_told_twice_when_a_better_rung_takes_over(seed: int) -> None:
    """Signals every few milliseconds while the client climbs from polling to the WebSocket, and is sent up again."""
    World(["ana"], seed, probe_first=2.0, probe_max=4.0).run(climb)


async def change(world: World) -> None:
    live, draw = world.lives[0], world.uniform
    await settled(lambda: live.status.state is State.CONNECTED)
    for turn in range(10):
        (live.subscribe if turn % 2 == 0 else live.unsubscribe)("log/b")
        until = clock() + draw(1.0, 2.0)
        while clock() < until:
            world.publish("live/a")
            world.publish("log/a")
            await asyncio.sleep(draw(0.001, 0.02))
    every = list(range(world.published["live/a"]))
    await settled(lambda: len(world.numbers("ana", "live/a")) >= len(every))
    assert world.numbers("ana", "live/a") == every
    assert world.numbers("ana", "log/a") == every


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("seed", range(3))
def test_no_signal_is_lost_or_told_twice_when_topics_come_and_go(transport: str, seed: int) -> None:
    World(["ana"], seed, transports=[transport]).run(change)
