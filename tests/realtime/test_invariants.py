"""The promises of the engine, one test or more for each; the third has test_slow.py.

What has to hold in any order of events is tried by test_machine.py; that it holds over real sockets and through
`kill -9`, by tests/transports and tests/faults.
"""

import asyncio
import inspect
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from quart_app import realtime
from quart_app.realtime import limits
from quart_app.realtime.clients.channel import Channel, Peer, Welcome
from quart_app.realtime.clients.connection import Connection, Opening
from quart_app.realtime.clients.feed import Feed
from quart_app.realtime.clients.identity import Identity
from quart_app.realtime.clients.inbound import Subscribe, Unsubscribe
from quart_app.realtime.flow.log import MemoryLog
from quart_app.realtime.hub import Hub
from quart_app.realtime.messages import encoding
from quart_app.realtime.messages.batch import Form
from quart_app.realtime.messages.event import Event, message
from quart_app.realtime.messages.kinds import Kind
from quart_app.realtime.messages.refused import Refused
from quart_app.storage.unit_of_work import UnitOfWork
from quart_app.wire import Cursor
from tests.realtime.clock import skipping_time
from tests.realtime.engine import Engine, turn
from tests.realtime.reader import Fact, Reader
from tests.realtime.world import World
from tests.storage.store import TOPIC, Note, opened
from tests.stores import database_url

ANA = Identity("1", "Ana")


class Snapshot(Channel):
    """Welcomes with the position up to which its snapshot holds everything."""

    def __init__(self, kind: Kind = Kind.DURABLE) -> None:
        self.kind = kind

    async def welcome(self, peer: Peer) -> Welcome:
        return [("welcome", {"data": {"position": peer.position, "resumed": peer.resumed}})]


async def started(log: MemoryLog) -> Hub:
    hub = Hub()
    for pattern, kind in (("log/*", Kind.DURABLE), ("state/*", Kind.STATE), ("live/*", Kind.SIGNAL)):
        hub.channels.add(pattern, Snapshot(kind))
    await hub.start(log)
    return hub


async def received(connection: Connection) -> list[dict[str, Any]]:
    """All that a connection can read now."""
    messages: list[dict[str, Any]] = []
    while (batch := await connection.subscription.read_now()) is not None:
        messages += [json.loads(read.json) for read in batch.messages]
    return messages


class TestAtomic:
    """1. No event without its commit, no commit without its event."""

    async def test_a_change_and_its_event_are_stored_and_relayed_both_or_neither(self, tmp_path: Path) -> None:
        log: list[Event] = []

        def unit(ending: Exception | None, text: str) -> Any:
            async def change(work: UnitOfWork) -> None:
                if isinstance(ending, Refused):
                    raise ending
                await Note.create(text=text)
                work.record(TOPIC, "noted", text)
                if ending is not None:
                    raise ending

            return change

        async with opened(database_url(tmp_path / "a.db", migrated=True), log.extend) as store:
            endings = [None, ValueError("bad"), None, Refused("no", "no"), None]
            work = [store.writer.commit(unit(ending, str(number))) for number, ending in enumerate(endings)]
            await asyncio.gather(*work, return_exceptions=True)
            stored = [event.fields for event in await store.events()]
            assert await store.texts() == ["0", "2", "4"]
            assert stored == [event.fields for event in log]
            assert [fields.decode() for fields in stored] == [f'{{"data":"{text}"}}' for text in "024"]


class TestOrderedOnce:
    """2. The durable events of its topics in position order, none missing, none twice."""

    async def test_across_reconnects_transports_and_restarts(self) -> None:
        world = World()
        await world.start(0)
        reader = Reader(world.published, "1")
        world.readers.append(reader)

        def publish() -> None:
            for topic in ("log/a", "log/b", "log/c"):
                world.commit([Fact(topic, None)] * 700, 10, "told")

        await world.open(reader, ["log/a", "log/b"], (), 1.0, [publish] * 3)
        await world.settle()
        await world.disconnect(reader)
        publish()
        while reader.last < 3 * 4 * 700 - 700:  # the last of log/b
            await world.poll(reader, ["log/a", "log/b"], (), ())
        publish()
        await world.restart()
        publish()
        await world.open(reader, ["log/a", "log/b"], (), 1.0, [publish])
        await world.settle()
        # The reader raises at any gap, repeat or wrong order, and has to know all of it by now.
        assert reader.last == 3 * 7 * 700 - 700
        await world.stop()


class TestEncodeOnce:
    """4. An event is encoded once per wire form, however many subscribers it has."""

    async def test_a_thousand_subscribers_on_each_wire(self, monkeypatch: pytest.MonkeyPatch) -> None:
        made: dict[str, int] = {}
        for name in ("message_json", "sse_block", "websocket_frame", "fields_json"):
            original = getattr(encoding, name)

            def counted(*args: Any, name: str = name, original: Any = original) -> Any:
                made[name] = made.get(name, 0) + 1
                return original(*args)

            monkeypatch.setattr(encoding, name, counted)
        engine = Engine()
        topics = [["log/a"], ["log/a", "log/b"], ["log/a", "live/x"]]
        subscriptions = [engine.subscribe(*topics[number % 3], user_id=str(number)) for number in range(1_000)]
        readings = [asyncio.create_task(subscription.read()) for subscription in subscriptions[:500]]
        await turn()
        made.clear()
        engine.commit("log/a", hidden_from="7")
        engine.commit(*["log/a"] * 9)
        await turn()
        batches = [await reading for reading in readings]
        # The other half was behind, and reads for itself.
        batches += [await subscription.read() for subscription in subscriptions[500:]]
        for batch in batches:
            assert batch is not None
            assert batch.encoded(Form.FRAMES)
            assert batch.encoded(Form.BLOCKS)
            assert all(event.text for event in batch.messages)
        assert made == {"fields_json": 10, "message_json": 10, "sse_block": 10, "websocket_frame": 10}


class TestHonestCursors:
    """5. A cursor of another log, or older than what is retained, gets a reset. Never a silent gap."""

    @pytest.fixture
    async def hub(self) -> Hub:
        log = MemoryLog("e1")
        for _ in range(10):
            log.append("log/a", "happened")
        log.trim(5)
        return await started(log)

    @pytest.mark.parametrize(
        ("since", "reason"),
        [
            ("e0-7", "unknown_log"), ("e2-1", "unknown_log"), ("e1-4", "trimmed"), ("e1-0", "trimmed"),
            ("e1-11", "ahead_of_log"), ("e1-999999999", "ahead_of_log"), ("e0-7.abc.1", "unknown_log"),
        ],
    )  # fmt: skip
    async def test_a_cursor_that_cannot_be_honoured(self, hub: Hub, since: str, reason: str) -> None:
        connection = await hub.open(Opening(ANA, ("log/a",), "ws", since))
        welcome, reset = await received(connection)
        assert (welcome["type"], welcome["id"]) == ("welcome", "e1-10")
        assert (reset["type"], reset["id"], reset["data"]) == ("reset", "e1-10", {"reason": reason})
        hub.closed(connection)

    @pytest.mark.parametrize("since", ["e1-5", "e1-7", "e1-10", "e1-7.abc.1"])
    async def test_a_cursor_that_can(self, hub: Hub, since: str) -> None:
        position = Cursor.parse(since).position
        connection = await hub.open(Opening(ANA, ("log/a",), "ws", since))
        welcome, *events = await received(connection)
        assert welcome["id"] == f"e1-{position}"
        assert welcome["data"]["resumed"]
        assert [event["id"] for event in events] == [f"e1-{number}" for number in range(position + 1, 11)]
        hub.closed(connection)

    async def test_a_cursor_from_a_process_that_knows_more(self, hub: Hub) -> None:
        assert isinstance(hub.log, MemoryLog)
        hub.log.append("log/a", "happened")
        hub.log.append("log/a", "happened")
        # Nobody told this process of them yet.
        connection = await hub.open(Opening(ANA, ("log/a",), "ws", "e1-11"))
        assert [message["id"] for message in await received(connection)] == ["e1-11", "e1-12"]
        hub.closed(connection)

    async def test_everything_retained(self, hub: Hub) -> None:
        connection = await hub.open(Opening(ANA, ("log/a",), "ws", "0"))
        assert [event["id"] for event in await received(connection)] == [f"e1-{number}" for number in range(5, 11)]
        hub.closed(connection)

    async def test_what_is_trimmed_while_it_reads(self, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "LOG_READ_EVENTS", 2)
        connection = await hub.open(Opening(ANA, ("log/a",), "ws", "0"))
        read = [await connection.subscription.read_now() for _ in range(2)]
        assert [len(batch.messages) for batch in read if batch is not None] == [1, 2]
        assert isinstance(hub.log, MemoryLog)
        hub.log.trim(9)
        (reset,) = await received(connection)
        assert (reset["type"], reset["id"], reset["data"]) == ("reset", "e1-10", {"reason": "trimmed"})
        hub.closed(connection)


class TestSnapshotThenStream:
    """6. A snapshot carries the cursor read before the data; the stream from there completes it."""

    async def test_whatever_is_committed_meanwhile(self) -> None:
        log = MemoryLog("e1")
        hub = await started(log)
        balances: dict[str, int] = {}

        def deposit(account: str, amount: int) -> None:
            balances[account] = balances.get(account, 0) + amount
            hub.committed([log.append("log/a", "changed", data={account: balances[account]})])

        for step in range(5):
            deposit("ana", 1)
            cursor = hub.cursor
            if step % 2:
                await turn()
            deposit("juan", 10)
            seen = dict(balances)
            deposit("ana", 100)
            connection = await hub.open(Opening(ANA, ("log/a",), "sse", cursor))
            deposit("juan", 1_000)
            await turn()
            for event in (await received(connection))[1:]:
                seen |= event["data"]
            assert seen == balances
            hub.closed(connection)

    async def test_a_welcome_holds_what_its_position_says_and_the_stream_the_rest(self) -> None:
        log = MemoryLog("e1")
        hub = await started(log)
        connections = []
        for fresh in (frozenset[str](), frozenset({"log/b"})):
            hub.committed([log.append("log/b", "changed"), log.append("log/a", "changed")])
            since = "e1-1" if fresh else None
            connections.append(await hub.open(Opening(ANA, ("log/a", "log/b"), "ws", since, fresh)))
        late = await hub.open(Opening(ANA, ("log/a",), "ws"))
        hub.committed([log.append("log/b", "changed")])
        await hub.commands.perform(late, Subscribe("log/b", None), late.reply)
        hub.committed([log.append("log/b", "changed")])
        await turn()
        for connection in (*connections, late):
            messages = await received(connection)
            welcome = next(found for found in messages if found["type"] == "welcome" and found["topic"] == "log/b")
            events = [found for found in messages if found["type"] == "changed" and found["topic"] == "log/b"]
            positions = [Cursor.parse(event["id"]).position for event in events]
            expected = [position for position in (1, 3, 5, 6) if position > welcome["data"]["position"]]
            assert positions == expected
            hub.closed(connection)


class TestNothingRunsForNobody:
    """7. A feed starts with its first subscriber and stops after its last."""

    @skipping_time
    async def test_a_feed_through_the_hub(self) -> None:
        hub = await started(MemoryLog("e1"))
        produced: list[float] = []
        loop = asyncio.get_running_loop()

        async def produce() -> None:
            produced.append(loop.time())
            hub.broadcast("state/sensors", "sensor_update", data=len(produced))

        feed = Feed("state/sensors", 10.0, produce)
        hub.feeds.add(feed)
        bystander = await hub.open(Opening(ANA, ("log/a",), "ws"))
        await asyncio.sleep(1_000)
        assert produced == []

        first = await hub.open(Opening(ANA, ("state/sensors",), "ws"))
        await asyncio.sleep(5)
        second = await hub.open(Opening(ANA, ("log/a",), "sse"))
        await hub.commands.perform(second, Subscribe("state/sensors", None), second.reply)
        await asyncio.sleep(10)
        hub.closed(first)
        await asyncio.sleep(100)
        await hub.commands.perform(second, Unsubscribe("state/sensors", None), second.reply)
        await asyncio.sleep(limits.FEED_LINGER + 1)
        assert not feed.running
        count = len(produced)
        assert count == 13
        await asyncio.sleep(1_000)
        assert len(produced) == count
        for connection in (bystander, second):
            hub.closed(connection)
        assert asyncio.all_tasks() == {asyncio.current_task()}


class TestBounded:
    """8. Every queue, buffer, body, frame, topic name and wait has a limit in one place."""

    def test_every_limit_of_the_engine_is_named_by_a_test(self) -> None:
        names = {name for name in vars(limits) if name.isupper()}
        engine = Path(inspect.getfile(realtime)).parent
        used = names & _words(engine.rglob("*.py"), without="limits.py")
        assert len(used) > 30, "the engine's limits were not found where they are used"
        tests = [path for path in Path(__file__).parents[1].rglob("test_*.py") if path != Path(__file__)]
        tested = names & _words(tests, without="test_machine.py")
        assert sorted(used - tested) == []

    def test_every_limit_is_used(self) -> None:
        names = [name for name in vars(limits) if name.isupper()]
        package = Path(inspect.getfile(realtime)).parents[1]
        used = _words(package.rglob("*.py"), without="limits.py")
        assert [name for name in names if name not in used] == []

    async def test_direct_messages_that_are_not_taken_end_a_connection(self) -> None:
        hub = await started(MemoryLog("e1"))
        connection = await hub.open(Opening(ANA, ("log/a",), "ws"))
        for _ in range(limits.REPLY_BACKLOG + 1):
            connection.reply(message("pong", at=0))
        assert connection.ending is not None
        assert connection.ending.code == 4408
        hub.closed(connection)


def _words(files: Iterable[Path], *, without: str) -> set[str]:
    return {word for file in files if file.name != without for word in re.findall(r"\w+", file.read_text())}
