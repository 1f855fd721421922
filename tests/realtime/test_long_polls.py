"""A long poll's connection, which outlives a request: its lease, its cursor, its end."""

import asyncio
import json

import pytest

from quart_app.realtime import limits
from quart_app.realtime.clients.channel import Channel
from quart_app.realtime.clients.connection import Opening
from quart_app.realtime.clients.parking import EndedMeanwhile
from quart_app.realtime.hub import Hub
from quart_app.realtime.messages.kinds import Kind
from quart_app.realtime.messages.refused import Refused
from quart_app.wire import Close
from tests.realtime.clock import skipping_time
from tests.realtime.engine import turn
from tests.realtime.hubs import ANA, Poller, Talk, connect, hub_with, request_of, types


class State(Channel):
    """A topic of values."""

    kind = Kind.STATE


@pytest.fixture
def talk() -> Talk:
    return Talk()


@pytest.fixture
async def hub(talk: Talk) -> Hub:
    return await hub_with(talk, events=3)


class TestLongPolls:
    @skipping_time
    async def test_the_connection_outlives_a_request(self) -> None:
        talk = Talk()
        hub = await hub_with(talk)
        poller = Poller(hub)
        assert await poller.ask() == ["hello", "history"]
        first = poller.connection
        for _ in range(5):
            await asyncio.sleep(limits.LINGER - 0.1)
            hub.broadcast("talk/1", "typing")
            assert await poller.ask() == ["typing"]
            assert poller.connection is first
        assert talk.left_by == []

    @skipping_time
    async def test_its_lease_runs_out(self) -> None:
        talk = Talk()
        hub = await hub_with(talk)
        poller = Poller(hub)
        await poller.ask()
        await asyncio.sleep(limits.LINGER + 0.1)
        assert hub.connections == {}
        assert talk.left_by == [("Ana", "talk/1", False)]
        # It comes back to a new connection, without a welcome and without a loss.
        hub.broadcast("talk/1", "typing")
        assert await poller.ask() == ["typing"]
        assert len(hub.connections) == 1

    @skipping_time
    async def test_a_request_that_is_refused_does_not_make_it_stay_for_ever(self) -> None:
        talk = Talk()
        hub = await hub_with(talk)
        poller = Poller(hub)
        await poller.ask()
        with pytest.raises(Refused):
            await poller.ask(since="no cursor.1")
        await asyncio.sleep(limits.LINGER + 0.1)
        assert hub.connections == {}

    async def test_a_request_that_still_waits_is_answered_when_the_next_one_comes(self, hub: Hub) -> None:
        poller = Poller(hub)
        await poller.ask()
        assert poller.connection is not None
        asked = Opening(ANA, ("talk/1",), "poll", poller.cursor)
        connection = await hub.resume(asked, poller.connection)
        async with request_of(hub, connection):
            waiting = asyncio.create_task(connection.collect(10))
            await turn()
            assert await hub.resume(asked, connection) is connection
            assert (await waiting)[0] == []
        # What the older one leaves behind does not end the newer one.
        async with request_of(hub, connection):
            newer = asyncio.create_task(connection.collect(10))
            await turn()
            hub.broadcast("talk/1", "typing")
            assert len((await newer)[0]) == 1

    async def test_who_has_heard_signals_in_a_process_that_is_gone_is_welcomed_anew(self, hub: Hub) -> None:
        poller = Poller(hub)
        await poller.ask()
        hub.broadcast("talk/1", "typing")
        assert poller.cursor is not None
        epoch_and_position, _, _ = poller.cursor.partition(".")
        poller.cursor = f"{epoch_and_position}.another.0"
        assert await poller.ask() == ["hello", "history"]
        hub.broadcast("talk/1", "typing")
        await turn()
        assert await poller.ask() == ["typing"]

    async def test_counts_that_were_made_for_other_topics_are_not_used(self, hub: Hub) -> None:
        await connect(hub, "talk/1", "talk/2")
        for _ in range(5):
            hub.broadcast("talk/2", "typing")
        await turn()
        heard = (await connect(hub, "talk/1", "talk/2")).subscription.full_cursor
        # talk/2 leaves and lobby comes: the second count is now that of another topic.
        follower = await connect(hub, "lobby", "talk/1", since=str(heard), fresh=frozenset({"lobby"}))
        hub.broadcast("talk/1", "typing")
        await turn()
        assert (await types(follower))[-1] == "typing"

    async def test_counts_of_one_topic_hide_nothing_of_another(self, hub: Hub) -> None:
        hub.channels.add("state/*", State())
        follower = await connect(hub, "state/loud")
        for number in range(9):
            hub.broadcast("state/quiet", "value", data=number)
            for _ in range(5):
                hub.broadcast("state/loud", "value", data=number)
        await turn()
        poller = Poller(hub, "state/loud")
        assert await poller.ask() == ["connected", "value"]
        other = Poller(hub, "state/quiet")
        assert await other.ask(since=poller.cursor) == ["connected", "value"]
        hub.closed(follower)

    async def test_other_topics_are_another_connection(self, hub: Hub) -> None:
        poller = Poller(hub)
        await poller.ask()
        known = poller.connection
        other = await hub.resume(Opening(ANA, ("lobby",), "poll", poller.cursor), known)
        assert other is not known
        assert await types(other) == ["hello", "history"]

    async def test_one_that_comes_while_draining_begins_is_sent_away(self, hub: Hub) -> None:
        poller = Poller(hub)
        await poller.ask()
        assert poller.connection is not None
        asked = Opening(ANA, ("talk/1",), "poll", poller.cursor)
        waiting = await hub.resume(asked, poller.connection)
        async with request_of(hub, waiting):
            late = asyncio.create_task(hub.resume(asked, waiting))
            draining = asyncio.create_task(hub.drain())
            with pytest.raises(Refused) as going:
                await late
            assert (going.value.code, going.value.status) == ("going_away", 503)
            assert await types(waiting) == ["bye"]
        await draining
        assert hub.connections == {}

    async def test_what_one_is_told_between_two_requests_is_told_at_the_next_once(self, hub: Hub) -> None:
        poller = Poller(hub)
        await poller.ask()
        known = poller.connection
        assert known is not None
        asked = Opening(ANA, ("talk/1",), "poll", poller.cursor, connection_id=known.id)
        late = asyncio.create_task(hub.resume(asked, known))
        known.end(Close.GOING_AWAY, "closed by the administrator", back_in=1000)
        with pytest.raises(EndedMeanwhile) as away:
            await late
        assert [json.loads(words)["type"] for words in away.value.words] == ["bye"]
        assert hub.connections == {}
        again = await hub.resume(asked, None)
        hub.closed(again)
