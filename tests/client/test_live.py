"""The client against a real server, the same on every transport."""

import asyncio

import pytest

from quart_app.client import TRANSPORTS, Closed, Live, SendRefused, SendStalled, State, Unreachable, connect
from tests.client.traffic import DEADLINE, client, fresh, numbers, publish, reaches, until
from tests.running import ServerProcess, eventually

every_transport = pytest.mark.parametrize("transport", TRANSPORTS)


@every_transport
async def test_what_is_published_arrives_in_order(server: ServerProcess, transport: str) -> None:
    topic = fresh()
    async with client(server.url, topic, transports=[transport]) as live:
        welcome = await until(live, "connected")
        assert welcome["transport"] == transport
        await publish(live, topic, *range(20))
        assert await numbers(live, 20) == list(range(20))
        assert live.status.transport == transport
        assert (live.status.gaps, live.status.repeats) == (0, 0)


@every_transport
async def test_send_returns_the_acknowledgement_and_all_hear_it(server: ServerProcess, transport: str) -> None:
    topic = fresh()
    async with client(server.url, topic, transports=[transport]) as live:
        answer = await live.send(topic, {"type": "numbered", "data": {"number": 7}})
        assert answer["type"] == "published"
        heard = await until(live, "numbered")
        assert heard["id"] == answer["id"]
        assert heard["data"] == {"number": 7}


@every_transport
async def test_many_sends_at_once_keep_their_order(server: ServerProcess, transport: str) -> None:
    topic = fresh()
    async with client(server.url, topic, transports=[transport]) as live:
        sends = [live.send(topic, {"type": "numbered", "data": {"number": number}}) for number in range(50)]
        answers = asyncio.gather(*sends)
        assert await numbers(live, 50) == list(range(50))
        assert {answer["type"] for answer in await answers} == {"published"}


@every_transport
async def test_a_refused_send_says_why_and_the_stream_goes_on(server: ServerProcess, transport: str) -> None:
    async with client(server.url, "rooms/1", transports=[transport], params={"username": "Ana"}) as live:
        with pytest.raises(SendRefused) as refused:
            await live.send("rooms/1", {"type": "message", "content": "   "})
        assert refused.value.code == "invalid_content"
        sent = await live.send("rooms/1", {"type": "message", "content": "Hola"})
        assert sent["type"] == "message_sent"
        assert (await until(live, "message"))["data"]["content"] == "Hola"


@every_transport
async def test_a_message_that_is_only_acknowledged_settles(server: ServerProcess, transport: str) -> None:
    async with client(server.url, "rooms/1", transports=[transport], params={"username": "Ana"}) as live:
        answer = await live.send("rooms/1", {"type": "typing", "is_typing": True})
        assert answer["type"] == "ack"


@every_transport
async def test_since_brings_what_was_missed(server: ServerProcess, transport: str) -> None:
    topic = fresh()
    async with client(server.url, topic, transports=[transport]) as live:
        await publish(live, topic, 1, 2)
        await numbers(live, 2)
        cursor = live.status.id
        await publish(live, topic, 3, 4)
    async with client(server.url, topic, since=cursor, transports=[transport]) as live:
        assert await numbers(live, 2) == [3, 4]
    async with client(server.url, topic, since="0", transports=[transport]) as live:
        assert await numbers(live, 4) == [1, 2, 3, 4]


@every_transport
async def test_a_cursor_of_another_log_is_told_as_a_reset(server: ServerProcess, transport: str) -> None:
    topic = fresh()
    async with client(server.url, topic, since="otherlog-5", transports=[transport]) as live:
        reset = await until(live, "reset")
        assert live.status.id == reset["id"]
        assert live.status.gaps == 1
        await publish(live, topic, 1)
        assert await numbers(live, 1) == [1]


@every_transport
async def test_a_topic_that_does_not_exist_ends_it_with_the_code(server: ServerProcess, transport: str) -> None:
    async with client(server.url, "rooms/999999", transports=[transport]) as live:
        with pytest.raises(Closed) as closed:
            await asyncio.wait_for(anext(live), DEADLINE)
        assert closed.value.code == 4404
        assert closed.value.reason
        assert (live.status.state, live.status.code) == (State.CLOSED, 4404)
        with pytest.raises(Closed):
            await live.send("rooms/999999", {"type": "message", "content": "x"})
        with pytest.raises(Closed):
            await live.opened()


@every_transport
async def test_topics_come_and_go(server: ServerProcess, transport: str) -> None:
    first, second = fresh(), fresh()
    async with client(server.url, first, transports=[transport]) as live:
        await publish(live, second, 0)
        await live.opened()
        live.subscribe(second)
        while (await until(live, "connected")).get("topic") != second:
            pass
        await publish(live, first, 1)
        await publish(live, second, 2)
        assert await numbers(live, 2) == [1, 2]

        live.unsubscribe(first)
        await _followed_by(live, first, subscribers=0)
        await publish(live, first, 3)
        await publish(live, second, 4)
        assert await numbers(live, 1) == [4]
        assert live.status.repeats == 0


async def _followed_by(live: Live, topic: str, subscribers: int) -> None:
    async def settled() -> bool:
        topics = (await live.call("GET", "api/topics"))["data"]
        known = [entry["subscribers"] for entry in topics if entry["topic"] == topic]
        return sum(sum(counts.values()) for counts in known) == subscribers

    await eventually(settled, DEADLINE)


@every_transport
async def test_a_refused_topic_leaves_the_others_alone(server: ServerProcess, transport: str) -> None:
    topic = fresh()
    async with client(server.url, topic, transports=[transport]) as live:
        await live.opened()
        live.subscribe("rooms/999999")
        error = await until(live, "error")
        assert error["topic"] == "rooms/999999"
        assert error["data"]["message"]
        await publish(live, topic, 1)
        assert await numbers(live, 1) == [1]
        live.interrupt()
        await publish(live, topic, 2)
        assert await numbers(live, 1) == [2]


@every_transport
async def test_a_cut_connection_is_taken_up_where_it_broke_off(server: ServerProcess, transport: str) -> None:
    topic = fresh()
    async with client(server.url, topic, transports=[transport], early_death=0.0) as live:
        await live.opened()
        for round in range(4):
            await publish(live, topic, 2 * round)
            live.interrupt()
            await publish(live, topic, 2 * round + 1)
        assert await numbers(live, 8) == list(range(8))
        assert (live.status.gaps, live.status.repeats) == (0, 0)


async def test_stepping_down_the_ladder_loses_and_repeats_nothing(server: ServerProcess) -> None:
    topic = fresh()
    async with client(server.url, topic, probe_first=60.0, probe_max=60.0) as live:
        await reaches(live, transport="ws", state=State.CONNECTED)
        await publish(live, topic, *range(10))
        live.step_down()
        await publish(live, topic, *range(10, 20))
        await reaches(live, transport="sse", state=State.CONNECTED)
        live.step_down()
        await publish(live, topic, *range(20, 30))
        await reaches(live, transport="poll", state=State.CONNECTED)
        assert await numbers(live, 30) == list(range(30))
        assert [attempt.outcome for attempt in live.status.why] == ["opened", "stalled", "opened", "stalled", "opened"]


async def test_a_slow_consumer_gets_everything_and_keeps_little(server: ServerProcess) -> None:
    topic = fresh()
    batch = [{"topic": topic, "type": "numbered", "data": {"number": n, "pad": "x" * 2000}} for n in range(1000)]
    for transport in TRANSPORTS:
        async with client(server.url, topic, since="0", transports=[transport], inbox=5) as live:
            await until(live, "connected")
            if transport == "ws":
                for start in range(0, 1000, 100):
                    await live.call("POST", "api/publish", batch[start : start + 100])
            assert await numbers(live, 1000) == list(range(1000))


async def test_a_consumer_that_sends_inside_its_loop_does_not_wait_for_itself(server: ServerProcess) -> None:
    topic, other = fresh(), fresh()
    async with client(server.url, topic, other, inbox=2) as live:
        await live.opened()
        await live.call(
            "POST", "api/publish", [{"topic": topic, "type": "numbered", "data": {"number": n}} for n in range(200)]
        )
        answered = 0
        async with asyncio.timeout(DEADLINE):
            async for message in live:
                if message["type"] == "numbered":
                    await live.send(other, {"type": "echo", "data": {}})
                    answered += 1
                if answered == 100:
                    break


async def test_a_send_that_cannot_be_answered_any_more_says_so(server: ServerProcess) -> None:
    """Nothing is read, and the acknowledgement lies behind more than may be kept."""
    topic = fresh()
    async with client(server.url, topic, transports=["ws"], inbox=2, inbox_while_sending=10, in_flight=1) as live:
        await live.opened()
        await live.call(
            "POST", "api/publish", [{"topic": topic, "type": "numbered", "data": {"number": n}} for n in range(100)]
        )
        with pytest.raises(SendStalled):
            await asyncio.wait_for(live.send(topic, {"type": "echo", "data": {}}), DEADLINE)
        assert await numbers(live, 100) == list(range(100))


async def test_the_round_trip_is_measured(server: ServerProcess) -> None:
    for transport in TRANSPORTS:
        async with client(server.url, fresh(), transports=[transport]) as live:
            async with asyncio.timeout(DEADLINE):
                while live.status.rtt is None:
                    await live.changed()
            assert 0 < live.status.rtt < 5000


async def test_leaving_is_orderly_on_every_transport(server: ServerProcess) -> None:
    """An orderly close shows the others a user who left at once, not after the linger of a lost connection."""
    async with client(server.url, "rooms/2", params={"user_id": 1, "username": "Ana"}) as watcher:
        await watcher.opened()
        for number, transport in enumerate(TRANSPORTS, start=2):
            params = {"user_id": number, "username": transport}
            async with client(server.url, "rooms/2", transports=[transport], params=params) as guest:
                await guest.opened()
                assert (await until(watcher, "user_joined"))["data"]["user_id"] == number
            began = asyncio.get_running_loop().time()
            assert (await until(watcher, "user_left"))["data"]["user_id"] == number
            assert asyncio.get_running_loop().time() - began < 4


async def test_closing_ends_the_loop_and_leaves_nothing_behind(server: ServerProcess) -> None:
    before = asyncio.all_tasks()
    for transport in TRANSPORTS:
        live = client(server.url, fresh(), transports=[transport])
        async with live:
            await live.opened()
        assert [message["type"] async for message in live] == ["connected"]
        assert live.status.state is State.CLOSED
        assert live.status.code is None
        with pytest.raises(Closed):
            await live.send("log/x", {"type": "x"})
    assert asyncio.all_tasks() == before


async def test_rest_of_the_same_server(server: ServerProcess) -> None:
    async with client(server.url, fresh()) as live:
        assert "total_connections" in await live.call("GET", "ws/stats")
        with pytest.raises(SendRefused):
            await live.call("GET", "api/nothing-here")
    async with client("http://127.0.0.1:1", fresh()) as live:
        with pytest.raises(Unreachable):
            await live.call("GET", "ws/stats")


@pytest.mark.parametrize("transports", [(), ("ws", "carrier-pigeon")])
def test_no_transport_is_told_at_once(transports: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="transports are ws, sse, poll"):
        connect("http://127.0.0.1:1", ["a"], transports=transports)
