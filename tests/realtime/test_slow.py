"""The third promise of the engine: slow is cheap."""

import asyncio
import gc
import json
import tracemalloc
from collections.abc import Collection, Sequence

from quart_app.realtime import limits
from quart_app.realtime.flow.bus import Bus
from quart_app.realtime.flow.relay import Relay
from quart_app.realtime.flow.subscription import Subscription
from quart_app.realtime.flow.terms import Term, Terms
from quart_app.realtime.messages.batch import Place
from quart_app.realtime.messages.event import Event
from quart_app.wire import Cursor
from tests.realtime.engine import Engine, brief, drain, kind_of, turn


class Log:
    """A log that keeps nothing: the n-th event is always the same, and made when it is asked for."""

    terms = Terms([Term("e0", 0)])

    def __init__(self) -> None:
        self._head = 0

    def commit(self, count: int) -> list[Event]:
        self._head += count
        return [self._event(position) for position in range(self._head - count + 1, self._head + 1)]

    def _event(self, position: int) -> Event:
        fields = b'{"data":{"content":"%b"}}' % (b"x" * 100)
        return Event("log/a", "message", fields, 0, epoch="e0", position=position)

    def cursor(self, position: int) -> Cursor:
        return Cursor("e0", position)

    def goes_on(self, event: Event) -> bool:
        return True

    def seen(self, position: int) -> None:
        pass

    async def refusal(self, cursor: Cursor) -> str | None:
        return None

    async def head(self) -> int:
        return self._head

    async def floor(self) -> int:
        return 0

    async def read(self, topics: Collection[str] | None, after: int, until: int, limit: int) -> Sequence[Event]:
        return [self._event(position) for position in range(after + 1, min(until, after + limit) + 1)]

    async def newest(self, topic: str, until: int, limit: int) -> tuple[Sequence[Event], int]:
        after = max(0, until - limit)
        return [self._event(position) for position in range(after + 1, until + 1)], after


class TestSlowIsCheap:
    """3. A stalled subscriber costs little, delays nobody, loses no durable event."""

    async def test_a_stalled_subscriber_while_100_000_events_pass(self) -> None:
        log = Log()
        bus = Bus(kind_of)
        relay = Relay(log, bus)
        fast = Subscription(bus, log, ["log/a"], "1", Place(0, {}))
        reading = asyncio.create_task(fast.read())
        await turn()

        async def pass_by(events: int) -> None:
            nonlocal reading
            for _ in range(events // 100):
                relay.take(log.commit(100))
                # One turn to settle, one to wake: nobody delays it.
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                assert reading.done()
                batch = reading.result()
                assert batch is not None
                assert len(batch.messages) == 100
                reading = asyncio.create_task(fast.read())
                await asyncio.sleep(0)

        await pass_by(10_000)  # the topic's tail is full, as in a server that has run for a while
        stalled = Subscription(bus, log, ["log/a"], "2", Place(10_000, {}))
        tracemalloc.start()
        try:
            gc.collect()
            before, _ = tracemalloc.get_traced_memory()
            await pass_by(100_000)
            gc.collect()
            after, _ = tracemalloc.get_traced_memory()
            _, peak_of_passing = tracemalloc.get_traced_memory()
            position = 10_000
            while (batch := await stalled.read_now()) is not None:
                for event in batch.messages:
                    assert isinstance(event, Event)
                    position += 1
                    assert event.position == position
            _, peak_of_reading = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert position == 110_000
        assert after - before < 1_000_000
        assert peak_of_reading - peak_of_passing < 2_000_000
        reading.cancel()

    async def test_of_a_state_it_gets_the_latest_values_only(self) -> None:
        engine = Engine()
        subscription = engine.subscribe("state/s")
        for number in range(1_000):
            engine.broadcast("state/s", number, key=str(number % 3))
            engine.bus.flush()
        assert await drain(subscription) == [997, 998, 999]

    async def test_signals_it_missed_are_counted_and_told(self) -> None:
        engine = Engine()
        subscription = engine.subscribe("live/x")
        for number in range(10_000):
            engine.broadcast("live/x", number)
            engine.bus.flush()
        batch = await subscription.read_now()
        assert batch is not None
        gap = json.loads(batch.messages[0].json)
        assert (gap["type"], gap["topic"]) == ("gap", "live/x")
        rest = [*brief(batch)[1:], *await drain(subscription)]
        assert rest == list(range(gap["data"]["dropped"], 10_000))
        assert len(rest) > limits.TAIL_EVENTS // 2
