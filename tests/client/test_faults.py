"""The ladder and the cursor against everything that goes wrong between a client and its server."""

import asyncio
import signal
from collections.abc import Callable

import pytest

from quart_app.client import TRANSPORTS, Live, SendRefused, State
from tests.client.between import answer, between
from tests.client.traffic import DEADLINE, client, fresh, numbers, publish, reaches, until
from tests.running import ServerProcess, eventually

MakeServer = Callable[..., ServerProcess]
every_transport = pytest.mark.parametrize("transport", TRANSPORTS)


async def test_a_proxy_that_refuses_websockets_leads_to_events_and_back(server: ServerProcess) -> None:
    topic = fresh()
    async with between(server.port) as proxy, client(proxy.url, topic) as live:
        proxy.refuses_websockets = True
        await reaches(live, state=State.CONNECTED, transport="sse")
        assert live.status.why[0].transport == "ws"
        assert "403" in live.status.why[0].seen
        await live.send(topic, {"type": "numbered", "data": {"number": 0}})

        proxy.refuses_websockets = False
        await reaches(live, state=State.CONNECTED, transport="ws")
        await live.send(topic, {"type": "numbered", "data": {"number": 1}})
        assert await numbers(live, 2) == [0, 1]


async def test_a_proxy_that_holds_events_back_leads_to_polling(server: ServerProcess) -> None:
    topic = fresh()
    async with between(server.port) as proxy, client(proxy.url, topic) as live:
        proxy.refuses_websockets = proxy.holds_events = True
        await reaches(live, state=State.CONNECTED, transport="poll")
        assert [attempt.outcome for attempt in live.status.why] == ["failed", "failed", "opened"]
        assert live.status.why[1].took == pytest.approx(1.5, abs=1.0)
        answer = await live.send(topic, {"type": "numbered", "data": {"number": 0}})
        assert answer["type"] == "published"
        assert await numbers(live, 1) == [0]


@pytest.mark.parametrize("status", ["400 Bad Request", "401 Unauthorized", "403 Forbidden", "404 Not Found"])
async def test_a_portal_s_refusal_of_one_rung_leads_to_the_next(server: ServerProcess, status: str) -> None:
    topic = fresh()
    async with between(server.port) as proxy, client(proxy.url, topic) as live:
        proxy.answers = {"ws": answer(status), "sse": answer(status)}
        await reaches(live, state=State.CONNECTED, transport="poll")
        assert [attempt.outcome for attempt in live.status.why] == ["failed", "failed", "opened"]
        assert status[:3] in live.status.why[1].seen


async def test_a_portal_that_takes_everything_is_waited_for(server: ServerProcess) -> None:
    """A page that somebody has to click through first is no word of the server's, in whatever status it comes."""
    topic = fresh()
    portal = dict.fromkeys(("ws", "sse", "poll"), answer("404 Not Found"))
    async with between(server.port) as proxy, client(proxy.url, topic) as live:
        proxy.answers = portal
        await reaches(live, state=State.WAITING)
        proxy.answers = {kind: answer("200 OK") for kind in portal}
        await reaches(live, state=State.CONNECTING)
        await reaches(live, state=State.WAITING)
        proxy.answers = {}
        await reaches(live, state=State.CONNECTED)
        await publish(live, topic, 1)
        assert await numbers(live, 1) == [1]


async def test_a_portal_that_cuts_in_later_stops_nobody(server: ServerProcess) -> None:
    topic = fresh()
    async with between(server.port) as proxy, client(proxy.url, topic, transports=["poll"], poll_wait=0.2) as live:
        await reaches(live, state=State.CONNECTED)
        proxy.answers = {"poll": answer("401 Unauthorized"), "ws": answer("401 Unauthorized")}
        proxy.cut()
        await reaches(live, state=State.WAITING)
        proxy.answers = {}
        await reaches(live, state=State.CONNECTED)


@pytest.mark.parametrize("transport", ["sse", "poll"])
@pytest.mark.parametrize(
    "status", ["401 Unauthorized", "404 Not Found", "429 Slow Down", "500 Oh", "502 Gateway", "200 OK"]
)
async def test_what_is_sent_is_kept_while_somebody_else_answers(
    server: ServerProcess, transport: str, status: str
) -> None:
    topic = fresh()
    async with between(server.port) as proxy, client(proxy.url, topic, transports=[transport]) as live:
        await live.opened()
        proxy.answers = {"send": answer(status)}
        sends = [asyncio.create_task(live.send(topic, {"type": "numbered", "data": {"number": n}})) for n in range(5)]
        async with asyncio.timeout(DEADLINE):
            while proxy.seen.count("send") < 3:
                await asyncio.sleep(0.02)
        assert not any(send.done() for send in sends)
        proxy.answers = {}
        answers = await asyncio.wait_for(asyncio.gather(*sends), DEADLINE)
        assert {answer["type"] for answer in answers} == {"published"}
        assert await numbers(live, 5) == list(range(5))


async def test_a_thousand_messages_down_the_ladder_and_up_again(server: ServerProcess) -> None:
    """None lost, none twice, in order, while the proxy takes away rung after rung and gives them back."""
    topic = fresh()
    async with between(server.port) as proxy, client(proxy.url, topic) as live, client(server.url, topic) as sender:
        collected = asyncio.create_task(numbers(live, 1000))

        async def say(first: int, last: int) -> None:
            for number in range(first, last):
                await sender.send(topic, {"type": "numbered", "data": {"number": number}})

        await reaches(live, transport="ws", state=State.CONNECTED)
        await say(0, 200)
        for refuses, holds, rung in ((True, False, "sse"), (True, True, "poll"), (False, False, "ws")):
            proxy.refuses_websockets, proxy.holds_events = refuses, holds
            first = {"sse": 200, "poll": 400, "ws": 600}[rung]
            speaking = asyncio.create_task(say(first, first + 200))
            if rung != "ws":
                proxy.cut()
            await reaches(live, transport=rung, state=State.CONNECTED)
            await speaking
        await say(800, 1000)
        assert await collected == list(range(1000))
        assert (live.status.gaps, live.status.repeats) == (0, 0)


async def test_signals_that_flow_while_better_rungs_take_over(server: ServerProcess) -> None:
    """Signals have no cursor: what is on its way by the old connection is waited for, what both bring is told once."""
    topic = fresh("live")
    heard: list[int] = []
    said = 0
    async with (
        between(server.port) as proxy,
        client(proxy.url, topic, overlap=1.0) as live,
        client(server.url, topic) as sender,
    ):
        proxy.refuses_websockets = proxy.holds_events = True
        await reaches(live, transport="poll", state=State.CONNECTED)
        listening = asyncio.create_task(_listen(live, heard))
        for rung in ("sse", "ws"):
            proxy.holds_events, proxy.refuses_websockets = False, rung == "sse"
            async with asyncio.timeout(DEADLINE):
                while live.status.transport != rung:
                    signals = [{"type": "numbered", "data": {"number": said + n}} for n in range(10)]
                    await asyncio.gather(*(sender.send(topic, signal) for signal in signals))
                    said += 10
        await eventually(lambda: heard[-1:] == [said - 1], DEADLINE)
        listening.cancel()
        assert said > 100
        assert heard == list(range(said))
        assert live.status.dropped == 0


async def _listen(live: Live, heard: list[int]) -> None:
    async for message in live:
        heard += [message["data"]["number"]] if message["type"] == "numbered" else []


async def test_two_missed_heartbeats_demote(make_server: MakeServer) -> None:
    server = await asyncio.to_thread(make_server, heartbeat=0.3)
    topic = fresh()
    async with between(server.port) as proxy, client(proxy.url, topic, probe_first=60.0, probe_max=60.0) as live:
        await reaches(live, transport="ws", state=State.CONNECTED)
        proxy.freezes_websockets = True
        await publish(live, topic, 1)
        await reaches(live, transport="sse", state=State.CONNECTED)
        assert "stalled" in [attempt.outcome for attempt in live.status.why]
        assert await numbers(live, 1) == [1]


async def test_a_silent_stream_that_beats_is_left_alone(make_server: MakeServer) -> None:
    server = await asyncio.to_thread(make_server, heartbeat=0.2)
    for transport in TRANSPORTS:
        async with client(server.url, fresh("live"), transports=[transport], poll_wait=0.5) as live:
            await live.opened()
            cursor = live.status.id
            async with client(server.url, topic := fresh()) as other:
                await publish(other, topic, 1)
            # What happens in topics we don't follow moves our cursor too: by the heartbeat, or a poll's reply.
            async with asyncio.timeout(DEADLINE):
                while live.status.id == cursor:
                    await asyncio.sleep(0.02)
            assert [attempt.outcome for attempt in live.status.why] == ["opened"]


async def test_websockets_that_are_cut_young_three_times_lead_to_events(server: ServerProcess) -> None:
    topic = fresh()
    async with between(server.port) as proxy:
        proxy.cuts_websockets_young = True
        async with client(proxy.url, topic, probe_first=60.0, probe_max=60.0) as live:
            await reaches(live, transport="sse", state=State.CONNECTED)
            tried = [attempt.transport for attempt in live.status.why if attempt.outcome == "opened"]
            assert tried == ["ws", "ws", "ws", "sse"]
            await publish(live, topic, 1)
            assert await numbers(live, 1) == [1]


@every_transport
async def test_a_server_that_is_killed_and_comes_back(make_server: MakeServer, transport: str) -> None:
    """Every acknowledged message comes once, in order; what was on its way is repeated and stored once."""
    server = await asyncio.to_thread(make_server)
    topic = fresh()
    async with client(server.url, topic, transports=[transport]) as live:
        await live.opened()
        collected = asyncio.create_task(numbers(live, 60))
        sends = [
            asyncio.create_task(live.send(topic, {"type": "numbered", "data": {"number": number}}))
            for number in range(60)
        ]
        await asyncio.wait(sends, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.to_thread(server.kill)
        await reaches(live, state=State.WAITING)
        assert live.status.retry_at is not None
        await asyncio.to_thread(server.start)
        answers = await asyncio.wait_for(asyncio.gather(*sends), DEADLINE)
        assert await collected == list(range(60))
        assert len({answer["id"] for answer in answers}) == 60
        assert live.status.transport == transport
        assert (live.status.gaps, live.status.repeats) == (0, 0)


async def test_a_server_that_is_down_costs_no_rung(make_server: MakeServer) -> None:
    server = await asyncio.to_thread(make_server)
    async with client(server.url, fresh()) as live:
        await live.opened()
        await asyncio.to_thread(server.kill)
        async with asyncio.timeout(DEADLINE):
            while [attempt.outcome for attempt in live.status.why].count("unreachable") < 4:
                await live.changed()
        await asyncio.to_thread(server.start)
        await reaches(live, state=State.CONNECTED)
        assert {attempt.transport for attempt in live.status.why} == {"ws"}


@every_transport
async def test_a_server_that_leaves_in_good_order_says_when_to_come_back(
    make_server: MakeServer, transport: str
) -> None:
    server = await asyncio.to_thread(make_server)
    topic = fresh()
    async with client(server.url, topic, transports=[transport]) as live:
        await live.opened()
        server.send_signal(signal.SIGTERM)
        await reaches(live, state=State.WAITING)
        # Between two polls there is nobody to say goodbye to.
        if transport != "poll":
            assert live.status.why[-1].outcome == "later"
            assert live.status.why[-1].seen.startswith("bye")
        assert await asyncio.to_thread(server.wait) == 0
        await asyncio.to_thread(server.start)
        await publish(live, topic, 1)
        assert await numbers(live, 1) == [1]
        assert live.status.transport == transport


async def test_a_better_rung_that_dies_young_is_not_held_on_to(server: ServerProcess) -> None:
    topic = fresh()
    async with between(server.port) as proxy, client(proxy.url, topic, probe_max=60.0) as live:
        proxy.refuses_websockets = True
        await reaches(live, transport="sse", state=State.CONNECTED)
        proxy.refuses_websockets, proxy.cuts_websockets_young = False, True
        async with asyncio.timeout(DEADLINE):
            while not _flapped(live):
                await live.changed()
        await reaches(live, transport="sse", state=State.CONNECTED)
        await publish(live, topic, 1)
        assert await numbers(live, 1) == [1]


def _flapped(live: Live) -> bool:
    return ("ws", "dropped") in [(attempt.transport, attempt.outcome) for attempt in live.status.why]


async def test_an_oversized_message_is_refused_and_the_others_go_on(server: ServerProcess) -> None:
    topic = fresh()
    for transport in TRANSPORTS:
        async with client(server.url, topic, transports=[transport]) as live:
            await until(live, "connected")
            with pytest.raises(SendRefused):
                await asyncio.wait_for(live.send(topic, {"type": "big", "data": {"x": "x" * 100_000}}), DEADLINE)
            answer = await asyncio.wait_for(live.send(topic, {"type": "small", "data": {}}), DEADLINE)
            assert answer["type"] == "published"
