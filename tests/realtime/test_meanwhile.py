"""What happens to a client while it is asked for whether it may come in: its token, its topics."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from quart_app.realtime import Identity, Opening, Quota, Refused
from quart_app.realtime.clients.connection import Connection
from quart_app.realtime.flow.log import MemoryLog
from quart_app.realtime.hub import Hub
from tests.realtime.hubs import Talk

TOPICS = 2


def ana(token_id: str = "a") -> Identity:
    return Identity("1", "Ana", expires_at=2**40, issued_at=10.0, token_ids=(token_id,), payer="1")


class Slow(Talk):
    """A channel that is `asked` whether somebody may come in, and says so once it `knows`."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()
        self.knows = asyncio.Event()
        self.knows.set()

    async def authorize(self, identity: Identity, topic: str) -> None:
        self.asked.set()
        if not topic.endswith("/at-once"):
            await self.knows.wait()


@pytest.fixture
def channel() -> Slow:
    return Slow()


@pytest.fixture
async def hub(channel: Slow) -> Hub:
    hub = Hub(quota=Quota(topics=TOPICS))
    hub.channels.add("log/*", channel)
    await hub.start(MemoryLog("e0"))
    return hub


@asynccontextmanager
async def meanwhile(channel: Slow, coming: Any) -> AsyncIterator["asyncio.Task[Connection]"]:
    """Give the task that runs `coming` when it waits for the channel, which knows in the end."""
    channel.asked.clear()
    channel.knows.clear()
    task = asyncio.create_task(coming)
    await channel.asked.wait()
    yield task
    channel.knows.set()


async def say(hub: Hub, connection: Connection, **message: str) -> None:
    rest = hub.receive(connection, json.dumps(message))
    if rest is not None:
        await rest


def back(hub: Hub, connection: Connection, identity: Identity) -> Any:
    """The next request of a long poll."""
    cursor = str(connection.subscription.full_cursor)
    return hub.resume(Opening(identity, connection.topics, "poll", cursor), connection)


@pytest.mark.parametrize("whole", [True, False])
async def test_whoever_is_revoked_does_not_come_in(hub: Hub, channel: Slow, whole: bool) -> None:
    async with meanwhile(channel, hub.open(Opening(ana(), ("log/1",), "ws"))) as coming:
        if whole:
            hub.revocations.revoke_user("1", 10.0)
        else:
            hub.revocations.revoke_token("a", 2**40)
    with pytest.raises(Refused) as refused:
        await coming
    assert (refused.value.code, refused.value.status) == ("unauthorized", 401)
    assert hub.connections == {}
    assert not hub.quotas._accounts["1"].holds
    assert channel.left_by in ([], [("Ana", "log/1", False)])


async def test_nor_does_a_long_poll_go_on_with_a_token_that_is_revoked(hub: Hub, channel: Slow) -> None:
    connection = await hub.open(Opening(ana(), ("log/1",), "poll"))
    async with meanwhile(channel, back(hub, connection, ana("b"))) as coming:
        hub.revocations.revoke_token("b", 2**40)
    with pytest.raises(Refused) as refused:
        await coming
    assert refused.value.code == "unauthorized"
    assert connection.identity.token_ids == ("a",)


@pytest.mark.parametrize(("topics", "type"), [
    (("log/1",), "subscribe"),
    (("log/1", "log/at-once"), "unsubscribe"),
])  # fmt: skip
async def test_a_long_poll_that_follows_other_topics_by_then(
    hub: Hub, channel: Slow, topics: tuple[str, ...], type: str
) -> None:
    connection = await hub.open(Opening(ana(), topics, "poll"))
    async with meanwhile(channel, back(hub, connection, ana())) as coming:
        await say(hub, connection, type=type, topic="log/at-once")
    for one in {connection, await coming}:
        hub.closed(one)
    assert not hub.quotas._accounts["1"].holds
    entered = {"log/1", "log/at-once"}
    assert {topic for _, topic, _ in channel.left_by} == entered
