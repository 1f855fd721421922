"""The world keeps its laws: time, places and roads, whatever is sent and whatever happens."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quart_app.lab.world.dice import Dice
from quart_app.lab.world.loop import MAX_TURNS, Endless, Place, Standstill, VirtualLoop
from quart_app.lab.world.roads import WINDOW, Cut, End, Road, Unreachable
from quart_app.lab.world.trace import Trace


def run(work: Coroutine[Any, Any, Any], loop: VirtualLoop | None = None) -> Any:
    loop = loop or VirtualLoop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.end()
        loop.close()
        assert loop.failures == []


class TestTime:
    def test_it_passes_only_where_nobody_has_anything_to_do(self) -> None:
        async def hours() -> float:
            await asyncio.gather(asyncio.sleep(3600), asyncio.sleep(7200))
            return asyncio.get_running_loop().time()

        assert run(hours()) == 7200

    def test_what_is_due_at_once_is_done_in_the_order_in_which_it_was_asked_for(self) -> None:
        async def order() -> list[int]:
            loop, done = asyncio.get_running_loop(), list[int]()
            for number in range(50):
                loop.call_at(1.0, done.append, number)
            await asyncio.sleep(2)
            return done

        assert run(order()) == list(range(50))

    def test_a_timeout_is_one(self) -> None:
        async def waits() -> float:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(5):
                    await asyncio.Event().wait()
            return asyncio.get_running_loop().time()

        assert run(waits()) == 5

    def test_who_waits_for_nothing_is_told(self) -> None:
        with pytest.raises(Standstill, match="everybody waits, at 3"):
            run(self._forever())

    async def _forever(self) -> None:
        await asyncio.sleep(3)
        await asyncio.Event().wait()

    def test_a_run_without_an_end_is_ended(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def spin() -> None:
            while True:
                await asyncio.sleep(0)

        monkeypatch.setattr("quart_app.lab.world.loop.MAX_TURNS", 1_000)
        assert MAX_TURNS > 1_000
        loop = VirtualLoop()
        with pytest.raises(Endless):
            loop.run_until_complete(spin())
        monkeypatch.undo()
        loop.end()
        loop.close()

    def test_what_nobody_catches_is_noted(self) -> None:
        async def fails() -> None:
            asyncio.get_running_loop().call_soon(lambda: 1 / 0)
            await asyncio.sleep(1)

        loop = VirtualLoop()
        loop.run_until_complete(fails())
        loop.end()
        loop.close()
        assert [type(failure) for failure in loop.failures] == [ZeroDivisionError]


class TestPlaces:
    def test_a_paused_one_does_later_what_was_due_and_a_dead_one_never(self) -> None:
        ticks: list[float] = []

        async def tick() -> None:
            while True:
                await asyncio.sleep(1)
                ticks.append(asyncio.get_running_loop().time())

        async def fates() -> None:
            loop = asyncio.get_running_loop()
            assert isinstance(loop, VirtualLoop)
            place = Place(loop, "node")
            place.spawn(tick())
            await asyncio.sleep(2.5)
            place.pause()
            await asyncio.sleep(3)
            place.resume()
            await asyncio.sleep(2.1)
            place.kill()
            place.resume()
            await asyncio.sleep(100)

        run(fates())
        assert ticks[:4] == [1, 2, 5.5, 6.5]
        assert ticks[4:] in ([7.5], [])

    def test_what_is_begun_in_a_place_belongs_to_it(self) -> None:
        done: list[str] = []

        async def child() -> None:
            await asyncio.sleep(1)
            done.append("child")

        async def parent() -> None:
            asyncio.get_running_loop().call_later(1, done.append, "timer")
            await asyncio.create_task(child())

        async def story() -> None:
            loop = asyncio.get_running_loop()
            assert isinstance(loop, VirtualLoop)
            place = Place(loop, "node")
            place.spawn(parent())
            await asyncio.sleep(0.5)
            place.kill()
            await asyncio.sleep(10)
            assert done == []

        run(story())


def test_a_die_shows_the_same_whatever_others_do() -> None:
    alone, beside = Dice(7), Dice(7)
    beside.of("other").random()
    assert [alone.of("one").random() for _ in range(3)] == [beside.of("one").random() for _ in range(3)]
    assert Dice(8).of("one").random() != Dice(7).of("one").random()


@dataclass
class Host:
    """A listener that keeps the ends of its connections."""

    name: str
    process: Place | None
    ends: list[End]

    def accept(self, end: End) -> None:
        self.ends.append(end)


class Pair:
    """Two hosts and the road between them."""

    def __init__(self, loop: VirtualLoop, seed: int = 1) -> None:
        self.trace = Trace(loop.time)
        self.road = Road(loop, self.trace, ("a", "b"), Dice(seed).of("road"))
        self.here = Place(loop, "a")
        self.there = Host("b", Place(loop, "b"), [])

    async def connect(self) -> tuple[End, End]:
        end = await self.road.connect(self.here, self.there, "ws")
        return end, self.there.ends[-1]


def virtual() -> VirtualLoop:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return loop


async def all_of(end: End) -> list[Any]:
    """Return what comes, until nothing more does."""
    got: list[Any] = []
    while True:
        try:
            got.append(await end.receive())
        except Cut:
            return got


steps = st.one_of(
    st.tuples(st.just("put"), st.integers(0, 3)),
    st.tuples(st.just("wait"), st.sampled_from([0.001, 0.02, 0.3])),
    st.tuples(st.sampled_from(["darken", "lighten"]), st.just(0)),
)


class TestRoads:
    @settings(max_examples=60, deadline=None)
    @given(seed=st.integers(0, 1000), some=st.lists(steps, max_size=40), cut=st.booleans())
    def test_what_is_sent_comes_in_order_each_once_or_the_connection_ends(
        self, seed: int, some: list[tuple[str, float]], cut: bool
    ) -> None:
        async def story() -> None:
            pair = Pair(virtual(), seed)
            for weather in pair.road.weather.values():
                weather.delay = 0.001, 0.2
            near, far = await pair.connect()
            coming, sent = asyncio.create_task(all_of(far)), 0
            for do, what in some:
                match do:
                    case "put":
                        for _ in range(int(what)):
                            near.put(sent)
                            sent += 1
                    case "wait":
                        await asyncio.sleep(what)
                    case "darken":
                        pair.road.darken()
                    case _:
                        pair.road.lighten()
            if cut:
                pair.road.cut()
            else:
                pair.road.lighten()
                near.close()
            got = await coming
            assert got == list(range(sent))[: len(got)]
            assert cut or len(got) == sent

        run(story())

    def test_in_the_dark_nothing_is_lost_and_nobody_notices(self) -> None:
        async def story() -> None:
            pair = Pair(virtual())
            near, far = await pair.connect()
            pair.road.darken()
            near.put("hello")
            await asyncio.sleep(1000)
            pair.road.lighten()
            assert await far.receive() == "hello"
            assert not near.closed

        run(story())

    def test_who_dies_is_gone_for_the_other_after_the_way(self) -> None:
        async def story() -> None:
            pair = Pair(virtual())
            near, _ = await pair.connect()
            assert pair.there.process is not None
            pair.there.process.kill()
            began = virtual().time()
            with pytest.raises(Cut):
                await near.receive()
            assert 0 < virtual().time() - began < 0.1
            with pytest.raises(Unreachable):
                await pair.connect()

        run(story())

    def test_what_is_lost_by_a_cut_is_told(self) -> None:
        async def story() -> None:
            pair = Pair(virtual())
            pair.road.watch = lambda item: {"msg": item}
            near, _ = await pair.connect()
            near.put("p1")
            cut = pair.trace.note("a-b", "cut")
            pair.road.cut(cut)
            sent, _, lost = pair.trace.events
            assert (lost["do"], lost["of"], lost["by"]) == ("lose", sent["n"], cut)

        run(story())

    def test_a_sender_waits_for_who_takes_nothing(self) -> None:
        async def story() -> None:
            pair = Pair(virtual())
            near, far = await pair.connect()
            near.put("large", 2 * WINDOW)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(60):
                    await near.room()
            assert await far.receive() == "large"
            await near.room()

        run(story())

    def test_kinds_can_be_blocked_and_buffered(self) -> None:
        async def story() -> None:
            pair = Pair(virtual())
            pair.road.blocked = frozenset(["ws"])
            with pytest.raises(Cut):
                await pair.connect()
            pair.road.lighten()
            near, far = await pair.connect()
            pair.road.weather["b"].buffered = frozenset(["ws"])
            far.put("event")
            coming = asyncio.create_task(near.receive())
            await asyncio.sleep(100)
            assert not coming.done()
            pair.road.lighten()
            assert await coming == "event"

        run(story())


def test_a_timer_more_leaves_the_order_of_tasks_as_it_is() -> None:
    """Sets of tasks are in the order of their numbers within the set's table, which one number more would change."""

    def ended(timers: int) -> list[str]:
        loop, order = VirtualLoop(), list[str]()

        async def wait(name: str) -> None:
            try:
                await asyncio.sleep(9)
            finally:
                order.append(name)

        async def main() -> None:
            for _ in range(timers):
                loop.call_later(5, order.clear)
            tasks = {asyncio.create_task(wait(name)) for name in "abc"}
            await asyncio.sleep(1)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

        loop.run_until_complete(main())
        loop.end()
        loop.close()
        return order

    assert all(ended(timers) == ended(0) for timers in range(1, 9))
