"""A hub and its clients over a network that is simulated, in a loop that skips the time between."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from quart_app.client import TRANSPORTS, Live, Options, State, connect
from quart_app.realtime import Channel, Hub, Kind
from quart_app.realtime.flow.log import MemoryLog
from tests.client.simulated import Simulation, Weather
from tests.realtime.clock import SkippingLoop, clock

HOUR = 3600.0


class Signals(Channel):
    kind = Kind.SIGNAL


class World:
    """A hub, its log, what was published and what each client was told."""

    def __init__(self, seed: int) -> None:
        self.weather = Weather(seed)
        self.hub = Hub(surroundings=self.weather.surroundings)
        self.hub.channels.add("log/*", Channel())
        self.hub.channels.add("live/*", Signals())
        self.log = MemoryLog("e0", wall=self.weather.surroundings.wall)
        self.published = {"log/a": 0, "live/a": 0}
        self.told: dict[str, list[tuple[float, str, int]]] = {}
        self.lives: list[Live] = []

    def publish(self, topic: str) -> None:
        number = self.published[topic]
        self.published[topic] += 1
        if topic == "log/a":
            self.hub.committed([self.log.append(topic, "numbered", data=number)])
        else:
            self.hub.broadcast(topic, "numbered", data=number)

    def numbers(self, user: str, topic: str) -> list[int]:
        return [number for _, name, number in self.told[user] if name == topic]

    def client(self, user: str, **options: Any) -> Live:
        transports = options.pop("transports", TRANSPORTS)
        chosen = Options(surroundings=self.weather.surroundings, **options)
        dialer = Simulation(self.hub, user, self.weather)
        topics = ["log/a", "live/a"]
        live = connect("http://simulated", topics, transports=transports, options=chosen, dialer=dialer)
        self.lives.append(live)
        return live

    async def listen(self, user: str, live: Live) -> None:
        told = self.told[user] = []
        async for message in live:
            told += [(clock(), message["topic"], message["data"])] if message["type"] == "numbered" else []


@asynccontextmanager
async def world_of(users: list[str], seed: int = 1, **options: Any) -> AsyncIterator[World]:
    world = World(seed)
    await world.hub.start(world.log)
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as listening:
        for user in users:
            live = await stack.enter_async_context(world.client(user, **options))
            listening.create_task(world.listen(user, live))
        yield world
        for live in world.lives:
            await live.close()
        await world.hub.stop()


async def settled(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(600):
        while not reached():
            await asyncio.sleep(0.1)


async def an_hour(seed: int) -> tuple[dict[str, list[tuple[float, str, int]]], list[Any]]:
    """Bad weather for an hour; return what each client was told when, and what it tried."""
    users = ["ana", "juan", "luz"]
    async with world_of(users, seed) as world:
        draw, weather = world.weather.surroundings.uniform, world.weather
        next_change = 60.0
        while clock() < HOUR:
            await asyncio.sleep(draw(0.5, 4.0))
            world.publish("log/a" if draw(0, 1) < 0.5 else "live/a")
            if clock() >= next_change:
                next_change = clock() + draw(30.0, 240.0)
                weather.down = draw(0, 1) < 0.2
                weather.blocked = {rung for rung in ("ws", "sse") if draw(0, 1) < 0.4}
                if draw(0, 1) < 0.7:
                    weather.cut()
        weather.down, weather.blocked = False, set()
        await settled(lambda: all(live.status.state is State.CONNECTED for live in world.lives))
        world.publish("log/a")
        every = list(range(world.published["log/a"]))
        await settled(lambda: all(world.numbers(user, "log/a") == every for user in users))
        for user, live in zip(users, world.lives, strict=True):
            signals = world.numbers(user, "live/a")
            assert signals == sorted(set(signals)), f"{user} was told a signal twice, or in another order"
            assert (live.status.gaps, live.status.repeats) == (0, 0)
        return world.told, [live.status.why for live in world.lives]


def run(seed: int) -> Any:
    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        return runner.run(an_hour(seed))


def test_an_hour_of_bad_weather_is_the_same_each_time() -> None:
    first = run(1)
    assert first == run(1)
    assert first != run(2)
    transports = {attempt.transport for why in first[1] for attempt in why}
    assert transports == {"ws", "sse", "poll"}


@pytest.mark.parametrize("seed", range(6))
def test_no_signal_is_lost_or_told_twice_when_a_better_rung_takes_over(seed: int) -> None:
    """Signals every few milliseconds while the client climbs from polling to the WebSocket, and is sent up again."""

    async def climb() -> None:
        async with world_of(["ana"], seed, probe_first=2.0, probe_max=4.0) as world:
            live, weather = world.lives[0], world.weather
            weather.blocked = {"ws", "sse"}
            await settled(lambda: live.status.state is State.CONNECTED)
            for rung in ("sse", "ws"):
                until = clock() + 60
                weather.blocked = {"ws"} if rung == "sse" else set()
                while live.status.transport != rung and clock() < until:
                    world.publish("live/a")
                    world.publish("log/a") if world.published["live/a"] % 7 == 0 else None
                    await asyncio.sleep(weather.surroundings.uniform(0.001, 0.02))
                assert live.status.transport == rung
            for _ in range(200):
                world.publish("live/a")
                await asyncio.sleep(0.01)
            every = list(range(world.published["live/a"]))
            await settled(lambda: len(world.numbers("ana", "live/a")) >= len(every))
            assert world.numbers("ana", "live/a") == every
            assert world.numbers("ana", "log/a") == list(range(world.published["log/a"]))

    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        runner.run(climb())


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("seed", range(3))
def test_no_signal_is_lost_or_told_twice_when_topics_come_and_go(transport: str, seed: int) -> None:
    async def change() -> None:
        async with world_of(["ana"], seed, transports=[transport]) as world:
            live, draw = world.lives[0], world.weather.surroundings.uniform
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

    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        runner.run(change())
