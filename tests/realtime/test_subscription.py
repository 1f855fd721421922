"""One cursor: what it reads, from where, in which order."""

import asyncio

import pytest

from quart_app.realtime import limits
from quart_app.realtime.flow.subscription import Backlogged, Subscription
from quart_app.realtime.messages.batch import Form
from quart_app.realtime.messages.event import Message, message
from quart_app.wire import Cursor
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
        assert not pushed.reading.done()
        assert pushed.subscription.position == 2
        pushed.drained.set()
        assert brief(await pushed.reading) == [3, 4]

    async def test_what_is_hidden_from_its_user_is_not_written(self, engine: Engine) -> None:
        pushed = await self.waiting(engine, "live/x", user_id="1")
        engine.broadcast("live/x", 100, hidden_from="1")
        engine.broadcast("live/x", 101)
        engine.bus.flush()
        assert brief(await pushed.reading) == [101]
        pushed.reading = asyncio.create_task(pushed.subscription.read())
        await turn()
        engine.broadcast("live/x", 102, hidden_from="1")
        engine.bus.flush()
        await turn()
        engine.broadcast("live/x", 103)
        engine.bus.flush()
        assert pushed.written == [103]

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
        pushed.reading.cancel()

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
            assert pushed.written == []
            assert brief(await pushed.reading) == ["connected"]
        assert await read(pushed.subscription) == [1]

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
        assert not pushed.reading.done()
        pushed.drained.set()
        assert brief(await pushed.reading) == ["ack"]
        assert await read(pushed.subscription) == [1]

    async def test_a_comment_does_not_count_as_heard(self, engine: Engine) -> None:
        pushed = await self.waiting(engine, "log/a")
        pushed.subscription.send(Comment(b""))
        await turn()
        assert (pushed.last, pushed.subscription.outlet.written_at) == (b"data: \n\n", 0.0)
        assert pushed.subscription.outlet.messages == 0
        pushed.subscription.send(message("pong", at=0))
        await turn()
        assert pushed.subscription.outlet.written_at > 0.0


class Comment(Message):
    heard = False


class Pushed:
    """A reader that waits in `read`, and takes `room` batches from the bus before what it took has `drained`."""

    def __init__(self, subscription: Subscription) -> None:
        self.subscription = subscription
        self.written: list[object] = []
        self.last = b""
        self.room = 100
        self.drained = asyncio.Event()
        subscription.outlet.open(self, Form.BLOCKS, self.drain)
        self.reading = asyncio.create_task(subscription.read())

    def push(self, data: bytes) -> bool:
        assert self.room > 0
        self.room -= 1
        self.last = data
        self.written += brief_blocks(data)
        return self.room > 0

    async def drain(self) -> None:
        await self.drained.wait()
        self.drained.clear()
        self.room = 100


class TestDirectMessages:
    async def test_they_come_before_what_was_not_read_yet(self, engine: Engine) -> None:
        subscription = engine.subscribe("log/a")
        engine.commit("log/a")
        await turn()
        subscription.send(message("one", at=0))
        subscription.send(message("two", at=0), message("three", at=0))
        assert await read(subscription) == ["one", "two", "three"]
        assert await read(subscription) == [1]

    async def test_they_overtake_a_batch_that_was_handed_out_in_the_same_turn(self, engine: Engine) -> None:
        subscription = engine.subscribe("log/a")
        reading = asyncio.create_task(subscription.read())
        await turn()
        engine.commit("log/a")
        engine.bus.flush()
        subscription.send(message("direct", at=0))
        assert brief(await reading) == ["direct"]
        assert await read(subscription) == [1]

    async def test_they_come_before_events_that_are_being_read_from_the_log(
        self, engine: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "TAIL_EVENTS", 0)
        engine.commit("log/a", "log/a")
        await turn()
        subscription = engine.subscribe("log/a", since=0)
        engine.log.gate.clear()
        reading = asyncio.create_task(subscription.read())
        await turn()
        # Its cursor is older than the events on their way: a client that took it last would go back.
        subscription.send(message("heartbeat", at=0, id=str(subscription.cursor)))
        engine.log.gate.set()
        assert brief(await reading) == ["heartbeat", 1, 2]

    async def test_they_wake_a_reader(self, engine: Engine) -> None:
        subscription = engine.subscribe("log/a")
        reading = asyncio.create_task(subscription.read())
        await turn()
        subscription.send(message("direct", at=0))
        assert brief(await reading) == ["direct"]

    async def test_they_can_be_taken_back(self, engine: Engine) -> None:
        subscription = engine.subscribe("log/a")
        subscription.send(message("welcome", at=0))
        subscription.take_back()
        assert await subscription.read_now() is None

    async def test_a_reader_who_takes_none_has_a_limit(self, engine: Engine) -> None:
        subscription = engine.subscribe("log/a")
        for _ in range(limits.REPLY_BACKLOG):
            subscription.send(message("direct", at=0))
        with pytest.raises(Backlogged):
            subscription.send(message("one too many", at=0))
        assert await drain(subscription) == ["direct"] * limits.REPLY_BACKLOG


class TestCursors:
    async def test_it_moves_on_with_the_log_though_none_of_its_topics_does(self, engine: Engine) -> None:
        quiet = engine.subscribe("log/quiet")
        reading = asyncio.create_task(quiet.read())
        await turn()
        engine.commit(*["log/a"] * 100)
        await turn()
        assert quiet.cursor == Cursor("e0", 100)
        reading.cancel()

    async def test_a_quiet_reader_is_not_reset_by_the_trimming_of_others(
        self, engine: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "TAIL_EVENTS", 8)
        monkeypatch.setattr(limits, "BATCH_EVENTS", 8)
        quiet = engine.subscribe("log/quiet")
        reading = asyncio.create_task(quiet.read())
        await turn()
        engine.commit(*["log/a"] * 100)
        await turn()
        engine.log.trim(100)
        # So much at once that neither a batch nor the tail holds it.
        engine.commit(*["log/quiet"] * 20)
        assert brief(await reading) == list(range(101, 109))
        assert await drain(quiet) == list(range(109, 121))

    async def test_it_stays_behind_what_was_handed_out_but_not_taken(self, engine: Engine) -> None:
        subscription = engine.subscribe("log/a")
        reading = asyncio.create_task(subscription.read())
        await turn()
        engine.commit("log/a")
        engine.bus.flush()
        assert subscription.position == 0
        await reading
        assert subscription.position == 1

    async def test_it_stands_still_once_closed(self, engine: Engine) -> None:
        subscription = engine.subscribe("log/a")
        assert await drain(subscription) == []
        engine.commit("log/b")
        await turn()
        subscription.close()
        engine.commit("log/a")
        await turn()
        assert subscription.full_cursor.position == 1

    async def test_the_full_one_tells_what_was_heard(self, engine: Engine) -> None:
        engine.broadcast("state/s", 5)
        subscription = engine.subscribe("live/x", "state/s", "log/a")
        before = subscription.full_cursor
        for number in range(3):
            engine.broadcast("live/x", number)
        await turn()
        assert await drain(subscription) == [5, 0, 1, 2]
        after = subscription.full_cursor
        assert before.run == after.run
        # In the order of the topics' names: live/x, log/a, state/s.
        assert [later - sooner for sooner, later in zip(before.seen, after.seen, strict=True)][:2] == [3, 0]
        assert before.seen[2] == 0 < after.seen[2]
        assert subscription.cursor == after[:2] + Cursor("", 0)[2:]


class TestResets:
    async def test_it_is_told_and_goes_on_from_the_head(self, engine: Engine) -> None:
        engine.commit("log/a", "log/a", "log/a")
        await turn()
        engine.log.trim(2)
        engine.bus.skip_to(3)
        subscription = engine.subscribe("log/a", since=1)
        batch = await subscription.read_now()
        assert brief(batch) == ["reset"]
        assert batch is not None
        assert batch.messages[0].cursor == "e0-3"
        assert b'"reason":"trimmed"' in batch.messages[0].json
        engine.commit("log/a")
        assert await read(subscription) == [4]

    async def test_it_brings_the_values_of_states_again(self, engine: Engine) -> None:
        subscription = engine.subscribe("state/s")
        engine.broadcast("state/s", 7)
        await turn()
        assert await drain(subscription) == [7]
        subscription.reset("unknown_log")
        assert await drain(subscription) == ["reset", 7]

    async def test_it_wakes_a_reader(self, engine: Engine) -> None:
        subscription = engine.subscribe("log/a")
        reading = asyncio.create_task(subscription.read())
        await turn()
        subscription.reset("trimmed")
        assert brief(await reading) == ["reset"]

    async def test_it_overtakes_a_batch_that_was_handed_out_in_the_same_turn(self, engine: Engine) -> None:
        subscription = engine.subscribe("log/a")
        reading = asyncio.create_task(subscription.read())
        await turn()
        engine.commit("log/a")
        engine.bus.flush()
        subscription.reset("trimmed")
        assert brief(await reading) == ["reset"]


class TestClosing:
    async def test_what_was_sent_before_can_still_be_read(self, engine: Engine) -> None:
        subscription = engine.subscribe("log/a")
        engine.commit("log/a")
        await turn()
        subscription.send(message("bye", at=0))
        subscription.close()
        assert await read(subscription) == ["bye"]
        assert await subscription.read() is None
        assert await subscription.read_now() is None

    async def test_a_reader_that_waits_ends(self, engine: Engine) -> None:
        subscription = engine.subscribe("log/a")
        reading = asyncio.create_task(subscription.read())
        await turn()
        subscription.close()
        subscription.close()
        assert await reading is None

    async def test_a_batch_that_was_handed_out_in_the_same_turn_is_too_late(self, engine: Engine) -> None:
        subscription = engine.subscribe("log/a")
        reading = asyncio.create_task(subscription.read())
        await turn()
        engine.commit("log/a")
        engine.bus.flush()
        subscription.close()
        assert await reading is None
        assert subscription.position == 0

    async def test_nothing_comes_after_the_last_message(self, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "TAIL_EVENTS", 0)
        engine.commit("log/a")
        await turn()
        subscription = engine.subscribe("log/a", since=0)
        engine.log.gate.clear()
        reading = asyncio.create_task(subscription.read())
        await turn()
        subscription.send(message("bye", at=0))
        subscription.close()
        engine.log.gate.set()
        assert brief(await reading) == ["bye"]
        assert await subscription.read() is None
        assert subscription.position == 0

    async def test_a_closed_one_takes_no_topic(self, engine: Engine) -> None:
        subscription = engine.subscribe("log/a")
        subscription.close()
        subscription.add("log/b")
        subscription.remove("log/a")
        assert not any(topic.followers for topic in engine.bus.topics())
