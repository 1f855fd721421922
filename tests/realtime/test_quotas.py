"""What one user may have: whatever they do, never more, and nobody else less."""

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from quart_app.realtime import limits
from quart_app.realtime.clients.allowance import Allowance
from quart_app.realtime.clients.channel import Channel
from quart_app.realtime.clients.connection import Connection, Opening
from quart_app.realtime.clients.identity import Identity
from quart_app.realtime.clients.quotas import Quota, Quotas
from quart_app.realtime.flow.counters import Counters
from quart_app.realtime.flow.log import MemoryLog
from quart_app.realtime.hub import Hub
from quart_app.realtime.messages.refused import Refused
from tests.realtime.hubs import request_of

ANA, JUAN = Identity("1", "Ana", payer="1"), Identity("2", "Juan", payer="2")
OWNER = Identity("3", "the owner of the machine")
QUOTA = Quota(connections=3, topics=4, new_topics=60, subscriptions=120, stored_bytes=86_400, requests=2)


def quotas(quota: Quota = QUOTA) -> Quotas:
    return Quotas(quota, lambda topic: topic.endswith("/known"), lambda payer: False, Counters())


def code_of(refused: pytest.ExceptionInfo[Refused]) -> str:
    assert refused.value.status == 429
    assert refused.value.retry_after
    return refused.value.code


class TestTheTable:
    def test_connections(self) -> None:
        table = quotas()
        for _ in range(3):
            table.enter("1", ["rooms/1"], 0.0)
        with pytest.raises(Refused, match="you have 3 connections; one user may have 3 at once") as refused:
            table.enter("1", ["rooms/1"], 0.0)
        assert code_of(refused) == "quota_connections"
        table.enter("2", ["rooms/1"], 0.0)
        table.leave("1", ["rooms/1"])
        table.enter("1", ["rooms/1"], 0.0)

    def test_topics_count_once_however_many_connections_follow_them_and_those_of_the_program_never(self) -> None:
        table = quotas()
        table.enter("1", ["log/a", "log/b", "live/c"], 0.0)
        table.enter("1", ["log/a", "log/b", "rooms/1", "user/1", "stats", "products"], 0.0)
        table.follow("1", "state/d", 0.0)
        with pytest.raises(Refused) as refused:
            table.follow("1", "log/e", 0.0)
        assert code_of(refused) == "quota_topics"
        table.follow("1", "sensors", 0.0)
        table.unfollow("1", ["log/a"])
        with pytest.raises(Refused):  # the other connection follows it
            table.follow("1", "log/e", 0.0)
        table.leave("1", ["log/a", "log/b", "rooms/1", "user/1", "stats", "products"])
        table.follow("1", "log/e", 0.0)

    def test_new_topics_come_as_fast_as_they_may(self) -> None:
        table = quotas(Quota(new_topics=60))
        for number in range(60):
            table.enter("1", [f"log/{number}"], 0.0)
            table.leave("1", [f"log/{number}"])
        with pytest.raises(Refused) as refused:
            table.enter("1", ["log/new"], 0.0)
        assert code_of(refused) == "quota_new_topics"
        assert refused.value.retry_after == pytest.approx(1.0)
        table.enter("1", ["log/known", "rooms/1"], 0.0)
        table.enter("1", ["log/new"], 1.1)

    def test_subscriptions(self) -> None:
        table = quotas(Quota(subscriptions=120))
        table.enter("1", ["stats"] + ["rooms/1"] * 118, 0.0)
        table.follow("1", "rooms/2", 0.0)
        with pytest.raises(Refused) as refused:
            table.follow("1", "rooms/3", 0.0)
        assert code_of(refused) == "quota_subscriptions"
        table.follow("1", "rooms/3", 0.6)

    def test_requests_and_what_is_stored(self) -> None:
        table = quotas()
        for _ in range(round(QUOTA.requests * limits.QUOTA_BURST)):
            table.request("1", 0.0)
        with pytest.raises(Refused) as refused:
            table.request("1", 0.0)
        assert code_of(refused) == "quota_requests"
        assert refused.value.retry_after == pytest.approx(0.5)
        table.store("1", 86_000, 0.0)
        with pytest.raises(Refused) as refused:
            table.store("1", 500, 0.0)
        assert code_of(refused) == "quota_stored_bytes"
        assert refused.value.retry_after == pytest.approx(100.0)
        table.store("1", 500, 101.0)
        table.store("2", 10**9, 101.0)  # once: what is larger than a day's is not refused for ever
        with pytest.raises(Refused):
            table.store("2", 1, 101.0)

    def test_zero_is_as_much_as_one_likes_and_the_owner_is_not_counted(self) -> None:
        for table, payer in ((quotas(Quota()), "1"), (quotas(), "")):
            for number in range(1_000):
                table.enter(payer, [f"log/{number}"], 0.0)
                table.follow(payer, f"live/{number}", 0.0)
                table.request(payer, 0.0)
                table.store(payer, 10**9, 0.0)
            assert len(table) == (payer != "")

    def test_who_holds_nothing_is_forgotten(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "ACCOUNTS", 1_500)
        table = quotas()
        table.enter("she who stays", ["log/a"], 0.0)
        for number in range(8_000):
            table.enter(f"passes {number}", ["log/a"], number / 1_000)
            table.leave(f"passes {number}", ["log/a"])
        assert len(table) < 3_000
        for number in range(8_000):  # each has stored something that counts for a day
            table.store(f"stores {number}", 80_000, 100.0)
        assert len(table) < 5_000
        table.leave("she who stays", ["log/a"])

    def test_an_allowance_of_more_than_one_at_once(self) -> None:
        allowance = Allowance(2.0, 10.0, 0.0)
        assert allowance.spend(0.0, 8.0) == 0.0
        assert allowance.spend(0.0, 4.0) == pytest.approx(1.0)
        assert not allowance.is_full(3.9)
        assert allowance.is_full(4.0)
        assert allowance.spend(5.0, 1_000.0) == 0.0
        assert allowance.spend(5.0, 1_000.0) == pytest.approx(5.0)


PAYERS = ["", "1", "2"]
TOPICS = ["log/a", "log/b", "log/known", "state/c", "live/d", "live/e", "rooms/1", "stats"]
SMALL = Quota(connections=3, topics=3, new_topics=40, subscriptions=60)


class Machine(RuleBasedStateMachine):
    """Users whose connections come and go, beside a model that counts them one by one."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.table = quotas(SMALL)
        self.open: list[tuple[str, set[str]]] = []

    def followed(self, payer: str) -> set[str]:
        topics = {topic for one, topics in self.open if one == payer for topic in topics}
        return {topic for topic in topics if topic.partition("/")[0] in {"log", "state", "live"}}

    @rule(payer=st.sampled_from(PAYERS), topics=st.sets(st.sampled_from(TOPICS), min_size=1, max_size=4))
    def enter(self, payer: str, topics: set[str]) -> None:
        try:
            self.table.enter(payer, topics, self.now)
        except Refused as refused:
            self.check_refusal(payer, topics, refused)
        else:
            self.open.append((payer, set(topics)))

    @rule(topic=st.sampled_from(TOPICS), which=st.integers(0, 100))
    def follow(self, topic: str, which: int) -> None:
        if not self.open or topic in self.open[which % len(self.open)][1]:
            return
        payer, topics = self.open[which % len(self.open)]
        try:
            self.table.follow(payer, topic, self.now)
        except Refused as refused:
            self.check_refusal(payer, {topic}, refused)
        else:
            topics.add(topic)

    @rule(which=st.integers(0, 100), topic=st.sampled_from(TOPICS))
    def unfollow(self, which: int, topic: str) -> None:
        if self.open and topic in self.open[which % len(self.open)][1]:
            payer, topics = self.open[which % len(self.open)]
            self.table.unfollow(payer, [topic])
            topics.remove(topic)

    @rule(which=st.integers(0, 100))
    def leave(self, which: int) -> None:
        if self.open:
            payer, topics = self.open.pop(which % len(self.open))
            self.table.leave(payer, topics)

    @rule(seconds=st.floats(0, 30))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    def check_refusal(self, payer: str, topics: set[str], refused: Refused) -> None:
        assert payer
        connections = sum(one == payer for one, _ in self.open)
        wanted = {topic for topic in topics if topic not in {"rooms/1", "stats"}}
        reasons = {
            "quota_connections": connections >= SMALL.connections,
            "quota_topics": len(self.followed(payer) | wanted) > SMALL.topics,
            "quota_new_topics": bool(wanted - {"log/known"}),
            "quota_subscriptions": True,
        }
        assert reasons[refused.code]

    @invariant()
    def nobody_has_more_than_they_may(self) -> None:
        for payer in PAYERS[1:]:
            assert sum(one == payer for one, _ in self.open) <= SMALL.connections
            assert len(self.followed(payer)) <= SMALL.topics

    def teardown(self) -> None:
        """When all have left, nothing is left of them."""
        for payer, topics in self.open:
            self.table.leave(payer, topics)
        self.table._forget(self.now + 3_600.0)
        assert len(self.table) == 0


Machine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestWhateverHappens = Machine.TestCase


class Open(Channel):
    """A topic that everybody may follow; the welcome of `log/broken` fails."""

    async def welcome(self, peer: Any) -> Any:
        if peer.topic == "log/broken":
            raise OSError("the database is gone")
        return await super().welcome(peer)


async def hub_with(quota: Quota) -> Hub:
    hub = Hub(quota=quota)
    for pattern in ("log/*", "live/*", "rooms/*"):
        hub.channels.add(pattern, Open())
    await hub.start(MemoryLog("e0"))
    return hub


async def connect(
    hub: Hub, *topics: str, who: Identity = ANA, transport: str = "ws", since: str | None = None
) -> Connection:
    return await hub.open(Opening(who, topics, transport, since))


async def say(hub: Hub, connection: Connection, **message: Any) -> dict[str, Any]:
    """Say something and return the last answer."""
    rest = hub.receive(connection, json.dumps(message))
    if rest is not None:
        await rest
    batch = await connection.read()
    assert batch is not None
    return dict(json.loads(batch.messages[-1].json))


class TestTheHub:
    async def test_a_connection_too_many_is_refused_and_one_that_has_left_counts_no_more(self) -> None:
        hub = await hub_with(Quota(connections=2))
        first, second = await connect(hub, "rooms/1"), await connect(hub, "rooms/1")
        with pytest.raises(Refused) as refused:
            await connect(hub, "rooms/1")
        assert code_of(refused) == "quota_connections"
        assert hub.counters.quotas == Counter(quota_connections=1)
        await connect(hub, "rooms/1", who=JUAN)
        for _ in range(5):
            await connect(hub, "rooms/1", who=OWNER)
        hub.closed(first)
        hub.closed(first)
        third = await connect(hub, "rooms/1")
        with pytest.raises(Refused):
            await connect(hub, "rooms/1")
        for connection in (second, third):
            hub.closed(connection)
        await hub.stop()

    async def test_whoever_is_not_let_in_for_another_reason_does_not_count(self) -> None:
        hub = await hub_with(Quota(connections=1, topics=1))
        for topic, since in (("log/a", "no cursor"), ("nothing/there", None)):
            with pytest.raises(Refused):
                await connect(hub, topic, since=since)
        with pytest.raises(OSError, match="gone"):
            await connect(hub, "log/broken")
        await connect(hub, "log/a")
        await hub.stop()

    async def test_polls_that_are_over_give_way_to_others_and_those_that_wait_do_not(self) -> None:
        hub = await hub_with(Quota(connections=3, topics=3))
        polls = [await connect(hub, f"log/{number}", transport="poll") for number in range(3)]
        with pytest.raises(Refused):
            await connect(hub, "rooms/1")
        for poll in polls[:2]:
            async with request_of(hub, poll):
                pass
        first = await connect(hub, "rooms/1")
        assert [poll.id in hub.connections for poll in polls] == [False, True, True]
        hub.closed(first)
        second = await connect(hub, "log/3", "log/4")
        assert [poll.id in hub.connections for poll in polls] == [False, False, True]
        for topics in (("rooms/1",), ("log/5",)):
            if len(hub.connections) < 3:
                await connect(hub, *topics)
        with pytest.raises(Refused):
            await connect(hub, "rooms/1")
        assert polls[2].alive
        assert second.alive
        await hub.stop()

    async def test_a_topic_too_many_is_told_and_the_connection_goes_on(self) -> None:
        hub = await hub_with(Quota(topics=2))
        connection = await connect(hub, "log/a", "rooms/1")
        assert (await say(hub, connection, type="subscribe", topic="log/b", key="1"))["type"] == "connected"
        for _ in range(3):
            told = await say(hub, connection, type="subscribe", topic="log/c", key="2")
            assert (told["type"], told["data"]["code"], told["key"]) == ("error", "quota_topics", "2")
            assert told["data"]["retry_after"] == 1000 * limits.QUOTA_RETRY
        assert (await say(hub, connection, type="subscribe", topic="rooms/2"))["type"] == "connected"
        assert (await say(hub, connection, type="unsubscribe", topic="log/a"))["type"] == "unsubscribed"
        assert (await say(hub, connection, type="subscribe", topic="log/c"))["type"] == "connected"
        assert connection.alive
        await hub.stop()

    async def test_a_topic_for_which_memory_has_no_place_does_not_count(self, monkeypatch: pytest.MonkeyPatch) -> None:
        hub = await hub_with(Quota(topics=2))
        connection = await connect(hub, "log/a")
        with monkeypatch.context() as full:
            full.setattr(limits, "TOPICS_IN_MEMORY", 1)
            for _ in range(3):
                told = await say(hub, connection, type="subscribe", topic="log/b")
                assert told["data"]["code"] == "too_many_topics"
        assert (await say(hub, connection, type="subscribe", topic="log/b"))["type"] == "connected"
        await hub.stop()
