"""What nodes say to each other, and what becomes of words that they do not know."""

import asyncio

import msgspec
import pytest

from quart_app.backplane import messages
from quart_app.lab.world.redis import Server
from quart_app.realtime import Event, ReactionEvent, limits
from tests.backplane.cluster import Cluster
from tests.realtime.clock import skipping_time


def commit(count: int, size: int = 0) -> list[Event]:
    fields = b'{"pad":"%b"}' % (b"." * size)
    return [Event("log/a", "said", fields, 5, epoch="e1", position=at, hidden_from="7") for at in range(3, 3 + count)]


def test_a_commit_comes_as_it_was() -> None:
    events = commit(3)
    word = messages.read(messages.log("t", events))
    assert isinstance(word, messages.Log)
    assert (word.tag, word.first, word.last) == ("t", 3, 5)
    columns = ("topic", "type", "fields", "at", "position", "hidden_from", "cursor")
    told = word.events()
    assert [[getattr(one, name) for name in columns] for one in told] == [
        [getattr(one, name) for name in columns] for one in events
    ]


@pytest.mark.parametrize(("count", "size"), [(limits.BUS_EVENTS + 1, 0), (2, limits.BUS_BYTES)])
def test_of_a_large_commit_only_the_positions_are_told(count: int, size: int) -> None:
    message = messages.log("t", commit(count, size))
    assert len(message) < 100
    word = messages.read(message)
    assert isinstance(word, messages.Log)
    assert (word.first, word.last, word.rows) == (3, 2 + count, None)


@pytest.mark.parametrize(
    "word",
    [
        b"",
        b"no MessagePack",
        msgspec.msgpack.encode("text"),
        msgspec.msgpack.encode([2, "t", "log", 1, 2]),
        msgspec.msgpack.encode([1, "t", "news", 1]),
        msgspec.msgpack.encode([1, "t", "log", 1]),
        msgspec.msgpack.encode([1, "t", "live", 5, 1, ["live/x"], [1], []]),
    ],
)
def test_what_is_not_known_is_passed_over(word: bytes) -> None:
    with pytest.raises(messages.Unreadable):
        messages.read(word)

    @skipping_time
    async def a_node_goes_on() -> None:
        server = Server()
        cluster = Cluster(lambda: server.connect)
        await cluster.start(2)
        stream = await cluster.follow(1, ["log/a", "live/x"])
        server.publish(None, word)
        cluster.commit(0, ["log/a"], told=True)
        cluster.signal(0, "live/x", 1)
        while not (stream.account.position and stream.account.received):
            await asyncio.sleep(0.001)
        assert cluster.hubs[1].backplane.away_since is None
        await cluster.stop()

    a_node_goes_on()


@pytest.mark.parametrize("depth", [0, 3])
def test_how_many_reactions_led_to_a_signal_is_told(depth: int) -> None:
    event = ReactionEvent("live/a", "said", b'{"data":1}', 5, key="said")
    event.depth = depth
    told = msgspec.Raw(messages.array([messages.packed(event)]))
    word = messages.read(msgspec.msgpack.encode([1, "t", "live", 9, 1, [], [4, 5], told]))
    assert isinstance(word, messages.Live)
    (come,) = word.events
    assert (come.topic, come.json, come.depth) == (event.topic, event.json, depth)
