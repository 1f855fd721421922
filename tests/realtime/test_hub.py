"""The facade: who may come in, what they are welcomed with, long polls, and the end."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from quart_app.realtime import limits
from quart_app.realtime.clients.connection import Opening
from quart_app.realtime.clients.feed import Feed
from quart_app.realtime.clients.identity import Identity
from quart_app.realtime.flow.backplane import InProcess, Sink
from quart_app.realtime.flow.log import MemoryLog
from quart_app.realtime.hub import Hub
from quart_app.realtime.messages.event import Event
from quart_app.realtime.messages.refused import Refused
from tests.realtime.clock import clock, skipping_time
from tests.realtime.engine import turn
from tests.realtime.hubs import ANA, JUAN, Poller, Talk, connect, hand_in, hub_with, received, types


class Line:
    """A line to a peer, which may be cut off."""

    carrier = None

    def __init__(self) -> None:
        self.dropped = False

    def drop(self) -> None:
        self.dropped = True


@pytest.fixture
def talk() -> Talk:
    return Talk()


@pytest.fixture
async def hub(talk: Talk) -> Hub:
    return await hub_with(talk, events=3)


async def refused(hub: Hub, *topics: str, **asked: Any) -> tuple[str, int]:
    """The code and status with which an opening is refused; it leaves nothing behind."""
    with pytest.raises(Refused) as refused:
        await hub.open(Opening(asked.pop("identity", ANA), topics, "ws", **asked))
    assert hub.connections == {}
    assert not any(topic.followers for topic in hub.bus.topics())
    return refused.value.code, refused.value.status


class TestTopics:
    async def test_a_name_in_a_path_may_stand_for_a_topic(self, hub: Hub) -> None:
        assert [hub.channels.topic(name) for name in ("1", "talk/1", "lobby", "x")] == [
            "talk/1",
            "talk/1",
            "lobby",
            "x",
        ]

    async def test_what_is_no_topic_is_refused(self, hub: Hub) -> None:
        assert await refused(hub, "talk/1", "elsewhere") == ("topic_not_found", 404)
        assert await refused(hub, "talk") == ("topic_not_found", 404)
        assert await refused(hub, "talk/") == ("invalid_topic", 400)
        assert await refused(hub, "talk/" + "1" * limits.TOPIC_NAME_CHARACTERS) == ("invalid_topic", 400)

    async def test_a_connection_has_some_topics_and_not_too_many(self, hub: Hub) -> None:
        assert await refused(hub) == ("invalid_topic", 400)
        topics = [f"talk/{number}" for number in range(limits.TOPICS_PER_CONNECTION + 1)]
        assert await refused(hub, *topics) == ("invalid_topic", 400)
        connection = await connect(hub, *topics[1:])
        assert len(connection.subscription.topics) == limits.TOPICS_PER_CONNECTION

    async def test_the_channel_decides_who_may_come_in(self, hub: Hub) -> None:
        assert await refused(hub, "talk/1", "talk/private") == ("forbidden", 403)
        admin = Identity("9", "Root", "admin")
        assert await types(await connect(hub, "talk/private", identity=admin)) == ["hello", "history"]


class TestWelcome:
    async def test_on_one_topic_its_welcome_comes_first_with_all_that_a_client_needs(self, hub: Hub) -> None:
        connection = await connect(hub)
        welcome, history = await received(connection)
        assert welcome == {
            "type": "hello",
            "topic": "talk/1",
            "id": "e0-3",
            "connection_id": connection.id,
            "transport": "ws",
            "heartbeat": 30.0,
            "data": {"resumed": False, "position": 3},
        }
        assert history == {"type": "history", "topic": "talk/1", "data": []}

    async def test_on_several_topics_connected_comes_first(self, hub: Hub) -> None:
        connection = await connect(hub, "talk/2", "lobby")
        connected, *welcomes = await received(connection)
        assert connected == {
            "type": "connected",
            "id": "e0-3",
            "connection_id": connection.id,
            "transport": "ws",
            "heartbeat": 30.0,
        }
        assert [(welcome["type"], welcome["topic"]) for welcome in welcomes] == [
            ("hello", "talk/2"), ("history", "talk/2"), ("hello", "lobby"), ("history", "lobby"),
        ]  # fmt: skip

    async def test_who_resumes_is_told_so_but_not_for_fresh_topics(self, hub: Hub) -> None:
        connection = await connect(hub, "talk/1", "talk/2", since="e0-1", fresh=frozenset({"talk/2"}))
        messages = await received(connection)
        assert messages[0]["id"] == "e0-1"
        resumed = {message["topic"]: message["data"] for message in messages if message["type"] == "hello"}
        assert resumed == {
            "talk/1": {"resumed": True, "position": 1},
            "talk/2": {"resumed": False, "position": 3},
        }
        assert [message["id"] for message in messages if message["type"] == "said"] == ["e0-2", "e0-3"]

    @pytest.mark.parametrize("since", ["x", "-1", "e0", "e0-x", "00", " 0", "e0-1.", "e0-1\n"])
    async def test_a_cursor_that_is_none_is_refused(self, hub: Hub, since: str) -> None:
        assert await refused(hub, "talk/1", since=since) == ("invalid_since", 400)

    @pytest.mark.parametrize(("count", "is_taken"), [(limits.COUNTED - 1, True), (limits.COUNTED, False)])
    async def test_a_count_that_nobody_can_have_counted_to_is_not_taken(
        self, hub: Hub, count: int, is_taken: bool
    ) -> None:
        since = f"e0-3.{hub.bus.counts_of(('lobby',))}.{count:x}"
        connection = await connect(hub, "lobby", since=since)
        assert (connection.subscription.full_cursor.seen == (count,)) is is_taken

    async def test_everything_retained_where_the_bus_has_not_heard_of_what_was_trimmed(self, hub: Hub) -> None:
        assert isinstance(hub.log, MemoryLog)
        hub.log.append("talk/1", "said")
        hub.log.trim(4)
        connection = await connect(hub, since="0")
        messages = await received(connection)
        assert [(message["type"], message.get("id")) for message in messages] == [("hello", "e0-4"), ("history", None)]

    async def test_a_welcome_that_fails_leaves_nothing_behind(self, hub: Hub, talk: Talk) -> None:
        talk.broken = True
        with pytest.raises(OSError, match="the database is gone"):
            await connect(hub)
        assert hub.connections == {}
        assert not any(topic.followers for topic in hub.bus.topics())
        assert talk.left_by == [("Ana", "talk/1", False)]

    async def test_a_client_that_goes_away_at_any_point_of_opening_leaves_nothing_behind(
        self, hub: Hub, talk: Talk
    ) -> None:
        opened = 0
        for turns in range(20):
            opening = asyncio.create_task(connect(hub, "talk/1", "talk/2", since="e0-1"))
            for _ in range(turns):
                await asyncio.sleep(0)
            opening.cancel()
            await asyncio.wait([opening])
            if not opening.cancelled():
                opened += 1
                hub.closed(opening.result())
            assert hub.connections == {}
            assert not any(topic.followers for topic in hub.bus.topics())
        assert 0 < opened < 20

    async def test_the_server_can_be_full(self, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "CONNECTIONS", 2)
        connections = [await connect(hub), await connect(hub)]
        with pytest.raises(Refused) as full:
            await connect(hub)
        assert (full.value.status, full.value.retry_after) == (503, 5.0)
        hub.closed(connections[0])
        await connect(hub)


class TestClosing:
    async def test_every_topic_is_left_once(self, hub: Hub, talk: Talk) -> None:
        connection = await connect(hub, "talk/1", "lobby")
        hub.closed(connection)
        hub.closed(connection, orderly=True)
        assert sorted(talk.left_by) == [("Ana", "lobby", False), ("Ana", "talk/1", False)]

    @pytest.mark.parametrize("orderly", [False, True])
    async def test_it_is_told_whether_it_was_orderly(self, hub: Hub, talk: Talk, orderly: bool) -> None:
        hub.closed(await connect(hub), orderly=orderly)
        assert talk.left_by == [("Ana", "talk/1", orderly)]


class TestFacade:
    async def test_what_is_published_here_goes_to_the_backplane_and_comes_back_by_it(self, talk: Talk) -> None:
        class Recorded(InProcess):
            """A backplane that notes what it was told."""

            def __init__(self) -> None:
                super().__init__()
                self.told: list[object] = []

            async def start(self, sink: Sink, log: str) -> None:
                await super().start(sink, log)
                self.told.append(log)

            def committed(self, events: Sequence[Event]) -> None:
                self.told += [event.position for event in events]

            def publish(self, events: Sequence[Event]) -> None:
                self.told += [event.type for event in events]

            async def stop(self) -> None:
                self.told.append("stopped")

        backplane = Recorded()
        hub = Hub(backplane=backplane)
        hub.channels.add("talk/*", talk)
        log = MemoryLog("e0")
        await hub.start(log)
        connection = await connect(hub)
        await received(connection)
        events = [log.append("talk/1", "said"), log.append("talk/1", "said")]
        hub.committed(events)
        hub.committed([])
        hub.broadcast("talk/1", "typing")
        await turn()
        assert backplane.told == ["e0", 1, 2, "typing"]
        assert await types(connection) == []
        InProcess.committed(backplane, events)
        InProcess.publish(backplane, [Event("talk/1", "typing", b"{}", 0)])
        log.append("talk/1", "said")
        backplane._sink.woken(3)
        await turn()
        assert await types(connection) == ["said", "said", "typing", "said"]
        await hub.stop()
        assert backplane.told[4:] == ["stopped"]

    async def test_its_cursor_is_that_of_the_bus(self, hub: Hub) -> None:
        assert hub.cursor == "e0-3"
        assert isinstance(hub.log, MemoryLog)
        hub.committed([hub.log.append("talk/1", "said")])
        assert hub.cursor == "e0-3", "nobody can have it before the flush"
        await turn()
        assert hub.cursor == "e0-4"


class TestTheEnd:
    @skipping_time
    async def test_everyone_is_told_when_to_come_back_each_at_another_time(self) -> None:
        hub = await hub_with(Talk())
        connections = [await connect(hub, transport=transport) for transport in ("ws", "sse", "ws", "poll")]
        for connection in connections:
            await received(connection)
        draining = asyncio.create_task(hub.drain())
        await turn()
        byes = []
        for connection in connections:
            (bye,) = await received(connection)
            assert bye["type"] == "bye"
            byes.append(bye["data"]["retry_after"])
            assert await connection.read() is None
        assert len(set(byes)) == len(byes)
        assert max(byes) - min(byes) <= limits.RETURN_SPREAD * 1000
        assert not draining.done()
        for connection in connections:
            hub.closed(connection)
        await draining
        assert clock() == 0.0

    async def test_many_are_not_told_to_come_back_faster_than_they_can_be_let_in(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "LEAVE_RATE", 10.0)
        monkeypatch.setattr(limits, "RETURN_RATE", 4.0)
        hub = await hub_with(Talk())
        connections = [await connect(hub) for _ in range(20)]
        draining = asyncio.create_task(hub.drain())
        await turn()
        told = [(await received(connection))[-1]["data"]["retry_after"] for connection in connections]
        restart = limits.RESTART * 1_000
        assert told == [restart + 2_000 + 250 * index for index in range(20)]
        for connection in connections:
            hub.closed(connection)
        await draining

    async def test_other_nodes_take_them_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "RETURN_RATE", 4.0)
        hub = await hub_with(Talk())
        monkeypatch.setattr(hub.backplane, "nodes", ("this one", "another"))
        connections = [await connect(hub) for _ in range(3)]
        draining = asyncio.create_task(hub.drain(["this one"]))
        await turn()
        told = [(await received(connection))[-1]["data"]["retry_after"] for connection in connections]
        assert told == [0, 250, 500]
        for connection in connections:
            hub.closed(connection)
        await draining

    @skipping_time
    async def test_who_does_not_leave_is_waited_for_no_longer_than_the_deadline(self) -> None:
        hub = await hub_with(Talk())
        await connect(hub)
        await hub.drain()
        assert clock() == limits.DRAIN_DEADLINE

    @skipping_time
    async def test_who_does_not_take_the_last_words_is_cut_off(self) -> None:
        hub = await hub_with(Talk())
        stays, goes = Line(), Line()
        for line in (stays, goes):
            hub.lines.enter(line)
        asyncio.get_running_loop().call_later(limits.LAST_WORDS / 2, hub.lines.leave, goes)
        await hub.drain()
        assert clock() == limits.LAST_WORDS
        assert (stays.dropped, goes.dropped) == (True, False)

    @skipping_time
    async def test_one_that_only_changes_hands_is_waited_for(self) -> None:
        hub = await hub_with(Talk())
        first, second = Line(), Line()
        hub.lines.enter(first)

        def change() -> None:
            hub.lines.leave(first)
            hub.lines.enter(second)
            asyncio.get_running_loop().call_later(limits.LAST_WORDS / 4, hub.lines.leave, second)

        asyncio.get_running_loop().call_later(limits.LAST_WORDS / 2, change)
        await hub.drain()
        assert clock() == limits.LAST_WORDS * 3 / 4
        assert not second.dropped

    @skipping_time
    async def test_nobody_is_waited_for_when_nobody_is_there(self) -> None:
        hub = await hub_with(Talk())
        poller = Poller(hub)
        await poller.ask()
        await hub.drain()
        assert clock() == 0.0
        assert hub.connections == {}

    async def test_nobody_comes_in_any_more(self, hub: Hub, talk: Talk) -> None:
        talk.welcoming.clear()
        late = asyncio.create_task(connect(hub, identity=JUAN))
        await turn()
        draining = asyncio.create_task(hub.drain())
        await turn()
        talk.welcoming.set()
        for opening in (late, asyncio.create_task(connect(hub))):
            with pytest.raises(Refused) as going:
                await opening
            assert (going.value.code, going.value.status) == ("going_away", 503)
        await draining
        assert hub.connections == {}

    @skipping_time
    async def test_stopping_waits_for_commands_under_way_for_as_long_as_a_unit_may_take(self) -> None:
        talk = Talk()
        hub = await hub_with(talk)
        connection = await connect(hub)
        await hand_in(hub, connection, '{"type":"wait"}')
        await turn()
        asyncio.get_running_loop().call_later(3, talk.go.set)
        await hub.stop()
        assert (clock(), talk.running) == (3.0, 0)
        assert hub.connections == {}
        talk.go.clear()
        connection = await connect(hub)
        await hand_in(hub, connection, '{"type":"wait"}')
        await turn()
        await hub.stop()
        assert clock() == 3.0 + limits.UNIT_TIMEOUT
        talk.go.set()
        await turn()

    @skipping_time
    async def test_stopping_stops_feeds_and_draining_starts_none(self) -> None:
        hub = await hub_with(Talk())
        produced: list[float] = []

        async def produce() -> None:
            produced.append(clock())

        feed = Feed("talk/1", 10.0, produce)
        hub.feeds.add(feed)
        connection = await connect(hub)
        await asyncio.sleep(5)
        assert produced == [0.0]
        hub.closed(connection)
        await hub.stop()
        assert not feed.running
        await asyncio.sleep(100)
        assert produced == [0.0]
        assert asyncio.all_tasks() == {asyncio.current_task()}
