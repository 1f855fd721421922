"""One client on one transport: what its frames bring about, and how it ends."""

import asyncio
import gc
import json
import logging
import time

import pytest

from quart_app.realtime import limits
from quart_app.realtime.clients.connection import Connection, Ending, Life
from quart_app.realtime.clients.identity import Identity
from quart_app.realtime.clients.inbound import Subscribe
from quart_app.realtime.flow.counters import Traffic
from quart_app.realtime.hub import Hub
from quart_app.realtime.messages.event import Message, message
from quart_app.wire import Close
from tests.realtime.engine import turn
from tests.realtime.hubs import Talk, connect, hand_in, hub_with, received, types


@pytest.fixture
def talk() -> Talk:
    return Talk()


@pytest.fixture
async def hub(talk: Talk) -> Hub:
    return await hub_with(talk)


@pytest.fixture
async def connection(hub: Hub) -> Connection:
    connection = await connect(hub)
    await received(connection)
    return connection


async def say(hub: Hub, connection: Connection, **body: object) -> None:
    await hand_in(hub, connection, json.dumps(body))


class TestAnswers:
    async def test_a_ping_is_answered_at_once(self, hub: Hub, connection: Connection) -> None:
        await say(hub, connection, type="ping", key="k")
        assert await received(connection) == [{"type": "pong", "key": "k"}]

    @pytest.mark.parametrize("now", [False, True])
    async def test_a_reply_of_the_channel_carries_the_key(self, hub: Hub, connection: Connection, now: bool) -> None:
        await say(hub, connection, type="echo", n=7, key="k", now=now)
        await turn()
        assert await received(connection) == [{"type": "echo", "topic": "talk/1", "data": 7, "key": "k"}]

    @pytest.mark.parametrize("now", [False, True])
    async def test_what_needs_no_reply_is_acknowledged_if_it_has_a_key(
        self, hub: Hub, connection: Connection, now: bool
    ) -> None:
        await say(hub, connection, type="silent", key="k", now=now)
        await say(hub, connection, type="silent", now=now)
        await turn()
        assert await received(connection) == [{"type": "ack", "topic": "talk/1", "key": "k"}]

    async def test_a_refusal_is_an_error_and_the_connection_stays(self, hub: Hub, connection: Connection) -> None:
        await say(hub, connection, type="unheard of", key="k")
        await turn()
        (error,) = await received(connection)
        assert (error["type"], error["data"]["code"], error["key"]) == ("error", "unknown_type", "k")
        assert connection.ending is None

    @pytest.mark.parametrize("now", [False, True])
    async def test_a_bug_is_an_error_without_details_and_a_line_in_the_log(
        self, hub: Hub, connection: Connection, caplog: pytest.LogCaptureFixture, now: bool
    ) -> None:
        await say(hub, connection, type="crash", now=now)
        await turn()
        (error,) = await received(connection)
        assert error["data"] == {"message": "something went wrong here", "code": "internal"}
        assert connection.ending is None
        assert [record.levelno for record in caplog.records] == [logging.ERROR]

    async def test_bad_json_is_an_error(self, hub: Hub, connection: Connection) -> None:
        await hand_in(hub, connection, b"{")
        (error,) = await received(connection)
        assert error["data"]["code"] == "invalid_json"


class TestTopics:
    async def test_subscribing_welcomes_and_unsubscribing_confirms(
        self, hub: Hub, connection: Connection, talk: Talk
    ) -> None:
        await say(hub, connection, type="subscribe", topic="talk/2", key="k1")
        welcome, history = await received(connection)
        assert (welcome["type"], welcome["topic"], welcome["key"]) == ("hello", "talk/2", "k1")
        assert history["type"] == "history"
        await say(hub, connection, type="echo", topic="talk/2", n=1)
        await turn()
        assert await types(connection) == ["echo"]
        await say(hub, connection, type="unsubscribe", topic="talk/2", key="k2")
        assert await received(connection) == [{"type": "unsubscribed", "topic": "talk/2", "key": "k2"}]
        assert talk.left_by == [("Ana", "talk/2", True)]
        # On one topic again, so a message needs no name of it.
        await say(hub, connection, type="echo", n=2)
        await turn()
        assert (await received(connection))[0]["topic"] == "talk/1"

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({"type": "subscribe", "topic": "talk/1"}, "already_subscribed"),
            ({"type": "subscribe", "topic": "talk/private"}, "forbidden"),
            ({"type": "subscribe", "topic": "elsewhere"}, "topic_not_found"),
            ({"type": "subscribe", "topic": "talk//1"}, "invalid_topic"),
            ({"type": "unsubscribe", "topic": "talk/2"}, "not_subscribed"),
            ({"type": "unsubscribe", "topic": "talk/1"}, "last_topic"),
        ],
    )
    async def test_what_cannot_be_is_refused(
        self, hub: Hub, connection: Connection, body: dict[str, str], code: str
    ) -> None:
        await say(hub, connection, **body, key="k")
        (error,) = await received(connection)
        assert (error["data"]["code"], error["key"]) == (code, "k")
        assert connection.subscription.topics == ("talk/1",)

    async def test_their_number_is_bounded(self, hub: Hub, connection: Connection) -> None:
        for number in range(2, limits.TOPICS_PER_CONNECTION + 1):
            await say(hub, connection, type="subscribe", topic=f"talk/{number}")
        assert set(await types(connection)) == {"hello", "history"}
        await say(hub, connection, type="subscribe", topic="lobby")
        (error,) = await received(connection)
        assert error["data"]["code"] == "too_many"
        assert len(connection.subscription.topics) == limits.TOPICS_PER_CONNECTION

    @pytest.mark.parametrize("way", ["closed", "ended"])
    async def test_one_that_is_over_by_then_enters_nothing(
        self, hub: Hub, connection: Connection, talk: Talk, way: str
    ) -> None:
        talk.welcoming.clear()  # whoever is welcomed stays there
        said: list[Message] = []
        subscribing = asyncio.create_task(hub.commands.perform(connection, Subscribe("talk/2", "k"), said.append))
        await asyncio.sleep(0)  # it asks whether it may
        if way == "closed":
            hub.closed(connection)
        else:
            connection.end(Close.NORMAL, "the client left")
        await asyncio.wait_for(subscribing, 1)
        assert [json.loads(message.json)["data"]["code"] for message in said] == ["not_connected"]

    async def test_the_same_topic_twice_at_once_is_one_subscription(self, hub: Hub, connection: Connection) -> None:
        said: list[Message] = []
        twice = (hub.commands.perform(connection, Subscribe("talk/2", None), said.append) for _ in range(2))
        await asyncio.gather(*twice)
        assert sorted(json.loads(message.json)["type"] for message in said) == ["error", "hello", "history"]

    async def test_no_event_of_a_topic_comes_before_its_welcome(
        self, hub: Hub, connection: Connection, talk: Talk
    ) -> None:
        talk.welcoming.clear()
        subscribing = asyncio.create_task(say(hub, connection, type="subscribe", topic="talk/2"))
        await turn()
        hub.broadcast("talk/2", "typing")
        hub.broadcast("talk/1", "typing")
        await turn()
        assert await types(connection) == []
        talk.welcoming.set()
        await subscribing
        assert await types(connection) == ["hello", "history", "typing", "typing"]


class TestOrder:
    async def test_what_needs_no_waiting_is_done_at_once_and_without_a_task(
        self, hub: Hub, connection: Connection, talk: Talk
    ) -> None:
        tasks = asyncio.all_tasks()
        for type in ("echo", "forbidden", "crash"):
            assert hub.receive(connection, json.dumps({"type": type, "n": type, "now": True})) is None
        assert talk.handled == ["echo", "forbidden", "crash"]
        assert asyncio.all_tasks() == tasks
        assert [message["type"] for message in await received(connection)] == ["echo", "error", "error"]
        assert (hub.counters.errors, hub.counters.commands.count) == ({"forbidden": 1, "internal": 1}, 3)

    async def test_it_overtakes_nothing_that_was_said_before(
        self, hub: Hub, connection: Connection, talk: Talk
    ) -> None:
        said = [("echo", False), ("echo", True), ("wait", False), ("echo", True), ("echo", False), ("echo", True)]
        for number, (type, now) in enumerate(said):
            assert hub.receive(connection, json.dumps({"type": type, "n": number, "now": now})) is None
        assert talk.handled == []
        await turn()
        assert talk.handled == [0, 1, 2, 3, 4, 5]
        assert [message["data"] for message in await received(connection)] == [0, 1, 3, 4, 5]
        talk.go.set()
        await turn()
        assert connection.in_flight == 0
        assert hub.receive(connection, '{"type":"echo","n":6,"now":true}') is None
        assert talk.handled[-1] == 6

    async def test_commands_are_begun_in_the_order_they_came(
        self, hub: Hub, connection: Connection, talk: Talk
    ) -> None:
        for number in range(20):
            await say(hub, connection, type="echo" if number % 3 else "wait", n=number)
        await turn()
        assert talk.handled == list(range(20))
        talk.go.set()
        await turn()

    async def test_a_client_with_many_commands_under_way_is_held_back(
        self, hub: Hub, connection: Connection, talk: Talk
    ) -> None:
        for number in range(limits.IN_FLIGHT_COMMANDS):
            await say(hub, connection, type="wait", n=number)
        waiting = asyncio.create_task(say(hub, connection, type="echo", n="last"))
        await turn()
        assert talk.running == limits.IN_FLIGHT_COMMANDS
        assert not waiting.done()
        talk.go.set()
        await waiting
        await turn()
        assert talk.running == 0
        assert await types(connection) == ["echo"]

    async def test_others_are_not_held_back_with_it(self, hub: Hub, connection: Connection, talk: Talk) -> None:
        other = await connect(hub)
        for number in range(limits.IN_FLIGHT_COMMANDS):
            await say(hub, connection, type="wait", n=number)
        await say(hub, other, type="echo")
        await turn()
        assert await types(other) == ["hello", "history", "echo"]
        talk.go.set()
        await turn()

    async def test_a_command_goes_on_when_its_client_is_gone(
        self, hub: Hub, connection: Connection, talk: Talk
    ) -> None:
        await say(hub, connection, type="wait")
        await turn()
        hub.closed(connection)
        await turn()
        assert talk.running == 1
        talk.go.set()
        await turn()
        assert talk.running == 0


class TestEndings:
    async def test_a_goodbye_is_acknowledged_and_orderly(self, hub: Hub, connection: Connection, talk: Talk) -> None:
        await say(hub, connection, type="bye", key="k")
        assert await received(connection) == [{"type": "ack", "key": "k"}]
        assert await connection.read() is None
        assert connection.ending == Ending(Close.NORMAL, "the client left", True)
        hub.closed(connection)
        assert talk.left_by == [("Ana", "talk/1", True)]

    @pytest.mark.parametrize(
        ("frame", "code", "name"),
        [("x" * (limits.INBOUND_MESSAGE_BYTES + 1), Close.TOO_BIG, "too_big")],
    )
    async def test_abuse_is_told_and_ends_it(
        self, hub: Hub, connection: Connection, frame: str, code: Close, name: str
    ) -> None:
        await hand_in(hub, connection, frame)
        (error,) = await received(connection)
        assert error["data"]["code"] == name
        assert connection.ending is not None
        assert (connection.ending.code, connection.ending.orderly) == (code, False)
        assert await connection.read() is None

    @pytest.mark.parametrize("data", ['{"type":"ping"}', "{", '{"type":"echo"}', "x" * 100_000])
    async def test_after_the_end_nothing_is_acted_on(
        self, hub: Hub, connection: Connection, talk: Talk, data: str
    ) -> None:
        await say(hub, connection, type="bye")
        await hand_in(hub, connection, data)
        await turn()
        assert await types(connection) == []
        assert talk.handled == []
        assert (connection.inbound.received, connection.ending) == (1, Ending(Close.NORMAL, "the client left", True))
        assert hub.counters.errors == {}

    async def test_it_lives_once_and_each_step_of_it_is_logged(
        self, hub: Hub, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG, logger="quart_app.realtime")
        connection = await connect(hub)
        lives = [connection.life]
        connection.end(Close.POLICY, "enough")
        connection.end(Close.NORMAL, "again")
        lives.append(connection.life)
        hub.closed(connection)
        hub.closed(connection)
        assert [*lives, connection.life] == [Life.OPEN, Life.ENDING, Life.CLOSED]
        said = [record.getMessage().removeprefix(f"{connection} ") for record in caplog.records]
        assert said == ["opened", "is welcomed", "ends with 1008 enough", "closed with 1008 enough"]

    async def test_its_life_does_not_begin_to_end_again(self, hub: Hub, connection: Connection) -> None:
        hub.closed(connection)
        connection.end(Close.GONE, "the client is gone")  # which its transport tells of later
        assert (connection.life, connection.ending) == (Life.CLOSED, None)

    async def test_each_that_is_let_in_has_a_line_for_its_beginning_and_one_for_its_end(
        self, hub: Hub, talk: Talk, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, logger="quart_app.realtime")
        talk.broken = True
        with pytest.raises(OSError, match="the database is gone"):
            await connect(hub)
        said = [record.getMessage().partition("talk/1 ")[2] for record in caplog.records]
        assert said == ["opened", "closed with 1006 "]

    async def test_its_token_does_not_keep_it_when_it_is_over(self, hub: Hub) -> None:
        gc.collect()
        gc.disable()
        try:
            connection = await connect(hub, identity=Identity("3", "Eva", expires_at=round(time.time()) + 60))
            hub.closed(connection)
            id = connection.id
            del connection
            assert [one for one in gc.get_objects() if type(one) is Connection and one.id == id] == []
        finally:
            gc.enable()

    async def test_a_topic_that_cannot_be_left_keeps_nothing_else_from_its_end(self, hub: Hub, talk: Talk) -> None:
        """Closing goes on: the other topics are left, and a drain does not wait for it."""
        connection = await connect(hub, "talk/1", "talk/2", "lobby")
        talk.fails_on_leaving = "talk/2"
        draining = asyncio.create_task(hub.drain())
        await turn()
        hub.closed(connection)
        await asyncio.wait_for(draining, 1)
        assert sorted(topic for _, topic, _ in talk.left_by) == ["lobby", "talk/1"]
        assert hub.counters.closed.total() == 1

    async def test_a_topic_that_cannot_be_left_is_followed_no_more(self, hub: Hub, talk: Talk) -> None:
        connection = await connect(hub, "talk/1", "talk/2")
        await received(connection)
        talk.fails_on_leaving = "talk/2"
        await say(hub, connection, type="unsubscribe", topic="talk/2", key="k")
        assert await received(connection) == [{"type": "unsubscribed", "topic": "talk/2", "key": "k"}]
        assert connection.topics == ("talk/1",)

    async def test_the_first_ending_counts(self, hub: Hub, connection: Connection) -> None:
        connection.end(Close.TOO_SLOW, "first")
        connection.end(Close.NORMAL, "second", orderly=True)
        assert connection.ending == Ending(Close.TOO_SLOW, "first", False)

    async def test_who_takes_no_replies_is_too_slow(self, hub: Hub, connection: Connection) -> None:
        for _ in range(limits.REPLY_BACKLOG):
            connection.reply(message("pong", at=0))
        assert len(await types(connection)) == limits.REPLY_BACKLOG
        for _ in range(limits.REPLY_BACKLOG + 1):
            connection.reply(message("pong", at=0))
        assert connection.ending is not None
        assert connection.ending.code is Close.TOO_SLOW

    async def test_bye_tells_when_to_come_back(self, hub: Hub, connection: Connection) -> None:
        connection.end(Close.GOING_AWAY, "shutdown", back_in=1_500)
        assert await received(connection) == [{"type": "bye", "data": {"reason": "shutdown", "retry_after": 1_500}}]
        assert connection.ending is not None
        assert connection.ending.code is Close.GOING_AWAY


async def test_nothing_comes_after_the_last_message(hub: Hub, connection: Connection) -> None:
    await say(hub, connection, type="echo", n=7)
    connection.end(Close.GOING_AWAY, "shutdown", back_in=100)
    await turn()  # in which the channel answers
    connection.heartbeat()
    assert [message["type"] for message in await received(connection)] == ["bye"]


async def test_a_heartbeat_carries_the_cursor(hub: Hub, connection: Connection) -> None:
    connection.heartbeat()
    assert await received(connection) == [{"type": "heartbeat", "id": hub.cursor}]


async def test_it_counts_what_it_sent(hub: Hub, connection: Connection) -> None:
    await say(hub, connection, type="ping")
    connection.subscription.outlet.count(2, 64)
    assert (connection.sent, connection.traffic) == (2, Traffic(2, 64, 1))


async def test_its_name_cannot_be_guessed(hub: Hub) -> None:
    ids = {(await connect(hub)).id for _ in range(100)}
    assert len(ids) == 100
    # 18 bytes of randomness in the alphabet of URLs.
    assert {len(id) for id in ids} == {24}
