"""One cursor: what it reads, from where, in which order."""

import asyncio

import pytest

from quart_app.realtime import limits
from quart_app.realtime.flow.delivery import Delivery
from quart_app.realtime.flow.subscription import Subscription
from quart_app.realtime.messages.batch import Form
from quart_app.realtime.messages.event import Message, message
from tests.realtime.clock import skipping_time
from tests.realtime.engine import Engine, brief, brief_blocks, drain, turn


@pytest.fixture
async def engine() -> Engine:
    engine = Engine()
    await engine.relay.start()
    return engine


async def read(subscription: Subscription) -> list[object]:
    async with asyncio.timeout(5):
        return brief(await subscription.read())


class TestReading:
    async def test_a_reader_at_the_head_gets_what_is_published(self, engine: Engine) -> None:
        subscription = engine.subscribe("log/a")
        idle = [subscription.idle]
        reading = asyncio.create_task(subscription.read())
        await turn()
        idle.append(subscription.idle)
        engine.commit("log/a", "log/b", "log/a")
        assert brief(await reading) == [1, 3]
        idle.append(subscription.idle)
        assert idle == [False, True, False]
        assert engine.log.reads == 0

    async def test_events_of_several_topics_come_merged_in_the_order_of_their_publishing(self, engine: Engine) -> None:
        waiting, behind = engine.subscribe("log/a", "log/b", "live/x"), engine.subscribe("live/x", "log/b", "log/a")
        reading = asyncio.create_task(waiting.read())
        await turn()
        engine.commit("log/b")
        engine.broadcast("live/x", 100)
        engine.commit("log/a", "log/b")
        engine.broadcast("live/x", 101)
        await turn()
        assert brief(await reading) == [1, 100, 2, 3, 101]
        assert await drain(behind) == [1, 100, 2, 3, 101]

    async def test_it_starts_after_any_position(self, engine: Engine) -> None:
        engine.commit(*["log/a", "log/b"] * 5)
        await turn()
        for since in range(11):
            subscription = engine.subscribe("log/a", "log/b", since=since)
            assert await drain(subscription) == list(range(since + 1, 11))
            assert subscription.position == 10

    async def test_nothing_is_taken_before_it_was_read(self, engine: Engine) -> None:
        subscription = engine.subscribe("log/a")
        reading = asyncio.create_task(subscription.read())
        await turn()
        engine.commit("log/a")
        engine.bus.flush()
        # The batch is on its way to a reader who goes away in this very moment.
        reading.cancel()
        await asyncio.wait([reading])
        assert reading.cancelled()
        assert subscription.position == 0
        assert await read(subscription) == [1]

    async def test_news_while_a_batch_is_on_its_way_come_next(self, engine: Engine) -> None:
        subscription = engine.subscribe("log/a")
        reading = asyncio.create_task(subscription.read())
        await turn()
        for _ in range(3):
            engine.commit("log/a")
            engine.bus.flush()
        assert brief(await reading) == [1]
        assert await read(subscription) == [2, 3]

    async def test_what_is_hidden_from_its_user_does_not_wake_it(self, engine: Engine) -> None:
        subscription = engine.subscribe("log/a", user_id="1")
        other = engine.subscribe("log/a", user_id="2")
        reading = asyncio.create_task(subscription.read())
        await turn()
        engine.commit("log/a", hidden_from="1")
        await turn()
        assert not reading.done()
        assert subscription.position == 1
        engine.commit("log/a")
        assert brief(await reading) == [2]
        assert await drain(other) == [1, 2]
        assert await drain(engine.subscribe("log/a", user_id="1", since=0)) == [2]

    async def test_a_batch_that_is_hidden_in_part_is_shared_by_the_others(self, engine: Engine) -> None:
        subscriptions = [engine.subscribe("log/a", user_id=user) for user in ("1", "2", "3")]
        readings = [asyncio.create_task(subscription.read()) for subscription in subscriptions]
        await turn()
        engine.commit("log/a", hidden_from="2")
        engine.commit("log/a")
        batches = [await reading for reading in readings]
        assert [brief(batch) for batch in batches] == [[1, 2], [2], [1, 2]]
        assert batches[0] is batches[2]

    async def test_large_events_are_read_in_small_steps(self, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "LOG_READ_FIRST", 8)
        monkeypatch.setattr(limits, "LOG_READ_EVENTS", 16)
        monkeypatch.setattr(limits, "TAIL_BYTES", 1)
        asked: list[int] = []
        original = engine.log.read

        async def read(topics, after, until, limit):  # type: ignore[no-untyped-def]  # a spy takes what comes
            asked.append(limit)
            return await original(topics, after, until, limit)

        monkeypatch.setattr(engine.log, "read", read)
        third = limits.OWN_BATCH_BYTES // 3
        engine.commit(*["log/a"] * 8, size=third)
        engine.commit(*["log/a"] * 60)
        await turn()
        assert await drain(engine.subscribe("log/a", since=0)) == list(range(1, 69))
        # Two fit into a batch, so two are asked for until smaller ones come.
        assert asked[:4] == [8, 2, 4, 2]
        assert asked[-1] == 16


class TestRecalling:
    """A topic's tail begins at the head when the process does: those who come back after a restart fill it again."""

    @pytest.fixture
    async def engine(self) -> Engine:
        engine = Engine()
        engine.append(*["log/a", "log/b"] * 500)
        await engine.relay.start()
        return engine

    async def test_a_few_read_the_log_and_the_rest_memory(self, engine: Engine) -> None:
        subscriptions = [engine.subscribe("log/a", since=since % 50) for since in range(200)]
        drained = await asyncio.gather(*map(drain, subscriptions))
        assert drained == [list(range(since % 50 // 2 * 2 + 1 + since % 2 * 2, 1000, 2)) for since in range(200)]
        assert engine.log.reads < 2 * limits.CONCURRENT_LOG_READS

    async def test_positions_stay_in_order_across_topics_and_beside_what_is_new(self, engine: Engine) -> None:
        behind = [engine.subscribe("log/a", "log/b", "live/x", since=900) for _ in range(2)]
        other = engine.subscribe("log/b", since=900)
        engine.commit("log/b", "log/a")
        engine.broadcast("live/x", 5_000)
        engine.commit("log/b")
        await turn()
        assert await drain(other) == [*range(902, 1001, 2), 1001, 1003]
        for subscription in behind:
            assert await drain(subscription) == [*range(901, 1003), 5_000, 1003]

    async def test_for_one_alone_nothing_is_kept(self, engine: Engine) -> None:
        assert await drain(engine.subscribe("log/a", since=0)) == list(range(1, 1000, 2))
        assert engine.bus.memory().events == 0

    async def test_no_more_is_kept_than_of_what_is_new(self, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "TAIL_EVENTS", 100)
        subscriptions = [engine.subscribe("log/a", since=0) for _ in range(2)]
        for subscription in subscriptions:
            assert await drain(subscription) == list(range(1, 1000, 2))
        assert engine.bus.memory().events == 75

    async def test_what_was_trimmed_meanwhile_is_not_stepped_over(self, engine: Engine) -> None:
        subscriptions = [engine.subscribe("log/a", since=0) for _ in range(2)]
        engine.log.trim(100)
        for subscription in subscriptions:
            assert await drain(subscription) == ["reset"]


class TestPushing:
    """A reader whose transport writes at once is not woken for every batch."""

    async def waiting(self, engine: Engine, *topics: str, user_id: str = "") -> "Pushed":
        pushed = Pushed(engine.subscribe(*topics, user_id=user_id))
        await turn()
        return pushed

    async def test_it_is_written_to_while_it_waits(self, engine: Engine) -> None:
        pushed = await self.waiting(engine, "log/a", "live/x")
        for position in range(1, 4):
            engine.commit("log/a")
            engine.broadcast("live/x", 100 + position)
            engine.bus.flush()
        assert pushed.written == [1, 101, 2, 102, 3, 103]
        assert pushed.subscription.idle
        assert pushed.subscription.position == 3
        assert pushed.subscription.outlet.messages == 6

    async def test_one_that_can_take_no_more_reads_the_rest_when_it_can(self, engine: Engine) -> None:
        pushed = await self.waiting(engine, "log/a")
        pushed.room = 2
        for _ in range(4):
            engine.commit("log/a")
            engine.bus.flush()
        assert pushed.written == [1, 2]
        await turn()
        assert not pushed.subscription.idle
        assert pushed.subscription.position == 2
        pushed.go_on()
        await turn()
        assert pushed.written == [1, 2, 3, 4]
        assert pushed.subscription.idle

    async def test_what_is_hidden_from_its_user_is_not_written(self, engine: Engine) -> None:
        pushed = await self.waiting(engine, "live/x", user_id="1")
        engine.broadcast("live/x", 100, hidden_from="1")
        engine.broadcast("live/x", 101)
        engine.bus.flush()
        await turn()
        assert pushed.written == [101]
        engine.broadcast("live/x", 102, hidden_from="1")
        engine.bus.flush()
        await turn()
        engine.broadcast("live/x", 103)
        engine.bus.flush()
        assert pushed.written == [101, 103]

    async def test_what_only_others_are_sent_does_not_count_as_written(self, engine: Engine) -> None:
        pushed = await self.waiting(engine, "live/x", user_id="1")
        other = await self.waiting(engine, "live/x", user_id="2")
        for number in (100, 101):
            engine.broadcast("live/x", number, hidden_from="1")
            await turn()
        assert (pushed.written, other.written) == ([], [100, 101])
        assert other.subscription.outlet.written_at > 0.0
        assert pushed.subscription.outlet.written_at == 0.0
        engine.broadcast("live/x", 102)
        await turn()
        assert pushed.written == [102]
        assert pushed.subscription.outlet.written_at > 0.0

    @skipping_time
    async def test_the_newest_of_what_it_was_sent_counts(self) -> None:
        engine = Engine()
        await engine.relay.start()
        pushed = await self.waiting(engine, "live/x")
        await asyncio.sleep(1)
        engine.broadcast("live/x", 100)
        await turn()
        assert pushed.subscription.outlet.written_at == 1.0
        await asyncio.sleep(1)
        pushed.subscription.send(message("ack", at=0))
        await turn()
        assert pushed.subscription.outlet.written_at == 2.0
        with pushed.subscription.held():
            assert pushed.subscription.outlet.written_at == 2.0

    async def test_a_direct_message_comes_before_what_follows_it(self, engine: Engine) -> None:
        pushed = await self.waiting(engine, "log/a")
        pushed.subscription.send(message("pong", at=0))
        pushed.subscription.send(message("ack", at=0))
        engine.commit("log/a")
        engine.bus.flush()
        assert pushed.written == ["pong", "ack", 1]
        assert pushed.subscription.idle
        assert pushed.subscription.outlet.messages == 3

    async def test_where_nothing_can_follow_now_a_direct_message_is_read(self, engine: Engine) -> None:
        pushed = await self.waiting(engine, "log/a")
        with pushed.subscription.held():
            pushed.subscription.send(message("connected", at=0))
            engine.commit("log/a")
            engine.bus.flush()
            await turn()
            assert pushed.written == ["connected"]
        await turn()
        assert pushed.written == ["connected", 1]

    async def test_what_follows_is_joined_once_for_all(self, engine: Engine) -> None:
        first, second = await self.waiting(engine, "log/a"), await self.waiting(engine, "log/a")
        first.subscription.send(message("pong", at=0))
        engine.commit("log/a", "log/a")
        await turn()
        assert (first.written, second.written) == (["pong", 1, 2], [1, 2])
        assert first.last is second.last

    async def test_a_direct_message_is_written_while_it_waits(self, engine: Engine) -> None:
        pushed = await self.waiting(engine, "log/a")
        pushed.subscription.send(message("pong", at=0))
        pushed.subscription.send(message("ack", at=0))
        await turn()
        assert pushed.written == ["pong", "ack"]
        assert pushed.subscription.idle
        assert pushed.subscription.outlet.messages == 2

    async def test_a_direct_message_that_fills_it_lets_it_drain_first(self, engine: Engine) -> None:
        pushed = await self.waiting(engine, "log/a")
        pushed.room = 1
        pushed.subscription.send(message("pong", at=0))
        await turn()
        pushed.subscription.send(message("ack", at=0))
        engine.commit("log/a")
        await turn()
        assert pushed.written == ["pong"]
        pushed.go_on()
        await turn()
        assert pushed.written == ["pong", "ack", 1]

    async def test_a_comment_does_not_count_as_heard(self, engine: Engine) -> None:
        pushed = await self.waiting(engine, "log/a")
        pushed.subscription.send(Comment(b""))
        await turn()
        assert (pushed.last, pushed.subscription.outlet.written_at) == (b"data: \n\n", 0.0)
        assert pushed.subscription.outlet.messages == 0
        pushed.subscription.send(message("pong", at=0))
        await turn()
        assert pushed.subscription.outlet.written_at > 0.0

    async def test_its_last_words_are_written_before_it_finishes(self, engine: Engine) -> None:
        pushed = await self.waiting(engine, "log/a")
        pushed.subscription.send(message("bye", at=0))
        pushed.subscription.close()
        await turn()
        assert (pushed.written, pushed.ended, pushed.over) == (["bye"], "in order", True)
        pushed.go_on()
        await turn()
        assert pushed.written == ["bye"]

    async def test_one_that_is_full_finishes_when_it_can_take_the_rest(self, engine: Engine) -> None:
        pushed = await self.waiting(engine, "log/a")
        pushed.room = 1
        engine.commit("log/a")
        engine.bus.flush()
        pushed.subscription.send(message("bye", at=0))
        pushed.subscription.close()
        await turn()
        assert (pushed.written, pushed.ended) == ([1], "")
        pushed.go_on()
        await turn()
        assert (pushed.written, pushed.ended) == ([1, "bye"], "in order")

    @pytest.mark.parametrize("for_all", [True, False])
    async def test_where_writing_fails_it_alone_is_broken_off(
        self, engine: Engine, for_all: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pushed, other = await self.waiting(engine, "log/a"), await self.waiting(engine, "log/a")
        monkeypatch.setattr(pushed, "room", 0)  # what it is written then is too much
        if for_all:
            engine.commit("log/a")
        else:
            pushed.subscription.send(message("pong", at=0))
            other.subscription.send(message("pong", at=0))
        engine.bus.flush()
        await turn()
        assert (pushed.ended, pushed.over) == ("broken off", True)
        assert other.written == ([1] if for_all else ["pong"])
        assert not other.over

    async def test_what_is_read_from_the_log_meanwhile_waits_until_the_peer_takes_more(self, engine: Engine) -> None:
        engine.append(*["log/a"] * (limits.TAIL_EVENTS + 1))
        await engine.relay.catch_up()
        engine.log.gate.clear()
        pushed = Pushed(engine.subscribe("log/a", since=0))
        async with asyncio.timeout(5):
            while not engine.log.reading:
                await turn()
        pushed.room = 0
        pushed.pause()
        engine.log.gate.set()
        async with asyncio.timeout(5):
            while engine.log.reading:
                await turn()
        await turn()
        assert pushed.written == []
        pushed.go_on()
        async with asyncio.timeout(5):
            while not pushed.subscription.idle:
                await turn()
        assert pushed.written == list(range(1, limits.TAIL_EVENTS + 2))

    async def test_what_was_missed_long_ago_is_read_from_the_log(self, engine: Engine) -> None:
        for _ in range(limits.TAIL_EVENTS + 10):
            engine.commit("log/a")
        engine.bus.flush()
        pushed = Pushed(engine.subscribe("log/a", since=0))
        for _ in range(10):
            await turn()
        assert pushed.written == list(range(1, limits.TAIL_EVENTS + 11))
        assert pushed.subscription.idle

    async def test_one_that_is_stopped_is_written_to_no_more(self, engine: Engine) -> None:
        pushed = await self.waiting(engine, "log/a")
        pushed.subscription.send(message("pong", at=0))
        pushed.stop()
        pushed.subscription.close()
        engine.commit("log/a")
        await turn()
        assert (pushed.written, pushed.ended) == ([], "")


class Comment(Message):
    heard = False


class Pushed(Delivery):
    """A reader that takes `room` batches, and no more before it is told to `go_on`."""

    def __init__(self, subscription: Subscription) -> None:
        super().__init__(subscription)
        self.subscription = subscription
        self.written: list[object] = []
        self.last = b""
        self.room = 100
        self.ended = ""
        self.deliver(self.write, Form.BLOCKS)

    def write(self, data: bytes) -> None:
        assert self.room > 0
        self.room -= 1
        self.last = data
        self.written += brief_blocks(data)
        if not self.room:
            self.pause()

    def go_on(self) -> None:
        self.room = 100
        self.resume()

    def finish(self) -> None:
        self.ended = "in order"

    def break_off(self) -> None:
        self.ended = "broken off"
