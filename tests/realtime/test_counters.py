"""What the engine counts of itself, and when it measures a round trip."""

import json

import pytest

from quart_app.realtime import limits
from quart_app.realtime.clients.connection import Connection, public_id_of
from quart_app.realtime.flow.counters import Counters, Histogram, Traffic
from quart_app.realtime.hub import Hub
from quart_app.wire import Close
from tests.realtime.engine import Engine, drain, turn
from tests.realtime.hubs import Poller, Talk, connect, hand_in, hub_with, received


@pytest.fixture
def talk() -> Talk:
    return Talk()


@pytest.fixture
async def hub(talk: Talk) -> Hub:
    return await hub_with(talk)


def test_a_histogram_counts_each_value_once_up_to_its_bound() -> None:
    histogram = Histogram((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 9.0):
        histogram.observe(value)
    histogram.observe(2.0, times=3)
    assert histogram.counts == [2, 4, 1]
    assert (histogram.count, histogram.total) == (7, 18.0)
    assert Histogram().mean == 0.0


def test_traffic_is_that_of_who_is_here_and_of_who_was() -> None:
    counters = Counters()
    counters.count_closed("ws", Close.NORMAL, Traffic(3, 300, 1))
    counters.count_closed("ws", Close.GONE, Traffic(1, 100, 0))
    traffic = counters.traffic([("ws", Traffic(1, 1, 1)), ("sse", Traffic(5, 50, 0))])
    assert traffic == {"ws": Traffic(5, 401, 2), "sse": Traffic(5, 50, 0)}
    assert counters.closed == {("ws", 1000): 1, ("ws", 1006): 1}
    assert counters.past == {"ws": Traffic(4, 400, 1)}


async def test_events_are_counted_by_what_they_are() -> None:
    engine = Engine()
    await engine.relay.start()
    engine.subscribe("log/a")
    engine.commit("log/a", "log/unheard")
    engine.broadcast("log/a", 1)
    engine.broadcast("live/unheard", 1)
    engine.broadcast("state/a", 1)
    assert engine.bus.counters.published == {"durable": 2, "signal": 2, "state": 1}


async def test_a_delivery_is_measured_once_a_subscriber_and_a_replay_not_at_all() -> None:
    engine = Engine()
    await engine.relay.start()
    readers = [engine.subscribe("log/a") for _ in range(3)]
    engine.commit("log/a", "log/a")
    await turn()
    newcomer = engine.subscribe("log/a", since=0)
    assert await drain(newcomer) == [1, 2]
    assert engine.bus.counters.delivery.count == 0
    for reader in readers:
        assert (reader.behind, reader.lag) == (True, 2)
        assert await drain(reader) == [1, 2]
        assert (reader.behind, reader.lag) == (False, 0)
    assert engine.bus.counters.delivery.count == 3


async def test_resets_gaps_and_what_was_dropped() -> None:
    engine = Engine()
    await engine.relay.start()
    reader = engine.subscribe("live/a")
    for number in range(limits.TAIL_EVENTS + 10):
        engine.broadcast("live/a", number)
    await turn()
    await drain(reader)
    reader.reset("trimmed")
    await drain(reader)
    counters = engine.bus.counters
    assert (counters.gaps, counters.dropped, counters.resets) == (1, reader.dropped, 1)
    assert reader.dropped > 0
    tails = engine.bus.memory()
    assert tails.events == limits.TAIL_EVENTS + 10 - reader.dropped
    assert tails.bytes > tails.events


async def test_errors_are_counted_by_their_code_and_commands_are_timed(hub: Hub) -> None:
    connection = await connect(hub)
    for said in ("{", '{"type":"unheard of"}', '{"type":"crash"}', '{"type":"subscribe","topic":"nowhere"}'):
        await hand_in(hub, connection, said)
    await turn()
    await hand_in(hub, connection, "x" * (limits.INBOUND_MESSAGE_BYTES + 1))
    assert hub.counters.errors == {
        "invalid_json": 1, "unknown_type": 1, "internal": 1, "topic_not_found": 1, "too_big": 1,
    }  # fmt: skip
    assert hub.counters.commands.count == 2


async def test_connections_are_counted_as_they_come_and_go(hub: Hub) -> None:
    stays, leaves, vanishes = [await connect(hub) for _ in range(3)]
    await hand_in(hub, leaves, '{"type":"bye"}')
    for connection in (leaves, vanishes):
        hub.closed(connection)
        hub.closed(connection)
    assert hub.counters.opened == {"ws": 3}
    assert hub.counters.closed == {("ws", Close.NORMAL): 1, ("ws", Close.GONE): 1}
    assert hub.counters.past["ws"].received == 1
    assert list(hub.connections.values()) == [stays]


async def test_the_counts_of_a_poller_go_on_from_request_to_request(hub: Hub) -> None:
    poller = Poller(hub)
    await poller.ask()
    connection = poller.connection
    assert isinstance(connection, Connection)
    connection.subscription.outlet.count(2, 64)
    connection.subscription.dropped += 1
    await poller.ask()
    assert poller.connection is connection
    assert (connection.sent, connection.subscription.dropped) == (2, 1)


async def test_a_poller_that_is_sent_away_between_two_requests_is_gone_at_once(hub: Hub, talk: Talk) -> None:
    poller = Poller(hub)
    await poller.ask()
    assert poller.connection is not None
    poller.connection.end(Close.POLICY, "closed by the administrator", back_in=1_000)
    assert not hub.connections
    assert hub.counters.closed == {("poll", Close.POLICY): 1}
    assert talk.left_by == [("Ana", "talk/1", False)]


async def test_a_connection_is_named_to_others_by_what_does_not_lead_to_its_id(hub: Hub) -> None:
    connection = await connect(hub)
    assert connection.public_id == public_id_of(connection.id)
    assert connection.id not in str(connection)
    (welcome, _) = await received(connection)
    assert connection.public_id not in json.dumps(welcome)


async def test_a_round_trip_is_measured_when_somebody_looks_and_not_again_at_once(hub: Hub) -> None:
    connection = await connect(hub)
    connection.measure()
    asked = []

    def ping() -> None:
        asked.append(connection)
        connection.pinged()

    connection.ping = ping
    connection.measure()
    connection.measure()
    assert len(asked) == 1
    connection.ponged()
    assert connection.rtt is not None
    assert 0 <= connection.rtt < limits.PING_INTERVAL
    connection.pinged_at -= limits.PING_INTERVAL
    connection.measure()
    assert len(asked) == 2


def test_addresses_that_have_met_a_limit_are_remembered_as_far_as_there_is_room() -> None:
    met = Counters().addresses
    for number in range(limits.ADDRESSES_SHOWN + 5):
        met.count(f"10.0.0.{number}", "rate", at=number)
    met.count("10.0.0.7", "rate", at=99)
    assert len(met.lately) == limits.ADDRESSES_SHOWN
    assert met.lately[0] == ("10.0.0.7", "rate", 2, 99)
    assert met.lately[1].address == f"10.0.0.{limits.ADDRESSES_SHOWN + 4}"
    assert met.totals == {"rate": limits.ADDRESSES_SHOWN + 6}
